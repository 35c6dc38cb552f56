"""A payout: money claimed from a seller's balance, sent to their bank, there or back again.

The claim is made in the ledger by the very append that starts the payout, so whoever pays at the same time finds the
money gone. A new attempt, and with it a new idempotency key, follows a definite failure and nothing else.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Final, Literal
from uuid import UUID, uuid5

from libs.ledger import chart
from libs.ledger.decider import Decider, Event
from libs.ledger.journal import Postings, transfer

RETRY_AFTER_FIRST: Final = timedelta(hours=1)
RETRY_AFTER_FACTOR: Final = 4
TRANSIENT: Final = frozenset({"balance_insufficient", "insufficient_funds"})
"""Stripe's codes of failures that pass by themselves. Any other is the bank account's, which Stripe disables: another
payout to it fails too, or is refused (https://docs.stripe.com/connect/payouts-connected-accounts)."""
CANCELED: Final = "canceled"


def payout_id(seller_id: UUID, currency: str, slot: str) -> UUID:
    """One payout a seller, currency and slot: whoever starts it twice meets the same stream."""
    return uuid5(seller_id, f"{currency}/{slot}")


def retry_after(attempt: int) -> timedelta:
    """The pause after a failed attempt: 1, 4, 16 hours."""
    pause: timedelta = RETRY_AFTER_FIRST * RETRY_AFTER_FACTOR ** (attempt - 1)
    return pause


@dataclass(frozen=True, slots=True, kw_only=True)
class Claim:
    """What one attempt at a payout is to pay: to whom, from which account at Stripe, for which slot."""

    payout_id: UUID
    seller: str
    account_id: str
    currency: str
    amount_minor: int
    slot: str
    attempt: int = 1

    def journal(self, *, debit: str, credit: str) -> Postings:
        return transfer(self.currency, self.amount_minor, debit=debit, credit=credit)


@dataclass(frozen=True, slots=True, kw_only=True)
class PayoutStarted(Event):
    claim: Claim

    def postings(self) -> Postings:
        return self.claim.journal(debit=chart.seller_available(self.claim.seller), credit=chart.PAYOUTS_IN_TRANSIT)


@dataclass(frozen=True, slots=True, kw_only=True)
class PayoutSubmitted(Event):
    claim: Claim
    stripe_payout: str


@dataclass(frozen=True, slots=True, kw_only=True)
class PayoutOutcomeUnknown(Event):
    """No answer came: the attempt may have had its effect."""

    claim: Claim
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class PayoutPaid(Event):
    claim: Claim
    stripe_payout: str

    def postings(self) -> Postings:
        return self.claim.journal(debit=chart.PAYOUTS_IN_TRANSIT, credit=chart.stripe_connected(self.claim.seller))


@dataclass(frozen=True, slots=True, kw_only=True)
class PayoutFailed(Event):
    """The attempt is definitely over and the money available again.

    It is made again at `retry_at`, or once the seller has a bank account that works (`waits_for_bank`), or not at all.
    """

    claim: Claim
    stripe_payout: str | None
    code: str
    reason: str
    retry_at: datetime | None
    waits_for_bank: bool = False

    def postings(self) -> Postings:
        return self.claim.journal(debit=chart.PAYOUTS_IN_TRANSIT, credit=chart.seller_available(self.claim.seller))


@dataclass(frozen=True, slots=True, kw_only=True)
class PayoutReturned(Event):
    """The bank bounced it after it had counted as paid, which it may for five business days."""

    claim: Claim
    stripe_payout: str | None
    code: str
    reason: str

    def postings(self) -> Postings:
        seller = self.claim.seller
        return self.claim.journal(debit=chart.stripe_connected(seller), credit=chart.seller_available(seller))


PayoutEvent = PayoutStarted | PayoutSubmitted | PayoutOutcomeUnknown | PayoutPaid | PayoutFailed | PayoutReturned


@dataclass(frozen=True, slots=True, kw_only=True)
class StartPayout:
    """The first attempt, or the next one where the one before failed and its pause is over."""

    claim: Claim
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class NotePayoutSubmitted:
    attempt: int
    stripe_payout: str
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class NotePayoutUnknown:
    attempt: int
    reason: str
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class NotePayoutPaid:
    attempt: int
    stripe_payout: str
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class NotePayoutFailed:
    """Stripe refused the attempt, or the bank did. `attempts_max` is the limit that holds today."""

    attempt: int
    code: str
    reason: str
    attempts_max: int
    at: datetime


Outcome = NotePayoutSubmitted | NotePayoutUnknown | NotePayoutPaid | NotePayoutFailed
PayoutCommand = StartPayout | Outcome
PayoutStatus = Literal["none", "scheduled", "unknown", "submitted", "paid", "failed", "returned"]


@dataclass(frozen=True, slots=True, kw_only=True)
class PayoutState:
    status: PayoutStatus = "none"
    claim: Claim | None = None
    stripe_payout: str | None = None
    code: str | None = None
    reason: str | None = None
    retry_at: datetime | None = None
    waits_for_bank: bool = False
    started_at: datetime | None = None
    changed_at: datetime | None = None


def needs_person(status: str, retry_at: datetime | None) -> bool:
    """Nothing more happens by itself: the tries are used up, or the seller must give Stripe another bank account."""
    return status == "returned" or (status == "failed" and retry_at is None)


def decide(command: PayoutCommand, state: PayoutState) -> tuple[PayoutEvent, ...]:
    match command:
        case StartPayout():
            return _start(command, state)
        case _ if state.claim is None or command.attempt != state.claim.attempt:
            return ()  # of an attempt that is over, or of a payout that is none of ours
        case _:
            return _note(command, state.claim, state)


def _note(command: Outcome, claim: Claim, state: PayoutState) -> tuple[PayoutEvent, ...]:
    match command:
        case NotePayoutUnknown(reason=reason, at=at) if state.status == "scheduled":
            return (PayoutOutcomeUnknown(at=at, claim=claim, reason=reason),)
        case NotePayoutSubmitted(stripe_payout=stripe_payout, at=at):
            return _submitted(claim, state, stripe_payout, at)
        case NotePayoutPaid(stripe_payout=stripe_payout, at=at) if state.status in _UNDER_WAY:
            # The news of "paid" may overtake the record of our own call.
            paid = PayoutPaid(at=at, claim=claim, stripe_payout=stripe_payout)
            return (*_submitted(claim, state, stripe_payout, at), paid)
        case NotePayoutFailed():
            return _failed(command, claim, state)
        case _:
            return ()


def _start(command: StartPayout, state: PayoutState) -> tuple[PayoutEvent, ...]:
    if state.claim is None:
        startable = command.claim.attempt == 1
    else:
        over = state.status == "failed" and _may_go_on(state, command.at)
        startable = over and command.claim.attempt == state.claim.attempt + 1
    return (PayoutStarted(at=command.at, claim=command.claim),) if startable else ()


def _may_go_on(state: PayoutState, at: datetime) -> bool:
    """Whether the bank account has been renewed is for whoever starts it to see."""
    return state.waits_for_bank or (state.retry_at is not None and state.retry_at <= at)


def _submitted(claim: Claim, state: PayoutState, stripe_payout: str, at: datetime) -> tuple[PayoutEvent, ...]:
    if state.status not in ("scheduled", "unknown"):
        return ()
    return (PayoutSubmitted(at=at, claim=claim, stripe_payout=stripe_payout),)


def _failed(command: NotePayoutFailed, claim: Claim, state: PayoutState) -> tuple[PayoutEvent, ...]:
    at, code, reason, stripe_payout = command.at, command.code, command.reason, state.stripe_payout
    if state.status == "paid":
        return (PayoutReturned(at=at, claim=claim, stripe_payout=stripe_payout, code=code, reason=reason),)
    if state.status not in _UNDER_WAY:
        return ()
    more, passes = claim.attempt < command.attempts_max, code in TRANSIENT
    failed = PayoutFailed(
        at=at,
        claim=claim,
        stripe_payout=stripe_payout,
        code=code,
        reason=reason,
        retry_at=at + retry_after(claim.attempt) if more and passes else None,
        waits_for_bank=more and not passes and code != CANCELED,
    )
    return (failed,)


_UNDER_WAY: Final = ("scheduled", "unknown", "submitted")


def evolve(state: PayoutState, event: PayoutEvent) -> PayoutState:
    state = replace(state, claim=event.claim, changed_at=event.at)
    match event:
        case PayoutStarted(at=at):
            return PayoutState(
                status="scheduled", claim=event.claim, started_at=state.started_at or at, changed_at=event.at
            )
        case PayoutSubmitted(stripe_payout=stripe_payout):
            return replace(state, status="submitted", stripe_payout=stripe_payout, reason=None)
        case PayoutOutcomeUnknown(reason=reason):
            return replace(state, status="unknown", reason=reason)
        case PayoutPaid(stripe_payout=stripe_payout):
            return replace(state, status="paid", stripe_payout=stripe_payout)
        case PayoutFailed(code=code, reason=reason, retry_at=retry_at, waits_for_bank=waits):
            failed = replace(state, status="failed", code=code, reason=reason)
            return replace(failed, retry_at=retry_at, waits_for_bank=waits)
        case PayoutReturned(code=code, reason=reason):
            return replace(state, status="returned", code=code, reason=reason)


PAYOUT: Final = Decider[PayoutCommand, PayoutState, PayoutEvent](
    "payout",
    PayoutState(),
    decide,
    evolve,
    (PayoutStarted, PayoutSubmitted, PayoutOutcomeUnknown, PayoutPaid, PayoutFailed, PayoutReturned),
)
