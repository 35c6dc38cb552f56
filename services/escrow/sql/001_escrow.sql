-- What the escrow service may write, and its read model: who holds what for whom, and when it is due.
select ledger.admit_service('escrow', array['escrow']);

set local search_path = escrow;

create table escrows (
    escrow_id      uuid           primary key,
    payment_id     uuid           not null,
    order_id       text           not null,
    currency       text           not null,
    amount_minor   numeric(38, 0) not null,
    status         text           not null check (status in ('HELD', 'PENDING_RELEASE', 'PARTIALLY_RELEASED', 'RELEASED',
                                                             'REFUNDED', 'DISPUTED')),
    held_at        timestamptz    not null,
    deliver_by     timestamptz    not null,
    hold_until_max timestamptz    not null,
    position       bigint         not null     -- of its first event: the order of lists
);
create index on escrows (order_id);
create index on escrows (position);
create index on escrows (status, position);

-- Facts stand side by side; status and due time follow from them, as they do in the domain.
create table allocations (
    allocation_id    uuid           primary key,
    escrow_id        uuid           not null,
    seller           text           not null,
    gross_minor      numeric(38, 0) not null,
    commission_minor numeric(38, 0) not null,
    deliver_by       timestamptz    not null,
    release_at       timestamptz,
    disputed         boolean        not null default false,
    outcome          text           check (outcome in ('released', 'refunded')),
    settled_at       timestamptz,
    status           text           not null generated always as (
                         case when outcome is not null then outcome
                              when disputed then 'disputed'
                              when release_at is not null then 'pending_release'
                              else 'held' end) stored,
    due_at           timestamptz    generated always as (   -- null: nothing happens to it by itself
                         case when outcome is null and not disputed then coalesce(release_at, deliver_by) end) stored,
    unique (escrow_id, seller)
);
create index on allocations (seller);
create index on allocations (due_at, allocation_id) where due_at is not null;
