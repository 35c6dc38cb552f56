"""The buyer's side of an order: from the order to the captured payment, or to none. Refunds are in `refunds.py`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

from libs.ledger.decider import Decider
from libs.ledger.errors import Rejected
from libs.ledger.money import CURRENCIES, format_minor
from services.payment.domain import events as e
from services.payment.domain import refunds
from services.payment.domain.command import Command
from services.payment.domain.order import Limits, Order
from services.payment.domain.report import Capture, IntentReport, Trial
from services.payment.domain.state import CAPTURED, OPEN, State, evolve


@dataclass(frozen=True, slots=True, kw_only=True)
class PlaceOrder(Command):
    """`limits` is None where the currency is none we know."""

    order: Order
    limits: Limits | None


@dataclass(frozen=True, slots=True, kw_only=True)
class CancelOrder(Command):
    order_id: str
    requested_by: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordIntent(Command):
    report: IntentReport


@dataclass(frozen=True, slots=True, kw_only=True)
class DoubtIntent(Command):
    """Nobody knows whether this attempt at creating the intent had its effect."""

    attempt: int
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class AbandonIntent(Command):
    """Under this attempt's key no other answer will come, and no intent was found."""

    attempt: int
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RefuseIntent(Command):
    """The processor said no, and this attempt had no effect."""

    attempt: int
    code: str
    reason: str


PaymentCommand = (
    PlaceOrder | CancelOrder | RecordIntent | DoubtIntent | AbandonIntent | RefuseIntent | refunds.RefundCommand
)


def decide(command: PaymentCommand, state: State) -> Sequence[e.PaymentEvent]:  # noqa: PLR0911 - one case a command
    match command:
        case PlaceOrder():
            return _place(command, state)
        case CancelOrder():
            return _cancel(command, state)
        case RecordIntent(report=report):
            return _record(command, report, state)
        case DoubtIntent():
            return _doubt(command, state)
        case AbandonIntent():
            return _abandon(command, state)
        case RefuseIntent():
            return _refuse(command, state)
        case _:
            return refunds.decide(command, state)


def _place(command: PlaceOrder, state: State) -> Sequence[e.PaymentEvent]:
    order = command.order
    if state.order == order:
        return ()
    names = command.names(order.order_id)
    if refusal := _refusal(command, state):
        code, reason = refusal
        return [
            e.OrderRejected(**names, currency=order.currency, amount_minor=order.amount_minor, code=code, reason=reason)
        ]
    return [
        e.PaymentRequested(
            **names,
            buyer=order.buyer,
            currency=order.currency,
            rail=order.rail,
            lines=order.lines,
            amount_minor=order.amount_minor,
        )
    ]


def _refusal(command: PlaceOrder, state: State) -> tuple[str, str] | None:  # noqa: PLR0911 - one return a reason
    order, limits = command.order, command.limits
    if state.order is not None:
        return e.ORDER_CHANGED, "The order was placed before with other content; place it under a new order_id."
    if state.cancellation:
        return "order_cancelled", "The order was cancelled before it was placed; place it under a new order_id."
    if order.rail != "card":
        return "rail_unavailable", f"Orders cannot be paid on the rail {order.rail!r} yet; use 'card'."
    if limits is None:
        return "unknown_currency", f"{order.currency!r} is not a currency we know; use an ISO 4217 code."
    if CURRENCIES[order.currency].kind != "fiat":
        return "currency_not_on_rail", f"A card cannot be charged in {order.currency}; use an ISO 4217 currency."
    least, most = limits.amount_min_minor, limits.amount_max_minor
    if order.amount_minor < least:
        return "amount_too_small", f"An order must come to {format_minor(least, order.currency)} at least."
    if order.amount_minor > most:
        return "amount_too_large", f"An order may come to {format_minor(most, order.currency)} at most."
    return None


