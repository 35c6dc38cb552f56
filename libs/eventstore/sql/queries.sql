-- name: append
select * from ledger.append($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, $21, $22)

-- name: load_streams
select book, position, stream, version, type, schema_version, recorded_at, effective_at, correlation_id, causation_id,
       actor, reason, accounts, currencies, amounts, data, leaf
  from ledger.events
 where book = $1 and stream = any ($2::text[])
 order by stream, version   -- in the order of their index, which a plan without statistics would else pass by

-- name: read
-- A range of positions, so that a reader of few kinds still moves its checkpoint past the events of all others.
select book, position, stream, version, type, schema_version, recorded_at, effective_at, correlation_id, causation_id,
       actor, reason, accounts, currencies, amounts, data, leaf
  from ledger.events
 where book = $1 and position > $2 and position <= $3
   and ($4::text[] is null or split_part(stream, '-', 1) = any ($4::text[]))
 order by position

-- name: head
select position from ledger.books where book = $1

-- name: balance
select amount from ledger.balances where book = $1 and account = $2 and currency = $3

-- name: balances
select account, currency, amount from ledger.balances where book = $1 and account like $2 order by account, currency

-- name: key
select fingerprint, first_position, last_position from ledger.keys where book = $1 and key = $2

-- name: checkpoint_lock
-- The row lock makes one instance the projector and the others its stand-ins.
select position from checkpoints where name = $1 for update

-- name: checkpoint_start
insert into checkpoints (name) values ($1) on conflict do nothing

-- name: checkpoint_move
update checkpoints set position = $2 where name = $1

-- name: claim
-- Leased rows are skipped until their lease ends; SKIP LOCKED lets any number of workers claim at once.
update work set attempts = attempts + 1, leased_until = now() + make_interval(secs => $3)
 where id in (select id from work
               where kind = any ($1::text[]) and due_at <= $2 and next_attempt_at <= now()
                 and coalesce(leased_until, '-infinity') < now()
               order by due_at, id limit $4 for update skip locked)
returning id, kind, subject, data, attempts

-- name: renew
update work set leased_until = now() + make_interval(secs => $2) where id = any ($1::text[])

-- name: put_back
update work set leased_until = null, next_attempt_at = now() + make_interval(secs => $2), last_error = $3 where id = $1

-- name: work_left
select count(*) from work where kind = any ($1::text[]) and due_at <= $2
