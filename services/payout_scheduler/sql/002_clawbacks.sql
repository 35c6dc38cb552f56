-- Released money that comes back: netted out of later releases, kept before it is transferred, or reversed after.
insert into ledger.writers (role, kind) values ('holdfast_payout_scheduler', 'reversal');

set local search_path = payout_scheduler;

alter table sellers add deauthorized boolean not null default false;
create index on sellers (account_id);

-- What is held shrinks by parts, too: refunds of one allocation, chargebacks. They may be heard of before the hold.
alter table holds add lost_minor numeric(38, 0) not null default 0;
drop index holds_seller_idx;
create index on holds (seller) where not refunded and net_minor > released_minor + lost_minor;
create index on holds (allocation_id);

-- `amount_minor` is what is to be transferred, or was.
alter table transfers
    add allocation_id   uuid,
    add position        bigint,                                -- of its first event
    add stripe_transfer text,                                  -- once it is settled
    add reversed_minor  numeric(38, 0) not null default 0,
    drop constraint transfers_status_check,
    add check (status in ('requested', 'unknown', 'refused', 'withdrawn', 'settled'));
update transfers t
   set allocation_id = (e.data -> 'release' ->> 'allocation_id')::uuid, position = e.position
  from ledger.events e
 where e.stream = 'transfer-' || t.transfer_id and e.type = 'TransferRequested';
update transfers t set stripe_transfer = e.data ->> 'stripe_transfer'
  from ledger.events e
 where e.stream = 'transfer-' || t.transfer_id and e.type = 'TransferSettled';
alter table transfers alter allocation_id set not null, alter position set not null;
drop index transfers_seller_idx;
create index on transfers (seller) where status not in ('settled', 'withdrawn');
create index on transfers (seller, currency, position) where amount_minor > reversed_minor and status <> 'withdrawn';

alter table payouts add waits_for_bank boolean not null default false;

-- What is to be brought back from sellers: amount = kept + reversed + still left. The rest of the net they owe.
create table clawbacks (
    clawback_id    uuid           primary key,
    position       bigint         not null,                    -- of its first event: the order of lists
    allocation_id  uuid           not null,
    order_id       text           not null,
    seller         text           not null,
    currency       text           not null,
    cause          text           not null,
    net_minor      numeric(38, 0) not null,
    amount_minor   numeric(38, 0) not null,
    kept_minor     numeric(38, 0) not null default 0,
    reversed_minor numeric(38, 0) not null default 0,
    status         text           not null check (status in ('open', 'unknown', 'short', 'done')),
    reason         text,
    retry_at       timestamptz,
    heard_at       timestamptz    not null,
    changed_at     timestamptz    not null
);
create index on clawbacks (position);
create index on clawbacks (seller, position);
create index on clawbacks (allocation_id);
create index on clawbacks (seller, currency) where amount_minor > kept_minor + reversed_minor;
