-- name: book
select position, block, head, sealed_at, nullif(closed_before, '-infinity') from ledger.books where book = $1

-- name: balances
select account, currency, amount from ledger.balances where book = $1

-- name: outside
-- What stands where a reader of positions 1 to head (or of blocks 1 to the last) would never look.
(select 'event' as what, position as number from ledger.events
  where book = $1 and (position < 1 or position > $2) order by position limit 1)
union all
(select 'block', block from ledger.blocks where book = $1 and (block < 1 or block > $3) order by block limit 1)

-- name: blocks
select block, first_position, last_position, timestamptz_send(sealed_at), previous, hash
  from ledger.blocks
 where book = $1 and block > $2 and block <= $3
 order by block limit $4

-- name: written
-- Text where a leaf holds text. COPY would have to be unescaped, and it measured slower.
select position, timestamptz_send(recorded_at), leaf, stream, version::text, type, schema_version::text,
       timestamptz_send(effective_at), correlation_id, causation_id, actor, reason,
       accounts::text, currencies::text, amounts::text, data::text
  from ledger.events
 where book = $1 and position > $2 and position <= $3
 order by position

-- name: postings
select position, accounts::text, currencies::text, amounts::text
  from ledger.events
 where book = $1 and position > $2 and position <= $3
 order by position

-- name: marked
select last_position, block, hash from ledger.blocks where book = $1 and block = any ($2::bigint[])

-- name: keys_astray
-- Keys that do not lead to events of the book.
select key, first_position, last_position
  from ledger.keys
 where book = $1 and (first_position < 1 or last_position < first_position or last_position > $2)
 order by first_position, key limit $3

-- name: keys_page
-- A page of the keys of events up to a position, in order, and their hash.
select count(*) as number, max(key) as last,
       sha256(string_agg(int4send(octet_length(key)) || convert_to(key, 'UTF8')
                         || int4send(octet_length(fingerprint)) || fingerprint
                         || int8send(first_position) || int8send(last_position), '' order by key)) as digest
  from (select key, fingerprint, first_position, last_position
          from ledger.keys
         where book = $1 and last_position <= $2 and key > $3
         order by key limit $4) page

-- name: guards
-- How the trigger that makes a table append-only stands: its function's body, or null where it would not fire.
select guarded.name,
       (select p.prosrc
          from pg_trigger t join pg_proc p on p.oid = t.tgfoid
         where t.tgrelid = format('ledger.%I', guarded.name)::regclass and t.tgname = 'append_only'
           and t.tgenabled in ('O', 'A') and t.tgtype = 58   -- before update, delete or truncate, for each statement
           and t.tgqual is null) as body
  from unnest($1::text[]) guarded (name)

-- name: silenced
-- Where a setting keeps triggers from firing: in this session, for this database, for a role.
select 'the server' as place where current_setting('session_replication_role') = 'replica'
union all
select coalesce('the role ' || r.rolname, 'the database ' || d.datname)
  from pg_db_role_setting s
  left join pg_database d on d.oid = s.setdatabase
  left join pg_roles r on r.oid = s.setrole
 where 'session_replication_role=replica' = any (s.setconfig) and coalesce(d.datname, current_database()) = current_database()

-- name: stream
select book, position, stream, version, type, schema_version, recorded_at, effective_at, correlation_id, causation_id,
       actor, reason, accounts, currencies, amounts, data, leaf
  from ledger.events
 where book = $1 and stream = $2 and position <= $3
 order by version

-- name: look_into
-- For this transaction, unqualified names are those of this schema.
select set_config('search_path', quote_ident($1), true)

-- name: checkpoint
select position from checkpoints where name = $1

-- name: twin
-- The statement that makes an empty temporary table like one of a service.
select format('create temporary table %2$I (like %1$I.%2$I including all) on commit drop', $1::text, $2::text)

-- name: comparison
-- The statement that compares a service's table with its temporary twin, over the columns that are derived from events.
-- EXCEPT ALL, because a row too many may be the copy of another; json has no equality, so it is compared as text.
select format(
    'with live as (select %3$s from %1$I.%2$I), rebuilt as (select %3$s from pg_temp.%2$I),
          missing as (select * from rebuilt except all select * from live),
          surplus as (select * from live except all select * from rebuilt)
     select (select count(*) from rebuilt) as rows,
            (select count(*) from missing) as missing,
            (select count(*) from surplus) as surplus,
            array(select to_json(m)::text from missing m limit 5) as missing_examples,
            array(select to_json(s)::text from surplus s limit 5) as surplus_examples',
    $1::text, $2::text, string_agg(format(case when a.atttypid = 'json'::regtype then '%1$I::text as %1$I' else '%1$I' end,
                                          a.attname), ', ' order by a.attnum))
  from pg_attribute a
 where a.attrelid = format('%I.%I', $1::text, $2::text)::regclass and a.attnum > 0 and not a.attisdropped
   and a.attname <> all ($3::text[])
