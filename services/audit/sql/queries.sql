-- name: keep
insert into messages (id, type, subject, position, received_at, body)
select id, type, subject, coalesce(position, 0), $6, body
  from unnest($1::text[], $2::text[], $3::text[], $4::bigint[], $5::text[]::json[]) as given (id, type, subject, position, body)
    on conflict (id) do nothing

-- name: messages
-- After the message with the id $2, in the order in which they came, and of those that came together in that of the log;
-- of one subject, or of all.
select id, type, subject, nullif(position, 0), received_at, body
  from messages
 where ($1::text is null or subject = $1)
   and ($2::text is null or (received_at, position, id)
                         > (select m.received_at, m.position, m.id from messages m where m.id = $2))
 order by received_at, position, id limit $3

-- name: has_message
select exists (select from messages where id = $1)
