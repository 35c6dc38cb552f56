"""Words that the tests of contested payments share."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

from libs.ledger.personal import FreeText, of_order
from services.payment.domain import chargeback_events as c
from services.payment.domain import events as e
from services.payment.domain.chargebacks import AcceptChargeback, RecordDispute, RecordFraudWarning
from services.payment.domain.evidence import DoubtEvidence, GiveEvidence, RecordEvidence, RefuseEvidence
from services.payment.domain.report import DisputeReport, FraudReport
from tests.unit.payment.given import CAPTURED, INTENT, LATER, NAMES, NOON, PAYMENT_ID, REQUESTED

PAID: list[e.PaymentEvent] = [REQUESTED, INTENT, CAPTURED]
CHARGEBACK_ID = c.chargeback_id_of(PAYMENT_ID, "du_1")
NAMED: dict[str, Any] = NAMES | {"chargeback_id": CHARGEBACK_ID, "dispute_id": "du_1"}
RESPOND_BY = NOON + timedelta(days=7)
TEXT = FreeText("Delivered to the door.", (of_order("A-1"),))

ASKED = DisputeReport(
    dispute_id="du_1",
    status="inquiry",
    under_review=False,
    currency="EUR",
    amount_minor=4_000,
    reason="fraudulent",
    respond_by=RESPOND_BY,
    opened_at=NOON,
)
WITHDRAWN = replace(ASKED, status="withdrawn")
BOOKED: dict[str, Any] = {"withdrawn_at": LATER, "withdrawn_minor": 4_000, "fee_minor": 1_500}
TAKEN = replace(ASKED, status="open", **BOOKED)
REVIEWED = replace(TAKEN, under_review=True)
WON = replace(REVIEWED, status="won", reinstated_minor=4_000)
WON_UNPAID = replace(REVIEWED, status="won")
LOST = replace(REVIEWED, status="lost")


def tell(report: DisputeReport) -> RecordDispute:
    return RecordDispute(at=LATER, payment_id=PAYMENT_ID, report=report)


def warn(warning_id: str = "issfr_1") -> RecordFraudWarning:
    report = FraudReport(warning_id=warning_id, created_at=LATER, code="misc")
    return RecordFraudWarning(at=NOON, payment_id=PAYMENT_ID, report=report)


def give(*, submit: bool = True) -> GiveEvidence:
    texts = (c.EvidenceText(field="uncategorized_text", text=TEXT),)
    return GiveEvidence(at=NOON, payment_id=PAYMENT_ID, chargeback_id=CHARGEBACK_ID, texts=texts, submit=submit)


def arrived(version: int = 1) -> RecordEvidence:
    return RecordEvidence(at=NOON, payment_id=PAYMENT_ID, chargeback_id=CHARGEBACK_ID, version=version, submissions=1)


def doubt(version: int = 1, *, answered: bool = False) -> DoubtEvidence:
    names: dict[str, Any] = {"payment_id": PAYMENT_ID, "chargeback_id": CHARGEBACK_ID, "version": version}
    return DoubtEvidence(at=NOON, **names, answered=answered, reason="silence")


def refuse(version: int = 1) -> RefuseEvidence:
    return RefuseEvidence(at=NOON, payment_id=PAYMENT_ID, chargeback_id=CHARGEBACK_ID, version=version, code="too_late")


ACCEPT = AcceptChargeback(at=NOON, payment_id=PAYMENT_ID, chargeback_id=CHARGEBACK_ID)
