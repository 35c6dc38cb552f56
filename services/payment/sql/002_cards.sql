-- A buyer's spending, which is a stream of its own, and the time until which a payment can be paid.
insert into ledger.writers (role, kind) values ('holdfast_payment', 'spending');
set local search_path = payment;

alter table payments add column expires_at timestamptz;
-- What can expire: nobody paid it, and no bank works on it (`processing`).
create index on payments (expires_at, payment_id)
    where status in ('requested', 'requires_action', 'failed') and intent_id is not null and not cancel_requested;
