-- append: the only write that matters. One call stores one batch of units under the book's row lock.
--
-- A unit is atomic. Units that cannot land (their key was used, or a stream has moved on) are left out and reported,
-- their neighbours land. An overdraft, or a balance that would dip below zero between units of the batch, raises; the
-- caller then sends smaller batches, because which unit is to blame depends on their order.
--
-- Errors: HF001 a unit contradicts itself (unbalanced, version gap)   HF002 unknown account   HF003 no such book
--         HF004 the batch must be split   23514 overdraft   42501 this role may not write that kind of stream
create type ledger.append_result as (
    first_position bigint,        -- of the first event that landed
    recorded_at    timestamptz,
    left_out       jsonb          -- null when every unit landed; else [{unit, outcome, ...}]
);

create function ledger.append(
    p_book           integer,
    -- one element per unit
    p_keys           text[],
    p_fingerprints   bytea[],
    -- one element per stream that a unit touches
    p_change_units   integer[],
    p_change_streams text[],
    p_expected       bigint[],
    -- one element per event, in order of units
    p_units          integer[],
    p_streams        text[],
    p_versions       bigint[],
    p_types          text[],
    p_schemas        smallint[],
    p_effective      timestamptz[],
    p_correlations   text[],
    p_causations     text[],
    p_actors         text[],
    p_reasons        text[],
    p_accounts       text[],      -- array literals: unnest cannot take ragged arrays, and casting text measured fastest
    p_currencies     text[],
    p_amounts        text[],
    p_data           text[],
    p_leaves         bytea[]
) returns ledger.append_result
    language plpgsql security definer
    set search_path = pg_catalog
    set plan_cache_mode = force_generic_plan   -- planning these statements costs more than running a small batch
as $$
declare
    v_book     ledger.books;
    v_result   ledger.append_result;
    v_out      integer[] := '{}';
    v_reused   jsonb;
    v_moved    jsonb;
    v_count    bigint;
    v_leaves   bytea;
    v_hash     bytea;
    v_bad      bigint;
    v_dips     boolean;
    v_kind     text;
