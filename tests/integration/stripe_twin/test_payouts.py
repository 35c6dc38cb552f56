"""Payouts: to the bank, on its way, arrived or bounced."""

import asyncio

import pytest
import stripe

from libs.devstack.stripe_twin import TwinConfig, TwinControlError, running_twin
from tests.integration.stripe_twin.desk import DAY_SECONDS, Desk


async def test_a_payout_leaves_and_arrives_as_time_passes(desk: Desk) -> None:
    seller = await desk.funded_seller(9_000)
    payout = await desk.payout(seller, 5_000, metadata={"payout": "p1"})
    assert (payout.status, payout.amount, payout.automatic) == ("pending", 5_000, False)
    assert payout.metadata
    assert payout.metadata["payout"] == "p1"
    assert await desk.balance(seller) == (4_000, 0)

    retrieve = desk.api.v1.payouts.retrieve_async
    await desk.twin.advance(3_600)
    assert (await retrieve(payout.id, {}, {"stripe_account": seller.id})).status == "in_transit"
    await desk.twin.advance(2 * DAY_SECONDS)
    assert (await retrieve(payout.id, {}, {"stripe_account": seller.id})).status == "paid"

    assert (await desk.twin.summary())["currencies"]["usd"]["paid_out"] == 5_000
    assert (await desk.event_types(seller))[-3:] == ["payout.created", "payout.updated", "payout.paid"]


@pytest.mark.parametrize(
    ("account_number", "code"),
    [
        ("000111111116", "no_account"),
        ("000111111113", "account_closed"),
        ("000222222227", "insufficient_funds"),
        ("000333333335", "debit_not_authorized"),
        ("000444444440", "invalid_currency"),
    ],
)
async def test_a_payout_to_a_bad_account_bounces_and_disables_it_until_there_is_another(
    desk: Desk, account_number: str, code: str
) -> None:
    seller = await desk.funded_seller(9_000, account_number)
    payout = await desk.payout(seller, 9_000)
    await desk.twin.advance(2 * DAY_SECONDS)

    failed = await desk.api.v1.payouts.retrieve_async(
        payout.id, {"expand": ["failure_balance_transaction"]}, {"stripe_account": seller.id}
    )
    assert (failed.status, failed.failure_code) == ("failed", code)
    assert isinstance(failed.failure_balance_transaction, stripe.BalanceTransaction)
    assert failed.failure_balance_transaction.net == 9_000
    assert await desk.balance(seller) == (9_000, 0)
    bank = (await desk.api.v1.accounts.external_accounts.list_async(seller.id)).data[0]
    assert bank.status == "errored"
    assert not (await desk.api.v1.accounts.retrieve_async(seller.id)).payouts_enabled
    assert (await desk.event_types(seller))[-3:] == [
        "payout.failed",
        "account.external_account.updated",
        "account.updated",
    ]
    with pytest.raises(stripe.InvalidRequestError) as refused:
        await desk.payout(seller, 9_000)
    assert refused.value.code == "bank_account_unusable"

    await desk.api.v1.accounts.external_accounts.create_async(seller.id, {"external_account": "btok_us_verified"})
    assert (await desk.api.v1.accounts.retrieve_async(seller.id)).payouts_enabled
    again = await desk.payout(seller, 9_000)
    await desk.twin.advance(2 * DAY_SECONDS)
    assert (await desk.api.v1.payouts.retrieve_async(again.id, {}, {"stripe_account": seller.id})).status == "paid"


async def test_a_payout_may_bounce_days_after_it_counted_as_paid() -> None:
    config = TwinConfig(ticking=False, payout_return_seconds=3 * DAY_SECONDS, check_responses=True)
    async with running_twin(config) as twin, Desk.sdk(twin.url) as api:
        desk = Desk(twin, api)
        seller = await desk.funded_seller(9_000, "000111111113")
        payout = await desk.payout(seller, 9_000)
        await twin.advance(2 * DAY_SECONDS)
        assert (await api.v1.payouts.retrieve_async(payout.id, {}, {"stripe_account": seller.id})).status == "paid"
        assert (await twin.summary())["currencies"]["usd"]["paid_out"] == 9_000
        await twin.advance(3 * DAY_SECONDS)
        failed = await api.v1.payouts.retrieve_async(payout.id, {}, {"stripe_account": seller.id})
        assert (failed.status, failed.failure_code) == ("failed", "account_closed")
        assert await desk.balance(seller) == (9_000, 0)
        assert (await twin.summary())["currencies"]["usd"]["paid_out"] == 0
        types = await desk.event_types(seller)
        assert types.index("payout.paid") < types.index("payout.failed")


