-- append again: a third faster, and it keeps accounting periods closed.

-- Nothing may post with an effective time before this moment. It follows from the last PeriodClosed or PeriodReopened in
-- the book, whose appending moves it; `verify` derives it again.
alter table ledger.books add column closed_before timestamptz not null default '-infinity';

-- "What did the book say at ten o'clock": from a recorded time to a position.
create index on ledger.blocks (book, sealed_at);

drop function ledger.append;
drop function ledger.writer;   -- append asks inline: a function with a search_path of its own is never inlined

-- A column of text: values joined by U+001F, NULL as U+001E. Neither may stand in a value; the caller sees to it, and one
-- that does not gets columns of unequal length, which no event can be made of. (No search_path of its own: that would keep
-- it from being inlined.)
create function ledger.column(p_joined text) returns text[] language sql immutable as $$
    select case p_joined when '' then array[''] else string_to_array(p_joined, U&'\001F', U&'\001E') end
$$;

-- One call stores one batch of units under the book's row lock, or nothing of it.
--
-- When the caller asks it to look (p_look), units that cannot land (their key was used, a stream has moved on) are found
-- beforehand and reported; so, always, are those that post into a closed period. The caller leaves them out and sends the
-- rest again. Without looking, half of all index probes are saved: what cannot land then meets a unique index (23505) or
-- HF005, and the caller asks again with p_look.
--
-- Everything else raises; the caller then sends smaller batches until the unit to blame stands alone. So it is with
-- overdrafts, because which unit overdraws depends on their order.
--
-- Columns of text come joined (see ledger.column), numbers as literals of arrays: the caller's driver writes one long text
-- several times as fast as an array. What is stored is what is checked: sums and balances come from RETURNING, not from the arguments.
--
-- Errors: HF001 a unit contradicts itself (unbalanced, version gap)   HF002 unknown account   HF003 no such book
--         HF004 the batch must be split   HF005 look first   23505 look first   23514 overdraft
--         42501 this role may not write that kind of stream
create function ledger.append(
    p_book           integer,
    p_look           boolean,
    -- one element per unit
    p_keys           text,
    p_fingerprints   bytea[],
    -- one element per stream that a unit touches
    p_change_units   text,        -- numbers come as array literals
    p_change_streams text,
    p_firsts         text,        -- version of its first event there: one more than the stream is expected to have
    -- one element per event, in order of units
    p_units          text,
    p_streams        text,
    p_versions       text,
    p_types          text,
    p_schemas        text,
    p_effective      timestamptz[],
    p_correlations   text,
    p_causations     text,
    p_actors         text,
    p_reasons        text,
    p_accounts       text,        -- each an array literal: unnest cannot take ragged arrays, and casting text measured fastest
    p_currencies     text,
    p_amounts        text,
    p_data           text,
    p_leaves         bytea        -- 32 bytes each
) returns ledger.append_result
    language plpgsql security definer
    set search_path = pg_catalog, pg_temp   -- named last: else a caller's temporary types would come first
    set plan_cache_mode = force_generic_plan   -- planning these statements costs more than running a small batch
as $$
declare
    v_keys     text[] := ledger.column(p_keys);
    v_streams  text[] := ledger.column(p_streams);
    v_changed  text[] := ledger.column(p_change_streams);
    v_accounts text[] := ledger.column(p_accounts);
    v_changing integer[] := p_change_units;
    v_firsts   bigint[] := p_firsts;
    v_units    integer[] := p_units;
    v_versions bigint[] := p_versions;
    v_role     name := coalesce(nullif(current_setting('role'), 'none'), session_user);   -- the one taken, not the definer
    v_kinds    text[] := array(select w.kind from ledger.writers w where w.role = v_role);
    v_kind     text;
    v_book     ledger.books;
    v_result   ledger.append_result;
    v_some     jsonb;
    v_out      jsonb;
    v_closed   timestamptz;
    v_count    bigint;
    v_others   bigint[];
    v_hash     bytea;
    v_bad      bigint;
    v_dips     boolean;
