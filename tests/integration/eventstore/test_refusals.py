"""What no store may take: each sort has its own code, and everything else in the batch lands."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from decimal import Decimal
from hashlib import sha256
from random import Random
from typing import Any, Final
from uuid import uuid4

import pytest

from libs.eventstore.ledger import Ledger
from libs.eventstore.model import (
    Appended,
    Change,
    Closed,
    Duplicate,
    Key,
    Meta,
    Moved,
    NewEvent,
    Refused,
    Reused,
    Short,
    Unit,
)
from libs.eventstore.store import Store
from libs.ledger.errors import Rejected
from libs.ledger.journal import Posting
from services.audit.proofs.verify import verify
from tests.integration.eventstore.closing import close_before
from tests.integration.eventstore.units import META, NOON, capture, event, hold, stream, unit

NAN = float("nan")


def _posting(debit: Any, credit: Any = None, account: str = "stripe:platform", currency: str = "USD") -> Unit:
    """A debit of one amount and, unless told otherwise, the credit that balances it."""
    return unit((Posting(account, currency, debit), Posting("funds:unallocated", currency, credit or -debit)))


def _event(**fields: Any) -> Unit:
    return Unit([Change(stream(), 0, [replace(event(capture()), **fields)])], META)


def _to(name: str) -> Unit:
    return Unit([Change(name, 0, [event(capture())])], META)


BAD: Final[dict[str, tuple[str, Unit]]] = {
    # what it posts
    "one side only": ("unbalanced", unit((Posting("stripe:platform", "USD", 5),))),
    "two sides of different size": ("unbalanced", _posting(5, -4)),
    "two currencies as if they were one": (
        "unbalanced",
        unit((Posting("stripe:platform", "USD", 5), Posting("funds:unallocated", "EUR", -5))),
    ),
    "a balanced event beside one that is not": ("unbalanced", unit(capture(), (Posting("escrow:held", "USD", 1),))),
    "two events that balance only together": (
        "unbalanced",
        unit((Posting("stripe:platform", "USD", 5),), (Posting("funds:unallocated", "USD", -5),)),
    ),
    "a float": ("bad_amount", _posting(1.5)),
    "a float without a fraction": ("bad_amount", _posting(5.0)),
    "too much precision": ("bad_amount", _posting(Decimal("1.5"))),
    "a whole decimal": ("bad_amount", _posting(Decimal(5))),
    "not a number": ("bad_amount", _posting(NAN, NAN)),
    "infinitely much": ("bad_amount", _posting(float("inf"))),
    "a truth value": ("bad_amount", _posting(True, -1)),
    "a text": ("bad_amount", _posting("5", "-5")),
    "nothing at all": ("bad_amount", unit((Posting("escrow:held", "USD", 0),))),
    "more than 38 digits": ("bad_amount", _posting(10**38)),
    "an account of no chart": ("unknown_account", _posting(5, account="petty:cash")),
    "an account with a line's end": ("unknown_account", _posting(5, account="stripe:platform\n")),
    "an account that is an array": ("unknown_account", _posting(5, account="stripe:platform,escrow:held")),
    "an account that closes an array": ("unknown_account", _posting(5, account='stripe:connected:a"}')),
    "an account of odd letters": ("unknown_account", _posting(5, account="seller:käse:available")),
    "a currency nobody knows": ("unknown_currency", _posting(5, currency="XXX")),
    "a currency in small letters": ("unknown_currency", _posting(5, currency="usd")),
    # what it says
    "no time zone": ("bad_time", _event(effective_at=datetime(2026, 11, 2, 12))),  # noqa: DTZ001 - as above
    "data that is no JSON": ("bad_data", _event(data="{")),
    "data that is Python": ("bad_data", _event(data="{'a': None}")),
    "data without anything": ("bad_data", _event(data="")),
    "data that is not a number": ("bad_data", _event(data='{"a": NaN}')),
    "data with a tab in a text": ("bad_data", _event(data='"\t"')),
    "data too deep to read": ("bad_data", _event(data="[" * 100_000 + "]" * 100_000)),
    "a NUL in the data": ("bad_text", _event(data='"\0"')),
    "a NUL in the type": ("bad_text", _event(type="a\0b")),
    "a NUL in the actor": ("bad_text", Unit([Change(stream(), 0, [event()])], Meta("a\0b"))),
    "a NUL in the key": ("bad_text", Unit([Change(stream(), 0, [event()])], META, Key("a\0b", b""))),
    "half a character in the reason": ("bad_text", Unit([Change(stream(), 0, [event()])], Meta("a", reason="\ud800"))),
    "half a character in the data": ("bad_text", _event(data='"\udc00"')),
    "half a character in the key": ("bad_text", Unit([Change(stream(), 0, [event()])], META, Key("\ud800", b""))),
    # where it goes
    "no changes": ("empty_unit", Unit([], META)),
    "no events": ("empty_unit", Unit([Change(stream(), 0, [])], META)),
    "no events in one of its streams": (
        "empty_unit",
        Unit([Change(stream(), 0, [event()]), Change(stream(), 0, [])], META),
    ),
    "a stream without a name": ("bad_stream", _to("")),
    "a stream without an id": ("bad_stream", _to("payment")),
    "a stream of which the id is none": ("bad_stream", _to("payment-1")),
    "a stream without a kind": ("bad_stream", _to(f"-{uuid4()}")),
    "a stream with a line's end": ("bad_stream", _to(f"payment-{uuid4()}\n")),
    "a stream that is SQL": ("bad_stream", _to("payment-'; drop table ledger.events; --")),
    "a schema version of no size": ("bad_version", _event(schema_version=2**15)),
}


def _told(outcomes: Sequence[object]) -> list[str]:
    """The codes of refusals, and of anything else its class."""
    return [o.code if isinstance(o, Refused | Rejected) else type(o).__name__ for o in outcomes]


async def test_a_batch_of_10_000_with_one_bad_unit_of_each_sort_lands_all_others(ledger: Ledger) -> None:
    """Also a unit for each thing that stands in its way, though it might land another time."""
    late = NOON - timedelta(days=40)
    await close_before(ledger, late + timedelta(days=1))
    taken, key = stream(), Key("k", sha256(b"same").digest())
    [first] = await ledger.store.append([unit(capture(7), to=taken, key="k")])
    assert isinstance(first, Appended)
    in_the_way = {
        "a closed period": (_event(effective_at=late), Closed(late, late + timedelta(days=1))),
        "a stream that moved": (_to(taken), Moved(taken, 1)),
        "a version before the first": (unit(to=(fresh := stream()), version=-1), Moved(fresh, 0)),
        "a repetition": (Unit([Change(taken, 0, [event()])], META, key), Duplicate(first.positions)),
    }
    again = {"a key of another request": (unit(key="k", request=b"other"), Reused("k"))}

    chance = Random(10_000)  # noqa: S311 - a seed must repeat the run
    units: list[tuple[str, Unit]] = [(name, bad) for name, (_, bad) in BAD.items()]
    units += [(name, bad) for name, (bad, _) in in_the_way.items()]
    units += [("money that is not there", unit(hold(10**9)))]
    units += [("good", unit(capture(1))) for _ in range(10_000 - len(units))]
    chance.shuffle(units)

    outcomes = await ledger.store.append([each for _, each in units])
    by_name = {name: outcome for (name, _), outcome in zip(units, outcomes, strict=True) if name != "good"}
    assert dict(zip(BAD, _told([by_name[name] for name in BAD]), strict=True)) == {
        n: code for n, (code, _) in BAD.items()
    }
    assert {name: by_name[name] for name in in_the_way} == {name: outcome for name, (_, outcome) in in_the_way.items()}
    short = by_name["money that is not there"]
    assert isinstance(short, Short), "how much there was depends on where it came in the batch"
    assert (short.account, short.currency) == ("funds:unallocated", "USD")
    positions = sorted(p for o in outcomes if isinstance(o, Appended) for p in o.positions)
    assert positions == list(range(3, 3 + 10_000 - len(BAD) - len(in_the_way) - 1))
    assert await ledger.store.append([u for u, _ in again.values()]) == [o for _, o in again.values()]
    assert (await verify(ledger)).faults == []
    assert await ledger.store.balance("stripe:platform", "USD") == 7 + len(positions)


async def test_each_sort_is_refused_alike_alone_and_by_the_writer_among_others(ledger: Ledger) -> None:
    codes = [code for code, _ in BAD.values()]
    alone = [(await ledger.store.append([bad]))[0] for _, bad in BAD.values()]
    assert dict(zip(BAD, _told(alone), strict=True)) == dict(zip(BAD, codes, strict=True))
    assert all(isinstance(o, Refused) and o.text.endswith(".") for o in alone), "a sentence"

    asked = [u for _, bad in BAD.values() for u in (bad, unit(capture()))]
    outcomes = await asyncio.gather(*map(ledger.writer.append, asked), return_exceptions=True)
    assert dict(zip(BAD, _told(outcomes[::2]), strict=True)) == dict(zip(BAD, codes, strict=True))
    assert all(isinstance(o, Rejected) for o in outcomes[::2])
    assert all(isinstance(o, Appended) for o in outcomes[1::2])
    assert await ledger.feed.head() == len(BAD)


class _MoneyArrives(Store):
    """A store that looks into an overdraft just after somebody else has paid in."""

    async def balance(self, account: str, currency: str) -> int:
        await Store(self.pool, self.book).append([unit(capture(100))])
        return await super().balance(account, currency)


async def test_money_that_arrives_while_an_overdraft_is_looked_into_fails_nobody(ledger: Ledger) -> None:
    """The neighbours have landed by then; without keys they could not ask again."""
    outcomes = await _MoneyArrives(ledger.pool, 1).append([unit(), unit(hold(100)), unit()])
    assert _told(outcomes) == ["Appended", "Appended", "Appended"]


async def test_a_batch_of_nothing_is_nothing(ledger: Ledger) -> None:
    assert await ledger.store.append([]) == []


async def test_the_largest_amount_is_stored_and_a_balance_beyond_it_is_refused(ledger: Ledger) -> None:
    most = 10**38 - 1
    assert await ledger.store.append([unit(capture(most))]) == [Appended(range(1, 2))]
    outcomes = await ledger.store.append([unit(capture(1)), unit(capture(most)), unit()])
    assert _told(outcomes) == ["bad_amount", "bad_amount", "Appended"]
    assert await ledger.store.balance("stripe:platform", "USD") == most


ODD_TEXTS: Final = (
    "'; drop table ledger.events; --",
    "$1 $$ \\' \\\\ \" \\x00",
    "{a,b} {} NULL null",
    "(,) %s %I ${x} {0}",
    "\t\r\n \u2028 \u202e \U0001f4b6 \ufeff",
    "",
    " ",
    "x" * 100_000,
)


async def test_no_text_is_read_as_anything_but_text(ledger: Ledger) -> None:
    """Not as SQL, not as an array's or a row's syntax; and it comes back to the letter."""
    units = [
        Unit(
            [Change(stream(), 0, [NewEvent(text, json.dumps([text], ensure_ascii=False), NOON, capture())])],
            Meta(text, text, text, text),
            Key(text, text.encode()),
        )
        for text in ODD_TEXTS
    ]
    assert _told(await ledger.store.append([*units, unit()])) == ["Appended"] * (len(ODD_TEXTS) + 1)
    for text, sent in zip(ODD_TEXTS, units, strict=True):
        [[stored]] = (await ledger.store.load(sent.changes[0].stream)).values()
        assert (stored.type, stored.data) == (text, sent.changes[0].events[0].data)
        assert Meta(stored.actor, stored.reason, stored.correlation_id, stored.causation_id) == sent.meta
        assert sent.key is not None
        assert await ledger.store.find(sent.key) is not None
    assert (await verify(ledger)).faults == []


@pytest.mark.parametrize("control", ["\x1e", "\x1f", "a\x1eb\x1f", "\x01"])
async def test_a_control_character_is_kept_or_refused_but_never_moves_a_field(ledger: Ledger, control: str) -> None:
    odd = Unit([Change(stream(), 0, [event()])], Meta(control, control, None, control), Key(control, b""))
    [outcome, *others] = await ledger.store.append([odd, unit(), unit()])
    assert _told(others) == ["Appended", "Appended"]
    if isinstance(outcome, Refused):
        assert outcome.code == "bad_text"
    else:
        [[stored]] = (await ledger.store.load(odd.changes[0].stream)).values()
        assert (stored.actor, stored.reason, stored.correlation_id, stored.causation_id) == (
            control,
            control,
            None,
            control,
        )
    assert (await verify(ledger)).faults == []
