"""What `append` promises, on both PostgreSQL versions."""

from __future__ import annotations

import asyncio
from typing import Any

import asyncpg
import pytest

from libs.eventstore.batch import Batch
from libs.eventstore.leaves import GENESIS, block_hash, leaf_of_recorded
from libs.eventstore.ledger import Ledger
from libs.eventstore.model import Appended, Change, Duplicate, Moved, Refused, Reused, Short, Unit
from libs.eventstore.store import SQL
from libs.ledger.errors import Rejected
from libs.ledger.journal import Posting
from services.audit.proofs.verify import verify
from tests.integration.eventstore.units import META, capture, event, hold, stream, unit


async def test_positions_are_dense_across_units_batches_and_refusals(ledger: Ledger) -> None:
    first = await ledger.store.append([unit(capture(), hold()), unit(capture())])
    refused = await ledger.store.append([unit(version=7)])
    second = await ledger.store.append([unit(capture())])

    assert first == [Appended(range(1, 3)), Appended(range(3, 4))]
    assert isinstance(refused[0], Moved)
    assert second == [Appended(range(4, 5))]
    events, through = await ledger.feed.read(0)
    assert [e.position for e in events] == [1, 2, 3, 4]
    assert through == 4


async def test_what_was_stored_comes_back_to_the_letter(ledger: Ledger) -> None:
    name = stream()
    sent = event(capture(2**90), "PaymentCaptured")
    await ledger.store.append([Unit([Change(name, 0, [sent])], META)])

    [[stored]] = (await ledger.store.load(name)).values()
    assert (stored.type, stored.data, stored.effective_at) == (sent.type, sent.data, sent.effective_at)
    assert stored.postings == sent.postings
    assert (stored.actor, stored.reason, stored.correlation_id, stored.causation_id) == (
        META.actor,
        META.reason,
        META.correlation_id,
        META.causation_id,
    )
    assert (stored.version, stored.kind, stored.id) == (1, "payment", "1-1")


async def test_one_bad_unit_never_fails_its_neighbours(ledger: Ledger) -> None:
    taken = stream()
    await ledger.store.append([unit(capture(), to=taken, key="first")])

    outcomes = await ledger.store.append(
        [
            unit(capture()),
            unit(capture(), to=taken),
            unit(capture(), key="first"),
            unit(capture(), key="first", request=b"other"),
            unit(hold(1_000_000)),
            unit(capture()),
        ]
    )
    assert outcomes == [
        Appended(range(2, 3)),
        Moved(taken, 1),
        Duplicate(range(1, 2)),
        Reused("first"),
        Short("funds:unallocated", "USD", -300 + 100),
        Appended(range(3, 4)),
    ]
    assert await ledger.store.balances() == {("stripe:platform", "USD"): 300, ("funds:unallocated", "USD"): -300}


async def test_a_repeated_request_hears_of_its_first_outcome_even_when_its_stream_moved_on(ledger: Ledger) -> None:
    name = stream()
    once = unit(capture(), to=name, key="k")
    [stored] = await ledger.store.append([once])
    await ledger.store.append([unit(to=name, version=1)])

    assert await ledger.store.append([once]) == [Duplicate(stored.positions)]  # type: ignore[union-attr]  # Appended


async def test_an_overdraft_is_refused_where_the_chart_refuses_it_and_allowed_where_it_allows(ledger: Ledger) -> None:
    assert await ledger.store.append([unit(hold(5))]) == [Short("funds:unallocated", "USD", 0)]
    refund = (Posting("stripe:platform", "USD", -5), Posting("expense:chargebacks", "USD", 5))
    assert await ledger.store.append([unit(refund)]) == [Appended(range(1, 2))]


async def test_a_batch_in_which_the_order_decides_is_settled_in_that_order(ledger: Ledger) -> None:
    too_early, money, in_time = unit(hold(100)), unit(capture(100)), unit(hold(100))

    outcomes = await ledger.store.append([too_early, money, in_time])

    assert outcomes == [Short("funds:unallocated", "USD", 0), Appended(range(1, 2)), Appended(range(2, 3))]


async def test_a_unit_may_use_the_money_that_it_brings(ledger: Ledger) -> None:
    assert await ledger.store.append([unit(capture(100), hold(100)), unit(capture(1), hold(1))]) == [
        Appended(range(1, 3)),
        Appended(range(3, 5)),
    ]


