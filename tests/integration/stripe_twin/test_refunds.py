"""Refunds: up to the charge, from the balance, at once or when there are funds."""

import pytest
import stripe

from libs.devstack.stripe_twin import NO_FEE, TwinConfig, TwinControlError, running_twin
from tests.integration.stripe_twin.desk import DAY_SECONDS, SETTLED_SECONDS, Desk


async def test_a_charge_is_refunded_in_parts_and_never_beyond_its_amount(desk: Desk) -> None:
    charge = await desk.paid(10_000)
    part = await desk.api.v1.refunds.create_async(
        {"payment_intent": str(charge.payment_intent), "amount": 4_000, "reason": "requested_by_customer"}
    )
    assert (part.status, part.amount, part.charge) == ("succeeded", 4_000, charge.id)
    with pytest.raises(stripe.InvalidRequestError, match="greater than unrefunded amount") as refused:
        await desk.api.v1.refunds.create_async({"charge": charge.id, "amount": 6_001})
    assert refused.value.param == "amount"

    rest = await desk.api.v1.refunds.create_async({"charge": charge.id})
    assert rest.amount == 6_000
    with pytest.raises(stripe.InvalidRequestError) as again:
        await desk.api.v1.refunds.create_async({"charge": charge.id})
    assert again.value.code == "charge_already_refunded"

    after = await desk.api.v1.charges.retrieve_async(charge.id)
    assert (after.refunded, after.amount_refunded) == (True, 10_000)
    assert (await desk.twin.summary())["currencies"]["usd"]["refunded"] == 10_000
    assert (await desk.event_types())[-2:] == ["refund.created", "charge.refunded"]


async def test_refunds_are_listed_by_intent(desk: Desk) -> None:
    first, second = await desk.paid(), await desk.paid()
    refund = await desk.api.v1.refunds.create_async({"charge": first.id, "amount": 100, "metadata": {"refund": "r1"}})
    await desk.api.v1.refunds.create_async({"charge": second.id, "amount": 200})
    listed = await desk.api.v1.refunds.list_async({"payment_intent": str(first.payment_intent)})
    assert [row.id for row in listed.data] == [refund.id]
    found = await desk.api.v1.refunds.retrieve_async(refund.id)
    assert found.metadata
    assert found.metadata["refund"] == "r1"


async def test_an_unpaid_intent_has_nothing_to_refund(desk: Desk) -> None:
    intent = await desk.intent()
    with pytest.raises(stripe.InvalidRequestError, match="successful charge"):
        await desk.api.v1.refunds.create_async({"payment_intent": intent.id})
    await desk.twin.confirm(intent.id, "pm_card_chargeDeclined")
    with pytest.raises(stripe.InvalidRequestError, match="not successful"):
        await desk.api.v1.refunds.create_async({"payment_intent": intent.id})


async def test_a_refund_keeps_stripes_fee_and_may_overdraw_the_platform(desk: Desk) -> None:
    charge = await desk.paid(10_000)
    await desk.api.v1.refunds.create_async({"charge": charge.id})
    assert await desk.balance() == (0, -320)
    await desk.twin.advance(SETTLED_SECONDS)
    assert await desk.balance() == (-320, 0)


async def test_a_refund_waits_for_funds_where_the_bank_cannot_be_debited() -> None:
    config = TwinConfig(ticking=False, card_fee=NO_FEE, refunds_wait_for_funds=True, check_responses=True)
    async with running_twin(config) as twin, Desk.sdk(twin.url) as api:
        desk = Desk(twin, api)
        seller = await desk.seller()
        charge = await desk.paid(10_000)
        transfer = await desk.transfer(seller, 9_000, charge)
        refund = await api.v1.refunds.create_async({"charge": charge.id})
        assert (refund.status, refund.pending_reason) == ("pending", "insufficient_funds")
        with pytest.raises(stripe.InvalidRequestError):
            await api.v1.refunds.create_async({"charge": charge.id, "amount": 1})

        await api.v1.transfers.reversals.create_async(transfer.id)

        assert (await api.v1.refunds.retrieve_async(refund.id)).status == "succeeded"
        assert (await desk.event_types())[-2:] == ["refund.updated", "charge.refunded"]
        assert await desk.balance() == (0, 0)


