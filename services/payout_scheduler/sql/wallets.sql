-- The projection `wallets`, and what may be read of wallets.

-- name: balances
select seller, currency, balance_minor, earned_minor from wallets where seller = any ($1::text[])

-- name: put_wallets
insert into wallets (seller, currency, balance_minor, earned_minor)
select seller, currency, balance_minor, earned_minor from json_populate_recordset(null::wallets, $1)
    on conflict (seller, currency) do update set balance_minor = excluded.balance_minor, earned_minor = excluded.earned_minor

-- name: add_entries
insert into wallet_entries (seller, position, currency, amount_minor, before_minor, after_minor, event, stream, about, at)
select seller, position, currency, amount_minor, before_minor, after_minor, event, stream, about, at
  from json_populate_recordset(null::wallet_entries, $1)

-- name: pending
select currency, sum(net_minor - released_minor - lost_minor) as amount_minor
  from holds
 where seller = $1 and not refunded and net_minor > released_minor + lost_minor
 group by currency

-- name: payout_sums
select currency, coalesce(sum(amount_minor) filter (where status in ('scheduled', 'unknown', 'submitted')), 0) as in_transit_minor,
       coalesce(sum(amount_minor) filter (where status = 'paid'), 0) as withdrawn_minor
  from payouts
 where seller = $1
 group by currency

-- name: earned
select currency, earned_minor from wallets where seller = $1

-- name: entries
select position, currency, amount_minor, before_minor, after_minor, event, stream, about, at
  from wallet_entries
 where seller = $1 and ($2::text is null or currency = $2) and ($3::bigint is null or (position, currency) < ($3, $4))
 order by position desc, currency desc
 limit $5
