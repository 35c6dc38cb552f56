-- name: book
select position, block, head, sealed_at from ledger.books where book = $1

-- name: balances
select account, currency, amount from ledger.balances where book = $1

-- name: outside
-- What stands where a reader of positions 1 to head (or of blocks 1 to the last) would never look.
(select 'event' as what, position as number from ledger.events
  where book = $1 and (position < 1 or position > $2) order by position limit 1)
union all
(select 'block', block from ledger.blocks where book = $1 and (block < 1 or block > $3) order by block limit 1)

-- name: blocks
select block, first_position, last_position, sealed_at, previous, hash
  from ledger.blocks
 where book = $1 and block > $2 and block <= $3
 order by block limit $4

-- name: postings
select accounts, currencies, amounts
  from ledger.events
 where book = $1 and position > $2 and position <= $3
 order by position

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
