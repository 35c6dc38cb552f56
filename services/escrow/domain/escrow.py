"""An escrow's decisions: money comes in, is held for each seller apart, and leaves to the seller or back to the buyer.

Every decision adds events to a `Course`; what they are about is told apart by module: `shop`, `bank`, `releases`,
`refunds`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Final

from libs.ledger.decider import Decider
from libs.ledger.errors import Rejected
from services.escrow.domain import bank, refunds, releases, shop
from services.escrow.domain import events as e
from services.escrow.domain.allocation import allocate
from services.escrow.domain.commands import (
    Command,
    HearFact,
    HoldFunds,
    Refund,
    ReleaseDue,
    ReleaseNow,
    SettleClawback,
    Unfreeze,
)
from services.escrow.domain.course import Course
from services.escrow.domain.evolve import evolve
from services.escrow.domain.facts import (
    Cancelled,
    ChargebackClosed,
    ChargedBack,
    Delivered,
    Disputed,
    Fact,
    FraudWarned,
)
from services.escrow.domain.state import State


def decide(command: Command, state: State) -> Sequence[e.EscrowEvent]:
    course = Course(state)
    match command:
        case HoldFunds():
            _hold(command, course)
        case HearFact():
            _hear(command, course)
        case ReleaseDue():
            releases.release_due(command, course)
        case ReleaseNow():
            releases.release_now(command, course)
        case Refund():
            refunds.refund(command, course)
        case SettleClawback():
            refunds.settle(command, course)
        case Unfreeze():
            bank.unfreeze(command, course)
    return course.events


def _hold(command: HoldFunds, course: Course) -> None:
    held, noted = course.state.held, course.state.noted
    if held is not None:
        if held.charge == command.charge:
            return
        raise Rejected(
            f"Order {command.order_id} already holds charge {held.charge}; refund {command.charge} at the processor.",
            code="captured_twice",
            order_id=command.order_id,
        )
    course.add(_funds_held(command))
    for fact in noted:
        try:
            _take_effect(fact, {}, course)  # no seller has got any of it yet
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
        for share in course.shares:
            if share.releasable:
                releases.release_rest(share, course, at=command.at)


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


def _hear(command: HearFact, course: Course) -> None:
    fact = command.fact
    if course.state.held is not None:
        _take_effect(fact, command.available_minor, course)
    elif fact not in course.state.noted:
        course.add(e.FactNoted(at=fact.at, escrow_id=command.escrow_id, order_id=command.order_id, fact=fact))


def _take_effect(fact: Fact, available_minor: Mapping[str, int], course: Course) -> None:
    since_held = max(fact.at, course.held.at)  # money cannot go anywhere before it came
    match fact:
        case Delivered():
            shop.confirm(fact, course)
        case Disputed():
            shop.dispute(fact, course)
        case Cancelled():
            shop.cancel(replace(fact, at=since_held), course)
        case ChargedBack():
            bank.charged_back(replace(fact, at=since_held), available_minor, course)
        case ChargebackClosed():
            bank.closed(replace(fact, at=since_held), available_minor, course)
        case FraudWarned():
            bank.fraud_warned(replace(fact, at=since_held), course)


ESCROW: Final = Decider[Command, State, e.EscrowEvent]("escrow", State(), decide, evolve, e.EVENTS)
