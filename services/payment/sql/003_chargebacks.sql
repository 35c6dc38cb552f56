-- What buyers contest at their banks, refunds that may be tried again, and the keys of what people wrote about either.
grant holdfast_keyholder to holdfast_payment;
set local search_path = payment;

alter table refunds add column attempt integer not null default 1;

create table chargebacks (
    chargeback_id   uuid           primary key,
    payment_id      uuid           not null,
    order_id        text           not null,
    dispute_id      text           not null,
    position        bigint         not null,
    stage           text           not null check (stage in ('inquiry', 'chargeback')),
    status          text           not null check (status in ('open', 'won', 'lost', 'withdrawn')),
    currency        text           not null,
    amount_minor    numeric(38, 0) not null,
    fee_minor       numeric(38, 0) not null,
    to_cover_minor  numeric(38, 0),
    reason          text           not null,
    opened_at       timestamptz    not null,
    closed_at       timestamptz,
    respond_by      timestamptz,
    under_review    boolean        not null,
    accepted        boolean        not null default false,
    evidence_status text           not null default 'none',
    evidence_code   text,
    -- Whether the bank still waits for a word of ours.
    needs_response  boolean        not null generated always as (
                        status = 'open' and not under_review and not accepted and evidence_status <> 'submitted') stored,
    deadline        timestamptz    not null generated always as (coalesce(respond_by, 'infinity')) stored
);
create index on chargebacks (payment_id, position);
create index on chargebacks (deadline, chargeback_id);
create index on chargebacks (deadline, chargeback_id) where needs_response;

create table fraud_warnings (
    warning_id text        not null,
    payment_id uuid        not null,
    code       text        not null,
    warned_at  timestamptz not null,
    primary key (payment_id, warning_id)
);
