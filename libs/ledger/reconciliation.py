"""Whether a processor's account and the ledger tell the same story: lines of its statement against what we booked.

Both sides are compared object by object (a charge, a refund, a dispute, a transfer, a payout): an object is right when
all its lines together come to all that we booked for it. So a payout that bounced before it counted as paid needs no
booking, and a dispute that was won needs no rule of its own. Pure; who fetches the two sides is not known here.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final, Literal

GRACE: Final = timedelta(hours=1)
"""For so long nobody is surprised that one side has not heard of the other: webhooks are retried, work lists wait."""
ADJUSTMENT: Final = "adjustment"
"""The kind of the streams that bookings by hand stand in. Their correlation id names the object they explain."""

Status = Literal["matched", "expected", "missing", "mismatched"]
Why = Literal["agreed", "adjusted", "under_way", "just_now", "not_in_ledger", "not_at_processor", "amounts_differ"]
FAULTY: Final[frozenset[Status]] = frozenset({"missing", "mismatched"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """A line of the processor's statement: `source` is the object that changed the balance by `amount_minor`.

    A fee is a line of its own, with the line that it was taken with as its source, and `charged_for` that one's source.
    """

    id: str
    source: str
    line_type: str
    currency: str
    amount_minor: int
    at: datetime
    charged_for: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Booking:
    """What an event of ours booked on the account for an object; nothing, if it only tells how the object stands.

    `pending_minor` is what it will come to besides, once it is over at the processor; zero when nothing is awaited.
    """

    source: str
    currency: str
    amount_minor: int
    pending_minor: int
    at: datetime
    adjusts: bool = False
    about: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Effect:
    """Which object an event of ours is about: the processor's id of it, by account, since each has its own names.

    `pending_minor` is what will be booked besides, on each of these accounts, once the object is over.
    """

    sources: Mapping[str, str]
    currency: str
    pending_minor: int = 0
    about: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """What became of an object in one currency. `about` is our name of it: an order, mostly."""

    status: Status
    why: Why
    account: str
    source: str
    line_types: tuple[str, ...]
    currency: str
    at_processor_minor: int
    in_ledger_minor: int
    happened_at: datetime
    about: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Judged:
    """The findings about one object, and how far the two sides were apart at `heard_at` because of it, by currency."""

    findings: tuple[Finding, ...]
    apart_minor: Mapping[str, int]

    @property
    def settled(self) -> bool:
        """Nothing more can come of it, unless something new is heard."""
        return all(finding.status == "matched" for finding in self.findings)


def agree(lines: Sequence[Line], bookings: Sequence[Booking]) -> bool:
    """Whether these alone show that nothing is amiss and nothing awaited, whatever other lines there may be."""
    return not _pending(bookings) and _sums(lines) == _sums(bookings)


def judge(account: str, lines: Sequence[Line], bookings: Sequence[Booking], heard_at: datetime) -> Judged:
    """All that both sides have about one object, compared. What is older than `heard_at` should have been heard of.

    Bookings come in the order of the log: the last one says what is still awaited. An adjustment alone, without any
    line, is of an object that somebody else examines.
    """
    if not lines and all(each.adjusts for each in bookings):
        return Judged(findings=(), apart_minor={})
    stripe, ours, awaited = _sums(lines), _sums(bookings), _pending(bookings)
    both: Sequence[Line | Booking] = (*lines, *bookings)
    newest = max(each.at for each in both)
    findings = tuple(
        Finding(
            status=status,
            why=why,
            account=account,
            source=(lines or bookings)[0].source,
            line_types=tuple(sorted({line.line_type for line in lines})),
            currency=currency,
            at_processor_minor=stripe.get(currency, 0),
            in_ledger_minor=ours.get(currency, 0),
            happened_at=newest,
            about=next((each.about for each in bookings if each.about), None),
        )
        for currency in sorted({each.currency for each in both})
        for status, why in [_verdict(currency, stripe, ours, awaited, bookings, young=newest > heard_at)]
    )
    return Judged(findings=findings, apart_minor=apart(lines, bookings, heard_at))


def apart(lines: Iterable[Line], bookings: Iterable[Booking], at: datetime) -> Mapping[str, int]:
    """By how much the processor had more than the ledger at a time, by currency."""
    gap: Counter[str] = Counter(_sums(each for each in lines if each.at <= at))
    gap.subtract(_sums(each for each in bookings if each.at <= at))
    return {currency: amount for currency, amount in gap.items() if amount}


def _verdict(
    currency: str,
    stripe: Mapping[str, int],
    ours: Mapping[str, int],
    awaited: Mapping[str, int],
    bookings: Sequence[Booking],
    *,
    young: bool,
) -> tuple[Status, Why]:
    there, here = stripe.get(currency, 0), ours.get(currency, 0)
    if awaited.get(currency) and there in {here, here + awaited[currency]}:
        return "expected", "under_way"
    if there == here and not awaited.get(currency):
        return "matched", "adjusted" if any(each.adjusts for each in bookings) else "agreed"
    if young:
        return "expected", "just_now"
    if not stripe:
        return "missing", "not_at_processor"
    if not ours and not awaited:
        return "missing", "not_in_ledger"
    return "mismatched", "amounts_differ"


def _sums(changes: Iterable[Line | Booking]) -> dict[str, int]:
    sums: Counter[str] = Counter()
    for each in changes:
        sums[each.currency] += each.amount_minor
    return {currency: amount for currency, amount in sums.items() if amount}


def _pending(bookings: Sequence[Booking]) -> Mapping[str, int]:
    own = [each for each in bookings if not each.adjusts]
    return {own[-1].currency: own[-1].pending_minor} if own and own[-1].pending_minor else {}
