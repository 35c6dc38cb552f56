"""Random units. Expected versions are drawn as a distance from the right one, so that most units can land."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from hashlib import sha256
from random import Random
from typing import NamedTuple
from uuid import UUID

from hypothesis import strategies as st

from libs.eventstore.model import Change, Key, Meta, NewEvent, Unit, stream_name
from libs.ledger.journal import Posting, Postings
from tests.integration.eventstore.closing import PERIOD, closing
from tests.integration.eventstore.units import NOON

CURRENCIES = ("USD", "JPY", "ETH@1")
STREAMS = tuple(stream_name(kind, UUID(int=n)) for n in range(6) for kind in ("payment", "escrow"))
KEYS = ("a", "b", "c", "d")
METAS = (Meta("model", correlation_id="c"), Meta("", "käse\n", "", None), Meta("NULL", "{}", "\\N", '"'))

Version = Callable[[str], int]


class Step(NamedTuple):
    """Events for one stream; `ahead` is 0 where the expected version is to be right."""

    stream: str
    ahead: int
    events: tuple[NewEvent, ...]


class Draft(NamedTuple):
    """A unit before it is known at which versions its streams stand."""

    steps: tuple[Step, ...]
    meta: Meta
    key: str | None
    request: bytes

    @property
    def names(self) -> set[str]:
        """Two units of one call to the store may have none of these in common."""
        return {step.stream for step in self.steps} | ({f"key {self.key}"} if self.key else set())

    def unit(self, version: Version) -> Unit:
        changes = [Change(s.stream, max(0, version(s.stream) + s.ahead), s.events) for s in self.steps]
        return Unit(changes, self.meta, Key(self.key, sha256(self.request).digest()) if self.key else None)


# Debit and credit. Money comes in, goes on and leaves again, so that units of one batch need each other's.
FLOWS = (
    *[("stripe:platform", "funds:unallocated"), ("funds:unallocated", "escrow:held")] * 3,
    ("chain:1:escrow", "funds:unallocated"),
    ("escrow:held", "seller:anna:available"),
    ("escrow:held", "revenue:commission"),
    ("seller:anna:available", "chain:1:escrow"),
    ("seller:anna:available", "stripe:platform"),
)
# One currency mostly, and small amounts; wei are beyond 64 bits.
_ENTRIES = [("USD",)] * 6 + [(), ("JPY",), ("ETH@1",), ("USD", "ETH@1")]
_MINOR = st.sampled_from([1, 1, 1, 1, 2, 10**24])


@st.composite
def postings(draw: st.DrawFn) -> Postings:
    """Nothing, or an entry that balances (now and then one that does not) in one or two currencies."""
    lines: list[Posting] = []
    for currency in draw(st.sampled_from(_ENTRIES)):
        minor = draw(_MINOR)
        debit, credit = draw(st.sampled_from(FLOWS))
        lines += [Posting(debit, currency, minor), Posting(credit, currency, -minor)]
    spoilt = draw(st.sampled_from([None] * 40 + ["amount", "account"])) if lines else None
    if spoilt == "amount":
        lines[0] = lines[0]._replace(amount_minor=lines[0].amount_minor + 1)
    elif spoilt == "account":
        lines[0] = lines[0]._replace(account="petty:cash")
    return tuple(lines)


_TIMES = st.integers(-3, 3).map(lambda days: NOON + timedelta(days=days))
_EVENTS = st.builds(NewEvent, st.just("Drawn"), st.sampled_from(['{"n": 1.50}', '"käse"']), _TIMES, postings())
_CLOSINGS = st.builds(
    lambda days, reopen: Step(
        PERIOD, 0, tuple(closing(NOON + timedelta(days=days), version=0, reopen=reopen).changes[0].events)
    ),
    st.integers(-2, 1),
    st.booleans(),
)


@st.composite
def drafts(draw: st.DrawFn) -> Draft:
    size = draw(st.sampled_from([1, 1, 1, 2, 3]))
    streams = draw(st.lists(st.sampled_from(STREAMS), min_size=size, max_size=size, unique=True))
    ahead = st.sampled_from([0] * 27 + [-1, 1, 5])
    steps = [Step(s, draw(ahead), tuple(draw(st.lists(_EVENTS, min_size=1, max_size=2)))) for s in streams]
    if draw(st.sampled_from([False] * 9 + [True])):
        steps.append(draw(_CLOSINGS))
    key, request = (
        draw(st.sampled_from([*[None] * 8, *KEYS])),
        draw(st.sampled_from([b"same", b"same", b"same", b"other"])),
    )
    return Draft(tuple(steps), draw(st.sampled_from(METAS)), key, request)


BATCHES = st.lists(st.lists(drafts(), min_size=2, max_size=9), min_size=1, max_size=10)


def random_draft(chance: Random) -> Draft:
    """The same by a plain generator, for writers that draw while they run."""
    steps = []
    for stream in chance.sample(STREAMS, chance.choice((1, 1, 2))):
        debit, credit = chance.choice(FLOWS)
        minor, currency = chance.randint(1, 3), chance.choice(CURRENCIES)
        posted = (Posting(debit, currency, minor), Posting(credit, currency, -minor))
        steps.append(Step(stream, 0, (NewEvent("Drawn", "{}", NOON, posted),)))
    key = f"key {chance.randrange(60)}" if chance.random() < 0.4 else None
    return Draft(tuple(steps), chance.choice(METAS), key, chance.choice((b"same", b"same", b"other")))
