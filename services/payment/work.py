"""What an event leaves to be done at the processor, and which work it ends. Pure; `views` keeps the rows.

An id is made of what is to be done and the attempt at it, so it never comes twice: a row that was deleted stays so, in
whichever order a slice of the log inserts and deletes.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID

from libs.eventstore.model import Recorded
from libs.ledger.decider import Event
from services.payment.domain import chargeback_events as c
from services.payment.domain import events as e
from services.payment.domain.spending import Allowance, AllowanceReturned
from services.payment.domain.webhook import WebhookHandled, WebhookReceived

CREATE_INTENT: Final = "create_intent"
RESOLVE_INTENT: Final = "resolve_intent"
CANCEL_INTENT: Final = "cancel_intent"
RETURN_ALLOWANCE: Final = "return_allowance"
CREATE_REFUND: Final = "create_refund"
RESOLVE_REFUND: Final = "resolve_refund"
SEND_EVIDENCE: Final = "send_evidence"
RESOLVE_EVIDENCE: Final = "resolve_evidence"
ACCEPT_CHARGEBACK: Final = "accept_chargeback"
HANDLE_WEBHOOK: Final = "handle_webhook"

RESOLVE_KINDS: Final = (RESOLVE_INTENT, RESOLVE_REFUND, RESOLVE_EVIDENCE)

RESOLVE_AFTER: Final = timedelta(seconds=15)
"""Before asking what became of a call that gave no answer, let it end."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Work:
    """A row of the work list: an outside call with all that it needs."""

    id: str
    kind: str
    subject: UUID
    due_at: datetime
    data: dict[str, Any]


def opened(event: Event, recorded: Recorded) -> Work | None:  # noqa: C901, PLR0911 - one case an event
    """The work that an event calls for. It is due when the event was recorded: business times may lie in the future."""
    match event:
        case e.PaymentRequested():
            return _intent(CREATE_INTENT, event, recorded, attempt=1)
        case e.IntentAbandoned(attempt=attempt):
            return _intent(CREATE_INTENT, event, recorded, attempt=attempt + 1)
        case e.IntentOutcomeUnknown(attempt=attempt):
            return _intent(RESOLVE_INTENT, event, recorded, attempt=attempt, pause=RESOLVE_AFTER)
        case e.CancelRequested(intent_id=str(intent_id)):
            return _work(CANCEL_INTENT, event.payment_id, recorded, {"intent_id": intent_id})
        case e.RefundRequested():
            return _refund(CREATE_REFUND, event, recorded)
        case e.RefundOutcomeUnknown():
            return _refund(RESOLVE_REFUND, event, recorded, pause=RESOLVE_AFTER)
        case (
            e.IntentRefused(allowance=Allowance() as allowance)
            | e.PaymentCanceled(allowance=Allowance() as allowance)
            | e.PaymentExpired(allowance=Allowance() as allowance)
        ):
            return _work(RETURN_ALLOWANCE, event.payment_id, recorded, {"spending_id": str(allowance.spending_id)})
        case c.EvidenceRequested():
            return _evidence(SEND_EVIDENCE, event, recorded)
        case c.EvidenceOutcomeUnknown():
            return _evidence(RESOLVE_EVIDENCE, event, recorded, pause=RESOLVE_AFTER)
        case c.ChargebackAccepted():
            return _evidence(ACCEPT_CHARGEBACK, event, recorded)
        case WebhookReceived():
            data: dict[str, Any] = {
                "notice_id": event.notice_id,
                "object_id": event.object_id,
                "notice_type": event.notice_type,
                "payment_id": event.payment_id and str(event.payment_id),
                "refund_id": event.refund_id and str(event.refund_id),
                "at": event.at.isoformat(),
            }
            return _work(HANDLE_WEBHOOK, recorded.stream_id, recorded, data)
        case _:
            return None


