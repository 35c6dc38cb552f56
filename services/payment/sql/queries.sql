-- name: open_payment
-- Until an order is accepted, every refusal of it replaces the one before.
insert into payments (payment_id, order_id, position, status, currency, amount_minor, requested_at, last_failure_code)
values ($1, $2, $3, $4, $5, $6, $7, $8)
on conflict (payment_id) do update
   set position = excluded.position, status = excluded.status, currency = excluded.currency,
       amount_minor = excluded.amount_minor, requested_at = excluded.requested_at,
       last_failure_code = excluded.last_failure_code

-- name: change_payment
update payments
   set status = coalesce($2, status),
       intent_id = coalesce($3, intent_id),
       charge = coalesce($4, charge),
       captured_at = coalesce($5, captured_at),
       last_failure_code = coalesce($6, last_failure_code),
       refunded_minor = coalesce($7, refunded_minor),
       cancel_requested = cancel_requested or $8
 where payment_id = $1

-- name: open_refund
insert into refunds (refund_id, payment_id, position, amount_minor, status, requested_at)
values ($1, $2, $3, $4, 'requested', $5)

-- name: change_refund
update refunds set status = $2, failure_code = $3 where refund_id = $1

-- name: open_work
insert into work (id, kind, subject, due_at, data) values ($1, $2, $3, $4, $5)

-- name: close_work
delete from work where id = any ($1::text[])

-- name: payments
-- Newest first. $3 is the position of the last one seen.
select payment_id, order_id, position, status, currency, amount_minor, refunded_minor, requested_at, captured_at,
       intent_id, charge, last_failure_code, cancel_requested
  from payments
 where ($1::text is null or order_id = $1) and ($2::text is null or status = $2)
   and ($3::bigint is null or position < $3)
 order by position desc
 limit $4

-- name: payment
select payment_id, order_id, position, status, currency, amount_minor, refunded_minor, requested_at, captured_at,
       intent_id, charge, last_failure_code, cancel_requested
  from payments
 where payment_id = $1

-- name: refunds
select refund_id, amount_minor, status, failure_code, requested_at
  from refunds
 where payment_id = $1
 order by position
