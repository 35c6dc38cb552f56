-- name: hasten
-- For this transaction. Rows are found by their keys: a table that was planned for while empty, as in a rebuild, would be
-- hashed as a whole for every slice ever after. Compiling a statement takes longer than running it, where PostgreSQL was
-- built with LLVM. And nobody need wait for the disk: a crash takes rows and checkpoint back together, and the log has
-- them still.
select set_config('enable_hashjoin', 'off', true), set_config('enable_mergejoin', 'off', true),
       set_config('jit', 'off', true), set_config('synchronous_commit', 'off', true)
