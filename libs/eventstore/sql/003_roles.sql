-- Least privilege: everyone reads, nobody writes but through `append`, and `append` asks who is writing.

do $$
begin
    if not exists (select from pg_roles where rolname = 'holdfast_reader') then
        create role holdfast_reader nologin;
    end if;
    if not exists (select from pg_roles where rolname = 'holdfast_writer') then
        create role holdfast_writer nologin;
    end if;
end $$;

revoke all on schema ledger from public;
revoke all on all functions in schema ledger from public;
grant usage on schema ledger to holdfast_reader;
grant select on all tables in schema ledger to holdfast_reader;
grant holdfast_reader to holdfast_writer;
grant execute on function ledger.append to holdfast_writer;

insert into ledger.writers (role, kind) values (session_user, '*') on conflict do nothing;   -- the owner: tests, repairs


-- A service moves in: its role, its own schema for read models (with their checkpoints), the stream kinds it may write.
create function ledger.admit_service(p_service text, p_kinds text[]) returns void
    language plpgsql set search_path = pg_catalog as $$
declare
    v_role name := 'holdfast_' || p_service;
begin
    if not exists (select from pg_roles where rolname = v_role) then
        execute format('create role %I nologin', v_role);
    end if;
    execute format('grant holdfast_writer to %I', v_role);
    execute format('create schema %I', p_service);
    execute format('grant usage on schema %I to %I, holdfast_reader', p_service, v_role);
    execute format('alter default privileges in schema %I grant select, insert, update, delete on tables to %I', p_service, v_role);
    execute format('alter default privileges in schema %I grant usage on sequences to %I', p_service, v_role);
    execute format('alter default privileges in schema %I grant select on tables to holdfast_reader', p_service);
    execute format('create table %I.checkpoints (name text primary key, position bigint not null default 0)', p_service);
    insert into ledger.writers (role, kind) select v_role, kind from unnest(p_kinds) kind;
end $$;
revoke all on function ledger.admit_service from public;

-- A work list: what a service owes the outside world. Rows come and go with events; the last four columns belong to the
-- workers and are no part of what a replay must rebuild.
create function ledger.create_worklist(p_service text) returns void
    language plpgsql set search_path = pg_catalog as $$
begin
    execute format($ddl$
        create table %I.work (
            id               text primary key,
            kind             text not null,
            subject          uuid not null,               -- the stream whose intent it is
            data             jsonb not null default '{}',
            due_at           timestamptz not null,        -- infinity while it waits for something
            attempts         integer not null default 0,
            next_attempt_at  timestamptz not null default '-infinity',
            leased_until     timestamptz,
            last_error       text
        )$ddl$, p_service);
    execute format('create index on %I.work (kind, due_at)', p_service);
end $$;
revoke all on function ledger.create_worklist from public;
