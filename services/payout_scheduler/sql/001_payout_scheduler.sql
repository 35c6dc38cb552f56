-- What the payout scheduler may write, what it owes Stripe, and its read models. Every table but `work` follows from
-- the log alone; of `work` the operational columns do not.
select ledger.admit_service('payout_scheduler', array['seller', 'hold', 'transfer', 'payout', 'connect_webhook']);
select ledger.create_worklist('payout_scheduler');

set local search_path = payout_scheduler;

create index on work (subject);

-- Who may be paid, once Stripe lets them.
create table sellers (
    seller           text        primary key,
    country          text        not null,
    registered_at    timestamptz not null,
    account_id       text,
    transfers_active boolean     not null default false,
    payouts_enabled  boolean     not null default false,
    requirements     text[]      not null default '{}',
    frequency        text                                    -- null: as the setting payout.frequency says
);

-- What escrows hold for sellers. A release may be heard of before the hold it comes from.
create table holds (
    allocation_id  uuid           primary key,
    escrow_id      uuid           not null,
    seller         text           not null,
    currency       text           not null,
    net_minor      numeric(38, 0) not null default 0,
    released_minor numeric(38, 0) not null default 0,
    refunded       boolean        not null default false
);
create index on holds (escrow_id);
create index on holds (seller) where not refunded and net_minor > released_minor;

create table transfers (
    transfer_id  uuid           primary key,
    order_id     text           not null,
    seller       text           not null,
    currency     text           not null,
    amount_minor numeric(38, 0) not null,
    status       text           not null check (status in ('requested', 'unknown', 'refused', 'settled')),
    reason       text,
    due_at       timestamptz    not null,   -- of its work, once the seller is ready
    changed_at   timestamptz    not null
);
create index on transfers (seller) where status <> 'settled';

create table payouts (
    payout_id     uuid           primary key,
    seller        text           not null,
    account_id    text           not null,
    currency      text           not null,
    slot          text           not null,
    started_at    timestamptz    not null,
    position      bigint         not null,                  -- of its first event: the order of lists
    amount_minor  numeric(38, 0) not null,                  -- of the newest attempt
    attempt       integer        not null default 1,
    status        text           not null default 'scheduled'
                  check (status in ('scheduled', 'unknown', 'submitted', 'paid', 'failed', 'returned')),
    changed_at    timestamptz,
    stripe_payout text,
    code          text,
    reason        text,
    retry_at      timestamptz,
    unique (seller, currency, slot)
);
create index on payouts (position);
create index on payouts (seller, position);
create index on payouts (retry_at) where status = 'failed';
create index on payouts (seller, currency) where status in ('scheduled', 'unknown', 'submitted');

-- Every posting on seller:{seller}:available, whoever made it, with the balance before and after. Credits count up.
create table wallets (
    seller        text           not null,
    currency      text           not null,
    balance_minor numeric(38, 0) not null,
    earned_minor  numeric(38, 0) not null,     -- all that anybody but payouts put in or took out
    primary key (seller, currency)
);
create index on wallets (seller, currency) where balance_minor > 0;

create table wallet_entries (
    seller       text           not null,
    position     bigint         not null,
    currency     text           not null,
    amount_minor numeric(38, 0) not null,
    before_minor numeric(38, 0) not null,
    after_minor  numeric(38, 0) not null,
    event        text           not null,
    stream       text           not null,
    about        text,                         -- the correlation id: the order, the payout
    at           timestamptz    not null,
    primary key (seller, position, currency)
);
