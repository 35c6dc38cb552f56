-- The ledger: books, events with their postings, balances, idempotency keys, the chain of blocks.
-- `book` leads every primary key, so that books never contend and can be spread over shards.

create schema ledger;

create table ledger.books (
    book      integer     primary key,
    position  bigint      not null default 0,   -- of the last event
    block     bigint      not null default 0,   -- number of the last block
    head      bytea       not null default '\x0000000000000000000000000000000000000000000000000000000000000000',
    sealed_at timestamptz not null default '-infinity'
);

create table ledger.events (
    book           integer          not null,
    position       bigint           not null,
    stream         text             not null,   -- '{kind}-{uuid}'
    version        bigint           not null check (version > 0),
    type           text             not null,
    schema_version smallint         not null,
    recorded_at    timestamptz      not null,   -- the store's time, that of the block
    effective_at   timestamptz      not null,   -- the business's time
    correlation_id text,
    causation_id   text,
    actor          text             not null,
    reason         text,
    accounts       text[]           not null,   -- postings as parallel arrays: a separate table halves the speed
    currencies     text[]           not null,
    amounts        numeric(38, 0)[] not null,   -- debit positive; wei exceed bigint
    data           json             not null,   -- json, not jsonb: the hash is over the exact text
    leaf           bytea            not null check (octet_length(leaf) = 32),
    primary key (book, position),
    unique (book, stream, version)
);

create table ledger.balances (
    book     integer        not null,
    account  text           not null,
    currency text           not null,
    amount   numeric(38, 0) not null,
    sign     smallint       not null check (sign in (-1, 0, 1)),
    primary key (book, account, currency),
    constraint overdraft check (sign * amount >= 0)
) with (fillfactor = 70);   -- room for HOT updates: hot accounts change with every batch

create table ledger.keys (
    book           integer not null,
    key            text    not null,
    fingerprint    bytea   not null,
    first_position bigint  not null,
    last_position  bigint  not null,
    primary key (book, key)
);

create table ledger.blocks (
    book           integer     not null,
    block          bigint      not null,
    first_position bigint      not null,
    last_position  bigint      not null check (last_position >= first_position),
    sealed_at      timestamptz not null,
    previous       bytea       not null,
    hash           bytea       not null,
    primary key (book, block)
);

-- The chart of accounts as the database enforces it; libs/ledger/chart.py is its source and a test compares them.
create table ledger.chart (
    pattern text     primary key,   -- regular expression
    sign    smallint not null       -- 1: never below zero, -1: never above, 0: either
);

-- Which role may write which kind of stream.
create table ledger.writers (
    role name not null,
    kind text not null,
    primary key (role, kind)
);

-- Posted history cannot be changed, not even by the owner (short of disabling these triggers, which `verify` shows).
create function ledger.refuse_change() returns trigger language plpgsql as $$
begin
    raise exception 'ledger.% is append-only: % is refused', tg_table_name, tg_op
        using errcode = 'insufficient_privilege', hint = 'Correct a mistake with a new event.';
end $$;

create trigger append_only before update or delete or truncate on ledger.events
    for each statement execute function ledger.refuse_change();
create trigger append_only before update or delete or truncate on ledger.keys
    for each statement execute function ledger.refuse_change();
create trigger append_only before update or delete or truncate on ledger.blocks
    for each statement execute function ledger.refuse_change();

create function ledger.account_sign(p_account text) returns smallint
    language plpgsql stable set search_path = pg_catalog as $$
declare
    v_sign smallint;
begin
    select c.sign into v_sign from ledger.chart c where p_account ~ c.pattern;
    if not found then
        raise exception 'account % is not in the chart of accounts', p_account using errcode = 'HF002';
    end if;
    return v_sign;
end $$;

-- The writing role: the one taken with SET ROLE, else the one that logged in. A SECURITY DEFINER function changes
-- current_user, but neither of these.
create function ledger.writer() returns name language sql stable set search_path = pg_catalog as $$
    select coalesce(nullif(current_setting('role'), 'none'), session_user)::name
$$;