def _cancel(command: CancelOrder, state: State) -> Sequence[e.PaymentEvent]:
    """Messages come in any order: a cancellation may overtake its order, or the intent that is being created.

    Of a captured payment nothing is canceled here; its escrow refunds it.
    """
    if state.cancellation or state.status not in {None, *OPEN}:
        return ()
    return [
        e.CancelRequested(
            **command.names(command.order_id),
            requested_by=command.requested_by,
            intent_id=state.intent_id,
        )
    ]


def _record(command: RecordIntent, report: IntentReport, state: State) -> Sequence[e.PaymentEvent]:
    order = state.placed()
    if state.status not in OPEN or state.intent_id not in {None, report.intent_id}:
        return _ignore(report, state)
    return [*_created(command, report, state), *_progress(command, report, order, state)]


def _created(command: RecordIntent, report: IntentReport, state: State) -> Sequence[e.PaymentEvent]:
    if state.intent_id is not None:
        return ()
    created = e.IntentCreated(**_attempt(command, state), intent_id=report.intent_id)
    if state.cancellation is None:
        return [created]
    return [created, replace(state.cancellation, at=command.at, intent_id=report.intent_id)]


def _progress(command: RecordIntent, report: IntentReport, order: Order, state: State) -> Sequence[e.PaymentEvent]:
    match report:
        case IntentReport(captured=Capture() as capture):
            if capture.amount_minor != order.amount_minor:
                raise _suspicious(report, f"took {capture.amount_minor} instead of {order.amount_minor} minor units")
            return [
                e.PaymentCaptured(
                    **command.names(order.order_id, at=capture.at),
                    buyer=order.buyer,
                    currency=order.currency,
                    lines=order.lines,
                    amount_minor=capture.amount_minor,
                    charge=capture.charge,
                )
            ]
        case IntentReport(status="canceled"):
            reason = "order cancelled" if state.cancellation else "canceled at the processor"
            return [e.PaymentCanceled(**command.names(order.order_id, at=report.canceled_at), reason=reason)]
        case IntentReport(status="requires_action" | "processing" as status) if status != state.status:
            return [e.PaymentPending(**command.names(order.order_id), status=status)]
        case IntentReport(status="waiting", declined=Trial() as trial) if trial.id != state.last_failed_trial:
            return [e.PaymentFailed(**command.names(order.order_id, at=trial.at), code=trial.code, trial=trial.id)]
        case _:
            return ()


def _ignore(report: IntentReport, state: State) -> Sequence[e.PaymentEvent]:
    """What is told late or twice changes nothing; money that came where none may come is for a person to see."""
    captured_before = state.status in CAPTURED and report.intent_id == state.intent_id
    if report.captured and not captured_before:
        raise _suspicious(report, f"took money for a payment that is {state.status} on intent {state.intent_id}")
    return ()


def _suspicious(report: IntentReport, what: str) -> Rejected:
    return Rejected(
        f"Intent {report.intent_id} {what}. Look at it in the processor's dashboard and refund it there.",
        code="unexpected_capture",
        intent_id=report.intent_id,
    )


def _doubt(command: DoubtIntent, state: State) -> Sequence[e.PaymentEvent]:
    if state.in_doubt or not state.is_creating(command.attempt):
        return ()
    return [e.IntentOutcomeUnknown(**_attempt(command, state), reason=command.reason)]


def _abandon(command: AbandonIntent, state: State) -> Sequence[e.PaymentEvent]:
    if not state.is_creating(command.attempt):
        return ()
    return [e.IntentAbandoned(**_attempt(command, state), reason=command.reason)]


def _refuse(command: RefuseIntent, state: State) -> Sequence[e.PaymentEvent]:
    if not state.is_creating(command.attempt):
        return ()
    return [e.IntentRefused(**_attempt(command, state), code=command.code, reason=command.reason)]


def _attempt(command: Command, state: State) -> dict[str, Any]:
    order = state.placed()
    return {
        **command.names(order.order_id),
        "currency": order.currency,
        "amount_minor": order.amount_minor,
        "attempt": state.attempt,
    }


PAYMENT: Final = Decider[PaymentCommand, State, e.PaymentEvent]("payment", State(), decide, evolve, e.EVENTS)
