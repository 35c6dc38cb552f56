"""The buyer contests a payment at their bank: inquiries, chargebacks and the warnings ahead of them.

The processor's notices come in any order, twice and late, so a report always says what a dispute is now. What that
adds to what is known is decided here; a report that lags behind adds nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any
from uuid import UUID

from libs.ledger.errors import NotFound, Rejected
from services.payment.domain import chargeback_events as c
from services.payment.domain import events as e
from services.payment.domain.chargeback_state import Chargeback, evolved
from services.payment.domain.command import Command
from services.payment.domain.report import DisputeReport, FraudReport
from services.payment.domain.state import CAPTURED, State


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordDispute(Command):
    report: DisputeReport


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordFraudWarning(Command):
    report: FraudReport


@dataclass(frozen=True, slots=True, kw_only=True)
class AcceptChargeback(Command):
    chargeback_id: UUID


ChargebackCommand = RecordDispute | RecordFraudWarning | AcceptChargeback


def decide(command: ChargebackCommand, state: State) -> Sequence[e.PaymentEvent]:
    match command:
        case RecordDispute(report=report):
            return _record(command, _as_money_shows(report), state)
        case RecordFraudWarning(report=report):
            return _warn(command, report, state)
        case AcceptChargeback():
            return _accept(command, state)


def known(state: State, chargeback_id: UUID) -> Chargeback:
    """Raises `NotFound` (`unknown_chargeback`)."""
    if (found := state.chargebacks.get(chargeback_id)) is None:
        raise NotFound(
            f"This payment has no chargeback {chargeback_id}; GET /payments/{{id}} shows those that it has.",
            code="unknown_chargeback",
            chargeback_id=chargeback_id,
        )
    return found


def still_open(past: Chargeback) -> Chargeback:
    """Raises `Rejected` (`chargeback_closed`, `chargeback_accepted`) where nothing can be said to the bank any more."""
    if past.status != "open":
        raise Rejected(f"The bank has decided: this is {past.status}.", code="chargeback_closed", outcome=past.status)
    if past.accepted:
        raise Rejected("This chargeback was accepted, which cannot be taken back.", code="chargeback_accepted")
    return past


def names_of(command: Command, state: State, chargeback_id: UUID, dispute_id: str) -> dict[str, Any]:
    names = command.names(state.placed().order_id)
    return names | {"chargeback_id": chargeback_id, "dispute_id": dispute_id}


def _as_money_shows(report: DisputeReport) -> DisputeReport:
    """What takes no money is an inquiry, whatever it is called; so a chargeback freezes before its money is booked."""
    if report.withdrawn_minor:
        return report
    return replace(report, status="inquiry" if report.status in {"inquiry", "open"} else "withdrawn")


def _record(command: RecordDispute, report: DisputeReport, state: State) -> Sequence[e.PaymentEvent]:
    if state.status not in CAPTURED:  # its capture is on its way; a worker asks again
        raise Rejected(f"A payment that is {state.status} cannot be contested.", code="not_captured")
    if report.currency != state.placed().currency:
        raise _suspicious(report, f"is in {report.currency}, the payment in {state.placed().currency}")
    chargeback_id = c.chargeback_id_of(command.payment_id, report.dispute_id)
    names = names_of(command, state, chargeback_id, report.dispute_id)
    past = state.chargebacks.get(chargeback_id)
    if report.status in {"inquiry", "withdrawn"}:
        return _inquiry(names, report, past)
    if past is None or past.stage == "inquiry":
        opened = _opened(names, report)
        return [opened, *_decision(names, report, evolved({}, opened)[chargeback_id], state)]
    if past.status == "open":
        return _decision(names, report, past, state) or _changed(names, report, past)
    return _afterwards(report, past)


def _inquiry(names: dict[str, Any], report: DisputeReport, past: Chargeback | None) -> Sequence[e.PaymentEvent]:
    if past is not None and (past.stage, past.status) != ("inquiry", "open"):
        return ()
    opened = [] if past else [c.InquiryOpened(**names | _contest(report, report.opened_at))]
    if report.status == "withdrawn":
        closed = c.InquiryClosed(**names, currency=report.currency, amount_minor=report.amount_minor)
        return [*opened, closed]
    return opened or (_changed(names, report, past) if past else ())


def _opened(names: dict[str, Any], report: DisputeReport) -> c.ChargebackOpened:
    contest = _contest(report, report.withdrawn_at or report.opened_at) | {"amount_minor": report.withdrawn_minor}
    return c.ChargebackOpened(**names | contest, fee_minor=report.fee_minor)


def _contest(report: DisputeReport, at: datetime) -> dict[str, Any]:
    return {
        "at": at,
        "currency": report.currency,
        "amount_minor": report.amount_minor,
        "reason": report.reason,
        "respond_by": report.respond_by,
        "under_review": report.under_review,
    }


def _changed(names: dict[str, Any], report: DisputeReport, past: Chargeback) -> Sequence[e.PaymentEvent]:
    if (report.respond_by, report.under_review) == (past.respond_by, past.under_review):
        return ()
    return [c.ContestChanged(**names, respond_by=report.respond_by, under_review=report.under_review)]


def _decision(names: dict[str, Any], report: DisputeReport, past: Chargeback, state: State) -> Sequence[e.PaymentEvent]:
    """What the bank decided of an open chargeback, once its money shows it: a win is told before it is paid."""
    gone_minor = report.withdrawn_minor - report.reinstated_minor
    fee_total_minor = report.fee_minor - report.fee_returned_minor
    money: dict[str, Any] = {
        "currency": past.currency,
        "amount_minor": past.amount_minor,
        "returned_minor": past.amount_minor - gone_minor,
        "fee_minor": fee_total_minor - past.fee_minor,
        "fee_total_minor": fee_total_minor,
    }
    if report.status == "won" and report.reinstated_minor:
        return [c.ChargebackWon(**names, **money)]
    if report.status == "lost":
        refunds = _settled(gone_minor, state)
        to_cover_minor = gone_minor - sum(each.amount_minor for each in refunds)
        return [c.ChargebackLost(**names, **money, refunds=refunds, to_cover_minor=to_cover_minor)]
    return ()


def _settled(gone_minor: int, state: State) -> tuple[c.SettledRefund, ...]:
    """Of what we owe the buyer in refunds that did not reach them, oldest first, as much as the bank gave them."""
    if under_way := [str(key) for key, refund in state.refunds.items() if refund.status in {"requested", "unknown"}]:
        raise Rejected(
            f"Whether the refund {under_way[0]} was made is not known yet, and decides what the loss has to cover.",
            code="refund_under_way",
            refunds=under_way,
        )
    settled: list[c.SettledRefund] = []
    for refund_id, refund in state.refunds.items():
        amount_minor = min(refund.owed_minor, gone_minor)
        if amount_minor:
            owed_minor = refund.owed_minor - amount_minor
            settled.append(c.SettledRefund(refund_id=refund_id, amount_minor=amount_minor, owed_minor=owed_minor))
            gone_minor -= amount_minor
    return tuple(settled)


def _afterwards(report: DisputeReport, past: Chargeback) -> Sequence[e.PaymentEvent]:
    """After the decision nothing may change. What differs is either older than it, and then the same question has
    another answer next time, or a turn that nobody foresaw, and then a person must see it.
    """
    gone_minor = report.withdrawn_minor - report.reinstated_minor
    if report.status == "open" or (report.status, gone_minor) == (past.status, past.gone_minor):
        return ()
    raise _suspicious(report, f"is {report.status} with {gone_minor} minor units gone, and was {past.status} before")


def _warn(command: RecordFraudWarning, report: FraudReport, state: State) -> Sequence[e.PaymentEvent]:
    if report.warning_id in state.fraud_warnings:
        return ()
    names = command.names(state.placed().order_id, at=report.created_at)
    return [c.FraudWarned(**names, warning_id=report.warning_id, code=report.code)]


def _accept(command: AcceptChargeback, state: State) -> Sequence[e.PaymentEvent]:
    past = known(state, command.chargeback_id)
    if past.accepted:
        return ()
    if still_open(past).stage == "inquiry":
        raise Rejected("The bank only asks, and has taken nothing: refund the payment instead.", code="inquiry")
    if past.under_review or past.evidence_status == "submitted":
        raise Rejected("Evidence was submitted, and the bank decides on it now.", code="under_review")
    names = names_of(command, state, command.chargeback_id, past.dispute_id)
    return [c.ChargebackAccepted(**names, version=past.version + 1)]


def _suspicious(report: DisputeReport, what: str) -> Rejected:
    return Rejected(
        f"Dispute {report.dispute_id} {what}. Look at it in the processor's dashboard, and book what is missing.",
        code="unexpected_dispute",
        dispute_id=report.dispute_id,
    )