def closed(event: Event, stream_id: str) -> tuple[str, ...]:  # noqa: PLR0911 - one case an event
    """The ids of the work that an event ends, or makes needless."""
    match event:
        case e.IntentOutcomeUnknown(attempt=attempt):
            return (_id(CREATE_INTENT, stream_id, attempt),)
        case e.AttemptEvent(attempt=attempt):
            return _id(CREATE_INTENT, stream_id, attempt), _id(RESOLVE_INTENT, stream_id, attempt)
        case e.PaymentCaptured() | e.PaymentCanceled() | e.PaymentExpired():
            return (_id(CANCEL_INTENT, stream_id),)
        case AllowanceReturned(payment_id=payment_id):
            return (_id(RETURN_ALLOWANCE, payment_id),)
        case e.RefundRequested():
            return ()
        case e.RefundOutcomeUnknown(refund_id=refund_id, attempt=attempt):
            return (_id(CREATE_REFUND, refund_id, attempt),)
        case e.RefundEvent(refund_id=refund_id, attempt=attempt):
            return _id(CREATE_REFUND, refund_id, attempt), _id(RESOLVE_REFUND, refund_id, attempt)
        case c.ChargebackEvent():
            return _closed_by(event)
        case WebhookHandled():
            return (_id(HANDLE_WEBHOOK, stream_id),)
        case _:
            return ()


def _intent(
    kind: str,
    event: e.PaymentRequested | e.IntentOutcomeUnknown | e.IntentAbandoned,
    recorded: Recorded,
    *,
    attempt: int,
    pause: timedelta = timedelta(),
) -> Work:
    data = {
        "order_id": event.order_id,
        "currency": event.currency,
        "amount_minor": event.amount_minor,
        "attempt": attempt,
        "statement_suffix": event.statement_suffix,
    }
    return _work(kind, event.payment_id, recorded, data, attempt=attempt, pause=pause)


def _refund(
    kind: str,
    event: e.RefundRequested | e.RefundOutcomeUnknown,
    recorded: Recorded,
    *,
    pause: timedelta = timedelta(),
) -> Work:
    data = {
        "order_id": event.order_id,
        "payment_id": str(event.payment_id),
        "intent_id": event.intent_id,
        "currency": event.currency,
        "amount_minor": event.amount_minor,
        "attempt": event.attempt,
    }
    return _work(kind, event.refund_id, recorded, data, attempt=event.attempt, pause=pause)


def _evidence(
    kind: str,
    event: c.EvidenceRequested | c.EvidenceOutcomeUnknown | c.ChargebackAccepted,
    recorded: Recorded,
    *,
    pause: timedelta = timedelta(),
) -> Work:
    # Never the texts: they are sealed in the log, and whoever sends them opens them there.
    data = {"payment_id": str(event.payment_id), "dispute_id": event.dispute_id, "version": event.version}
    attempt = 1 if kind == ACCEPT_CHARGEBACK else event.version
    return _work(kind, event.chargeback_id, recorded, data, attempt=attempt, pause=pause)


def _closed_by(event: c.ChargebackEvent) -> tuple[str, ...]:
    match event:
        case c.EvidenceOutcomeUnknown(chargeback_id=chargeback_id, doubted_version=doubted, version=version):
            sent = _id(SEND_EVIDENCE, chargeback_id, doubted)
            return (sent,) if version == doubted else (sent, _id(RESOLVE_EVIDENCE, chargeback_id, doubted))
        case c.EvidenceSubmitted(version=version) | c.EvidenceRefused(version=version):
            return tuple(_id(kind, event.chargeback_id, version) for kind in (SEND_EVIDENCE, RESOLVE_EVIDENCE))
        case c.ChargebackWon() | c.ChargebackLost():
            return (_id(ACCEPT_CHARGEBACK, event.chargeback_id),)
        case _:
            return ()


def _work(
    kind: str,
    subject: UUID,
    recorded: Recorded,
    data: dict[str, Any],
    *,
    attempt: int = 1,
    pause: timedelta = timedelta(),
) -> Work:
    cause = {"causation_id": recorded.id, "correlation_id": recorded.correlation_id}
    return Work(
        id=_id(kind, subject, attempt),
        kind=kind,
        subject=subject,
        due_at=recorded.recorded_at + pause,
        data=data | cause,
    )


def _id(kind: str, subject: UUID | str, attempt: int = 1) -> str:
    return f"{kind}:{subject}:{attempt}"
