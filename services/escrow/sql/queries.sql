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
                         disputed, released_minor, refunded_minor, clawed_back_minor, cancelled, moved_at)
select allocation_id, escrow_id, seller, gross_minor, commission_minor, deliver_by, release_at,
       coalesce(disputed, false), coalesce(released_minor, 0), coalesce(refunded_minor, 0),
       coalesce(clawed_back_minor, 0), coalesce(cancelled, false), moved_at
  from json_populate_recordset(null::allocations, $1)

-- name: change_allocations
-- Amounts are what a slice of the log adds to them.
update allocations a
   set release_at = coalesce(c.release_at, a.release_at),
       disputed = coalesce(c.disputed, a.disputed),
       released_minor = a.released_minor + coalesce(c.released_minor, 0),
       refunded_minor = a.refunded_minor + coalesce(c.refunded_minor, 0),
       clawed_back_minor = a.clawed_back_minor + coalesce(c.clawed_back_minor, 0),
       cancelled = coalesce(c.cancelled, a.cancelled),
       moved_at = coalesce(c.moved_at, a.moved_at)
  from json_populate_recordset(null::allocations, $1) c
 where a.escrow_id = c.escrow_id and a.seller = c.seller

-- name: open_refunds
insert into refunds (refund_id, escrow_id, seller, amount_minor, charged_back_minor, after_release, asked_at, payable_at)
select refund_id, escrow_id, seller, amount_minor, coalesce(charged_back_minor, 0), after_release, asked_at, payable_at
  from json_populate_recordset(null::refunds, $1)

-- name: change_refunds
update refunds r
   set charged_back_minor = r.charged_back_minor + coalesce(c.charged_back_minor, 0),
       payable_at = coalesce(c.payable_at, r.payable_at)
  from json_populate_recordset(null::refunds, $1) c
 where r.refund_id = c.refund_id

-- name: open_clawbacks
insert into clawbacks (clawback_id, escrow_id, seller, cause, cause_id, amount_minor, commission_minor, balance_minor,
                       receivable_minor, reversed_minor, short_minor, clawed_back_at, settled_at)
select clawback_id, escrow_id, seller, cause, cause_id, amount_minor, commission_minor, balance_minor,
       receivable_minor, reversed_minor, short_minor, clawed_back_at, settled_at
  from json_populate_recordset(null::clawbacks, $1)

-- name: change_clawbacks
update clawbacks b set reversed_minor = c.reversed_minor, short_minor = c.short_minor, settled_at = c.settled_at
  from json_populate_recordset(null::clawbacks, $1) c
 where b.clawback_id = c.clawback_id

-- name: open_freezes
-- It may be there already: an inquiry becomes a chargeback.
insert into freezes (escrow_id, cause_id, cause, sellers, frozen_at, unfrozen_at, outcome)
select escrow_id, cause_id, cause, sellers, frozen_at, unfrozen_at, outcome
  from json_populate_recordset(null::freezes, $1)
    on conflict (escrow_id, cause_id) do update
   set cause = excluded.cause, sellers = excluded.sellers, frozen_at = excluded.frozen_at,
       unfrozen_at = excluded.unfrozen_at, outcome = excluded.outcome

-- name: change_freezes
update freezes f set unfrozen_at = c.unfrozen_at, outcome = c.outcome
  from json_populate_recordset(null::freezes, $1) c
 where f.escrow_id = c.escrow_id and f.cause_id = c.cause_id

-- name: mark_frozen
-- After the freezes of these escrows: an allocation may be frozen by several causes.
update allocations a
   set frozen = f.frozen, at_the_bank = f.at_the_bank
  from (select allocation_id,
               count(cause_id) > 0 as frozen,
               count(cause_id) filter (where cause <> 'fraud_warning') > 0 as at_the_bank
          from allocations o
          left join freezes f on f.escrow_id = o.escrow_id and o.seller = any (f.sellers) and f.unfrozen_at is null
         where o.escrow_id = any ($1::uuid[])
         group by allocation_id) f
 where a.allocation_id = f.allocation_id

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
select escrow_id, allocation_id, seller, status, gross_minor, commission_minor, held_minor, released_minor,
       gross_minor - released_minor - held_minor as refunded_minor, clawed_back_minor, frozen,
       case when held_minor > 0 then release_at end as release_at,
       case when held_minor = 0 then moved_at end as settled_at
  from allocations
 where escrow_id = any ($1::uuid[])
 order by escrow_id, seller

-- name: refunds
select refund_id, seller, amount_minor, charged_back_minor, after_release, asked_at, payable_at
  from refunds
 where escrow_id = $1
 order by asked_at, refund_id

-- name: clawbacks
select clawback_id, seller, cause, cause_id, amount_minor, commission_minor, balance_minor, receivable_minor,
       reversed_minor, short_minor, clawed_back_at, settled_at
  from clawbacks
 where escrow_id = $1
 order by clawed_back_at, clawback_id

-- name: freezes
select cause, cause_id, sellers, frozen_at, unfrozen_at, outcome
  from freezes
 where escrow_id = $1
 order by frozen_at, cause_id

-- name: due
-- Escrows by what is due first. $2 are those that this run has tried in vain: one of them must not hold up the others.
select a.escrow_id, e.order_id
  from allocations a join escrows e using (escrow_id)
 where a.due_at <= $1 and a.escrow_id <> all ($2::uuid[])
 order by a.due_at, a.allocation_id
 limit $3

-- name: due_count
select count(*) from allocations where due_at <= $1