async def test_several_streams_change_together_or_not_at_all(ledger: Ledger) -> None:
    a, b = stream(), stream()
    both = Unit([Change(a, 0, [event()]), Change(b, 0, [event()])], META)
    assert await ledger.store.append([both]) == [Appended(range(1, 3))]

    half = Unit([Change(a, 1, [event()]), Change(b, 0, [event()])], META)
    assert await ledger.store.append([half]) == [Moved(b, 1)]
    assert len((await ledger.store.load(a))[a]) == 1


_PLATFORM, _FUNDS = Posting("stripe:platform", "USD", 5), Posting("funds:unallocated", "USD", -5)
_ACCOUNTS, _CURRENCIES, _AMOUNTS, _REASONS = 17, 18, 19, 16  # which arguments of `ledger.append`


@pytest.mark.parametrize(
    ("postings", "changed", "state"),
    [
        ((_PLATFORM,), {}, "HF001"),
        ((_PLATFORM, _FUNDS._replace(currency="EUR")), {}, "HF001"),
        ((_PLATFORM, _PLATFORM, _FUNDS), {}, "HF001"),
        ((_PLATFORM, _PLATFORM, _FUNDS, _FUNDS, _FUNDS), {}, "HF001"),
        ((_PLATFORM._replace(account="stripe:plattform"), _FUNDS), {}, "HF002"),
        ((_PLATFORM, _PLATFORM, _FUNDS), {_AMOUNTS: "{5,NULL,-5}"}, "HF001"),
        ((_PLATFORM, _FUNDS), {_AMOUNTS: "{5,NaN}"}, "HF001"),
        ((_PLATFORM, _FUNDS), {_ACCOUNTS: "{stripe:platform,funds:unallocated,revenue:commission}"}, "23502"),
        ((_PLATFORM, _FUNDS), {_CURRENCIES: "{USD}"}, "23502"),
        ((_PLATFORM, _FUNDS), {_REASONS: "one\x1ftoo many"}, "23502"),
    ],
)
async def test_the_database_itself_refuses_the_impossible(
    ledger: Ledger, postings: tuple[Posting, ...], changed: dict[int, str], state: str
) -> None:
    """Past every check of ours, with the arguments that a faulty or a hostile caller would give."""
    for look in (True, False):  # a lone event that leaps is stored by a function of its own
        arguments = Batch(1, [unit(postings)]).arguments(look=look)
        with pytest.raises(asyncpg.PostgresError) as refused:
            await ledger.pool.fetch(SQL.append, *(changed.get(n, argument) for n, argument in enumerate(arguments)))
        assert refused.value.sqlstate == state
    assert await ledger.feed.head() == 0


async def test_a_lone_event_is_stored_the_same_whichever_function_stores_it(ledger: Ledger) -> None:
    """Book 1 leaps, book 2 looks, and only a leap takes the short way."""
    await ledger.pool.execute("insert into ledger.books (book) values (2)")
    euros = [posting._replace(currency="EUR") for posting in capture(7)]
    name = stream()
    units = [
        unit(capture(), key="k"),
        unit(to=name),
        unit(capture(2), to=name, version=1),
        unit((*capture(3), *euros)),
        unit((*capture(4), *capture(5))),
        unit((_PLATFORM, _FUNDS._replace(amount_minor=-4), Posting("revenue:commission", "USD", -1)), key=""),
        unit((*hold(3), Posting("revenue:commission", "USD", 2), Posting("stripe:platform", "USD", -2))),
    ]
    stored = []
    for book, look in ((1, False), (2, True)):
        for each in units:
            await ledger.pool.fetch(SQL.append, *Batch(book, [each]).arguments(look=look))
        rows = await ledger.pool.fetch("select * from ledger.events where book = $1 order by position", book)
        rows += await ledger.pool.fetch("select * from ledger.keys where book = $1 order by key", book)
        rows += await ledger.pool.fetch("select * from ledger.balances where book = $1 order by 2, 3", book)
        rows += await ledger.pool.fetch("select first_position, last_position from ledger.blocks where book = $1", book)
        stored.append([{**row, "book": 0, "recorded_at": None, "leaf": None} for row in rows])
    assert stored[0] == stored[1]
    assert (await verify(ledger)).faults == []


async def test_a_repetition_hears_of_its_first_outcome_though_the_money_is_gone(ledger: Ledger) -> None:
    first, again = unit(hold(), key="k"), unit(hold(), key="k")
    for each in (unit(capture()), first):
        await ledger.store.append([each])
    assert await ledger.store.append([again]) == [Duplicate(range(2, 3))]


