"""Texts in the log: ciphertext to everybody but the vault, and to nobody once a subject is forgotten."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from uuid import UUID, uuid4

import asyncpg
import pytest

from libs.eventstore.forgetting import forget, known, rewrap, trace_id
from libs.eventstore.ledger import Ledger, open_ledger
from libs.eventstore.model import stream_name
from libs.eventstore.pool import open_pool
from libs.eventstore.vault import Vault
from libs.ledger.errors import Unavailable
from libs.ledger.personal import with_texts
from services.audit.proofs.verify import verify
from tests.integration.eventstore.complaints import NEW, NOON, OLD, PLAIN, Close, Desk, Repeat


@pytest.fixture
def desk(ledger: Ledger) -> Desk:
    return Desk(ledger)


@pytest.fixture
def complaint() -> UUID:
    return uuid4()


async def test_a_text_is_stored_as_ciphertext_and_decided_on_in_plain(desk: Desk, complaint: UUID) -> None:
    done = await desk.hear(complaint)
    assert await desk.shown(complaint) == [PLAIN]
    assert done.events[0].why.text == PLAIN  # type: ignore[attr-defined]
    [stored] = await desk.stored(complaint)
    assert PLAIN not in stored.data
    assert '"subjects":["buyer-1","order:A-1"],"state":"sealed"' in stored.data


async def test_a_text_that_is_passed_on_is_sealed_anew_for_its_place(desk: Desk, complaint: UUID) -> None:
    await desk.hear(complaint)
    await desk.run(complaint, Repeat())
    assert await desk.shown(complaint) == [PLAIN, PLAIN]
    first, second = await desk.stored(complaint)
    assert first.data.split('"')[5] != second.data.split('"')[5]


async def test_events_without_texts_ask_for_no_keys(ledger: Ledger, every_database_url: str, complaint: UUID) -> None:
    async with open_pool(every_database_url, None) as closed:
        pass
    desk = Desk(ledger)
    desk._executor._vault = Vault(closed, 1, [OLD])  # any question would meet a closed pool
    for _ in range(2):
        assert (await desk.run(complaint, Close())).events
    with pytest.raises(Unavailable):
        await desk.hear(complaint)


async def test_two_processes_that_meet_a_subject_at_once_use_one_key(every_database_url: str) -> None:
    complaints = [uuid4() for _ in range(20)]
    async with open_ledger(every_database_url, None) as one, open_ledger(every_database_url, None) as other:
        desks = [Desk(one), Desk(other)]
        for number in range(5):  # a new subject each time, met by both at once
            subjects = [f"buyer-{number}", "order:A-1", f"seller-{number}"]
            async with asyncio.TaskGroup() as group:
                for index, each in enumerate(complaints[4 * number : 4 * number + 4]):
                    ordered = subjects[:: 1 if index < 2 else -1]
                    group.create_task(desks[index % 2].hear(each, f"{PLAIN} {index}", *ordered))
        for index, each in enumerate(complaints):
            assert [await desk.shown(each) for desk in desks] == [[f"{PLAIN} {index % 4}"]] * 2
        assert await one.pool.fetchval("select count(*) from ledger.subject_keys") == 11


@pytest.mark.parametrize("subject", ["buyer-1", "order:A-1"])
async def test_who_is_forgotten_is_unreadable_for_ever_and_the_log_still_holds(
    desk: Desk, ledger: Ledger, complaint: UUID, subject: str
) -> None:
    await desk.hear(complaint)
    other = uuid4()
    await desk.hear(other, "another", "buyer-2")
    before = await desk.stored(complaint)
    assert await forget(ledger, subject, [], NOON) == 1
    assert await desk.shown(complaint) == ["[forgotten]"]
    assert await desk.stored(complaint) == before
    assert await desk.shown(other) == ["another"]
    assert (await verify(ledger)).ok


async def test_what_comes_in_later_of_somebody_who_was_forgotten_is_not_kept(
    desk: Desk, ledger: Ledger, complaint: UUID
) -> None:
    await desk.hear(complaint)
    await forget(ledger, "buyer-1", ["order:A-2"], NOON)
    await desk.hear(complaint)
    await desk.run(complaint, Repeat())
    assert await desk.shown(complaint) == ["[forgotten]"] * 3
    assert [each.data.count('"text":""') for each in await desk.stored(complaint)] == [0, 1, 1]
    # The order never had a key; it gets none any more.
    await desk.hear(late := uuid4(), "late", "shop", "order:A-2")
    assert await desk.shown(late) == ["[forgotten]"]


async def test_forgetting_leaves_one_trace_that_names_nobody(desk: Desk, ledger: Ledger, complaint: UUID) -> None:
    await desk.hear(complaint)
    assert [await forget(ledger, "buyer-1", ["order:A-1"], NOON) for _ in range(2)] == [2, 0]
    stream = stream_name("personal", trace_id(1, "buyer-1"))
    [trace] = (await ledger.store.load(stream))[stream]
    assert (trace.type, trace.data, trace.actor, trace.effective_at) == (
        "SubjectForgotten",
        '{"keys": 2}',
        "forget",
        NOON,
    )


async def test_killed_between_trace_and_deed_the_next_call_goes_on(
    desk: Desk, ledger: Ledger, complaint: UUID, monkeypatch: pytest.MonkeyPatch
) -> None:
    await desk.hear(complaint)
    with monkeypatch.context() as patched:
        patched.setattr("libs.eventstore.forgetting.SQL.forget", "select ($1::int + cardinality($2::text[])) / 0")
        with pytest.raises(asyncpg.DivisionByZeroError):
            await forget(ledger, "buyer-1", [], NOON)
    assert await desk.shown(complaint) == [PLAIN]
    assert await forget(ledger, "buyer-1", [], NOON) == 1
    stream = stream_name("personal", trace_id(1, "buyer-1"))
    assert len((await ledger.store.load(stream))[stream]) == 1
    assert await desk.shown(complaint) == ["[forgotten]"]


async def test_not_even_the_owner_brings_back_a_name_or_takes_a_row_away(
    desk: Desk, ledger: Ledger, complaint: UUID
) -> None:
    await desk.hear(complaint)
    await forget(ledger, "buyer-1", [], NOON)
    for statement in (
        r"update ledger.subject_keys set wrapped = '\x00', destroyed_at = null where subject = 'buyer-1'",
        "update ledger.subject_keys set subject = 'somebody' where subject = 'buyer-1'",
        "update ledger.subject_keys set subject = 'somebody' where subject = 'order:A-1'",
        "delete from ledger.subject_keys where subject = 'buyer-1'",
        "delete from ledger.subject_keys where subject = 'order:A-1'",
        "truncate ledger.subject_keys",
    ):
        with pytest.raises(asyncpg.InsufficientPrivilegeError, match="is refused"):
            await ledger.pool.execute(statement)
    by_name = {each.subject: each for each in await known(ledger, ["buyer-1", "order:A-1"])}
    assert by_name["buyer-1"].destroyed_at is not None
    assert by_name["order:A-1"].destroyed_at is None


async def test_another_master_key_opens_nothing_and_says_so(desk: Desk, ledger: Ledger, complaint: UUID) -> None:
    await desk.hear(complaint)
    wrong = Desk(ledger, NEW)
    for attempt in (wrong.shown(complaint), wrong.hear(complaint), wrong.vault.ready()):
        with pytest.raises(Unavailable, match="HOLDFAST_DATA_KEY") as refused:
            await attempt
        assert refused.value.code == "wrong_data_key"
    await desk.vault.ready()


async def test_one_master_key_follows_another(desk: Desk, ledger: Ledger, complaint: UUID) -> None:
    await desk.hear(complaint)
    await forget(ledger, "buyer-9", ["order:A-9"], NOON)
    both = Desk(ledger, NEW, OLD)
    assert await both.shown(complaint) == [PLAIN]
    await both.hear(fresh := uuid4(), "fresh", "buyer-3")
    steps: list[tuple[int, int]] = []
    assert await rewrap(ledger, (NEW, OLD), lambda *step: steps.append(step)) == (2, 3)
    assert steps == [(2, 3)]
    assert await rewrap(ledger, (NEW, OLD), lambda *_: None) == (0, 3)
    only_new = Desk(ledger, NEW)
    assert [await only_new.shown(each) for each in (complaint, fresh)] == [[PLAIN], ["fresh"]]
    with pytest.raises(Unavailable, match="HOLDFAST_DATA_KEY"):
        await desk.shown(complaint)


async def test_a_key_that_no_master_opens_stops_the_rewrapping_and_is_named(
    desk: Desk, ledger: Ledger, complaint: UUID
) -> None:
    await desk.hear(complaint)
    with pytest.raises(Unavailable, match="buyer-1"):
        await rewrap(ledger, (NEW,), lambda *_: None)
    assert await desk.shown(complaint) == [PLAIN]


async def test_a_ciphertext_moved_to_another_event_is_unreadable(desk: Desk, ledger: Ledger, complaint: UUID) -> None:
    await desk.hear(complaint, "first")
    await desk.hear(complaint, "second")
    await ledger.pool.execute(
        "alter table ledger.events disable trigger append_only;"
        "update ledger.events set data = (select data from ledger.events where position = 1) where position = 2;"
        "alter table ledger.events enable trigger append_only"
    )
    assert await desk.shown(complaint) == ["first", "[unreadable]"]
    assert [fault.position for fault in (await verify(ledger)).faults] == [2]


@pytest.fixture
async def as_depot(ledger: Ledger, every_database_url: str) -> AsyncIterator[Ledger]:
    """A service like any other, which holds no keys."""
    async with ledger.pool.acquire() as connection, connection.transaction():
        await connection.execute("select ledger.admit_service('depot', array['payment'])")
    async with open_ledger(every_database_url, "depot") as opened:
        yield opened


async def test_who_holds_no_keys_sees_who_has_one_and_not_the_key(
    desk: Desk, as_depot: Ledger, complaint: UUID
) -> None:
    await desk.hear(complaint)
    assert [each.subject for each in await known(as_depot, ["buyer-1", "nobody"])] == ["buyer-1"]
    for statement in (
        "select wrapped from ledger.subject_keys",
        "select * from ledger.subject_keys",
        "insert into ledger.subject_keys (book, subject, wrapped) values (1, 'x', 'x')",
        "select ledger.forget(1, array['buyer-1'])",
    ):
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await as_depot.pool.execute(statement)


async def test_a_service_that_holds_keys_makes_and_reads_them_and_cannot_destroy_them(
    desk: Desk, every_database_url: str, complaint: UUID
) -> None:
    done = await desk.hear(complaint)
    [stored] = await desk.stored(complaint)
    for service in ("escrow", "settings"):
        async with open_ledger(every_database_url, service) as own:
            vault = Vault(own.pool, 1, [OLD])
            await vault.ready()
            named = [with_texts(event, lambda _, text: replace(text, subjects=(service,))) for event in done.events]  # noqa: B023 - called at once
            sealed = await vault.sealed(stored.stream, 0, named)
            assert sealed != named
            assert await vault.opened([stored], sealed) == named
            for statement in (
                "update ledger.subject_keys set wrapped = null, destroyed_at = now()",
                "delete from ledger.subject_keys",
                "insert into ledger.subject_keys (book, subject, destroyed_at) values (1, 'x', now())",
                "select ledger.forget(1, array['buyer-1'])",
            ):
                with pytest.raises(asyncpg.InsufficientPrivilegeError):
                    await own.pool.execute(statement)


async def test_the_role_that_forgets_can_do_that_and_read_no_key(
    desk: Desk, every_database_url: str, complaint: UUID
) -> None:
    await desk.hear(complaint)
    async with open_ledger(every_database_url, "forgetter") as own:
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await own.pool.execute("select wrapped from ledger.subject_keys")
        assert await forget(own, "buyer-1", ["order:A-1"], NOON) == 2
    assert await desk.shown(complaint) == ["[forgotten]"]
