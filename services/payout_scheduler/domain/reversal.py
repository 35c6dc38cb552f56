"""A clawback: released money that is brought back from its seller's balance at Stripe, or kept before it gets there.

One stream a clawback. It takes what transfers have not moved yet, and reverses settled ones by one call at a time, each
decided in the log before it is made. What cannot be had for now is told as short, once, and tried again for ever.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final, Literal
from uuid import UUID

from libs.ledger import chart
from libs.ledger.decider import Decider, Event
from libs.ledger.errors import Conflict
from libs.ledger.journal import Postings, transfer
from services.payout_scheduler.domain.transfer import retry_after

LACKING: Final = "balance_insufficient"
"""Stripe's code for a seller who has too little there."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Clawback:
    """`amount_minor` came out of what we owed the seller and is to be brought back; the rest of `net_minor` they owe.

    So far `kept_minor` of it will not be transferred in the first place, and `reversed_minor` came back.
    """

    clawback_id: UUID
    allocation_id: UUID
    escrow_id: UUID
    order_id: str
    seller: str
    currency: str
    cause: Literal["refund", "chargeback"]
    net_minor: int
    amount_minor: int
    kept_minor: int = 0
    reversed_minor: int = 0

    @property
    def left_minor(self) -> int:
        return self.amount_minor - self.kept_minor - self.reversed_minor


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """One reversal of a transfer. `number` counts a clawback's calls; it advances with a definite answer only."""

    number: int
    transfer_id: UUID
    stripe_transfer: str
    amount_minor: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ReversalRequested(Event):
    """In this and all that follow, `clawback` is as it stands then."""

    clawback: Clawback


@dataclass(frozen=True, slots=True, kw_only=True)
class MoneyKept(Event):
    """It had not been transferred yet, as far as we know, and will not be."""

    clawback: Clawback
    transfer_id: UUID
    amount_minor: int


@dataclass(frozen=True, slots=True, kw_only=True)
class KeptMoneyMoved(Event):
    """A call that had begun before moved it all the same: so this, too, is to be brought back."""

    clawback: Clawback
    transfer_id: UUID
    amount_minor: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ReversalStarted(Event):
    clawback: Clawback
    call: Call


