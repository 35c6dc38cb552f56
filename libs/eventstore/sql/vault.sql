-- name: keys
select subject, wrapped from ledger.subject_keys where book = $1 and subject = any ($2::text[])

-- name: add_keys
-- In the order of subjects, so that two processes with several in common wait for each other and never in a circle.
insert into ledger.subject_keys (book, subject, wrapped)
select $1, subject, wrapped from unnest($2::text[], $3::bytea[]) given (subject, wrapped) order by subject
    on conflict do nothing

-- name: any_key
select subject, wrapped from ledger.subject_keys where book = $1 and wrapped is not null limit 1

-- name: known
-- Without the keys themselves: an auditor may ask this too.
select subject, created_at, destroyed_at from ledger.subject_keys
 where book = $1 and subject = any ($2::text[]) order by subject

-- name: forget
select ledger.forget($1, $2)

-- name: page
select subject, wrapped from ledger.subject_keys
 where book = $1 and subject > $2 and wrapped is not null order by subject limit $3

-- name: rewrap
-- Only what is still as it was read: a key that was destroyed meanwhile stays so.
update ledger.subject_keys k set wrapped = given.new
  from unnest($2::text[], $3::bytea[], $4::bytea[]) given (subject, old, new)
 where k.book = $1 and k.subject = given.subject and k.wrapped = given.old
