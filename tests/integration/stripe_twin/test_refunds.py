"""Refunds: up to the charge, from the balance, at once or when there are funds."""

import pytest
import stripe

from libs.devstack.stripe_twin import NO_FEE, TwinConfig, running_twin
from tests.integration.stripe_twin.desk import SETTLED_SECONDS, Desk


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
