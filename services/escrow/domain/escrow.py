"""An escrow's decisions: money comes in, is held for each seller apart, and leaves once, to the seller or the buyer."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any, Final

from libs.ledger.decider import Decider
from libs.ledger.errors import Rejected
from services.escrow.domain import events as e
from services.escrow.domain.allocation import allocate, refund_id_of, release_id_of
from services.escrow.domain.commands import Command, HearFact, HoldFunds, ReleaseDue
from services.escrow.domain.facts import AUTO_CONFIRMED, Cancelled, Delivered, Disputed, Fact
from services.escrow.domain.state import OPEN, Share, State, evolve


class _Course:
    """The events of one decision as they follow from each other; each carries the status that it leads to."""

    def __init__(self, state: State) -> None:
        self.state = state
        self.events: list[e.EscrowEvent] = []

    def add(self, event: e.EscrowEvent) -> None:
        self.state = evolve(self.state, event)
        if isinstance(event, e.HeldEvent):
            event = replace(event, status=self.state.status)
        self.events.append(event)


def decide(command: Command, state: State) -> Sequence[e.EscrowEvent]:
    match command:
        case HoldFunds():
            return _hold(command, state)
        case HearFact():
            return _hear(command, state)
        case ReleaseDue(as_of=as_of):
            return _release_due(as_of, state)


def _hold(command: HoldFunds, state: State) -> Sequence[e.EscrowEvent]:
    if state.held is not None:
        if state.held.charge == command.charge:
            return ()
        raise Rejected(
            f"Order {command.order_id} already holds charge {state.held.charge}; "
            f"refund {command.charge} at the processor.",
            code="captured_twice",
            order_id=command.order_id,
        )
    course = _Course(state)
    course.add(_funds_held(command))
    for fact in state.noted:
        try:
            _take_effect(fact, course)
        except Rejected as refusal:  # the money is here whatever was said of it; a refusal must not turn it away
            course.add(
                e.FactRefused(
                    at=command.at,
                    escrow_id=command.escrow_id,
                    order_id=command.order_id,
                    fact=fact,
                    code=refusal.code,
                    reason=refusal.text,
                )
            )
    if not command.terms.hold:
        for share in [share for share in course.state.shares.values() if share.status in {"held", "pending_release"}]:
            course.add(_released(share, course.state, at=command.at))
    return course.events


def _funds_held(command: HoldFunds) -> e.FundsHeld:
    terms = command.terms
    allocations = allocate(command.escrow_id, command.lines, terms.commission)
    total_minor = sum(allocation.gross_minor for allocation in allocations)
    if total_minor != command.amount_minor:
        raise Rejected(
            f"The lines of order {command.order_id} come to {total_minor} minor units, "
            f"but {command.amount_minor} were captured.",
            code="amount_mismatch",
            order_id=command.order_id,
        )
    return e.FundsHeld(
        at=command.at,
        escrow_id=command.escrow_id,
        order_id=command.order_id,
        payment_id=command.payment_id,
        currency=command.currency,
        amount_minor=command.amount_minor,
        charge=command.charge,
        allocations=allocations,
        commission=terms.commission,
        inspection_days=terms.inspection_days,
        deliver_by=command.at + timedelta(days=terms.deliver_by_days),
        hold_until_max=command.at + timedelta(days=terms.hold_days_max),
    )


def _hear(command: HearFact, state: State) -> Sequence[e.EscrowEvent]:
    fact = command.fact
    if state.held is None:
        if fact in state.noted:
            return ()
        return [e.FactNoted(at=fact.at, escrow_id=command.escrow_id, order_id=command.order_id, fact=fact)]
    course = _Course(state)
    _take_effect(fact, course)
    return course.events


def _take_effect(fact: Fact, course: _Course) -> None:
    match fact:
        case Delivered():
            _confirm(fact, course)
        case Disputed():
            _dispute(fact, course)
        case Cancelled():
            _refund(fact, course)


def _confirm(fact: Delivered, course: _Course) -> None:
    """The earliest delivery counts, for a disputed share too: it may be released later. A settled one is past it."""
    held = _held(course.state)
    release_at = _release_at(fact, held)
    auto = fact.confirmation == AUTO_CONFIRMED
    sellers = tuple(
        share.allocation.seller
        for share in _meant(fact.seller, course.state)
        if share.status in OPEN and share.is_improved_by(release_at, auto=auto)
    )
    if sellers:
        course.add(
            e.DeliveryConfirmed(
                **_names(held, fact.at),
                sellers=sellers,
                confirmation=fact.confirmation,
                confirmed_by=fact.confirmed_by,
                proof=fact.proof,
                release_at=release_at,
            )
        )


def _release_at(fact: Delivered, held: e.FundsHeld) -> datetime:
    try:
        return fact.at + timedelta(days=held.inspection_days)
    except OverflowError:
        raise Rejected(f"No calendar reaches {held.inspection_days} days past {fact.at}.", code="bad_time") from None


def _dispute(fact: Disputed, course: _Course) -> None:
    held = _held(course.state)
    shares = _meant(fact.seller, course.state)
    _refuse_if_all_released(shares, held, "disputed")
    sellers = tuple(share.allocation.seller for share in shares if share.status in {"held", "pending_release"})
    if sellers:
        course.add(
            e.DisputeOpened(**_names(held, fact.at), sellers=sellers, opened_by=fact.opened_by, reason=fact.reason)
        )


def _refund(fact: Cancelled, course: _Course) -> None:
    """All that is still held goes back, disputed or not: who cancels an order settles what was contested about it."""
    state = course.state
    held = _held(state)
    _refuse_if_all_released(list(state.shares.values()), held, "cancelled")
    shares = [share for share in state.shares.values() if share.status in OPEN]
    if shares:
        course.add(
            e.EscrowRefunded(
                **_names(held, max(fact.at, held.at)),  # money cannot go back before it came
                refund_id=refund_id_of(held.escrow_id, state.refunds + 1),
                sellers=tuple(share.allocation.seller for share in shares),
                amount_minor=sum(share.allocation.gross_minor for share in shares),
                cancelled_by=fact.cancelled_by,
                reason=fact.reason,
            )
        )


def _release_due(as_of: datetime, state: State) -> Sequence[e.EscrowEvent]:
    if state.held is None:
        return ()
    course = _Course(state)
    deliver_by = state.held.deliver_by
    if deliver_by <= as_of:
        # Dated by the timer and not by the run, so that a late job makes nobody wait longer.
        late = Delivered(at=deliver_by, confirmation=AUTO_CONFIRMED, confirmed_by="deliver_by")
        for seller in [seller for seller, share in state.shares.items() if share.status == "held"]:
            _confirm(replace(late, seller=seller), course)
    for share in list(course.state.shares.values()):
        if share.status == "pending_release" and share.release_at is not None and share.release_at <= as_of:
            course.add(_released(share, course.state, at=as_of))
    return course.events


def _released(share: Share, state: State, *, at: datetime) -> e.AllocationReleased:
    held = _held(state)
    allocation = share.allocation
    somebody_confirmed = share.release_at is not None and not share.auto_confirmed
    return e.AllocationReleased(
        **_names(held, at),
        release_id=release_id_of(allocation.allocation_id, 1),
        allocation_id=allocation.allocation_id,
        seller=allocation.seller,
        gross_minor=allocation.gross_minor,
        commission_minor=allocation.commission_minor,
        release_type="task_completion" if somebody_confirmed else "auto_release",
        charge=held.charge,
    )


def _meant(seller: str | None, state: State) -> list[Share]:
    """The share of that seller, or all of them; raises `Rejected` (`unknown_seller`)."""
    if seller is None:
        return list(state.shares.values())
    if seller not in state.shares:
        raise Rejected(
            f"Seller {seller!r} has no part in order {_held(state).order_id}, only {', '.join(state.shares)}.",
            code="unknown_seller",
            seller=seller,
        )
    return [state.shares[seller]]


def _refuse_if_all_released(shares: Sequence[Share], held: e.FundsHeld, wish: str) -> None:
    if all(share.status == "released" for share in shares):
        raise Rejected(
            f"Order {held.order_id} cannot be {wish} any more: its money was released to the sellers. "
            "Settle it with them, outside of the escrow.",
            code="already_released",
            order_id=held.order_id,
        )


def _held(state: State) -> e.FundsHeld:
    assert state.held is not None  # noqa: S101 - `decide` lets nothing but notes happen before the money is held
    return state.held


def _names(held: e.FundsHeld, at: datetime) -> dict[str, Any]:
    """The fields that every event of a held escrow has."""
    return {
        "at": at,
        "escrow_id": held.escrow_id,
        "order_id": held.order_id,
        "payment_id": held.payment_id,
        "currency": held.currency,
    }


ESCROW: Final = Decider[Command, State, e.EscrowEvent]("escrow", State(), decide, evolve, e.EVENTS)
