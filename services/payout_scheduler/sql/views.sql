-- What the projection `payouts` does with events. Rows are upserted where facts may come in either order.

-- name: seller_registered
insert into sellers (seller, country, registered_at) values ($1, $2, $3)
    on conflict (seller) do update set country = excluded.country, registered_at = excluded.registered_at

-- name: seller_account
update sellers set account_id = $2 where seller = $1

-- name: seller_readiness
update sellers set transfers_active = $2, payouts_enabled = $3, requirements = $4 where seller = $1

-- name: seller_frequency
update sellers set frequency = $2 where seller = $1

-- name: hold_opened
insert into holds (allocation_id, escrow_id, seller, currency, net_minor) values ($1, $2, $3, $4, $5)
    on conflict (allocation_id) do update set net_minor = excluded.net_minor

-- name: hold_released
insert into holds (allocation_id, escrow_id, seller, currency, released_minor) values ($1, $2, $3, $4, $5)
    on conflict (allocation_id) do update set released_minor = holds.released_minor + excluded.released_minor

-- name: hold_refunded
update holds set refunded = true where escrow_id = $1

-- name: transfer_requested
insert into transfers (transfer_id, order_id, seller, currency, amount_minor, status, due_at, changed_at)
values ($1, $2, $3, $4, $5, 'requested', $6, $7)

-- name: transfer
update transfers set status = $2, reason = $3, due_at = $4, changed_at = $5 where transfer_id = $1

-- name: payout_started
insert into payouts (payout_id, seller, account_id, currency, slot, amount_minor, started_at, position)
values ($1, $2, $3, $4, $5, $6, $7, $8)

-- name: payout
update payouts set amount_minor = $2, attempt = $3, status = $4, changed_at = $5, stripe_payout = $6, code = $7,
                   reason = $8, retry_at = $9
 where payout_id = $1

-- name: work_over
delete from work where subject = $1

-- name: work_begins
-- Work that needs its seller ready waits for ever until `work_of_seller` gives it a time.
insert into work (id, kind, subject, data, due_at)
select $1, $2, $3, $4::jsonb,
       case when $6::text is null or exists (select from sellers s
                                              where s.seller = $6 and s.transfers_active and s.payouts_enabled)
            then $5::timestamptz else 'infinity' end
 where $1::text is not null

-- name: work_of_seller
-- The seller became ready, and what waited is due; or is no longer, and it waits again.
update work w set due_at = case when s.transfers_active and s.payouts_enabled then t.due_at else 'infinity' end
  from transfers t join sellers s using (seller)
 where t.seller = $1 and t.status <> 'settled' and w.subject = t.transfer_id and w.kind = 'create_transfer'
