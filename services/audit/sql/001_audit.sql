-- Audit writes no streams: it only reads the ledger, and keeps what the services told the world.
select ledger.admit_service('audit', array[]::text[]);
set local search_path = audit;

create table messages (
    id          text        primary key,   -- the event's id; a message that comes twice is kept once
    type        text        not null,
    subject     text        not null,
    position    bigint      not null,      -- of the event it tells of; 0 for one that no ledger sent
    received_at timestamptz not null,
    body        json        not null       -- the whole envelope
);
create index on messages (subject, received_at, position, id);
create index on messages (received_at, position, id);
