-- Payments as people ask for them, and the work at the processor. All of it can be made anew from the log.
select ledger.admit_service('payment', array['payment', 'webhook']);
select ledger.create_worklist('payment');
set local search_path = payment;

create table payments (
    payment_id        uuid           primary key,
    order_id          text           not null,
    position          bigint         not null unique,   -- of the event that opened it: the order of the list
    status            text           not null,
    currency          text           not null,
    amount_minor      numeric(38, 0) not null,
    refunded_minor    numeric(38, 0) not null default 0,
    requested_at      timestamptz    not null,
    captured_at       timestamptz,
    intent_id         text,
    charge            text,
    last_failure_code text,
    cancel_requested  boolean        not null default false
);
create index on payments (order_id);
create index on payments (status, position);

create table refunds (
    refund_id    uuid           primary key,
    payment_id   uuid           not null references payments,
    position     bigint         not null,
    amount_minor numeric(38, 0) not null,
    status       text           not null,
    failure_code text,
    requested_at timestamptz    not null
);
create index on refunds (payment_id, position);
