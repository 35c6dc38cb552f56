-- Whether Stripe's statements of transfers and of sellers' balances tell the same story as the ledger.
insert into ledger.writers (role, kind) values ('holdfast_payout_scheduler', 'connect_reconciliation');
set local search_path = payout_scheduler;

-- What the log says about Stripe's balances: every posting there, and what our own events tell of objects under way.
create table bookings (
    account       text           not null,
    position      bigint         not null,
    currency      text           not null,
    source        text,                              -- Stripe's id of the object; null where only the balance counts
    amount_minor  numeric(38, 0) not null,
    pending_minor numeric(38, 0) not null default 0, -- what the object will come to besides, as of this event
    at            timestamptz    not null,
    adjusts       boolean        not null default false,
    about         text,
    settled       boolean        not null default false,   -- not from the log: a run found both sides agreed
    primary key (account, position, currency)
);
create index on bookings (account, source, position) where source is not null;
create index on bookings (account, source) where source is not null and not settled;
create index on bookings (account, currency, at) include (amount_minor);

create table reconciliations (
    reconciliation_id uuid        primary key,
    position          bigint      not null unique,   -- of its newest event: the order of lists
    at                timestamptz not null,
    complete          boolean     not null,
    report            json        not null
);
create index on reconciliations (at) where complete;
