-- What the reports read. Those of whole books read the log and the live balances alone; those of one account also read
-- `audit.account_entries`, by its full name, since an auditor's login has no schema of its own.

-- name: head
select position, clock_timestamp() as now from ledger.books where book = $1

-- name: position_at
select last_position from ledger.blocks where book = $1 and sealed_at <= $2 order by sealed_at desc, block desc limit 1

-- name: sums
-- What the postings at these positions come to, of events effective by $4.
select p.account, p.currency, sum(p.amount)
  from ledger.events e
 cross join lateral unnest(e.accounts, e.currencies, e.amounts) p (account, currency, amount)
 where e.book = $1 and e.position > $2 and e.position <= $3 and ($4::timestamptz is null or e.effective_at <= $4)
 group by p.account, p.currency

-- name: changes
-- What the events at these positions that count in the later state ($6: effective by) and not in the earlier one (up to
-- position $4, effective by $5) come to. No event is in two slices, so that their counts may be added up.
select p.account, p.currency, e.type, count(distinct e.position) as events, sum(p.amount) as amount_minor
  from ledger.events e
 cross join lateral unnest(e.accounts, e.currencies, e.amounts) p (account, currency, amount)
 where e.book = $1 and e.position > $2 and e.position <= $3
   and e.effective_at <= coalesce($6::timestamptz, 'infinity')
   and not (e.position <= $4 and e.effective_at <= coalesce($5::timestamptz, 'infinity'))
 group by p.account, p.currency, e.type

-- name: entries_through
select position from audit.checkpoints where name = 'account_entries'

-- name: currencies
-- One probe of the index a currency, however many entries there are.
with recursive known (currency) as (
    (select currency from audit.account_entries where account = $1 order by currency limit 1)
    union all
    select (select e.currency from audit.account_entries e where e.account = $1 and e.currency > k.currency
             order by e.currency limit 1)
      from known k where k.currency is not null
)
select currency from known where currency is not null

-- name: balance_by_log
-- The balance after the last entry up to position $3, line $4.
select balance_minor from audit.account_entries
 where account = $1 and currency = $2 and (position, line) <= ($3, $4)
 order by position desc, line desc limit 1

-- name: balance_by_effect
-- The sum of the entries up to effective time $4, position $5, line $6, of those recorded up to position $3.
select sum(amount_minor) from audit.account_entries
 where account = $1 and currency = $2 and position <= $3 and (effective_at, position, line) <= ($4, $5, $6)

-- name: effective_at
select effective_at from audit.account_entries where account = $1 and currency = $2 and position = $3 and line = $4

-- name: entries_by_log
-- After position $4, line $5, up to position $6.
select a.position, a.line, e.recorded_at, a.effective_at, a.type, e.stream, e.correlation_id, e.reason, a.amount_minor
  from (select * from audit.account_entries
         where account = $2 and currency = $3 and (position, line) > ($4, $5) and position <= $6
         order by position, line limit $7) a
  join ledger.events e on e.book = $1 and e.position = a.position
 order by a.position, a.line

-- name: entries_by_effect
-- After effective time $5, position $6, line $7, up to effective time $8, of those recorded up to position $4.
select a.position, a.line, e.recorded_at, a.effective_at, a.type, e.stream, e.correlation_id, e.reason, a.amount_minor
  from (select * from audit.account_entries
         where account = $2 and currency = $3 and position <= $4
           and (effective_at, position, line) > ($5, $6, $7) and effective_at <= $8
         order by effective_at, position, line limit $9) a
  join ledger.events e on e.book = $1 and e.position = a.position
 order by a.effective_at, a.position, a.line

-- name: groups
select type, count(distinct position) as events, sum(amount_minor) as amount_minor
  from audit.account_entries
 where account = $1 and currency = $2 and position <= $3 and ($4::timestamptz is null or effective_at <= $4)
 group by type order by abs(sum(amount_minor)) desc, type

-- name: postponed
-- What is recorded up to position $3 and not yet effective by $4.
select coalesce(sum(amount_minor), 0) from audit.account_entries
 where account = $1 and currency = $2 and position <= $3 and effective_at > $4

-- name: contributions
-- An event that posts several times to the account contributes what these come to. $6: the largest first, else the latest.
select c.position, e.recorded_at, e.effective_at, e.type, e.stream, e.correlation_id, e.actor, e.reason, c.amount_minor
  from (select position, sum(amount_minor) as amount_minor
          from audit.account_entries
         where account = $2 and currency = $3 and position <= $4 and ($5::timestamptz is null or effective_at <= $5)
         group by position
         order by case when $6 then abs(sum(amount_minor)) end desc, position desc
         limit $7) c
  join ledger.events e on e.book = $1 and e.position = c.position
 order by case when $6 then abs(c.amount_minor) end desc, c.position desc

-- name: oldest_first
-- Events after position $2, through $3, that pass the filters, each of which null switches off.
select book, position, stream, version, type, schema_version, recorded_at, effective_at, correlation_id, causation_id,
       actor, reason, accounts, currencies, amounts, data, leaf
  from ledger.events
 where book = $1 and position > $2 and position <= $3
   and ($4::text[] is null or split_part(stream, '-', 1) = any ($4)) and ($5::text is null or stream = $5)
   and ($6::text[] is null or type = any ($6)) and ($7::text is null or $7 = any (accounts))
   and ($8::text is null or actor = $8)
 order by position limit $9

-- name: newest_first
select book, position, stream, version, type, schema_version, recorded_at, effective_at, correlation_id, causation_id,
       actor, reason, accounts, currencies, amounts, data, leaf
  from ledger.events
 where book = $1 and position > $2 and position <= $3
   and ($4::text[] is null or split_part(stream, '-', 1) = any ($4)) and ($5::text is null or stream = $5)
   and ($6::text[] is null or type = any ($6)) and ($7::text is null or $7 = any (accounts))
   and ($8::text is null or actor = $8)
 order by position desc limit $9