@dataclass(frozen=True, slots=True, kw_only=True)
class ReversalOutcomeUnknown(Event):
    """No answer came: the call may have had its effect."""

    clawback: Clawback
    call: Call
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ReversalRefused(Event):
    """Stripe refused the call, so nothing moved."""

    clawback: Clawback
    call: Call
    code: str
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class TransferReversed(Event):
    clawback: Clawback
    call: Call
    stripe_reversal: str

    def postings(self) -> Postings:
        return transfer(
            self.clawback.currency,
            self.call.amount_minor,
            debit=chart.STRIPE_PLATFORM,
            credit=chart.stripe_connected(self.clawback.seller),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class ReversalShort(Event):
    """Nothing more can be had now. It is tried again at `retry_at`."""

    clawback: Clawback
    short_minor: int
    reason: str
    retry_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class ReversalTold(Event):
    """Once a clawback: so much was brought back, so much could not be; what was never sent is missing nowhere."""

    clawback: Clawback
    amount_minor: int
    short_minor: int


ReversalEvent = (
    ReversalRequested
    | MoneyKept
    | KeptMoneyMoved
    | ReversalStarted
    | ReversalOutcomeUnknown
    | ReversalRefused
    | TransferReversed
    | ReversalShort
    | ReversalTold
)


@dataclass(frozen=True, slots=True, kw_only=True)
class RequestReversal:
    clawback: Clawback
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class NoteKept:
    """The transfer notes it in the same unit."""

    transfer_id: UUID
    amount_minor: int
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class NoteKeptMoved:
    transfer_id: UUID
    amount_minor: int
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class StartReversal:
    call: Call
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class NoteReversalUnknown:
    number: int
    reason: str
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class NoteReversalRefused:
    number: int
    code: str
    reason: str
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class NoteReversed:
    number: int
    stripe_reversal: str
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class NoteShort:
    reason: str
    at: datetime


Answer = NoteReversalUnknown | NoteReversalRefused | NoteReversed
ReversalCommand = RequestReversal | NoteKept | NoteKeptMoved | StartReversal | Answer | NoteShort


@dataclass(frozen=True, slots=True, kw_only=True)
class ReversalState:
    clawback: Clawback | None = None
    call: Call | None = None
    """The one under way, or of unknown outcome."""
    unknown: bool = False
    number: int = 1
    """Of the call under way or to come."""
    refused: tuple[ReversalRefused, ...] = ()
    """Since the last pause."""
    pauses: int = 0
    told: bool = False

    @property
    def left_minor(self) -> int:
        """Still to be brought back."""
        return self.clawback.left_minor if self.clawback else 0

    def asking(self, transfer_id: UUID, left_minor: int, available_minor: int | None) -> int:
        """How much to ask of a transfer of which so much is left; 0 when it would be refused, as it was before.

        `available_minor` is what the seller has at Stripe now: None as long as Stripe has refused nothing.
        """
        amount_minor = min(self.left_minor, left_minor, *(() if available_minor is None else (available_minor,)))
        for refused in self.refused:
            for_good = refused.code != LACKING or refused.call.amount_minor <= amount_minor
            if refused.call.transfer_id == transfer_id and for_good:
                return 0
        return max(0, amount_minor)


def decide(command: ReversalCommand, state: ReversalState) -> tuple[ReversalEvent, ...]:  # noqa: PLR0911 - one case a command
    clawback, at = state.clawback, command.at
    match command:
        case RequestReversal():
            return _requested(command.clawback, at) if clawback is None else ()
        case _ if clawback is None:
            return ()
        case NoteKept():
            return _kept(command, clawback, state)
        case NoteKeptMoved(transfer_id=transfer_id, amount_minor=amount_minor):
            now = replace(clawback, kept_minor=clawback.kept_minor - amount_minor)
            return (KeptMoneyMoved(at=at, clawback=now, transfer_id=transfer_id, amount_minor=amount_minor),)
        case StartReversal(call=call):
            startable = state.call is None and call.number == state.number and call.amount_minor <= state.left_minor
            return (ReversalStarted(at=at, clawback=clawback, call=call),) if startable else ()
        case NoteShort(reason=reason):
            return _short(reason, at, clawback, state) if state.call is None and state.left_minor else ()
        case _ if state.call is None or command.number != state.call.number:
            return ()  # the answer of a call that is over
        case _:
            return _answered(command, clawback, state.call, state)


def _requested(clawback: Clawback, at: datetime) -> tuple[ReversalEvent, ...]:
    told = () if clawback.amount_minor else (ReversalTold(at=at, clawback=clawback, amount_minor=0, short_minor=0),)
    return (ReversalRequested(at=at, clawback=clawback), *told)


def _kept(command: NoteKept, clawback: Clawback, state: ReversalState) -> tuple[ReversalEvent, ...]:
    """All or nothing: the transfer counts on the amount."""
    amount_minor, at = command.amount_minor, command.at
    if state.call is not None or amount_minor > clawback.left_minor:
        raise Conflict("The clawback went on meanwhile; look at it again.", clawback_id=str(clawback.clawback_id))
    now = replace(clawback, kept_minor=clawback.kept_minor + amount_minor)
    kept = MoneyKept(at=at, clawback=now, transfer_id=command.transfer_id, amount_minor=amount_minor)
    return (kept, *_told(state, now, at))


def _answered(command: Answer, clawback: Clawback, call: Call, state: ReversalState) -> tuple[ReversalEvent, ...]:
    at = command.at
    match command:
        case NoteReversalUnknown(reason=reason):
            unknown = ReversalOutcomeUnknown(at=at, clawback=clawback, call=call, reason=reason)
            return () if state.unknown else (unknown,)
        case NoteReversalRefused(code=code, reason=reason):
            return (ReversalRefused(at=at, clawback=clawback, call=call, code=code, reason=reason),)
        case NoteReversed(stripe_reversal=reversal):
            now = replace(clawback, reversed_minor=clawback.reversed_minor + call.amount_minor)
            back = TransferReversed(at=at, clawback=now, call=call, stripe_reversal=reversal)
            return (back, *_told(state, now, at))


def _short(reason: str, at: datetime, clawback: Clawback, state: ReversalState) -> tuple[ReversalEvent, ...]:
    short_minor, retry_at = clawback.left_minor, at + retry_after(state.pauses + 1)
    short = ReversalShort(at=at, clawback=clawback, short_minor=short_minor, reason=reason, retry_at=retry_at)
    return (short, *_told(state, clawback, at, short_minor))


def _told(state: ReversalState, now: Clawback, at: datetime, short_minor: int = 0) -> tuple[ReversalEvent, ...]:
    """Once, when nothing is left or nothing more can be had: what comes after that is nobody's wait."""
    if state.told or now.left_minor != short_minor:
        return ()
    return (ReversalTold(at=at, clawback=now, amount_minor=now.reversed_minor, short_minor=short_minor),)


def evolve(state: ReversalState, event: ReversalEvent) -> ReversalState:  # noqa: PLR0911 - one case an event
    state = replace(state, clawback=event.clawback)
    match event:
        case ReversalStarted(call=call):
            return replace(state, call=call, unknown=False)
        case ReversalOutcomeUnknown():
            return replace(state, unknown=True)
        case ReversalRefused(call=call):
            return replace(state, call=None, number=call.number + 1, refused=(*state.refused, event))
        case TransferReversed(call=call):
            return replace(state, call=None, number=call.number + 1)
        case ReversalShort():
            return replace(state, refused=(), pauses=state.pauses + 1)
        case ReversalTold():
            return replace(state, told=True)
        case _:
            return state


REVERSAL: Final = Decider[ReversalCommand, ReversalState, ReversalEvent](
    "reversal",
    ReversalState(),
    decide,
    evolve,
    (
        ReversalRequested,
        MoneyKept,
        KeptMoneyMoved,
        ReversalStarted,
        ReversalOutcomeUnknown,
        ReversalRefused,
        TransferReversed,
        ReversalShort,
        ReversalTold,
    ),
)
