"""A transfer: a release's money on its way from the platform's balance at Stripe to the seller's.

What the seller owes us is netted out of it before it is asked for, and what is clawed back before it has moved is kept
back. A call may be under way meanwhile: what moved, moved, and whoever had it kept back must then bring it back.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Final, Literal
from uuid import UUID, uuid5

from libs.ledger import chart
from libs.ledger.decider import Decider, Event
from libs.ledger.errors import Conflict
from libs.ledger.journal import Postings, transfer

RETRY_AFTER_FIRST: Final = timedelta(minutes=10)
RETRY_AFTER_MAX: Final = timedelta(days=1)


def retry_after(attempt: int) -> timedelta:
    """The pause after a refused attempt. Owed money is tried for ever, ever more rarely, and shown while it waits."""
    pause: timedelta = RETRY_AFTER_FIRST * 2 ** min(attempt - 1, 16)
    return min(pause, RETRY_AFTER_MAX)


@dataclass(frozen=True, slots=True, kw_only=True)
class Release:
    """Money that an escrow released to a seller. `charge` is the processor's charge that it came with.

    `amount_minor` is to be transferred; `netted_minor` paid the seller's debt and stays with the platform.
    """

    release_id: UUID
    allocation_id: UUID
    escrow_id: UUID
    order_id: str
    seller: str
    currency: str
    amount_minor: int
    charge: str
    netted_minor: int = 0

    @property
    def transfer_id(self) -> UUID:
        return uuid5(self.release_id, "transfer")


@dataclass(frozen=True, slots=True, kw_only=True)
class Kept:
    """What a clawback took from a transfer before it moved."""

    clawback_id: UUID
    amount_minor: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ReceivableNetted(Event):
    """The seller's debt was paid out of a release; where that took all of it, there is no transfer."""

    release: Release

    def postings(self) -> Postings:
        seller = self.release.seller
        return transfer(
            self.release.currency,
            self.release.netted_minor,
            debit=chart.seller_available(seller),
            credit=chart.receivable_seller(seller),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class TransferRequested(Event):
    release: Release


@dataclass(frozen=True, slots=True, kw_only=True)
class TransferKeptBack(Event):
    """`release` is what is left to be transferred, perhaps nothing."""

    release: Release
    kept: Kept


@dataclass(frozen=True, slots=True, kw_only=True)
class TransferWithdrawn(Event):
    """Nothing was left to transfer, and no call had moved it."""

    release: Release


@dataclass(frozen=True, slots=True, kw_only=True)
class TransferOutcomeUnknown(Event):
    """No answer came: the attempt may have had its effect."""

    release: Release
    attempt: int
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class TransferRefused(Event):
    """Stripe refused the attempt, so nothing moved. The next one comes at `retry_at`."""

    release: Release
    attempt: int
    code: str
    reason: str
    retry_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class TransferSettled(Event):
    """`release` is what moved: more than was asked for in the end, if a clawback came while the call was under way."""

    release: Release
    stripe_transfer: str

    def postings(self) -> Postings:
        return transfer(
            self.release.currency,
            self.release.amount_minor,
            debit=chart.stripe_connected(self.release.seller),
            credit=chart.STRIPE_PLATFORM,
        )


TransferEvent = (
    ReceivableNetted
    | TransferRequested
    | TransferKeptBack
    | TransferOutcomeUnknown
    | TransferRefused
    | TransferWithdrawn
    | TransferSettled
)


@dataclass(frozen=True, slots=True, kw_only=True)
class RequestTransfer:
    release: Release
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class KeepBack:
    """Take this from what is to be transferred. The clawback notes it in the same unit."""

    kept: Kept
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class NoteTransferUnknown:
    attempt: int
    reason: str
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class NoteTransferRefused:
    attempt: int
    code: str
    reason: str
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class NoteTransferWithdrawn:
    """No call was made for it, or none that had an effect."""

    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class NoteTransferSettled:
    """`escaped` is what moved although it was to be kept back; its clawbacks note that in the same unit."""

    stripe_transfer: str
    amount_minor: int
    at: datetime
    escaped: tuple[Kept, ...] = ()


TransferCommand = (
    RequestTransfer | KeepBack | NoteTransferUnknown | NoteTransferRefused | NoteTransferWithdrawn | NoteTransferSettled
)
TransferStatus = Literal["none", "netted", "requested", "unknown", "withdrawn", "settled"]


@dataclass(frozen=True, slots=True, kw_only=True)
class TransferState:
    status: TransferStatus = "none"
    release: Release | None = None
    """What is left to be transferred, or what was."""
    attempt: int = 1
    """The attempt under way or to come; it advances after a definite refusal only."""
    kept: tuple[Kept, ...] = ()

    def escaped(self, moved_minor: int) -> tuple[Kept, ...]:
        """What was kept back too late when a call moves so much: the newest first."""
        found: list[Kept] = []
        over_minor = moved_minor - (self.release.amount_minor if self.release else 0)
        for kept in reversed(self.kept):
            if over_minor <= 0:
                break
            found.append(replace(kept, amount_minor=min(kept.amount_minor, over_minor)))
            over_minor -= kept.amount_minor
        return tuple(found)


def decide(command: TransferCommand, state: TransferState) -> tuple[TransferEvent, ...]:
    match command:
        case RequestTransfer():
            return _requested(command) if state.release is None else ()
        case KeepBack():
            return _kept_back(command, state)
        case _ if state.release is None or state.status in ("netted", "settled"):
            return ()
        case NoteTransferSettled():
            return _settled(command, state.release, state)
        case _ if state.status == "withdrawn":
            return ()
        case _:
            return _noted(command, state.release, state)


def _requested(command: RequestTransfer) -> tuple[TransferEvent, ...]:
    release = command.release
    netted = (ReceivableNetted(at=command.at, release=release),) if release.netted_minor else ()
    requested = (TransferRequested(at=command.at, release=release),) if release.amount_minor else ()
    return (*netted, *requested)


def _kept_back(command: KeepBack, state: TransferState) -> tuple[TransferEvent, ...]:
    """All or nothing: the clawback counts on the amount."""
    release, kept = state.release, command.kept
    if release is None or state.status not in ("requested", "unknown") or release.amount_minor < kept.amount_minor:
        raise Conflict("The transfer went on meanwhile; look at it again.", clawback_id=str(kept.clawback_id))
    rest = replace(release, amount_minor=release.amount_minor - kept.amount_minor)
    return (TransferKeptBack(at=command.at, release=rest, kept=kept),)


def _settled(command: NoteTransferSettled, release: Release, state: TransferState) -> tuple[TransferEvent, ...]:
    """Of whichever attempt, and after a withdrawal too: what moved, moved."""
    if command.escaped != state.escaped(command.amount_minor):
        raise Conflict("More was kept back while the call was under way; look at the transfer again.")
    moved = replace(release, amount_minor=command.amount_minor)
    return (TransferSettled(at=command.at, release=moved, stripe_transfer=command.stripe_transfer),)


def _noted(
    command: NoteTransferUnknown | NoteTransferRefused | NoteTransferWithdrawn, release: Release, state: TransferState
) -> tuple[TransferEvent, ...]:
    at, nothing_left = command.at, not release.amount_minor
    if isinstance(command, NoteTransferWithdrawn):
        return (TransferWithdrawn(at=at, release=release),) if nothing_left else ()
    if command.attempt != state.attempt:
        return ()
    if isinstance(command, NoteTransferUnknown):
        if state.status != "requested":
            return ()
        return (TransferOutcomeUnknown(at=at, release=release, attempt=command.attempt, reason=command.reason),)
    if nothing_left:
        return (TransferWithdrawn(at=at, release=release),)
    retry_at = at + retry_after(command.attempt)
    why = {"code": command.code, "reason": command.reason}
    return (TransferRefused(at=at, release=release, attempt=command.attempt, retry_at=retry_at, **why),)


def evolve(state: TransferState, event: TransferEvent) -> TransferState:  # noqa: PLR0911 - one case an event
    match event:
        case ReceivableNetted(release=release):
            return replace(state, status="netted", release=release)
        case TransferRequested(release=release):
            return replace(state, status="requested", release=release)
        case TransferKeptBack(release=release, kept=kept):
            return replace(state, release=release, kept=(*state.kept, kept))
        case TransferOutcomeUnknown():
            return replace(state, status="unknown")
        case TransferRefused(attempt=attempt):
            return replace(state, status="requested", attempt=attempt + 1)
        case TransferWithdrawn():
            return replace(state, status="withdrawn")
        case TransferSettled(release=release):
            return replace(state, status="settled", release=release)


TRANSFER: Final = Decider[TransferCommand, TransferState, TransferEvent](
    "transfer",
    TransferState(),
    decide,
    evolve,
    (
        ReceivableNetted,
        TransferRequested,
        TransferKeptBack,
        TransferOutcomeUnknown,
        TransferRefused,
        TransferWithdrawn,
        TransferSettled,
    ),
)