begin
    if '*' <> all (v_kinds) then
        select split_part(stream, '-', 1) into v_kind
          from unnest(v_changed) stream where split_part(stream, '-', 1) <> all (v_kinds) limit 1;
        if found then
            raise exception 'role % may not write streams of kind %', v_role, v_kind using errcode = 'insufficient_privilege';
        end if;
    end if;

    -- Of each stream, the events must carry the versions that follow the expected one. Nearly always it is one event each.
    if v_streams <> v_changed or v_units <> v_changing
       or v_versions <> v_firsts then
        select c.unit into v_bad
          from unnest(v_changing, v_changed, v_firsts) c (unit, stream, first)
          full join (select e.unit, e.stream, min(e.version) as low, max(e.version) as high, count(*) as n
                       from unnest(v_units, v_streams, v_versions) e (unit, stream, version) group by 1, 2) e
            on e.unit = c.unit and e.stream = c.stream
         where (e.low = c.first and e.high = c.first + e.n - 1) is not true
         limit 1;
        if found then
            raise exception 'unit % leaves a gap between the versions of a stream', v_bad using errcode = 'HF001';
        end if;
    end if;

    select * into v_book from ledger.books where book = p_book for update;
    if not found then
        raise exception 'book % does not exist', p_book using errcode = 'HF003';
    end if;

    -- A book is planned for before it has statistics. Subqueries with LIMIT that name every column of a unique index leave
    -- the planner nothing but a probe of that index; joins and EXISTS it turned into scans of the book.
    if p_look then
        -- Keys before versions: a repeated request must hear of its first outcome, whatever became of its stream since.
        select jsonb_agg(jsonb_build_object(
                   'unit', u.unit,
                   'outcome', case when k.fingerprint = u.fingerprint then 'duplicate' else 'key_reused' end,
                   'first', k.first_position, 'last', k.last_position))
          into v_out
          from unnest(v_keys, p_fingerprints) with ordinality u (key, fingerprint, unit)
         cross join lateral (select * from ledger.keys k where k.book = p_book and k.key = u.key limit 1) k;
        select jsonb_agg(jsonb_build_object('unit', c.unit, 'outcome', 'conflict', 'stream', c.stream, 'actual',
                   coalesce((select e.version from ledger.events e where e.book = p_book and e.stream = c.stream
                              order by e.version desc limit 1), 0)))
          into v_some
          from unnest(v_changing, v_changed, v_firsts) c (unit, stream, first)
         where (c.first <> 1
                and (select true from ledger.events e
                      where e.book = p_book and e.stream = c.stream and e.version = c.first - 1 limit 1) is null)
            or (select true from ledger.events e
                 where e.book = p_book and e.stream = c.stream and e.version = c.first limit 1);
        v_out := coalesce(v_out || v_some, v_out, v_some);
    elsif 1 <> any (v_firsts) then
        perform from unnest(v_changed, v_firsts) c (stream, first)
          where c.first <> 1
            and (select true from ledger.events e
                  where e.book = p_book and e.stream = c.stream and e.version = c.first - 1 limit 1) is null;
        if found then
            raise exception 'a stream is not as far as expected' using errcode = 'HF005';
        end if;
    end if;

    if v_book.closed_before > '-infinity' then
        select jsonb_agg(jsonb_build_object('unit', unit, 'outcome', 'closed',
                                            'effective_at', (extract(epoch from effective_at) * 1000000)::bigint,
                                            'closed_before', (extract(epoch from v_book.closed_before) * 1000000)::bigint))
          into v_some
          from (select unit, min(effective_at) as effective_at
                  from unnest(v_units, p_effective, v_accounts) e (unit, effective_at, accounts)
                 where effective_at < v_book.closed_before and accounts <> '{}'
                 group by unit) late;
        v_out := coalesce(v_out || v_some, v_out, v_some);
    end if;

    if v_out is not null then
        v_result.left_out := v_out;
        return v_result;
    end if;

    v_result.first_position := v_book.position + 1;
    v_result.recorded_at := greatest(clock_timestamp(), v_book.sealed_at);   -- monotone, whatever the clock does

    with stored as (
        insert into ledger.events (book, position, stream, version, type, schema_version, recorded_at, effective_at,
                                   correlation_id, causation_id, actor, reason, accounts, currencies, amounts, data, leaf)
        select p_book, v_book.position + i.n, i.stream, i.version, i.type, i.schema_version, v_result.recorded_at,
               i.effective_at, i.correlation_id, i.causation_id, i.actor, i.reason,
               i.accounts::text[], i.currencies::text[], i.amounts::numeric(38, 0)[], i.data::json,
               substring(p_leaves from 32 * i.n::integer - 31 for 32)
          from unnest(v_streams, v_versions, ledger.column(p_types), p_schemas::smallint[], p_effective,
                      ledger.column(p_correlations), ledger.column(p_causations), ledger.column(p_actors),
                      ledger.column(p_reasons), v_accounts, ledger.column(p_currencies), ledger.column(p_amounts),
                      ledger.column(p_data))
               with ordinality i (stream, version, type, schema_version, effective_at, correlation_id, causation_id,
                                  actor, reason, accounts, currencies, amounts, data, n)
        returning position, accounts, currencies, amounts
    ), change as (
        select p.account, p.currency, sum(p.amount) as amount,
               coalesce(sum(p.amount) filter (where p.amount > 0), 0) as debits,
               coalesce(sum(p.amount) filter (where p.amount < 0), 0) as credits
          from stored s cross join lateral unnest(s.accounts, s.currencies, s.amounts) p (account, currency, amount)
         group by p.account, p.currency
    ), known as materialized (
        select c.*, coalesce(b.amount, 0) as before, coalesce(b.sign, ledger.account_sign(c.account)) as sign
          from change c
          left join lateral (select b.amount, b.sign from ledger.balances b
                              where b.book = p_book and b.account = c.account and b.currency = c.currency limit 1) b on true
    ), folded as (   -- the whole new balance is proposed, since the overdraft check meets the proposed row
        insert into ledger.balances (book, account, currency, amount, sign)
        select p_book, account, currency, before + amount, sign from known
            on conflict (book, account, currency) do update set amount = excluded.amount
    )
    select count(*),
           -- One currency and two or three postings is the common event, seen to balance without a subquery; of the
           -- others, an array that begins elsewhere than at 1 among them, a sum is made below.
           array_agg(s.position) filter (where (s.currencies[1] = all (s.currencies)
               and cardinality(s.accounts) = cardinality(s.amounts) and cardinality(s.currencies) = cardinality(s.amounts)
               and case cardinality(s.amounts) when 0 then true
                                               when 2 then s.amounts[1] + s.amounts[2] = 0
                                               when 3 then s.amounts[1] + s.amounts[2] + s.amounts[3] = 0 end) is not true),
           exists (select from known where (sign = 1 and before + credits < 0) or (sign = -1 and before + debits > 0))
      into v_count, v_others, v_dips
      from stored s;

    if octet_length(p_leaves) <> 32 * v_count then
        raise exception 'there are leaves left over' using errcode = 'HF001';
    end if;
    if v_others is not null then
        select e.position into v_bad
          from ledger.events e
         where e.book = p_book and e.position = any (v_others)
           and (cardinality(e.accounts) <> cardinality(e.amounts) or array_position(e.amounts, null) is not null
                or exists (select from unnest(e.currencies, e.amounts) p (currency, amount)
                            group by p.currency having sum(p.amount) is distinct from 0))
         limit 1;
    end if;
    if v_bad is not null then
        raise exception 'event % of the batch does not sum to zero', v_bad - v_book.position using errcode = 'HF001';
    end if;
    -- One balance might dip below zero between two units although it ends well: only an order decides, so send them apart.
    if v_dips and cardinality(v_keys) > 1 then
        raise exception 'an overdraft depends on the order inside the batch' using errcode = 'HF004';
    end if;

    if cardinality(v_units) = cardinality(v_keys) then   -- one event a unit
        insert into ledger.keys (book, key, fingerprint, first_position, last_position)
        select p_book, u.key, u.fingerprint, v_book.position + u.unit, v_book.position + u.unit
          from unnest(v_keys, p_fingerprints) with ordinality u (key, fingerprint, unit)
         where u.key is not null;
    else
        insert into ledger.keys (book, key, fingerprint, first_position, last_position)
        select p_book, u.key, u.fingerprint, v_book.position + e.first, v_book.position + e.last
          from unnest(v_keys, p_fingerprints) with ordinality u (key, fingerprint, unit)
          join (select e.unit, min(e.n) as first, max(e.n) as last
                  from unnest(v_units) with ordinality e (unit, n) group by e.unit) e on e.unit = u.unit
         where u.key is not null;
    end if;

    if strpos(p_change_streams, 'period-') > 0 then
        select (e.data::json ->> 'closed_before')::timestamptz into v_closed
          from unnest(v_streams, ledger.column(p_types), ledger.column(p_data)) with ordinality e (stream, type, data, n)
         where e.stream like 'period-%' and e.type in ('PeriodClosed', 'PeriodReopened')
         order by e.n desc limit 1;
        if found and cardinality(v_keys) > 1 then
            raise exception 'a period is closed or reopened in a batch of its own' using errcode = 'HF004';
        end if;
    end if;

    v_hash := sha256(v_book.head || int8send(p_book) || int8send(v_book.block + 1) || int8send(v_book.position + 1)
                     || int8send(v_count) || int8send((extract(epoch from v_result.recorded_at) * 1000000)::bigint)
                     || sha256(p_leaves));
    insert into ledger.blocks (book, block, first_position, last_position, sealed_at, previous, hash)
    values (p_book, v_book.block + 1, v_book.position + 1, v_book.position + v_count, v_result.recorded_at,
            v_book.head, v_hash);
    update ledger.books
       set position = position + v_count, block = block + 1, head = v_hash, sealed_at = v_result.recorded_at,
           closed_before = coalesce(v_closed, closed_before)
     where book = p_book;
    return v_result;
end $$;

revoke all on function ledger.append from public;
grant execute on function ledger.append to holdfast_writer;

-- Of earlier functions, too: a search_path that does not name pg_temp looks there first.
revoke all on function ledger.column from public;
alter function ledger.account_sign set search_path = pg_catalog, pg_temp;
alter function ledger.admit_service set search_path = pg_catalog, pg_temp;
alter function ledger.create_worklist set search_path = pg_catalog, pg_temp;
