-- name: publish
insert into messaging.messages (book, queue, message_id, body)
select $1, queue, message_id, body
  from unnest($2::text[], $3::text[], $4::bytea[]) with ordinality as given (queue, message_id, body, nth)
 order by nth

-- name: take
-- Locked until the transaction ends: what a killed process had in hand is free again at once, and others skip it.
select id, body from messaging.messages
 where book = $1 and queue = $2 and due_at <= now()
 order by id limit $3 for update skip locked

-- name: done
delete from messaging.messages where id = any ($1::bigint[])

-- name: put_back
update messaging.messages
   set returns = returns + 1, due_at = now() + make_interval(secs => least(0.1 * 2.0 ^ least(returns, 20), 10))
 where id = any ($1::bigint[])

-- name: bury
with gone as (delete from messaging.messages where id = $1 returning book, queue, message_id, body)
insert into messaging.dead_letters (book, queue, message_id, body, type, code, reason)
select book, queue, message_id, body, $2, $3, $4 from gone

-- name: dead
select message_id, queue, type, code, reason, died_at, body from messaging.dead_letters
 where book = $1 and ($2::text is null or queue = $2) and ($3::text is null or message_id = $3)
 order by id limit $4

-- name: replay
with gone as (
    delete from messaging.dead_letters
     where book = $1 and ($2::text is null or queue = $2) and ($3::text is null or message_id = $3)
    returning id, book, queue, message_id, body)
insert into messaging.messages (book, queue, message_id, body)
select book, queue, message_id, coalesce($4::bytea, body) from gone order by id

-- name: drop
delete from messaging.dead_letters
 where book = $1 and ($2::text is null or queue = $2) and ($3::text is null or message_id = $3)

-- name: ping
select from messaging.messages limit 1
