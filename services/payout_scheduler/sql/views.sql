-- What the projection `payouts` does with a slice of the log. `$1` are rows as JSON, but for keys alone.

-- name: open_sellers
-- A seller whose account was refused may be registered anew, and keeps what this slice does not change.
insert into sellers (seller, country, registered_at, account_id, transfers_active, payouts_enabled, requirements, frequency,
                     deauthorized)
select c.seller, c.country, c.registered_at, coalesce(c.account_id, s.account_id),
       coalesce(c.transfers_active, s.transfers_active, false), coalesce(c.payouts_enabled, s.payouts_enabled, false),
       coalesce(c.requirements, s.requirements, '{}'), coalesce(c.frequency, s.frequency),
       coalesce(c.deauthorized, s.deauthorized, false)
  from json_populate_recordset(null::sellers, $1) c left join sellers s on s.seller = c.seller
    on conflict (seller) do update
   set country = excluded.country, registered_at = excluded.registered_at, account_id = excluded.account_id,
       transfers_active = excluded.transfers_active, payouts_enabled = excluded.payouts_enabled,
       requirements = excluded.requirements, frequency = excluded.frequency, deauthorized = excluded.deauthorized

-- name: change_sellers
update sellers s
   set account_id = coalesce(c.account_id, s.account_id),
       transfers_active = coalesce(c.transfers_active, s.transfers_active),
       payouts_enabled = coalesce(c.payouts_enabled, s.payouts_enabled),
       requirements = coalesce(c.requirements, s.requirements),
       frequency = coalesce(c.frequency, s.frequency),
       deauthorized = coalesce(c.deauthorized, s.deauthorized)
  from json_populate_recordset(null::sellers, $1) c
 where s.seller = c.seller

-- name: add_to_holds
insert into holds (allocation_id, escrow_id, seller, currency, net_minor, released_minor, lost_minor, refunded)
select allocation_id, escrow_id, seller, currency, net_minor, released_minor, lost_minor, refunded
  from json_populate_recordset(null::holds, $1)
    on conflict (allocation_id) do update
   set net_minor = holds.net_minor + excluded.net_minor,
       released_minor = holds.released_minor + excluded.released_minor,
       lost_minor = holds.lost_minor + excluded.lost_minor,
       refunded = holds.refunded or excluded.refunded

-- name: refund_holds
update holds set refunded = true where escrow_id = any ($1::uuid[])

-- name: open_transfers
insert into transfers (transfer_id, allocation_id, order_id, seller, currency, amount_minor, status, reason, due_at,
                       changed_at, position, stripe_transfer)
select transfer_id, allocation_id, order_id, seller, currency, amount_minor, status, reason, due_at, changed_at, position,
       stripe_transfer
  from json_populate_recordset(null::transfers, $1)

-- name: change_transfers
-- With a new status comes its reason, or none. What was kept back of a transfer leaves both as they are.
update transfers t
   set status = coalesce(c.status, t.status),
       reason = case when c.status is null then t.reason else c.reason end,
       due_at = coalesce(c.due_at, t.due_at),
       changed_at = c.changed_at,
       amount_minor = coalesce(c.amount_minor, t.amount_minor),
       stripe_transfer = coalesce(c.stripe_transfer, t.stripe_transfer)
  from json_populate_recordset(null::transfers, $1) c
 where t.transfer_id = c.transfer_id

-- name: reverse_transfers
update transfers t set reversed_minor = t.reversed_minor + c.reversed_minor
  from json_populate_recordset(null::transfers, $1) c
 where t.transfer_id = c.transfer_id

-- name: open_clawbacks
insert into clawbacks (clawback_id, position, allocation_id, order_id, seller, currency, cause, net_minor, amount_minor,
                       kept_minor, reversed_minor, status, reason, retry_at, heard_at, changed_at)
select clawback_id, position, allocation_id, order_id, seller, currency, cause, net_minor, amount_minor,
       kept_minor, reversed_minor, status, reason, retry_at, heard_at, changed_at
  from json_populate_recordset(null::clawbacks, $1)

-- name: change_clawbacks
update clawbacks b
   set kept_minor = c.kept_minor, reversed_minor = c.reversed_minor, status = c.status, reason = c.reason,
       retry_at = c.retry_at, changed_at = c.changed_at
  from json_populate_recordset(null::clawbacks, $1) c
 where b.clawback_id = c.clawback_id

-- name: open_payouts
insert into payouts (payout_id, seller, account_id, currency, slot, started_at, position, amount_minor, attempt, status,
                     changed_at, stripe_payout, code, reason, retry_at, waits_for_bank)
select payout_id, seller, account_id, currency, slot, started_at, position, amount_minor, attempt, status,
       changed_at, stripe_payout, code, reason, retry_at, waits_for_bank
  from json_populate_recordset(null::payouts, $1)

-- name: change_payouts
update payouts p
   set amount_minor = c.amount_minor, attempt = c.attempt, status = c.status, changed_at = c.changed_at,
       stripe_payout = c.stripe_payout, code = c.code, reason = c.reason, retry_at = c.retry_at,
       waits_for_bank = c.waits_for_bank
  from json_populate_recordset(null::payouts, $1) c
 where p.payout_id = c.payout_id

-- name: work_over
delete from work where subject = any ($1::uuid[])

-- name: work_begins
-- Work that needs its seller ready waits for ever until `work_of_sellers` gives it a time.
insert into work (id, kind, subject, data, due_at)
select w.id, w.kind, w.subject, w.data,
       case when w.needs_ready is null or s.transfers_active and s.payouts_enabled then w.due_at else 'infinity' end
  from json_to_recordset($1) as w (id text, kind text, subject uuid, data jsonb, due_at timestamptz, needs_ready text)
  left join sellers s on s.seller = w.needs_ready

-- name: work_of_kept
-- Of these nothing may be left: then they are withdrawn now, whether or not their seller is ready.
update work w set due_at = t.changed_at
  from transfers t
 where t.transfer_id = any ($1::uuid[]) and t.amount_minor = 0 and w.subject = t.transfer_id and w.kind = 'create_transfer'

-- name: work_of_sellers
-- These became ready, and what waited is due; or are no longer, and it waits again.
update work w set due_at = case when s.transfers_active and s.payouts_enabled then t.due_at else 'infinity' end
  from transfers t join sellers s using (seller)
 where t.seller = any ($1::text[]) and t.status not in ('settled', 'withdrawn') and t.amount_minor > 0
   and w.subject = t.transfer_id and w.kind = 'create_transfer'