async def test_a_paid_payout_bounces_on_demand_once_and_its_bank_account_is_of_no_use_until_replaced(
    desk: Desk,
) -> None:
    seller = await desk.funded_seller(9_000)
    payout = await desk.payout(seller, 9_000)
    with pytest.raises(TwinControlError, match="pending"):
        await desk.twin.bounce_payout(payout.id, seller.id)
    await desk.twin.advance(2 * DAY_SECONDS)
    bounced = await desk.twin.bounce_payout(payout.id, seller.id, "no_account")
    assert (bounced["status"], bounced["failure_code"]) == ("failed", "no_account")
    lines = await desk.api.v1.balance_transactions.list_async({"limit": 2}, {"stripe_account": seller.id})
    assert [(line.type, line.net) for line in lines.data] == [("payout_failure", 9_000), ("payout", -9_000)]
    assert not (await desk.api.v1.accounts.retrieve_async(seller.id)).payouts_enabled
    with pytest.raises(TwinControlError, match="failed"):
        await desk.twin.bounce_payout(payout.id)
    await desk.twin.complete_account(seller.id)
    assert (await desk.api.v1.accounts.retrieve_async(seller.id)).payouts_enabled
    assert "account.external_account.created" in await desk.event_types(seller)


async def test_a_payout_is_at_most_what_is_available(desk: Desk) -> None:
    seller, charge = await desk.seller(), await desk.paid(10_000)
    await desk.transfer(seller, 9_000, charge)
    with pytest.raises(stripe.InvalidRequestError) as refused:
        await desk.payout(seller, 1)
    assert refused.value.code == "balance_insufficient"
    await desk.twin.advance(2 * DAY_SECONDS)
    with pytest.raises(stripe.InvalidRequestError):
        await desk.payout(seller, 9_001)
    await desk.payout(seller, 9_000)


async def test_a_pending_payout_can_be_canceled_and_a_departed_one_not(desk: Desk) -> None:
    seller = await desk.funded_seller(9_000)
    payout = await desk.payout(seller, 4_000)
    canceled = await desk.api.v1.payouts.cancel_async(payout.id, {}, {"stripe_account": seller.id})
    assert canceled.status == "canceled"
    assert await desk.balance(seller) == (9_000, 0)
    departed = await desk.payout(seller, 4_000)
    await desk.twin.advance(3_600)
    with pytest.raises(stripe.InvalidRequestError, match="in_transit"):
        await desk.api.v1.payouts.cancel_async(departed.id, {}, {"stripe_account": seller.id})
    await desk.twin.advance(2 * DAY_SECONDS)
    assert (await desk.twin.summary())["counts"]["payouts"] == {"canceled": 1, "paid": 1}


async def test_without_a_bank_account_in_that_currency_there_is_no_payout(desk: Desk) -> None:
    seller = await desk.funded_seller()
    with pytest.raises(stripe.InvalidRequestError, match="external accounts in that currency"):
        await desk.api.v1.payouts.create_async({"amount": 100, "currency": "eur"}, {"stripe_account": seller.id})


async def test_payouts_are_listed_by_status(desk: Desk) -> None:
    seller = await desk.funded_seller()
    paid = await desk.payout(seller, 100)
    await desk.twin.advance(2 * DAY_SECONDS)
    pending = await desk.payout(seller, 200)
    for status, expected in (("paid", paid.id), ("pending", pending.id)):
        listed = await desk.api.v1.payouts.list_async({"status": status}, {"stripe_account": seller.id})
        assert [row.id for row in listed.data] == [expected]


async def test_with_no_delays_everything_is_done_at_once() -> None:
    config = TwinConfig(settlement_seconds=0, payout_submit_seconds=0, payout_arrival_seconds=0, check_responses=True)
    async with running_twin(config) as twin, Desk.sdk(twin.url) as api:
        desk = Desk(twin, api)
        seller, charge = await desk.seller(), await desk.paid(10_000)
        await desk.transfer(seller, 9_000, charge)
        payout = await desk.payout(seller, 9_000)
        assert (await api.v1.payouts.retrieve_async(payout.id, {}, {"stripe_account": seller.id})).status == "paid"
        assert await desk.balance(seller) == (0, 0)


async def test_a_ticking_twin_delivers_payouts_by_itself() -> None:
    config = TwinConfig(settlement_seconds=0, payout_submit_seconds=0, payout_arrival_seconds=1)
    async with running_twin(config) as twin, Desk.sdk(twin.url) as api:
        desk = Desk(twin, api)
        seller = await desk.seller()
        await desk.transfer(seller, 9_000, await desk.paid(10_000))
        payout = await desk.payout(seller, 9_000)
        async with asyncio.timeout(5):
            # looked at from inside: a call would itself let time pass
            while twin.world.payouts.get(seller.id, payout.id).status != "paid":  # noqa: ASYNC110  the same loop
                await asyncio.sleep(0.05)
