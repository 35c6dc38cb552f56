"""Events as earlier releases stored them, and as this one does, are read for ever."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from libs.eventstore.codec import Codec
from libs.eventstore.model import Recorded
from libs.ledger.personal import FreeText
from services.payment.domain import EVENTS
from services.payment.domain import chargeback_events as c
from services.payment.domain import events as e
from services.payment.domain.webhook import WebhookReceived

NOON = datetime(2026, 11, 2, 12, tzinfo=UTC)
PAYMENT = '"payment_id":"4e74d021-0acf-5066-8c9a-bd59ae6ee4bb","order_id":"A-1"'
REFUND = f'{PAYMENT},"refund_id":"6f1e0000-0000-0000-0000-000000000000","currency":"EUR","amount_minor":4000'
CHARGEBACK = f'{PAYMENT},"chargeback_id":"7f1e0000-0000-0000-0000-000000000000","dispute_id":"du_1"'
CONTEST = (
    f'{CHARGEBACK},"currency":"EUR","amount_minor":4000,"reason":"fraudulent","respond_by":"2026-11-09T23:59:59Z",'
    '"under_review":false'
)
MONEY = f'{CHARGEBACK},"currency":"EUR","amount_minor":4000'
DECIDED = f'{MONEY},"returned_minor":0,"fee_minor":0,"fee_total_minor":1500'
STORED: list[tuple[type[Any], str, dict[str, Any]]] = [
    (e.RefundRequested, f'{{{REFUND},"intent_id":"pi_1"}}', {"attempt": 1}),
    (e.RefundOutcomeUnknown, f'{{{REFUND},"intent_id":"pi_1","reason":"silence"}}', {"attempt": 1}),
    (e.RefundPending, f'{{{REFUND},"processor_id":"re_1"}}', {"attempt": 1}),
    (
        e.RefundSucceeded,
        f'{{{REFUND},"processor_id":"re_1","refunded_minor":4000,"status":"refunded"}}',
        {"attempt": 1},
    ),
    (
        e.RefundFailed,
        f'{{{REFUND},"code":"lost_card","returned":true,"refunded_minor":0,"status":"captured"}}',
        {"attempt": 1, "processor_id": None},
    ),
    (e.RefundWithheld, f'{{{REFUND},"attempt":1,"code":"charge_disputed"}}', {"code": "charge_disputed"}),
    (
        WebhookReceived,
        (
            '{"notice_id":"evt_1","notice_type":"refund.failed","object_id":"re_1",'
            '"payment_id":"4e74d021-0acf-5066-8c9a-bd59ae6ee4bb","refund_id":null}'
        ),
        {"notice_type": "refund.failed"},
    ),
    (
        WebhookReceived,
        (
            '{"notice_id":"evt_2","notice_type":"charge.dispute.created","object_id":"du_1","payment_id":null,'
            '"refund_id":null}'
        ),
        {"payment_id": None},
    ),
    (c.InquiryOpened, f"{{{CONTEST}}}", {"reason": "fraudulent", "under_review": False}),
    (c.InquiryClosed, f"{{{MONEY}}}", {"amount_minor": 4_000}),
    (c.ChargebackOpened, f'{{{CONTEST},"fee_minor":1500}}', {"fee_minor": 1_500}),
    (c.ContestChanged, f'{{{CHARGEBACK},"respond_by":null,"under_review":true}}', {"under_review": True}),
    (c.ChargebackWon, f"{{{DECIDED}}}", {"fee_total_minor": 1_500}),
    (
        c.ChargebackLost,
        (
            f'{{{DECIDED},"refunds":[{{"refund_id":"6f1e0000-0000-0000-0000-000000000000","amount_minor":1000,'
            '"owed_minor":0}],"to_cover_minor":3000}'
        ),
        {"to_cover_minor": 3_000},
    ),
    (c.ChargebackAccepted, f'{{{CHARGEBACK},"version":2}}', {"version": 2}),
    (
        c.EvidenceRequested,
        (
            f'{{{CHARGEBACK},"version":1,"texts":[{{"field":"uncategorized_text","text":{{"text":"c2VhbGVk",'
            '"subjects":["order:A-1"],"state":"sealed"}}],"submit":true}'
        ),
        {"texts": (c.EvidenceText(field="uncategorized_text", text=FreeText("c2VhbGVk", ("order:A-1",), "sealed")),)},
    ),
    (
        c.EvidenceOutcomeUnknown,
        f'{{{CHARGEBACK},"version":2,"doubted_version":1,"reason":"silence"}}',
        {"version": 2, "doubted_version": 1},
    ),
    (c.EvidenceSubmitted, f'{{{CHARGEBACK},"version":1,"submit":true,"submissions":1}}', {"submissions": 1}),
    (c.EvidenceRefused, f'{{{CHARGEBACK},"version":1,"code":"forgotten"}}', {"code": "forgotten"}),
    (c.FraudWarned, f'{{{PAYMENT},"warning_id":"issfr_1","code":"misc"}}', {"warning_id": "issfr_1"}),
]


@pytest.mark.parametrize(("kind", "data", "fields"), STORED, ids=[kind.__name__ for kind, *_ in STORED])
def test_a_stored_event_is_read_as_it_was_meant(kind: type[Any], data: str, fields: dict[str, Any]) -> None:
    codec: Codec[Any] = Codec(EVENTS)
    recorded = Recorded(1, 1, "x-y", 1, kind.__name__, 1, NOON, NOON, None, None, "x", None, (), (), (), data, b"")
    event = codec.decode(recorded)
    assert type(event) is kind
    assert {name: getattr(event, name) for name in fields} == fields


def test_every_event_of_a_contested_payment_has_its_stored_form_here() -> None:
    assert {kind for kind, *_ in STORED} >= set(c.EVENTS)
