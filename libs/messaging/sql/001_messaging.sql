-- Queues of the in-process carrier: a row per message and queue that takes it, deleted when it is handled.
select pg_advisory_xact_lock(hashtext('holdfast roles'));   -- as in ledger/003_roles.sql

do $$
begin
    if not exists (select from pg_roles where rolname = 'holdfast_messaging') then
        create role holdfast_messaging nologin;   -- for a carrier with connections of its own: queues and nothing else
    end if;
end $$;

create schema messaging;
grant usage on schema messaging to holdfast_messaging, holdfast_writer, holdfast_reader;

create table messaging.messages (
    id         bigint      generated always as identity primary key,   -- the order in which they were published
    book       integer     not null,
    queue      text        not null,
    message_id text        not null,
    body       bytea       not null,
    returns    integer     not null default 0,
    due_at     timestamptz not null default now()   -- later for one that was returned
) with (fillfactor = 80);
create index on messaging.messages (book, queue, id);

create table messaging.dead_letters (
    id         bigint      generated always as identity primary key,
    book       integer     not null,
    queue      text        not null,
    message_id text        not null,
    type       text,
    code       text        not null,
    reason     text        not null,
    died_at    timestamptz not null default now(),
    body       bytea       not null
);
create index on messaging.dead_letters (book, queue, id);

grant select, insert, update, delete on messaging.messages, messaging.dead_letters to holdfast_messaging, holdfast_writer;
grant select on messaging.messages, messaging.dead_letters to holdfast_reader;