async def test_one_bad_unit_is_refused_and_its_neighbours_land(ledger: Ledger) -> None:
    bad = unit((_PLATFORM,))
    outcomes = await ledger.store.append([unit(capture()), bad, unit(capture())])
    assert [type(outcome) for outcome in outcomes] == [Appended, Refused, Appended]
    assert outcomes[1] == Refused("unbalanced", "Postings in USD sum to 5, not to zero.")


async def test_the_writer_refuses_a_bad_unit_before_it_joins_a_batch(ledger: Ledger) -> None:
    bad = unit((Posting("stripe:platform", "USD", 5),))
    outcomes = await asyncio.gather(
        *(ledger.writer.append(u) for u in [unit(capture()), bad, unit(capture())]), return_exceptions=True
    )
    assert [type(outcome) for outcome in outcomes] == [Appended, Rejected, Appended]


async def test_a_gap_in_versions_is_refused_by_the_database(ledger: Ledger) -> None:
    arguments: list[Any] = list(Batch(1, [unit(capture(), capture())]).arguments())
    arguments[9] = "{1,3}"
    with pytest.raises(asyncpg.PostgresError, match="gap"):
        await ledger.pool.fetch(SQL.append, *arguments)


async def test_leaves_and_blocks_can_be_recomputed_from_the_rows(ledger: Ledger) -> None:
    for size in (1, 3, 2):
        await ledger.store.append([unit(capture()) for _ in range(size)])
    events, _ = await ledger.feed.read(0)
    assert [e.leaf for e in events] == [leaf_of_recorded(e) for e in events]

    previous = GENESIS
    for row in await ledger.pool.fetch("select * from ledger.blocks order by block"):
        leaves = [e.leaf for e in events if row["first_position"] <= e.position <= row["last_position"]]
        assert row["previous"] == previous
        previous = block_hash(
            previous,
            book=1,
            block=row["block"],
            first_position=row["first_position"],
            sealed_at=row["sealed_at"],
            leaves=leaves,
        )
        assert row["hash"] == previous
        assert {e.recorded_at for e in events if e.leaf in leaves} == {row["sealed_at"]}
    assert previous == await ledger.pool.fetchval("select head from ledger.books")


async def test_group_commit_gives_every_caller_its_own_outcome(ledger: Ledger) -> None:
    hot = stream()
    units = [unit(capture(i + 1)) for i in range(300)] + [unit(to=hot), unit(to=hot), unit(capture(), key="k")] * 2

    outcomes = await asyncio.gather(*(ledger.writer.append(u) for u in units))

    assert sum(isinstance(o, Appended) for o in outcomes) == 302
    assert [type(o) for o in outcomes[300:]] == [Appended, Moved, Appended, Moved, Moved, Duplicate]
    positions = sorted(p for o in outcomes if isinstance(o, Appended) for p in o.positions)
    assert positions == list(range(1, 303))
    assert await ledger.pool.fetchval("select count(*) from ledger.blocks") < 20


async def test_two_writers_race_for_one_stream_and_one_wins(ledger: Ledger) -> None:
    name = stream()
    outcomes = await asyncio.gather(*(ledger.store.append([unit(to=name)]) for _ in range(8)))
    assert sorted(type(o).__name__ for [o] in outcomes) == ["Appended"] + ["Moved"] * 7


async def test_every_book_has_its_own_order_and_balances(ledger: Ledger) -> None:
    await ledger.pool.execute("insert into ledger.books (book) values (2)")
    other = type(ledger.store)(ledger.pool, 2)
    await ledger.store.append([unit(capture())])
    assert await other.append([unit(capture(7))]) == [Appended(range(1, 2))]
    assert await other.balance("stripe:platform", "USD") == 7
    with pytest.raises(Rejected) as refused:
        await type(ledger.store)(ledger.pool, 3).append([unit()])
    assert refused.value.code == "unknown_book"


async def test_history_cannot_be_changed_even_by_the_owner(ledger: Ledger) -> None:
    await ledger.store.append([unit(capture(), key="k")])
    for table in ("events", "keys", "blocks"):
        for statement in (
            f"update ledger.{table} set book = 1",
            f"delete from ledger.{table}",
            f"truncate ledger.{table}",
        ):
            with pytest.raises(asyncpg.InsufficientPrivilegeError, match="append-only"):
                await ledger.pool.execute(statement)
