-- An allocation may be released and refunded in parts, clawed back, and frozen by the bank.
set local search_path = escrow;

alter table allocations
    drop column status,
    drop column due_at,
    add column released_minor    numeric(38, 0) not null default 0,
    add column refunded_minor    numeric(38, 0) not null default 0,   -- of what was held, cancellations left out
    add column clawed_back_minor numeric(38, 0) not null default 0,   -- of what was released
    add column cancelled         boolean not null default false,      -- all that was held then went back to the buyer
    add column frozen            boolean not null default false,
    add column at_the_bank       boolean not null default false;      -- frozen by an inquiry or a chargeback

update allocations
   set released_minor = case outcome when 'released' then gross_minor else 0 end,
       cancelled = coalesce(outcome = 'refunded', false);

alter table allocations
    drop column outcome,
    add check (released_minor + refunded_minor <= gross_minor),
    add check (clawed_back_minor <= released_minor),
    add column held_minor numeric(38, 0) not null generated always as (
        case when cancelled then 0 else gross_minor - released_minor - refunded_minor end) stored,
    add column status text not null generated always as (   -- a generated column may not refer to another one
        case when at_the_bank then 'disputed'
             when cancelled or gross_minor = released_minor + refunded_minor
                 then case when released_minor > clawed_back_minor then 'released' else 'refunded' end
             when disputed then 'disputed'
             when release_at is not null then 'pending_release'
             else 'held' end) stored,
    add column due_at timestamptz generated always as (   -- null: nothing happens to it by itself
        case when not (cancelled or gross_minor = released_minor + refunded_minor or disputed or frozen)
                 then coalesce(release_at, deliver_by) end) stored;
alter table allocations rename column settled_at to moved_at;   -- when money last left the escrow; once all has, the end
create index on allocations (due_at, allocation_id) where due_at is not null;

create table refunds (
    refund_id          uuid           primary key,
    escrow_id          uuid           not null,
    seller             text,                                  -- null: all that was held, the order was cancelled
    amount_minor       numeric(38, 0) not null,
    charged_back_minor numeric(38, 0) not null default 0,     -- of it, the buyer's bank has taken instead
    after_release      boolean        not null,
    asked_at           timestamptz    not null,
    payable_at         timestamptz                            -- null: it waits until the seller's transfer is reversed
);
create index on refunds (escrow_id, asked_at);

create table clawbacks (
    clawback_id      uuid           primary key,
    escrow_id        uuid           not null,
    seller           text           not null,
    cause            text           not null check (cause in ('refund', 'chargeback')),
    cause_id         uuid           not null,
    amount_minor     numeric(38, 0) not null,
    commission_minor numeric(38, 0) not null,
    balance_minor    numeric(38, 0) not null,
    receivable_minor numeric(38, 0) not null,
    reversed_minor   numeric(38, 0),
    short_minor      numeric(38, 0),
    clawed_back_at   timestamptz    not null,
    settled_at       timestamptz
);
create index on clawbacks (escrow_id, clawed_back_at);

create table freezes (
    escrow_id   uuid        not null,
    cause_id    text        not null,
    cause       text        not null check (cause in ('inquiry', 'chargeback', 'fraud_warning')),
    sellers     text[]      not null,
    frozen_at   timestamptz not null,
    unfrozen_at timestamptz,
    outcome     text,
    primary key (escrow_id, cause_id)
);