begin
    select k.kind into v_kind
      from (select distinct split_part(stream, '-', 1) as kind from unnest(p_change_streams) stream) k
     where not exists (select from ledger.writers w where w.role = ledger.writer() and w.kind in (k.kind, '*'))
     limit 1;
    if found then
        raise exception 'role % may not write streams of kind %', ledger.writer(), v_kind
            using errcode = 'insufficient_privilege';
    end if;

    select * into v_book from ledger.books where book = p_book for update;
    if not found then
        raise exception 'book % does not exist', p_book using errcode = 'HF003', hint = 'Create it with `holdfast migrate`.';
    end if;

    -- Keys come before versions: a repeated request must hear of its first outcome, whatever happened to its stream since.
    select array_agg(u.unit), jsonb_agg(jsonb_build_object(
               'unit', u.unit,
               'outcome', case when k.fingerprint = u.fingerprint then 'duplicate' else 'key_reused' end,
               'first', k.first_position, 'last', k.last_position))
      into v_out, v_reused
      from unnest(p_keys, p_fingerprints) with ordinality u (key, fingerprint, unit)
     cross join lateral (   -- LIMIT keeps the planner from scanning a book it has no statistics of
           select * from ledger.keys k where k.book = p_book and k.key = u.key limit 1) k;
    v_out := coalesce(v_out, '{}');

    with moved as (
        select distinct on (c.unit) c.unit, c.stream, actual.version
          from unnest(p_change_units, p_change_streams, p_expected) c (unit, stream, expected)
         cross join lateral (
               select coalesce((select e.version from ledger.events e where e.book = p_book and e.stream = c.stream
                                 order by e.version desc limit 1), 0) as version) actual
         where actual.version <> c.expected and c.unit <> all (v_out)
    )
    select v_out || coalesce(array_agg(unit), '{}'),
           jsonb_agg(jsonb_build_object('unit', unit, 'outcome', 'conflict', 'stream', stream, 'actual', version))
      into v_out, v_moved
      from moved;

    select c.unit into v_bad
      from unnest(p_change_units, p_change_streams, p_expected) c (unit, stream, expected)
      full join (select e.unit, e.stream, min(e.version) as low, max(e.version) as high, count(*) as n
                   from unnest(p_units, p_streams, p_versions) e (unit, stream, version) group by 1, 2) e
        on e.unit = c.unit and e.stream = c.stream
     where (e.low = c.expected + 1 and e.high = c.expected + e.n) is not true
     limit 1;
    if found then
        raise exception 'unit % leaves a gap between the versions of a stream', v_bad using errcode = 'HF001';
    end if;

    v_result.first_position := v_book.position + 1;
    v_result.recorded_at := greatest(clock_timestamp(), v_book.sealed_at);   -- monotone, whatever the clock does
    if v_reused is not null or v_moved is not null then
        v_result.left_out := coalesce(v_reused, '[]') || coalesce(v_moved, '[]');
        if cardinality(v_out) = cardinality(p_keys) then
            return v_result;
        end if;
    end if;

    with event as materialized (
        select row_number() over (order by i.ord) as n, i.unit, i.stream, i.version, i.type, i.schema_version,
               i.effective_at, i.correlation_id, i.causation_id, i.actor, i.reason,
               i.accounts::text[] as accounts, i.currencies::text[] as currencies, i.amounts::numeric(38, 0)[] as amounts,
               i.data, i.leaf
          from unnest(p_units, p_streams, p_versions, p_types, p_schemas, p_effective, p_correlations, p_causations,
                      p_actors, p_reasons, p_accounts, p_currencies, p_amounts, p_data, p_leaves)
               with ordinality i (unit, stream, version, type, schema_version, effective_at, correlation_id, causation_id,
                                  actor, reason, accounts, currencies, amounts, data, leaf, ord)
         where i.unit <> all (v_out)
    ), posting as materialized (
        select e.n, e.unit, p.account, p.currency, p.amount
          from event e cross join lateral unnest(e.accounts, e.currencies, e.amounts) p (account, currency, amount)
    ), net as (
        select unit, account, currency, sum(amount) as amount from posting group by unit, account, currency
    ), change as (
        select account, currency, sum(amount) as amount,
               coalesce(sum(amount) filter (where amount > 0), 0) as debits,
               coalesce(sum(amount) filter (where amount < 0), 0) as credits
          from net group by account, currency
    ), known as materialized (
        select c.*, coalesce(b.amount, 0) as before, coalesce(b.sign, ledger.account_sign(c.account)) as sign
          from change c
          left join lateral (select b.amount, b.sign from ledger.balances b
                              where b.book = p_book and b.account = c.account and b.currency = c.currency limit 1) b on true
    ), folded as (   -- the whole new balance is proposed, since the overdraft check meets the proposed row
        insert into ledger.balances (book, account, currency, amount, sign)
        select p_book, account, currency, before + amount, sign from known
            on conflict (book, account, currency) do update set amount = excluded.amount
    ), stored as (
        insert into ledger.events (book, position, stream, version, type, schema_version, recorded_at, effective_at,
                                   correlation_id, causation_id, actor, reason, accounts, currencies, amounts, data, leaf)
        select p_book, v_book.position + e.n, e.stream, e.version, e.type, e.schema_version, v_result.recorded_at,
               e.effective_at, e.correlation_id, e.causation_id, e.actor, e.reason, e.accounts, e.currencies, e.amounts,
               e.data::json, e.leaf
          from event e
    ), keyed as (
        insert into ledger.keys (book, key, fingerprint, first_position, last_position)
        select p_book, u.key, u.fingerprint, v_book.position + min(e.n), v_book.position + max(e.n)
          from unnest(p_keys, p_fingerprints) with ordinality u (key, fingerprint, unit)
          join event e on e.unit = u.unit
         where u.key is not null
         group by u.unit, u.key, u.fingerprint
    )
    select count(*), sha256(string_agg(e.leaf, ''::bytea order by e.n)),
           (select p.n from posting p group by p.n, p.currency having sum(p.amount) is distinct from 0 limit 1),
           exists (select from known where (sign = 1 and before + credits < 0) or (sign = -1 and before + debits > 0))
      into v_count, v_leaves, v_bad, v_dips
      from event e;

    if v_bad is not null then
        raise exception 'event % of the batch does not sum to zero', v_bad using errcode = 'HF001';
    end if;
    -- One balance might dip below zero between two units although it ends well: only an order decides, so send them apart.
    if v_dips and cardinality(p_keys) - cardinality(v_out) > 1 then
        raise exception 'an overdraft depends on the order inside the batch' using errcode = 'HF004';
    end if;

    v_hash := sha256(v_book.head || int8send(p_book) || int8send(v_book.block + 1) || int8send(v_book.position + 1)
                     || int8send(v_count) || int8send((extract(epoch from v_result.recorded_at) * 1000000)::bigint)
                     || v_leaves);
    insert into ledger.blocks (book, block, first_position, last_position, sealed_at, previous, hash)
    values (p_book, v_book.block + 1, v_book.position + 1, v_book.position + v_count, v_result.recorded_at,
            v_book.head, v_hash);
    update ledger.books
       set position = position + v_count, block = block + 1, head = v_hash, sealed_at = v_result.recorded_at
     where book = p_book;
    perform pg_notify('ledger', p_book::text);
    return v_result;
end $$;
