-- The read model of reconciliation, in the schema of the service whose connection it is.

-- name: read
-- Our own events of some types, and whatever posts on a processor's account.
select book, position, stream, version, type, schema_version, recorded_at, effective_at, correlation_id, causation_id,
       actor, reason, accounts, currencies, amounts, data, leaf
  from ledger.events
 where book = $1 and position > $2 and position <= $3
   and (split_part(stream, '-', 1) = any ($4::text[]) and type = any ($5::text[])
        or exists (select from unnest(accounts) account where account like 'stripe:%'))
 order by position

-- name: book
insert into bookings (account, position, currency, source, amount_minor, pending_minor, at, adjusts, about)
select account, position, currency, source, amount_minor, pending_minor, at, adjusts, about
  from json_populate_recordset(null::bookings, $1)

-- name: report
insert into reconciliations (reconciliation_id, position, at, complete, report)
select reconciliation_id, position, at, complete, report from json_populate_recordset(null::reconciliations, $1)
    on conflict (reconciliation_id) do update
   set position = excluded.position, at = excluded.at, complete = excluded.complete, report = excluded.report

-- name: bookings
select source, currency, amount_minor, pending_minor, at, adjusts, about, position
  from bookings
 where account = $1 and source = any ($2::text[]) and at <= $3
 order by source, position

-- name: unsettled
select distinct source
  from bookings
 where account = $1 and source is not null and not settled and at <= $2 and source > $3
 order by source
 limit $4

-- name: unsettled_before
-- Never more than $2: it is asked whether there are very many.
select count(*) from (select from bookings where source is not null and not settled and at <= $1 limit $2) as few

-- name: settle
-- What was heard since the bookings were read stays as it is.
update bookings set settled = true
 where account = $1 and source = any ($2::text[]) and at <= $3 and position <= $4 and not settled

-- name: balances
select currency, sum(amount_minor) as amount_minor from bookings where account = $1 and at <= $2 group by currency

-- name: last_complete
select report from reconciliations where complete and at <= $1 order by at desc limit 1

-- name: list_reports
select reconciliation_id, position, report from reconciliations
 where $1::bigint is null or position < $1
 order by position desc
 limit $2

-- name: find_report
select reconciliation_id, position, report from reconciliations where reconciliation_id = $1
