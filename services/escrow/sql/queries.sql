-- name: open_escrows
insert into escrows (escrow_id, payment_id, order_id, currency, amount_minor, status, held_at, deliver_by,
                     hold_until_max, position)
select escrow_id, payment_id, order_id, currency, amount_minor, status, held_at, deliver_by, hold_until_max, position
  from json_populate_recordset(null::escrows, $1)

-- name: change_escrows
update escrows e set status = c.status
  from json_populate_recordset(null::escrows, $1) c
 where e.escrow_id = c.escrow_id

-- name: open_allocations
insert into allocations (allocation_id, escrow_id, seller, gross_minor, commission_minor, deliver_by, release_at,
                         disputed, outcome, settled_at)
select allocation_id, escrow_id, seller, gross_minor, commission_minor, deliver_by, release_at,
       coalesce(disputed, false), outcome, settled_at
  from json_populate_recordset(null::allocations, $1)

-- name: change_allocations
-- An outcome is the last that is heard of an allocation, and clears what was due or disputed.
update allocations a
   set release_at = case when c.outcome is null then coalesce(c.release_at, a.release_at) end,
       disputed = coalesce(c.disputed, a.disputed),
       outcome = coalesce(c.outcome, a.outcome),
       settled_at = coalesce(c.settled_at, a.settled_at)
  from json_populate_recordset(null::allocations, $1) c
 where a.escrow_id = c.escrow_id and a.seller = c.seller

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