async def test_a_refund_may_take_days_and_then_succeed(desk: Desk) -> None:
    charge = await desk.paid(10_000, card="pm_card_pendingRefund")
    refund = await desk.api.v1.refunds.create_async({"charge": charge.id, "amount": 4_000})
    assert (refund.status, refund.pending_reason) == ("pending", "processing")
    assert (await desk.api.v1.charges.retrieve_async(charge.id)).amount_refunded == 4_000
    assert await desk.balance() == (0, 9_680 - 4_000)
    await desk.twin.advance(5 * DAY_SECONDS)
    later = await desk.api.v1.refunds.retrieve_async(refund.id)
    assert (later.status, "pending_reason" in later.to_dict()) == ("succeeded", False)
    assert {"refund.updated", "charge.refund.updated"} <= set(await desk.event_types())


async def test_a_refund_that_succeeded_may_fail_later_and_its_money_comes_back(desk: Desk) -> None:
    charge = await desk.paid(10_000, card="pm_card_refundFail")
    refund = await desk.api.v1.refunds.create_async({"charge": charge.id})
    assert refund.status == "succeeded"
    await desk.twin.advance(5 * DAY_SECONDS)
    failed = await desk.api.v1.refunds.retrieve_async(refund.id, {"expand": ["failure_balance_transaction"]})
    assert (failed.status, failed.failure_reason) == ("failed", "expired_or_canceled_card")
    assert isinstance(failed.failure_balance_transaction, stripe.BalanceTransaction)
    returned = failed.failure_balance_transaction
    assert (returned.type, returned.amount, returned.source) == ("refund_failure", 10_000, refund.id)
    assert await desk.balance() == (9_680, 0)
    assert (await desk.event_types())[-3:] == ["refund.failed", "charge.refund.updated", "refund.updated"]
    after = await desk.api.v1.charges.retrieve_async(charge.id)
    assert (after.refunded, after.amount_refunded) == (False, 0)
    assert (await desk.api.v1.refunds.create_async({"charge": charge.id})).status == "succeeded"
    assert (await desk.twin.summary())["currencies"]["usd"]["refunded"] == 10_000


async def test_any_refund_may_be_made_to_fail_once(desk: Desk) -> None:
    charge = await desk.paid()
    refund = await desk.api.v1.refunds.create_async({"charge": charge.id})
    assert (await desk.twin.fail_refund(refund.id, "lost_or_stolen_card"))["failure_reason"] == "lost_or_stolen_card"
    with pytest.raises(TwinControlError, match="failed already"):
        await desk.twin.fail_refund(refund.id)


async def test_what_a_seller_sees_of_a_reversal_cannot_be_sent_back_by_a_buyers_bank(desk: Desk) -> None:
    transfer = await desk.transfer(await desk.seller(), 5_000, await desk.paid())
    reversal = await desk.api.v1.transfers.reversals.create_async(transfer.id)
    with pytest.raises(TwinControlError, match="of a reversal"):
        await desk.twin.fail_refund(str(reversal.destination_payment_refund))


async def test_a_refund_that_still_waits_for_funds_may_fail_and_takes_none() -> None:
    config = TwinConfig(ticking=False, card_fee=NO_FEE, refunds_wait_for_funds=True, check_responses=True)
    async with running_twin(config) as twin, Desk.sdk(twin.url) as api:
        desk = Desk(twin, api)
        charge = await desk.paid(10_000)
        await desk.transfer(await desk.seller(), 9_000, charge)
        refund = await api.v1.refunds.create_async({"charge": charge.id})
        await twin.fail_refund(refund.id)
        assert await desk.balance() == (0, 1_000)
        assert (await api.v1.refunds.create_async({"charge": charge.id, "amount": 1_000})).status == "succeeded"


async def test_a_refund_of_a_card_cannot_be_canceled(desk: Desk) -> None:
    charge = await desk.paid(10_000, card="pm_card_pendingRefund")
    refund = await desk.api.v1.refunds.create_async({"charge": charge.id})
    with pytest.raises(stripe.InvalidRequestError, match="unsupported"):
        await desk.api.v1.refunds.cancel_async(refund.id)
