"""The buyer's side of an order: from the order to the captured payment, or to none.

Placing is in `placing.py`, refunds are in `refunds.py`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

from libs.ledger.decider import Decider
from libs.ledger.errors import Rejected
from services.payment.domain import chargeback_events, chargebacks, evidence, placing, refunds
from services.payment.domain import events as e
from services.payment.domain.command import Command
from services.payment.domain.order import Order
from services.payment.domain.report import Capture, IntentReport, Trial
from services.payment.domain.state import CAPTURED, OPEN, State, evolve


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
    placing.PlaceOrder
    | CancelOrder
    | RecordIntent
    | DoubtIntent
    | AbandonIntent
    | RefuseIntent
    | refunds.RefundCommand
    | chargebacks.ChargebackCommand
    | evidence.EvidenceCommand
)


def decide(command: PaymentCommand, state: State) -> Sequence[e.PaymentEvent]:  # noqa: PLR0911 - one case a command
    match command:
        case placing.PlaceOrder():
            return placing.decide(command, state)
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
        case chargebacks.RecordDispute() | chargebacks.RecordFraudWarning() | chargebacks.AcceptChargeback():
            return chargebacks.decide(command, state)
        case evidence.EvidenceCommand():
            return evidence.decide(command, state)
        case _:
            return refunds.decide(command, state)


def _cancel(command: CancelOrder, state: State) -> Sequence[e.PaymentEvent]:
    """Messages come in any order: a cancellation may overtake its order, or the intent that is being created.

    Of a captured payment nothing is canceled here; its escrow refunds it. While a bank works on it nobody can cancel:
    the cancellation is noted, and carried out if the bank refuses.
    """
    if state.cancellation or state.status not in {None, *OPEN}:
        return ()
    return [
        e.CancelRequested(
            **command.names(command.order_id),
            requested_by=command.requested_by,
            intent_id=None if state.status == "processing" else state.intent_id,
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
            return [_closed(command, report, order, state)]
        case IntentReport(status="requires_action" | "processing" as status) if status != state.status:
            return [e.PaymentPending(**command.names(order.order_id), status=status), *_resumed(command, report, state)]
        case IntentReport(status="waiting", declined=Trial() as trial) if trial.id != state.last_failed_trial:
            return [
                e.PaymentFailed(**command.names(order.order_id, at=trial.at), code=trial.code, trial=trial.id),
                *_resumed(command, report, state),
            ]
        case _:
            return ()


def _closed(command: RecordIntent, report: IntentReport, order: Order, state: State) -> e.PaymentEvent:
    names: dict[str, Any] = {**command.names(order.order_id, at=report.canceled_at), "allowance": state.allowance}
    if state.cancellation:
        return e.PaymentCanceled(**names, reason="order cancelled")
    return (
        e.PaymentExpired(**names)
        if report.abandoned
        else e.PaymentCanceled(**names, reason="canceled at the processor")
    )


def _resumed(command: RecordIntent, report: IntentReport, state: State) -> Sequence[e.PaymentEvent]:
    """The cancellation that was noted while a bank worked on the payment, now that it took nothing."""
    noted = state.cancellation
    if state.status != "processing" or noted is None or noted.intent_id is not None:
        return ()
    return [replace(noted, at=command.at, intent_id=report.intent_id)]


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
    return [e.IntentOutcomeUnknown(**_call(command, state), reason=command.reason)]


def _abandon(command: AbandonIntent, state: State) -> Sequence[e.PaymentEvent]:
    if not state.is_creating(command.attempt):
        return ()
    return [e.IntentAbandoned(**_call(command, state), reason=command.reason)]


def _refuse(command: RefuseIntent, state: State) -> Sequence[e.PaymentEvent]:
    if not state.is_creating(command.attempt):
        return ()
    names = {**_attempt(command, state), "allowance": state.allowance}
    return [e.IntentRefused(**names, code=command.code, reason=command.reason)]


def _call(command: Command, state: State) -> dict[str, Any]:
    return {**_attempt(command, state), "statement_suffix": state.statement_suffix}


def _attempt(command: Command, state: State) -> dict[str, Any]:
    order = state.placed()
    return {
        **command.names(order.order_id),
        "currency": order.currency,
        "amount_minor": order.amount_minor,
        "attempt": state.attempt,
    }


PAYMENT: Final = Decider[PaymentCommand, State, e.PaymentEvent](
    "payment", State(), decide, evolve, (*e.EVENTS, *chargeback_events.EVENTS)
)
