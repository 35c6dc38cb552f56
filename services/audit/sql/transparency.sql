-- Names without a schema are the projection's: a replay rebuilds its tables as temporary ones of the same names.

-- name: edge
select size, hashes from tree_edges where book = $1

-- name: slice
select leaf, recorded_at from ledger.events where book = $1 and position > $2 and position <= $3 order by position

-- name: grow
with kept as (
    insert into tree_nodes (book, level, number, hash)
    select $1, level, number, hash from unnest($4::smallint[], $5::bigint[], $6::bytea[]) as node (level, number, hash)
)
insert into tree_edges (book, size, hashes) values ($1, $2, $3)
    on conflict (book) do update set size = excluded.size, hashes = excluded.hashes

-- name: size
select size from audit.tree_edges where book = $1

-- name: edge_locked
-- The lock lets one process at a time sign, and holds the tree still meanwhile.
select size, hashes from audit.tree_edges where book = $1 for update

-- name: nodes
select n.level, n.number, n.hash
  from unnest($2::smallint[], $3::bigint[], $4::bigint[]) as span (level, first, last)
  join audit.tree_nodes n on n.book = $1 and n.level = span.level and n.number between span.first and span.last

-- name: leaves
select e.position - 1, e.leaf, e.recorded_at
  from unnest($2::bigint[], $3::bigint[]) as span (first, last)
  join ledger.events e on e.book = $1 and e.position between span.first + 1 and span.last + 1

-- name: event
select book, position, stream, version, type, schema_version, recorded_at, effective_at, correlation_id, causation_id,
       actor, reason, accounts, currencies, amounts, data, leaf
  from ledger.events
 where book = $1 and position = $2

-- name: newest_head
select size, root, signed_at, note from audit.signed_heads where book = $1 order by size desc limit 1

-- name: head_of
select size, root, signed_at, note from audit.signed_heads where book = $1 and size = $2

-- name: heads_after
select size, root, signed_at, note from audit.signed_heads where book = $1 and size > $2 order by size limit $3

-- name: keep_head
insert into audit.signed_heads (book, size, root, signed_at, note) values ($1, $2, $3, $4, $5)
