"""A transfer: a release's money on its way from the platform's balance at Stripe to the seller's."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Final, Literal
from uuid import UUID, uuid5

from libs.ledger import chart
from libs.ledger.decider import Decider, Event
from libs.ledger.journal import Postings, transfer

RETRY_AFTER_FIRST: Final = timedelta(minutes=10)
RETRY_AFTER_MAX: Final = timedelta(days=1)


def retry_after(attempt: int) -> timedelta:
    """The pause after a refused attempt. Owed money is tried for ever, ever more rarely, and shown while it waits."""
    pause: timedelta = RETRY_AFTER_FIRST * 2 ** min(attempt - 1, 16)
    return min(pause, RETRY_AFTER_MAX)


@dataclass(frozen=True, slots=True, kw_only=True)
class Release:
    """Money that an escrow released to a seller. `charge` is the processor's charge that it came with."""

    release_id: UUID
    allocation_id: UUID
    escrow_id: UUID
    order_id: str
    seller: str
    currency: str
    amount_minor: int
    charge: str

    @property
    def transfer_id(self) -> UUID:
        return uuid5(self.release_id, "transfer")


@dataclass(frozen=True, slots=True, kw_only=True)
class TransferRequested(Event):
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
    release: Release
    stripe_transfer: str

    def postings(self) -> Postings:
        return transfer(
            self.release.currency,
            self.release.amount_minor,
            debit=chart.stripe_connected(self.release.seller),
            credit=chart.STRIPE_PLATFORM,
        )


TransferEvent = TransferRequested | TransferOutcomeUnknown | TransferRefused | TransferSettled


@dataclass(frozen=True, slots=True, kw_only=True)
class RequestTransfer:
    release: Release
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
class NoteTransferSettled:
    stripe_transfer: str
    at: datetime


TransferCommand = RequestTransfer | NoteTransferUnknown | NoteTransferRefused | NoteTransferSettled
TransferStatus = Literal["none", "requested", "unknown", "settled"]


@dataclass(frozen=True, slots=True, kw_only=True)
class TransferState:
    status: TransferStatus = "none"
    release: Release | None = None
    attempt: int = 1
    """The attempt under way or to come; it advances after a definite refusal only."""


def decide(command: TransferCommand, state: TransferState) -> tuple[TransferEvent, ...]:
    release = state.release
    if isinstance(command, RequestTransfer):
        return (TransferRequested(at=command.at, release=command.release),) if release is None else ()
    if release is None or state.status == "settled":
        return ()
    match command:
        case NoteTransferSettled(stripe_transfer=stripe_transfer, at=at):
            # Of whichever attempt: what moved, moved.
            return (TransferSettled(at=at, release=release, stripe_transfer=stripe_transfer),)
        case NoteTransferUnknown(attempt=attempt, reason=reason, at=at) if (
            attempt == state.attempt and state.status == "requested"
        ):
            return (TransferOutcomeUnknown(at=at, release=release, attempt=attempt, reason=reason),)
        case NoteTransferRefused(attempt=attempt, code=code, reason=reason, at=at) if attempt == state.attempt:
            retry_at = at + retry_after(attempt)
            return (
                TransferRefused(at=at, release=release, attempt=attempt, code=code, reason=reason, retry_at=retry_at),
            )
        case _:
            return ()


def evolve(state: TransferState, event: TransferEvent) -> TransferState:
    match event:
        case TransferRequested(release=release):
            return replace(state, status="requested", release=release)
        case TransferOutcomeUnknown():
            return replace(state, status="unknown")
        case TransferRefused(attempt=attempt):
            return replace(state, status="requested", attempt=attempt + 1)
        case TransferSettled():
            return replace(state, status="settled")


TRANSFER: Final = Decider[TransferCommand, TransferState, TransferEvent](
    "transfer",
    TransferState(),
    decide,
    evolve,
    (TransferRequested, TransferOutcomeUnknown, TransferRefused, TransferSettled),
)
