-- The book as an RFC 6962 Merkle tree (its right edge, and one node in 256 events), and the heads that were signed.
set local search_path = audit;

create table tree_edges (
    book   integer primary key,
    size   bigint  not null,   -- events in the tree
    hashes bytea   not null    -- roots of its complete subtrees, largest first, 32 bytes each
);

create table tree_nodes (
    book   integer  not null,
    level  smallint not null check (level > 0 and level % 8 = 0),
    number bigint   not null,  -- of the complete subtrees of that level, from 0
    hash   bytea    not null,
    primary key (book, level, number)
);

create table signed_heads (
    book      integer     not null,
    size      bigint      not null,
    root      bytea       not null,
    signed_at timestamptz not null,
    note      text        not null,   -- the signed checkpoint, to the letter
    primary key (book, size)
);

-- A head that was signed is out in the world, so it can be neither taken back nor changed.
create function refuse_change() returns trigger language plpgsql as $$
begin
    raise exception 'audit.% is append-only: % is refused', tg_table_name, tg_op using errcode = 'insufficient_privilege';
end $$;
create trigger append_only before update or delete or truncate on signed_heads
    for each statement execute function refuse_change();
revoke update, delete on signed_heads from holdfast_audit;
