-- Statements: one row a posting, with the balance it left. Who, why and in which stream stands in the log, one join by
-- position away; every byte repeated here would be written once a posting.
set local search_path = audit;

create table account_entries (
    account       text           collate "C" not null,   -- compared as bytes: a language's collation costs a third of the insert
    currency      text           collate "C" not null,
    position      bigint         not null,
    line          smallint       not null,               -- which of its event's postings, from 1
    effective_at  timestamptz    not null,
    type          text           not null,
    amount_minor  numeric(38, 0) not null,                -- debit positive
    balance_minor numeric(38, 0) not null,                -- of the account after this line, in the order of the log
    -- The only index. A statement by effective time sorts one account's entries instead, since a second index would halve
    -- the speed at which this table follows the log.
    primary key (account, currency, position, line)
);
