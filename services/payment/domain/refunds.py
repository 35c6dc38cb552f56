"""The way back: money of a captured payment returns to the buyer, wholly or in part."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID

from libs.ledger.errors import NotFound, Rejected
from services.payment.domain import events as e
from services.payment.domain.command import Command
from services.payment.domain.order import Order
from services.payment.domain.report import RefundReport
from services.payment.domain.state import CAPTURED, Refund, State

DISPUTED: Final = "charge_disputed"
"""Stripe's code for it, and ours for what we do not even ask."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RequestRefund(Command):
    refund_id: UUID
    amount_minor: int


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordRefund(Command):
    refund_id: UUID
    report: RefundReport


@dataclass(frozen=True, slots=True, kw_only=True)
class DoubtRefund(Command):
    """Nobody knows whether the refund was made."""

    refund_id: UUID
    attempt: int = 1
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RefuseRefund(Command):
    refund_id: UUID
    attempt: int = 1
    code: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RetryRefund(Command):
    """A person wants a refund that failed to be tried again."""

    refund_id: UUID


RefundCommand = RequestRefund | RecordRefund | DoubtRefund | RefuseRefund | RetryRefund


def decide(command: RefundCommand, state: State) -> Sequence[e.PaymentEvent]:
    order = state.placed()
    if isinstance(command, RequestRefund):
        return _request(command, state, order)
    refund = state.refunds.get(command.refund_id)
    if refund is None:
        raise NotFound("This payment has no such refund.", code="unknown_refund", refund_id=command.refund_id)
    names = _names(command, order, refund)
    match command:
        case RetryRefund():
            return _retry(names, refund, state, order)
        case RecordRefund(report=report):
            return _record(names, report, refund, state)
        case DoubtRefund(attempt=refund.attempt, reason=reason) if refund.status == "requested":
            return [e.RefundOutcomeUnknown(**names, intent_id=state.intent(), reason=reason)]
        case RefuseRefund(attempt=refund.attempt, code=code) if refund.status in {"requested", "unknown"}:
            return [_failed(names, code, refund, state)]
        case _:
            return ()


def _request(command: RequestRefund, state: State, order: Order) -> Sequence[e.PaymentEvent]:
    if command.refund_id in state.refunds:
        return ()
    if state.status not in CAPTURED:
        raise Rejected(f"A payment that is {state.status} cannot be refunded.", code="not_captured")
    _check_left(command.amount_minor, state, order)
    refund = Refund(amount_minor=command.amount_minor, status="requested")
    if state.disputed:
        return [e.RefundWithheld(**_names(command, order, refund), code=DISPUTED)]
    return [e.RefundRequested(**_names(command, order, refund), intent_id=state.intent())]


def _retry(names: dict[str, Any], refund: Refund, state: State, order: Order) -> Sequence[e.PaymentEvent]:
    if refund.status != "failed":
        raise Rejected(
            f"This refund is {refund.status}; only one that failed for good can be tried again.",
            code="refund_not_failed",
            refund_status=refund.status,
        )
    if state.disputed:
        raise Rejected(
            "The buyer took the money back through the bank, or tries to: a refund on top would pay twice.",
            code=DISPUTED,
        )
    _check_left(refund.owed_minor, state, order)
    again = {"attempt": refund.attempt + 1, "amount_minor": refund.owed_minor}
    return [e.RefundRequested(**names | again, intent_id=state.intent())]


def _check_left(amount_minor: int, state: State, order: Order) -> None:
    # What failed may be asked for again under another id; everything else is spoken for.
    left_minor = order.amount_minor - state.refunds_minor("requested", "unknown", "pending", "succeeded", "settled")
    if amount_minor > left_minor:
        raise Rejected(
            f"{amount_minor} minor units cannot be refunded, only {left_minor} are left of this payment.",
            code="refund_too_large",
            left_minor=left_minor,
        )


def _record(names: dict[str, Any], report: RefundReport, refund: Refund, state: State) -> Sequence[e.PaymentEvent]:
    if report.processor_id in refund.spent:  # of an attempt that failed before this one
        return ()
    match report.status, refund.status:
        case "pending", "requested" | "unknown":
            return [e.RefundPending(**names, processor_id=report.processor_id)]
        case "succeeded", "requested" | "unknown" | "pending":
            refunded_minor = state.refunds_minor("succeeded") + refund.amount_minor
            whole = refunded_minor == state.placed().amount_minor
            return [
                e.RefundSucceeded(
                    **names,
                    processor_id=report.processor_id,
                    refunded_minor=refunded_minor,
                    status="refunded" if whole else "partially_refunded",
                )
            ]
        case "failed", "requested" | "unknown" | "pending" | "succeeded":
            return [_failed(names, report.code or "unknown", refund, state, processor_id=report.processor_id)]
        case _:
            return ()


def _failed(
    names: dict[str, Any], code: str, refund: Refund, state: State, *, processor_id: str | None = None
) -> e.RefundFailed:
    returned = refund.status == "succeeded"
    refunded_minor = state.refunds_minor("succeeded") - (refund.amount_minor if returned else 0)
    return e.RefundFailed(
        **names,
        processor_id=processor_id,
        code=code,
        returned=returned,
        refunded_minor=refunded_minor,
        status="partially_refunded" if refunded_minor else "captured",
    )


def _names(command: RefundCommand, order: Order, refund: Refund) -> dict[str, Any]:
    return {
        **command.names(order.order_id),
        "refund_id": command.refund_id,
        "currency": order.currency,
        "amount_minor": refund.amount_minor,
        "attempt": refund.attempt,
    }
