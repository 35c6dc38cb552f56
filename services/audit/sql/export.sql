-- name: extent
-- Where a range of positions lies in the chain. An event carries the time of its block, which has an index.
select (select b.block from ledger.blocks b join ledger.events e on e.book = b.book and e.recorded_at = b.sealed_at
         where e.book = $1 and e.position = $2 and e.position between b.first_position and b.last_position) as first_block,
       b.block as last_block, b.hash as head
  from ledger.blocks b join ledger.events e on e.book = b.book and e.recorded_at = b.sealed_at
 where e.book = $1 and e.position = $3 and e.position between b.first_position and b.last_position

-- name: events
select book, position, stream, version, type, schema_version,
       to_char(recorded_at at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"') as recorded_at,
       to_char(effective_at at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"') as effective_at,
       correlation_id, causation_id, actor, reason, data, encode(leaf, 'hex') as leaf
  from ledger.events
 where book = $1 and position between $2 and $3
 order by position

-- name: postings
-- $4 is the kind of account by the first part of its name, $5 the exponent by currency: a lookup, since a join would
-- cost an eighth. The times are written once an event, not once a line, which OFFSET 0 sees to.
select e.book, e.position, p.line, p.account, $4::jsonb ->> split_part(p.account, ':', 1) as kind,
       p.currency, p.amount as amount_minor, $5::jsonb ->> p.currency as exponent,
       e.effective_at, e.recorded_at, e.type, e.stream
  from (select book, position, type, stream, accounts, currencies, amounts,
               to_char(recorded_at at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"') as recorded_at,
               to_char(effective_at at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"') as effective_at
          from ledger.events
         where book = $1 and position between $2 and $3
         order by position offset 0) e
 cross join lateral unnest(e.accounts, e.currencies, e.amounts) with ordinality p (account, currency, amount, line)
 order by e.position, p.line

-- name: blocks
select book, block, first_position, last_position,
       to_char(sealed_at at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"') as sealed_at,
       encode(previous, 'hex') as previous, encode(hash, 'hex') as hash
  from ledger.blocks
 where book = $1 and block between $2 and $3
 order by block

-- name: entries
select position, type, stream, correlation_id, recorded_at, effective_at, accounts, currencies, amounts
  from ledger.events
 where book = $1 and position between $2 and $3
 order by position

-- name: recorded_on
select recorded_at from ledger.events where book = $1 and position = $2
