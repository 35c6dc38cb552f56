-- name: open_payments
-- Until an order is accepted, every refusal of it replaces the one before.
insert into payments (payment_id, order_id, position, status, currency, amount_minor, refunded_minor, requested_at,
                      captured_at, intent_id, charge, last_failure_code, cancel_requested, expires_at)
select payment_id, order_id, position, status, currency, amount_minor, coalesce(refunded_minor, 0), requested_at,
       captured_at, intent_id, charge, last_failure_code, coalesce(cancel_requested, false), expires_at
  from json_populate_recordset(null::payments, $1)
    on conflict (payment_id) do update
   set position = excluded.position, status = excluded.status, currency = excluded.currency,
       amount_minor = excluded.amount_minor, refunded_minor = excluded.refunded_minor,
       requested_at = excluded.requested_at, captured_at = excluded.captured_at, intent_id = excluded.intent_id,
       charge = excluded.charge, last_failure_code = excluded.last_failure_code,
       cancel_requested = excluded.cancel_requested, expires_at = excluded.expires_at

-- name: change_payments
update payments p
   set status = coalesce(c.status, p.status),
       intent_id = coalesce(c.intent_id, p.intent_id),
       charge = coalesce(c.charge, p.charge),
       captured_at = coalesce(c.captured_at, p.captured_at),
       last_failure_code = coalesce(c.last_failure_code, p.last_failure_code),
       refunded_minor = coalesce(c.refunded_minor, p.refunded_minor),
       cancel_requested = coalesce(c.cancel_requested, p.cancel_requested)
  from json_populate_recordset(null::payments, $1) c
 where p.payment_id = c.payment_id

-- name: open_refunds
insert into refunds (refund_id, payment_id, position, amount_minor, status, failure_code, attempt, requested_at)
select refund_id, payment_id, position, amount_minor, status, failure_code, attempt, requested_at
  from json_populate_recordset(null::refunds, $1)

-- name: change_refunds
update refunds r set status = c.status, failure_code = c.failure_code, attempt = coalesce(c.attempt, r.attempt)
  from json_populate_recordset(null::refunds, $1) c
 where r.refund_id = c.refund_id

-- name: open_work
insert into work (id, kind, subject, due_at, data)
select id, kind, subject, due_at, data from json_populate_recordset(null::work, $1)

-- name: close_work
delete from work where id = any ($1::text[])

-- name: payments
-- Newest first. $3 is the position of the last one seen.
select payment_id, order_id, position, status, currency, amount_minor, refunded_minor, requested_at, captured_at,
       intent_id, charge, last_failure_code, cancel_requested, expires_at
  from payments
 where ($1::text is null or order_id = $1) and ($2::text is null or status = $2)
   and ($3::bigint is null or position < $3)
 order by position desc
 limit $4

-- name: payment
select payment_id, order_id, position, status, currency, amount_minor, refunded_minor, requested_at, captured_at,
       intent_id, charge, last_failure_code, cancel_requested, expires_at
  from payments
 where payment_id = $1

-- name: expirable
-- What nobody paid in time, oldest first; not what a bank works on (`processing`): that may still become money.
select payment_id, order_id, intent_id, expires_at
  from payments
 where status in ('requested', 'requires_action', 'failed') and intent_id is not null and not cancel_requested
   and expires_at <= $1 and (expires_at, payment_id) > ($2, $3)
 order by expires_at, payment_id
 limit $4

-- name: orders_of
-- Reads the whole book: it is asked once in a buyer's life, which an index on every payment would never repay.
select distinct data->>'order_id' as order_id from ledger.events
 where book = $1 and type = 'PaymentRequested' and data->'buyer'->>'id' = $2
 order by order_id

-- name: refunds
select refund_id, amount_minor, status, failure_code, attempt, requested_at
  from refunds
 where payment_id = $1
 order by position
