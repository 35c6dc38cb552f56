-- The projection `account_entries`.

-- name: follow
-- The postings of book $1 after position $2, through $3. An account's first posting of the slice brings in the balance that
-- the account had before, found by the end of its index; one sort serves both windows and leaves rows in index order.
insert into account_entries (account, currency, position, line, effective_at, type, amount_minor, balance_minor)
select p.account, p.currency, p.position, p.line, p.effective_at, p.type, p.amount,
       sum(p.amount + coalesce(before.balance_minor, 0)) over log_order
  from (select u.*, row_number() over (partition by u.account, u.currency order by u.position, u.line) as nth
          from (select unnest(e.accounts) collate "C" as account, unnest(e.currencies) collate "C" as currency,
                       unnest(e.amounts) as amount, generate_subscripts(e.accounts, 1)::smallint as line,
                       e.position, e.effective_at, e.type
                  from ledger.events e
                 where e.book = $1 and e.position > $2 and e.position <= $3) u) p
  left join lateral (
       select b.balance_minor from account_entries b
        where p.nth = 1 and b.account = p.account and b.currency = p.currency
        order by b.position desc, b.line desc limit 1) before on true
window log_order as (partition by p.account, p.currency order by p.position, p.line rows unbounded preceding)
