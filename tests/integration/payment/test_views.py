"""The read models: what is asked of them, and that they can be made anew."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from libs.devstack.stripe_twin.faults import FaultKind
from libs.eventstore.codec import Codec
from libs.eventstore.feed import Feed
from services.payment import views
from services.payment.domain import EVENTS
from tests.integration.eventstore.applying import apply
from tests.integration.payment.desk import ORDER, Desk

ROWS = {
    "payments": "select * from payments order by payment_id",
    "refunds": "select * from refunds order by refund_id",
    "chargebacks": "select * from chargebacks order by chargeback_id",
    "fraud_warnings": "select * from fraud_warnings order by warning_id",
    "work": "select id, kind, subject, data, due_at from work order by id",
}


async def _rows(desk: Desk) -> dict[str, list[dict[str, Any]]]:
    return {table: [dict(row) for row in await desk.ledger.pool.fetch(query)] for table, query in ROWS.items()}


async def _eventful(desk: Desk) -> None:
    """Payments in every condition, with some work left."""
    await desk.place_and_pay("pm_card_chargeDeclined")
    await desk.twin.confirm(await desk.intent_id())
    await desk.work()
    await desk.refund(1_000)
    await desk.work()
    await desk.twin.fault("refunds.create", "error_500")
    await desk.refund(2_000, number=2)
    await desk.work()
    for number, changes in enumerate(({}, {"currency": "XXX"}, {"rail": "chain"}, {}), 2):
        await desk.place(ORDER.model_copy(update={"order_id": f"A-{number}", **changes}))
    await desk.place(ORDER.model_copy(update={"order_id": "A-3"}))
    await desk.cancel("A-2")
    await desk.work()
    await desk.twin.fault("payment_intents.create", "error_500")
    await desk.place(ORDER.model_copy(update={"order_id": "A-6"}))
    await desk.work()
    await desk.cancel("A-6")
    await desk.projector.catch_up()


@pytest.mark.parametrize("size", [1, 3, 1_000])
async def test_a_rebuild_equals_the_live_tables_however_the_log_is_sliced(desk: Desk, size: int) -> None:
    await _eventful(desk)
    live = await _rows(desk)
    assert {row["status"] for row in live["payments"]} == {"partially_refunded", "canceled", "requested", "rejected"}
    assert [row["kind"] for row in live["work"]] == ["resolve_intent", "resolve_refund"]
    await _rebuild(desk, size)
    assert await _rows(desk) == live


async def _rebuild(desk: Desk, size: int) -> None:
    projection = views.projection(Codec(EVENTS))
    events = (await Feed(desk.ledger.pool, 1).read(0, projection.kinds)).events
    async with desk.ledger.pool.acquire() as connection, connection.transaction():
        await connection.execute("; ".join(f"delete from {table}" for table in reversed(ROWS)))
        for start in range(0, len(events), size):
            await apply(projection, connection, events[start : start + size])


async def _contested(desk: Desk) -> None:
    """A payment that is contested in every way, one after the other, with some evidence on its way."""
    await desk.place_and_pay()
    intent_id = await desk.intent_id()
    await desk.twin.warn_of_fraud(intent_id)
    for amount_minor in (700, 800, 900):
        dispute = await desk.twin.open_dispute(intent_id, amount_minor, inquiry=amount_minor == 700)
        await desk.work()
        [*_, shown] = (await desk.shown())["chargebacks"]
        path = f"/payments/{shown['payment_id']}/chargebacks/{shown['chargeback_id']}/evidence"
        evidence = {"texts": {"customer_name": "Bo"}, "submit": amount_minor == 900}
        if amount_minor == 900:
            await desk.twin.fault("disputes.update", "timeout_after_effect")
        await desk.http.post(path, json=evidence, headers={"Idempotency-Key": str(amount_minor)})
        await desk.work()
        if amount_minor == 700:
            await desk.twin.escalate_dispute(dispute["id"])
            await desk.work()
            await desk.refund(600)
        if amount_minor == 800:
            await desk.twin.close_dispute(dispute["id"], won=False)
    await desk.work()


async def test_a_rebuild_of_contested_payments_equals_the_live_tables_however_the_log_is_sliced(desk: Desk) -> None:
    await _contested(desk)
    live = await _rows(desk)
    told = [(row["stage"], row["status"], row["evidence_status"]) for row in live["chargebacks"]]
    assert sorted(told) == [
        ("chargeback", "lost", "staged"),
        ("chargeback", "open", "none"),
        ("chargeback", "open", "unknown"),
    ]
    assert [row["status"] for row in live["refunds"]] == ["settled"]
    assert [row["kind"] for row in live["work"]] == ["resolve_evidence"]
    for size in (1, 3, 1_000):
        await _rebuild(desk, size)
        assert await _rows(desk) == live, size


async def test_payments_are_listed_newest_first_page_by_page(desk: Desk) -> None:
    for number in range(5):
        await desk.place(ORDER.model_copy(update={"order_id": f"P-{number}"}))
    await desk.projector.catch_up()
    pages: list[list[str]] = []
    after: dict[str, int] = {}
    while True:
        page = (await desk.http.get("/payments", params={"limit": 2, **after})).json()
        pages.append([item["order_id"] for item in page["items"]])
        if page["next"] is None:
            break
        after = {"after": page["next"]}
    assert pages == [["P-4", "P-3"], ["P-2", "P-1"], ["P-0"]]


async def test_payments_are_found_by_order_and_by_status(desk: Desk) -> None:
    await desk.place()
    await desk.place(ORDER.model_copy(update={"order_id": "A-2", "rail": "chain"}))
    await desk.projector.catch_up()

    async def found(**query: str) -> list[str]:
        return [item["order_id"] for item in (await desk.http.get("/payments", params=query)).json()["items"]]

    assert await found(order_id="A-1") == ["A-1"]
    assert await found(order_id="A-9") == []
    assert await found(status="rejected") == ["A-2"]
    assert await found(status="requested", order_id="A-2") == []
    assert (await desk.http.get("/payments", params={"status": "odd"})).status_code == httpx.codes.UNPROCESSABLE_ENTITY


async def test_an_unknown_payment_is_not_found_and_stripe_away_is_said_so(desk: Desk) -> None:
    missing = await desk.http.get("/payments/00000000-0000-0000-0000-000000000000")
    assert (missing.status_code, missing.json()["code"]) == (httpx.codes.NOT_FOUND, "unknown_payment")
    await desk.place()
    await desk.work()
    payment_id = (await desk.http.get("/payments")).json()["items"][0]["payment_id"]
    faults: dict[FaultKind, str] = {"error_503": "outcome_unknown", "rate_limit_429": "turned_away"}
    for fault, code in faults.items():
        await desk.twin.fault("payment_intents.retrieve", fault)
        away = await desk.http.get(f"/payments/{payment_id}")
        assert (away.status_code, away.json()["code"]) == (httpx.codes.SERVICE_UNAVAILABLE, code)
