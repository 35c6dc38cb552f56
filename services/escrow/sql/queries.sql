-- name: held
insert into escrows (escrow_id, payment_id, order_id, currency, amount_minor, status, held_at, deliver_by,
                     hold_until_max, position)
values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)

-- name: allocated
insert into allocations (allocation_id, escrow_id, seller, gross_minor, commission_minor, deliver_by)
values ($1, $2, $3, $4, $5, $6)

-- name: confirmed
update allocations set release_at = $3 where escrow_id = $1 and seller = any ($2::text[])

-- name: disputed
update allocations set disputed = true where escrow_id = $1 and seller = any ($2::text[])

-- name: settled
update allocations set outcome = $3, settled_at = $4, release_at = null, disputed = false
 where escrow_id = $1 and seller = any ($2::text[])

-- name: status
update escrows set status = $2 where escrow_id = $1

-- name: escrow
select escrow_id, payment_id, order_id, currency, amount_minor, status, held_at, deliver_by, hold_until_max, position
  from escrows
 where escrow_id = $1

-- name: escrows
select escrow_id, payment_id, order_id, currency, amount_minor, status, held_at, deliver_by, hold_until_max, position
  from escrows e
 where ($1::text is null or order_id = $1)
   and ($2::text is null or status = $2)
   and ($3::text is null or exists (select from allocations a where a.escrow_id = e.escrow_id and a.seller = $3))
   and ($4::bigint is null or position < $4)
 order by position desc
 limit $5

-- name: allocations
select escrow_id, allocation_id, seller, status, gross_minor, commission_minor, release_at, settled_at
  from allocations
 where escrow_id = any ($1::uuid[])
 order by escrow_id, seller

-- name: due
-- Escrows by what is due first. $2 are those that this run has tried in vain: one of them must not hold up the others.
select a.escrow_id, e.order_id
  from allocations a join escrows e using (escrow_id)
 where a.due_at <= $1 and a.escrow_id <> all ($2::uuid[])
 order by a.due_at, a.allocation_id
 limit $3

-- name: due_count
select count(*) from allocations where due_at <= $1
