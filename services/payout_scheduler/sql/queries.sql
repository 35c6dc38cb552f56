-- What HTTP shows and what the jobs look for.

-- name: list_sellers
select s.seller, s.country, s.account_id, s.transfers_active, s.payouts_enabled, s.requirements, s.frequency, s.deauthorized
  from sellers s
 where $1::text is null or s.seller > $1
 order by s.seller
 limit $2

-- name: seller_of
select seller from sellers where account_id = $1

-- name: accounts
-- Those whose log of events we may read.
select account_id from sellers where account_id is not null and not deauthorized order by account_id

-- name: seller_accounts
-- Those whose statement we may read.
select seller, account_id from sellers where account_id is not null and not deauthorized order by seller

-- name: waiting_transfers
-- What waits for a seller: asked for and not settled yet, oldest business first.
select transfer_id, order_id, currency, amount_minor, status, reason, changed_at
  from transfers
 where seller = $1 and status not in ('settled', 'withdrawn')
 order by changed_at, transfer_id
 limit $2

-- name: list_payouts
select payout_id, seller, account_id, currency, amount_minor, slot, attempt, status, stripe_payout, code, reason,
       retry_at, waits_for_bank, started_at, changed_at, position
  from payouts
 where ($1::text is null or seller = $1) and ($2::text is null or status = $2) and ($3::bigint is null or position < $3)
 order by position desc
 limit $4

-- name: list_clawbacks
select clawback_id, seller, order_id, allocation_id, cause, currency, net_minor, amount_minor, kept_minor, reversed_minor,
       status, reason, retry_at, heard_at, changed_at, position
  from clawbacks
 where ($1::text is null or seller = $1) and ($2::text is null or status = $2) and ($3::bigint is null or position < $3)
 order by position desc
 limit $4

-- name: sent
-- Where a clawback may find its money: at its own allocation first, and there first what has not moved yet, then the
-- newest. A netted release leaves less of its own than is clawed back, and the rest is what others brought.
select transfer_id, stripe_transfer, amount_minor - reversed_minor as left_minor
  from transfers
 where seller = $1 and currency = $2 and amount_minor > reversed_minor and status <> 'withdrawn'
 order by allocation_id = $3 desc, stripe_transfer is not null, position desc
 limit $4

-- name: release_unheard
-- More was clawed back of an allocation than we heard was released of it: the message of that is still on its way.
select coalesce((select sum(net_minor) from clawbacks where allocation_id = $1), 0)
     > coalesce((select sum(released_minor) from holds where allocation_id = $1), 0)

-- name: under_way
-- What is claimed for a seller's payouts and not paid yet, how much of it Stripe may not know of, and what is to come back.
select coalesce(sum(amount_minor), 0) as in_transit_minor,
       coalesce(sum(amount_minor) filter (where status <> 'submitted'), 0) as unsubmitted_minor,
       (select coalesce(sum(amount_minor - kept_minor - reversed_minor), 0) from clawbacks
         where seller = $1 and currency = $2 and amount_minor > kept_minor + reversed_minor) as reversing_minor
  from payouts
 where seller = $1 and currency = $2 and status in ('scheduled', 'unknown', 'submitted')

-- name: retries
-- Failed payouts whose pause is over, or whose seller can be paid again (a bank account that bounced is disabled). To the
-- account that the seller has now.
select p.payout_id, p.seller, s.account_id, p.currency, p.amount_minor, p.slot, p.attempt
  from payouts p join sellers s using (seller)
 where p.status = 'failed' and (p.retry_at <= $1 or p.waits_for_bank) and s.transfers_active and s.payouts_enabled and p.payout_id > $2
 order by p.payout_id
 limit $3

-- name: due
-- Sellers with money whose slot is open. $1 names the present slot of every frequency, $2 is everybody's frequency who
-- chose none. A payout that waits for its next try goes first: its money is not this slot's.
with candidate as (
    select w.seller, w.currency, w.balance_minor, s.account_id, $1::jsonb ->> coalesce(s.frequency, $2) as slot
      from wallets w join sellers s using (seller)
     where w.balance_minor > 0 and s.transfers_active and s.payouts_enabled and (w.seller, w.currency) > ($3, $4)
)
select c.seller, c.currency, c.balance_minor, c.account_id, c.slot
  from candidate c
 where c.slot is not null
   and not exists (select from payouts p where p.seller = c.seller and p.currency = c.currency
                                           and (p.slot = c.slot or (p.status = 'failed' and (p.retry_at is not null or p.waits_for_bank))))
 order by c.seller, c.currency
 limit $5

-- name: not_ready
-- Money that could be paid but for its seller: shown by the job, never an error of it.
select count(*) from wallets w left join sellers s using (seller)
 where w.balance_minor > 0 and (s.transfers_active and s.payouts_enabled) is not true
