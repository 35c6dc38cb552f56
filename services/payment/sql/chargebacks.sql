-- name: open_chargebacks
-- An inquiry that becomes a chargeback begins anew: what was said to the bank about it does not count for what follows.
insert into chargebacks (chargeback_id, payment_id, order_id, dispute_id, position, stage, status, currency, amount_minor,
                         fee_minor, to_cover_minor, reason, opened_at, closed_at, respond_by, under_review, accepted,
                         evidence_status, evidence_code)
select chargeback_id, payment_id, order_id, dispute_id, position, stage, status, currency, amount_minor, fee_minor,
       to_cover_minor, reason, opened_at, closed_at, respond_by, under_review, coalesce(accepted, false),
       coalesce(evidence_status, 'none'), evidence_code
  from json_populate_recordset(null::chargebacks, $1)
    on conflict (chargeback_id) do update
   set position = excluded.position, stage = excluded.stage, status = excluded.status,
       amount_minor = excluded.amount_minor, fee_minor = excluded.fee_minor, to_cover_minor = excluded.to_cover_minor, reason = excluded.reason,
       opened_at = excluded.opened_at, closed_at = excluded.closed_at, respond_by = excluded.respond_by,
       under_review = excluded.under_review, accepted = excluded.accepted, evidence_status = excluded.evidence_status,
       evidence_code = excluded.evidence_code

-- name: change_chargebacks
update chargebacks p
   set status = coalesce(c.status, p.status),
       fee_minor = coalesce(c.fee_minor, p.fee_minor),
       to_cover_minor = coalesce(c.to_cover_minor, p.to_cover_minor),
       closed_at = coalesce(c.closed_at, p.closed_at),
       respond_by = case when c.under_review is null then p.respond_by else c.respond_by end,
       under_review = coalesce(c.under_review, p.under_review),
       accepted = coalesce(c.accepted, p.accepted),
       evidence_status = coalesce(c.evidence_status, p.evidence_status),
       evidence_code = case when c.evidence_status is null then p.evidence_code else c.evidence_code end
  from json_populate_recordset(null::chargebacks, $1) c
 where p.chargeback_id = c.chargeback_id

-- name: open_fraud_warnings
insert into fraud_warnings (warning_id, payment_id, code, warned_at)
select warning_id, payment_id, code, warned_at from json_populate_recordset(null::fraud_warnings, $1)

-- name: chargebacks_of
select chargeback_id, payment_id, order_id, dispute_id, stage, status, currency, amount_minor, fee_minor, to_cover_minor,
       reason, opened_at, closed_at, respond_by, needs_response, accepted, evidence_status, evidence_code
  from chargebacks
 where payment_id = $1
 order by position, chargeback_id

-- name: chargebacks
-- The next deadline first. $2 is the last one seen.
select chargeback_id, payment_id, order_id, dispute_id, stage, status, currency, amount_minor, fee_minor, to_cover_minor,
       reason, opened_at, closed_at, respond_by, needs_response, accepted, evidence_status, evidence_code
  from chargebacks
 where ($1::text is null or status = $1)
   and ($2::uuid is null
        or (deadline, chargeback_id) > (select deadline, chargeback_id from chargebacks where chargeback_id = $2))
 order by deadline, chargeback_id
 limit $3

-- name: unanswered
-- What the bank waits for, or waited for in vain, with a deadline from $1 to $2.
select chargeback_id, payment_id, order_id, stage, respond_by
  from chargebacks
 where needs_response and deadline between $1 and $2
 order by deadline, chargeback_id

-- name: fraud_warnings_of
select warning_id, code, warned_at from fraud_warnings where payment_id = $1 order by warned_at, warning_id
