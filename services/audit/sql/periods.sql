-- name: first_posted
select min(effective_at)
  from ledger.events
 where book = $1 and position > $2 and position <= $3 and accounts <> '{}'

-- name: turnovers
-- What a slice of the log adds to each account before a month ($4 its first instant) and within it ($5 the first after).
select p.account, p.currency,
       coalesce(sum(p.amount) filter (where e.effective_at < $4), 0) as opening,
       coalesce(sum(p.amount) filter (where e.effective_at >= $4 and p.amount > 0), 0) as debit,
       coalesce(-sum(p.amount) filter (where e.effective_at >= $4 and p.amount < 0), 0) as credit
  from ledger.events e
 cross join lateral unnest(e.accounts, e.currencies, e.amounts) p (account, currency, amount)
 where e.book = $1 and e.position > $2 and e.position <= $3 and e.effective_at < $5
 group by p.account, p.currency

-- name: event
select book, position, stream, version, type, schema_version, recorded_at, effective_at, correlation_id, causation_id,
       actor, reason, accounts, currencies, amounts, data, leaf
  from ledger.events
 where book = $1 and stream = $2 and version = $3
