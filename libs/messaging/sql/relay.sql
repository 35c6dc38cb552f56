-- name: lock
-- Belongs to the session: it goes when the connection does, however that happens.
select pg_try_advisory_lock(hashtextextended($1, 0))

-- name: unlock
select pg_advisory_unlock(hashtextextended($1, 0))

-- name: checkpoint
-- In the service's own schema.
select coalesce((select position from checkpoints where name = $1), 0)

-- name: move
insert into checkpoints (name, position) values ($1, $2)
on conflict (name) do update set position = excluded.position
