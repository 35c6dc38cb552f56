-- Keys of those whom free text may tell of. The log keeps ciphertext for ever; a key destroyed is the text erased.

create table ledger.subject_keys (
    book         integer     not null,
    subject      text        not null,   -- a pseudonym; 'order:...' for what is said about an order
    wrapped      bytea,                  -- the key, under a master key that never comes here
    created_at   timestamptz not null default now(),
    destroyed_at timestamptz,
    primary key (book, subject),
    check ((wrapped is null) = (destroyed_at is not null))
);

-- Who seals and opens texts. Services are made members by their own migrations; auditors and read models are not.
do $$
begin
    if not exists (select from pg_roles where rolname = 'holdfast_keyholder') then
        create role holdfast_keyholder nologin;
    end if;
    if not exists (select from pg_roles where rolname = 'holdfast_forgetter') then
        create role holdfast_forgetter nologin;
    end if;
end $$;

grant usage on schema ledger to holdfast_keyholder;
grant select, insert (book, subject, wrapped) on ledger.subject_keys to holdfast_keyholder;
grant select (book, subject, created_at, destroyed_at) on ledger.subject_keys to holdfast_reader;

-- A key that was destroyed leaves its row behind, so that nobody makes a new one and nobody denies that there was one.
create function ledger.keep_forgotten() returns trigger language plpgsql as $$
begin
    if tg_op = 'UPDATE' then
        if old.wrapped is not null and new.book = old.book and new.subject = old.subject then
            return new;   -- destroyed, or wrapped anew
        end if;
    end if;
    raise exception 'ledger.subject_keys: % is refused', tg_op
        using errcode = 'insufficient_privilege', hint = 'Who was forgotten stays forgotten.';
end $$;

create trigger keep_forgotten before update or delete on ledger.subject_keys
    for each row execute function ledger.keep_forgotten();
create trigger keep_all before truncate on ledger.subject_keys
    for each statement execute function ledger.keep_forgotten();

-- Destroys the keys of these subjects and closes the door behind those who had none yet; how many keys there were.
create function ledger.forget(p_book integer, p_subjects text[]) returns bigint
    language sql security definer set search_path = pg_catalog, pg_temp as $$
    with forgotten as (
        insert into ledger.subject_keys as k (book, subject, destroyed_at)
        select p_book, subject, now() from unnest(p_subjects) subject order by subject
            on conflict (book, subject) do update set wrapped = null, destroyed_at = now() where k.wrapped is not null
        returning k.created_at < now() as had_key)
    select count(*) filter (where had_key) from forgotten
$$;
revoke all on function ledger.forget from public;
grant holdfast_writer to holdfast_forgetter;   -- for the trace that a forgetting leaves in the log
grant execute on function ledger.forget to holdfast_forgetter;
insert into ledger.writers (role, kind) values ('holdfast_forgetter', 'personal');
