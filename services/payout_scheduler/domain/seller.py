"""A seller: registered by the shop, given an account at Stripe, ready when Stripe says so, paid as they wish."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final, Literal
from uuid import NAMESPACE_OID, UUID, uuid5

from libs.ledger.decider import Decider, Event
from libs.ledger.errors import NotFound, Rejected
from services.payout_scheduler.domain.calendar import Frequency

SellerStatus = Literal["registered", "refused", "onboarding", "ready", "deauthorized"]


def seller_id(book: int, seller: str) -> UUID:
    """The id of a seller's stream."""
    return uuid5(NAMESPACE_OID, f"holdfast/seller/{book}/{seller}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Readiness:
    """What Stripe lets an account do, and what it still asks of the seller (names of Stripe's requirements).

    `requirements` are due now, by `deadline` if there is one, else Stripe takes abilities away; `past_due` are why it
    did (`disabled_reason`); `eventually_due` come with more money. Payouts need a bank account that did not bounce.
    """

    transfers_active: bool = False
    payouts_enabled: bool = False
    requirements: tuple[str, ...] = ()
    past_due: tuple[str, ...] = ()
    eventually_due: tuple[str, ...] = ()
    disabled_reason: str | None = None
    deadline: datetime | None = None

    @property
    def ready(self) -> bool:
        """Money may go to the account and from there to the bank."""
        return self.transfers_active and self.payouts_enabled


@dataclass(frozen=True, slots=True, kw_only=True)
class SellerRegistered(Event):
    """`attempt` counts the accounts asked for: after a refusal the seller may be registered anew."""

    seller: str
    country: str
    attempt: int = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class SellerAccountCreated(Event):
    """The seller has an account at Stripe, from which nothing is paid out unless we say so."""

    seller: str
    account_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SellerAccountRefused(Event):
    """Stripe will not open this account, for a country that it does not serve, say. Nothing was made."""

    seller: str
    attempt: int
    code: str
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SellerReadinessChanged(Event):
    seller: str
    account_id: str
    readiness: Readiness


@dataclass(frozen=True, slots=True, kw_only=True)
class SellerDeauthorized(Event):
    """The account is no longer connected to us, and nothing can be done with it. Registered anew, there is another."""

    seller: str
    account_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SellerOwnPayoutsFound(Event):
    """Somebody let Stripe pay out of the account by itself, at this `interval`; it is told not to by this `version`."""

    seller: str
    account_id: str
    interval: str
    version: int


@dataclass(frozen=True, slots=True, kw_only=True)
class SellerScheduleChanged(Event):
    seller: str
    frequency: Frequency


SellerEvent = (
    SellerRegistered
    | SellerAccountCreated
    | SellerAccountRefused
    | SellerReadinessChanged
    | SellerDeauthorized
    | SellerOwnPayoutsFound
    | SellerScheduleChanged
)


@dataclass(frozen=True, slots=True, kw_only=True)
class RegisterSeller:
    seller: str
    country: str
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class NoteAccount:
    """Stripe showed us the account of a seller as it is now. `opened` says that we have just made it."""

    account_id: str
    readiness: Readiness
    at: datetime
    opened: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class NoteAccountRefused:
    attempt: int
    code: str
    reason: str
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class NoteDeauthorized:
    account_id: str
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class NoteOwnPayouts:
    """The account's payout schedule at Stripe is this, which is not ours."""

    account_id: str
    interval: str
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class ChangeSchedule:
    frequency: Frequency
    at: datetime


SellerCommand = RegisterSeller | NoteAccount | NoteAccountRefused | NoteDeauthorized | NoteOwnPayouts | ChangeSchedule


@dataclass(frozen=True, slots=True, kw_only=True)
class SellerState:
    seller: str | None = None
    country: str | None = None
    attempt: int = 0
    refusal: str | None = None
    """Why Stripe would not open the account last asked for."""
    account_id: str | None = None
    readiness: Readiness = Readiness()
    deauthorized: bool = False
    version: int = 1
    """How often the account was told to pay nothing out by itself."""
    frequency: Frequency | None = None
    """The seller's own choice; None leaves it to the setting `payout.frequency`."""

    @property
    def status(self) -> SellerStatus:
        if self.deauthorized:
            return "deauthorized"
        if self.account_id is None:
            return "refused" if self.refusal else "registered"
        return "ready" if self.readiness.ready else "onboarding"


def decide(command: SellerCommand, state: SellerState) -> tuple[SellerEvent, ...]:  # noqa: PLR0911 - one case a command
    match command:
        case RegisterSeller():
            return _register(command, state)
        case NoteAccount():
            return _note_account(command, state)
        case NoteAccountRefused(attempt=attempt, code=code, reason=reason, at=at):
            if state.seller is None or state.account_id is not None or attempt != state.attempt or state.refusal:
                return ()
            return (SellerAccountRefused(at=at, seller=state.seller, attempt=attempt, code=code, reason=reason),)
        case NoteDeauthorized() | NoteOwnPayouts():
            return _noted(command, state)
        case ChangeSchedule(frequency=frequency, at=at):
            if state.seller is None:
                raise NotFound("Nobody registered this seller; POST /sellers does.", code="unknown_seller")
            if frequency == state.frequency:
                return ()
            return (SellerScheduleChanged(at=at, seller=state.seller, frequency=frequency),)


def _register(command: RegisterSeller, state: SellerState) -> tuple[SellerEvent, ...]:
    if state.seller is None or state.refusal or state.deauthorized:
        attempt = state.attempt + 1
        return (SellerRegistered(at=command.at, seller=command.seller, country=command.country, attempt=attempt),)
    if command.country != state.country:
        raise Rejected(
            f"{command.seller} is registered in {state.country}, and Stripe cannot move an account to another country.",
            code="seller_registered",
            seller=command.seller,
            country=state.country,
        )
    return ()


def _note_account(command: NoteAccount, state: SellerState) -> tuple[SellerEvent, ...]:
    # A webhook may tell of an account before the loop that made it could: that loop will look at it again.
    if state.seller is None or (state.account_id is None and not command.opened):
        return ()
    events: list[SellerEvent] = []
    if state.account_id is None:
        events.append(SellerAccountCreated(at=command.at, seller=state.seller, account_id=command.account_id))
    elif state.account_id != command.account_id or state.deauthorized:
        return ()
    if command.readiness != state.readiness:
        events.append(
            SellerReadinessChanged(
                at=command.at, seller=state.seller, account_id=command.account_id, readiness=command.readiness
            )
        )
    return tuple(events)


def _noted(command: NoteDeauthorized | NoteOwnPayouts, state: SellerState) -> tuple[SellerEvent, ...]:
    seller, account_id, at = state.seller, command.account_id, command.at
    if seller is None or state.account_id != account_id or state.deauthorized:
        return ()
    if isinstance(command, NoteDeauthorized):
        return (SellerDeauthorized(at=at, seller=seller, account_id=account_id),)
    found, version = command.interval, state.version + 1
    return (SellerOwnPayoutsFound(at=at, seller=seller, account_id=account_id, interval=found, version=version),)


def evolve(state: SellerState, event: SellerEvent) -> SellerState:  # noqa: PLR0911 - one case an event
    match event:
        case SellerRegistered(seller=seller, country=country, attempt=attempt):
            # With the attempt begins another account, of which nothing is known.
            return SellerState(seller=seller, country=country, attempt=attempt, frequency=state.frequency)
        case SellerAccountCreated(account_id=account_id):
            return replace(state, account_id=account_id)
        case SellerAccountRefused(reason=reason):
            return replace(state, refusal=reason)
        case SellerReadinessChanged(readiness=readiness):
            return replace(state, readiness=readiness)
        case SellerDeauthorized():
            return replace(state, deauthorized=True, readiness=Readiness())
        case SellerOwnPayoutsFound(version=version):
            return replace(state, version=version)
        case SellerScheduleChanged(frequency=frequency):
            return replace(state, frequency=frequency)


SELLER: Final = Decider[SellerCommand, SellerState, SellerEvent](
    "seller",
    SellerState(),
    decide,
    evolve,
    (
        SellerRegistered,
        SellerAccountCreated,
        SellerAccountRefused,
        SellerReadinessChanged,
        SellerDeauthorized,
        SellerOwnPayoutsFound,
        SellerScheduleChanged,
    ),
)
