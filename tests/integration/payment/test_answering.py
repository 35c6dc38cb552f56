"""What is said to the bank: evidence, or that the buyer may have the money, and in time."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import get_args

import httpx
from structlog.testing import capture_logs

from libs.devstack.stripe_twin.faults import FaultKind
from services.payment.domain.chargeback_events import EvidenceField
from services.payment.performances.deadlines import DEADLINE_NEAR, DEADLINE_PASSED, Deadlines
from services.payment.views.chargebacks import ChargebackViews
from tests.integration.payment.bank import EVIDENCE, Bank, chargeback_of, give, new_story, post
from tests.integration.payment.desk import ORDER, Desk

GIVEN: list[tuple[FaultKind | None, list[str]]] = [
    (None, ["EvidenceRequested", "EvidenceSubmitted"]),
    ("timeout_after_effect", ["EvidenceRequested", "EvidenceOutcomeUnknown", "EvidenceSubmitted"]),
    ("timeout_before_effect", ["EvidenceRequested", "EvidenceOutcomeUnknown", "EvidenceSubmitted"]),
    ("error_500_after_effect", ["EvidenceRequested", "EvidenceOutcomeUnknown", "EvidenceSubmitted"]),
    ("error_500", ["EvidenceRequested", "EvidenceOutcomeUnknown", "EvidenceOutcomeUnknown", "EvidenceSubmitted"]),
]


async def test_evidence_reaches_the_bank_once_whatever_becomes_of_the_call(desk: Desk) -> None:
    for number, (fault, story) in enumerate(GIVEN, 1):
        order = ORDER.model_copy(update={"order_id": f"E-{number}"})
        await desk.place_and_pay(order=order)
        dispute = await desk.twin.open_dispute(await desk.intent_id(order.order_id))
        await desk.work()
        if fault:
            await desk.twin.fault("disputes.update", fault)
        [chargeback] = (await desk.shown(order.order_id))["chargebacks"]
        path = f"/payments/{chargeback['payment_id']}/chargebacks/{chargeback['chargeback_id']}/evidence"
        for _ in range(2):
            answer = await desk.http.post(path, json=EVIDENCE, headers={"Idempotency-Key": f"e{number}"})
            assert answer.status_code == httpx.codes.ACCEPTED, answer.text
        await desk.work()
        for _ in range(2):
            await desk.later()
        told = [name for name in await desk.story(order.order_id) if name.startswith("Evidence")]
        assert told == story, fault
        here = desk.twin.world.disputes.get("platform", dispute["id"])
        assert (here.submissions, here.evidence["uncategorized_text"]) == (1, "Delivered to the door."), fault
        [shown] = (await desk.shown(order.order_id))["chargebacks"]
        assert (shown["evidence_status"], shown["needs_response"]) == ("submitted", False), fault
    assert await desk.work_left() == []


async def test_what_was_written_lies_sealed_in_the_log_and_nowhere_else(bank: Bank) -> None:
    await bank.opens()
    await give(bank.desk)
    await bank.desk.projector.catch_up()
    pool = bank.desk.ledger.pool
    stored = await pool.fetchval("select data::text from ledger.events where type = 'EvidenceRequested'")
    work = await pool.fetchval("select data::text from work where kind = 'send_evidence'")
    assert "Delivered" not in stored + work
    assert "order:A-1" in stored


async def test_what_was_forgotten_before_it_was_sent_is_not_sent(bank: Bank) -> None:
    desk = bank.desk
    await bank.opens()
    await give(desk)
    await desk.owner.pool.execute("select ledger.forget(1, array['order:A-1'])")
    await desk.work()
    shown = await chargeback_of(desk)
    assert (shown["evidence_status"], shown["evidence_code"]) == ("refused", "forgotten")
    assert desk.twin.world.disputes.get("platform", bank.dispute_id).evidence == {}


async def test_a_chargeback_is_accepted_and_lost_though_the_answer_was_too(bank: Bank) -> None:
    desk = bank.desk
    await bank.opens()
    chargeback_id = (await chargeback_of(desk))["chargeback_id"]
    await desk.twin.fault("disputes.close", "timeout_after_effect")
    answer = await post(desk, f"chargebacks/{chargeback_id}/accept")
    assert (answer.status_code, answer.json()["accepted"]) == (httpx.codes.ACCEPTED, True)
    await desk.work()
    await desk.later()
    assert await new_story(desk) == ["ChargebackOpened", "ChargebackAccepted", "ChargebackLost"]
    assert await desk.work_left() == []
    again = await give(desk)
    assert (again.status_code, again.json()["code"]) == (httpx.codes.UNPROCESSABLE_ENTITY, "key_reused")
    late = await give(desk, key="k2")
    assert (late.status_code, late.json()["code"]) == (httpx.codes.UNPROCESSABLE_ENTITY, "chargeback_closed")


async def test_bad_evidence_is_refused_before_anything_is_kept(bank: Bank) -> None:
    await bank.opens()
    for texts in ({}, {"receipt": "file_1"}, {"uncategorized_text": ""}, {"uncategorized_text": "x" * 20_001}):
        assert (await give(bank.desk, texts=texts)).status_code == httpx.codes.UNPROCESSABLE_ENTITY
    many = dict.fromkeys(get_args(EvidenceField), "x" * 10_000)
    assert (await give(bank.desk, texts=many)).status_code == httpx.codes.UNPROCESSABLE_ENTITY
    assert await new_story(bank.desk) == ["ChargebackOpened"]


async def test_chargebacks_are_listed_by_deadline_and_the_near_ones_are_told(desk: Desk) -> None:
    for number in (1, 2, 3):
        order = ORDER.model_copy(update={"order_id": f"L-{number}"})
        await desk.place_and_pay(order=order)
        await desk.twin.open_dispute(await desk.intent_id(order.order_id))
        await desk.twin.advance(86_400)
    await desk.work()
    pages: list[list[str]] = []
    after: dict[str, str] = {}
    while True:
        page = (await desk.http.get("/chargebacks", params={"limit": "2", "status": "open", **after})).json()
        pages.append([item["order_id"] for item in page["items"]])
        if page["next"] is None:
            break
        after = {"after": page["next"]}
    assert pages == [["L-1", "L-2"], ["L-3"]]
    assert (await desk.http.get("/chargebacks", params={"status": "won"})).json()["items"] == []
    first, second, third = (await desk.http.get("/chargebacks")).json()["items"]
    deadline = datetime.fromisoformat(second["respond_by"])
    with capture_logs() as told:
        await Deadlines(ChargebackViews(desk.ledger.pool), lambda: deadline + timedelta(seconds=1)).look()
    assert [(line["event"], line["log_level"], line["order_id"]) for line in told] == [
        (DEADLINE_PASSED, "error", first["order_id"]),
        (DEADLINE_PASSED, "error", second["order_id"]),
        (DEADLINE_NEAR, "warning", third["order_id"]),
    ]
