-- What the projection `payouts` does with a slice of the log. `$1` are rows as JSON, but for keys alone.

-- name: open_sellers
-- A seller whose account was refused may be registered anew, and keeps what this slice does not change.
insert into sellers (seller, country, registered_at, account_id, transfers_active, payouts_enabled, requirements, frequency)
select c.seller, c.country, c.registered_at, coalesce(c.account_id, s.account_id),
       coalesce(c.transfers_active, s.transfers_active, false), coalesce(c.payouts_enabled, s.payouts_enabled, false),
       coalesce(c.requirements, s.requirements, '{}'), coalesce(c.frequency, s.frequency)
  from json_populate_recordset(null::sellers, $1) c left join sellers s on s.seller = c.seller
    on conflict (seller) do update
   set country = excluded.country, registered_at = excluded.registered_at, account_id = excluded.account_id,
       transfers_active = excluded.transfers_active, payouts_enabled = excluded.payouts_enabled,
       requirements = excluded.requirements, frequency = excluded.frequency

-- name: change_sellers
update sellers s
   set account_id = coalesce(c.account_id, s.account_id),
       transfers_active = coalesce(c.transfers_active, s.transfers_active),
       payouts_enabled = coalesce(c.payouts_enabled, s.payouts_enabled),
       requirements = coalesce(c.requirements, s.requirements),
       frequency = coalesce(c.frequency, s.frequency)
  from json_populate_recordset(null::sellers, $1) c
 where s.seller = c.seller

-- name: add_to_holds
insert into holds (allocation_id, escrow_id, seller, currency, net_minor, released_minor, refunded)
select allocation_id, escrow_id, seller, currency, net_minor, released_minor, refunded
  from json_populate_recordset(null::holds, $1)
    on conflict (allocation_id) do update
   set net_minor = holds.net_minor + excluded.net_minor,
       released_minor = holds.released_minor + excluded.released_minor,
       refunded = holds.refunded or excluded.refunded

-- name: refund_holds
update holds set refunded = true where escrow_id = any ($1::uuid[])

-- name: open_transfers
insert into transfers (transfer_id, order_id, seller, currency, amount_minor, status, reason, due_at, changed_at)
select transfer_id, order_id, seller, currency, amount_minor, status, reason, due_at, changed_at
  from json_populate_recordset(null::transfers, $1)

-- name: change_transfers
update transfers t set status = c.status, reason = c.reason, due_at = c.due_at, changed_at = c.changed_at
  from json_populate_recordset(null::transfers, $1) c
 where t.transfer_id = c.transfer_id

-- name: open_payouts
insert into payouts (payout_id, seller, account_id, currency, slot, started_at, position, amount_minor, attempt, status,
                     changed_at, stripe_payout, code, reason, retry_at)
select payout_id, seller, account_id, currency, slot, started_at, position, amount_minor, attempt, status,
       changed_at, stripe_payout, code, reason, retry_at
  from json_populate_recordset(null::payouts, $1)

-- name: change_payouts
update payouts p
   set amount_minor = c.amount_minor, attempt = c.attempt, status = c.status, changed_at = c.changed_at,
       stripe_payout = c.stripe_payout, code = c.code, reason = c.reason, retry_at = c.retry_at
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

-- name: work_of_sellers
-- These became ready, and what waited is due; or are no longer, and it waits again.
update work w set due_at = case when s.transfers_active and s.payouts_enabled then t.due_at else 'infinity' end
  from transfers t join sellers s using (seller)
 where t.seller = any ($1::text[]) and t.status <> 'settled' and w.subject = t.transfer_id and w.kind = 'create_transfer'
