"""The same thing done by several at once."""

from __future__ import annotations

import asyncio

from libs.devstack.stripe_twin import Twin
from services.payout_scheduler.domain.payout import Claim
from services.payout_scheduler.handlers.payer import Due, Payer
from services.payout_scheduler.views.reads import Views
from tests.integration.payout_scheduler.desk import MONDAY, SLOT, Desk, open_desk


async def test_two_jobs_at_once_never_pay_twice(desk: Desk, database_url: str, twin: Twin) -> None:
    """Two processes' worth of everything: pools, gateways, projections."""
    sellers = [f"seller{number}" for number in range(6)]
    for name in sellers:
        await desk.ready(name)
        await desk.release(f"A-{name}", name, 10_000)
    async with open_desk(database_url, twin) as other:
        summaries = await asyncio.gather(*(each.payouts_due() for each in (desk, other, desk, other)))
    assert sum(summary["done"] for summary in summaries) == len(sellers)
    assert all(summary["left"] == 0 for summary in summaries)
    assert len(desk.twin_payouts()) == len(sellers)
    assert desk.twin.world.books.total("payout", "usd") == 9_000 * len(sellers)
    assert await desk.balance("payouts:in_transit") == -9_000 * len(sellers)


async def test_a_job_and_a_person_at_once_never_claim_more_than_there_is(desk: Desk) -> None:
    await desk.ready()
    await desk.release("A-1", "anna", 10_000)
    answer, summary = await asyncio.gather(
        desk.http.post("/payouts", json={"seller": "anna"}, headers={"idempotency-key": "k1"}), desk.payouts_due(MONDAY)
    )
    await desk.work()
    assert (answer.status_code == 201) + summary["done"] == 1
    assert [made["amount"] for made in desk.twin_payouts()] == [9_000]


class _Stale(Payer):
    """Looked before somebody else claimed the money."""

    async def payable_minor(self, _claim: Claim) -> int:
        return 9_000


async def test_whoever_comes_second_finds_the_money_claimed_and_starts_nothing(desk: Desk) -> None:
    """The ledger decides, not our look at it before."""
    await desk.ready()
    await desk.release("A-1", "anna", 10_000)
    account_id = (await desk.seller())["account_id"]
    await desk.pay("k1", amount_minor=5_000)
    stale = _Stale(desk.executor, desk.ledger.store, Views(desk.ledger.pool), desk.gateway, desk.settings)
    due = Due(seller="anna", currency="USD", balance_minor=9_000, account_id=account_id, slot=SLOT)
    assert await stale.pay_slot(due, MONDAY) is None
    assert await desk.story() == []
    assert (await desk.wallet())["available"] == 4_000
