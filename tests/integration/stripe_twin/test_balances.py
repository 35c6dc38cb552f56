"""Balance lines: every cent that an account gained or lost, with its reason."""

import pytest
import stripe

from libs.devstack.stripe_twin import NO_FEE, CardFee, TwinConfig, running_twin
from tests.integration.stripe_twin.desk import DAY_SECONDS, SETTLED_SECONDS, Desk


async def test_the_lines_of_an_account_sum_to_its_balance(desk: Desk) -> None:
    seller, charge = await desk.seller(), await desk.paid(10_000)
    transfer = await desk.transfer(seller, 6_000, charge)
    await desk.api.v1.transfers.reversals.create_async(transfer.id, {"amount": 1_000})
    await desk.api.v1.refunds.create_async({"charge": charge.id, "amount": 500})
    await desk.twin.advance(SETTLED_SECONDS)
    await desk.payout(seller, 2_000)

    lines = await desk.api.v1.balance_transactions.list_async({"limit": 100})
    assert {line.type: line.net for line in lines.data} == {
        "charge": 9_680,
        "transfer": -6_000,
        "transfer_refund": 1_000,
        "refund": -500,
    }
    assert (sum(line.net for line in lines.data), 0) == await desk.balance()
    sellers = await desk.api.v1.balance_transactions.list_async({"limit": 100}, {"stripe_account": seller.id})
    assert {line.type: line.net for line in sellers.data} == {
        "payment": 6_000,
        "payment_refund": -1_000,
        "payout": -2_000,
    }
    assert (sum(line.net for line in sellers.data), 0) == await desk.balance(seller)


async def test_a_line_tells_its_source_its_fee_and_when_it_becomes_available(desk: Desk) -> None:
    charge = await desk.paid(10_000)
    line = (await desk.api.v1.balance_transactions.list_async({"source": charge.id})).data[0]
    assert (line.amount, line.fee, line.net, line.status) == (10_000, 320, 9_680, "pending")
    assert line.available_on == charge.created + SETTLED_SECONDS
    assert [(detail.type, detail.amount) for detail in line.fee_details] == [("stripe_fee", 320)]
    await desk.twin.advance(SETTLED_SECONDS)
    assert (await desk.api.v1.balance_transactions.retrieve_async(line.id)).status == "available"
    assert (await desk.api.v1.balance_transactions.list_async({"type": "payout"})).data == []


async def test_the_fee_is_what_the_twin_is_told() -> None:
    for fee, expected_minor in ((NO_FEE, 0), (CardFee(basis_points=150, fixed_minor=25), 175)):
        async with running_twin(TwinConfig(card_fee=fee, ticking=False)) as twin, Desk.sdk(twin.url) as api:
            await Desk(twin, api).paid(10_000)
            assert (await twin.summary())["currencies"]["usd"]["fees"] == expected_minor


async def test_the_summary_accounts_for_every_cent(desk: Desk) -> None:
    seller = await desk.funded_seller(9_000)
    await desk.payout(seller, 2_000)
    summary = await desk.twin.summary()
    assert summary["conserved"]
    totals = summary["currencies"]["usd"]
    assert (totals["captured"], totals["fees"], totals["transferred"]) == (10_000, 320, 9_000)
    assert totals["platform"] == {"available": 680, "pending": 0}
    assert totals["connected"] == {"available": 7_000, "pending": 0}
    assert summary["accounts"][seller.id]["usd"] == {
        "available": 7_000,
        "pending": 0,
        "in_transit": 2_000,
        "paid_out": 0,
    }
    assert summary["counts"]["payment_intents"] == {"succeeded": 1}


async def test_lines_are_found_by_type_source_time_and_page_by_page(desk: Desk) -> None:
    seller, charge = await desk.funded_seller(9_000), await desk.paid(10_000)
    v1, scope = desk.api.v1.balance_transactions, seller.id
    since = await desk.twin.now()
    refund = await desk.api.v1.refunds.create_async({"charge": charge.id, "amount": 500})
    dispute = await desk.twin.open_dispute(charge.id, 2_000)
    for source, kind in ((charge.id, "charge"), (refund.id, "refund"), (dispute["id"], "adjustment")):
        [line] = (await v1.list_async({"source": source})).data
        assert line.type == kind
        assert line.id in [row.id for row in (await v1.list_async({"type": kind})).data]
    assert len((await v1.list_async({"created": {"gte": since}})).data) == 3
    assert len((await v1.list_async({"created": {"lt": since}})).data) == 2
    paged = [line.id async for line in (await v1.list_async({"limit": 2})).auto_paging_iter()]
    assert paged == [line.id for line in (await v1.list_async({"limit": 100})).data]
    assert [line.type for line in (await v1.list_async({}, {"stripe_account": scope})).data] == ["payment"]


async def test_the_lines_of_a_payout_made_by_hand_are_known_to_nobody(desk: Desk) -> None:
    seller = await desk.funded_seller(9_000)
    payout = await desk.payout(seller, 1_000)
    with pytest.raises(stripe.InvalidRequestError, match="only be filtered on automatic transfers"):
        await desk.api.v1.balance_transactions.list_async({"payout": payout.id}, {"stripe_account": seller.id})
    with pytest.raises(stripe.InvalidRequestError) as unknown:
        await desk.api.v1.balance_transactions.list_async({"payout": payout.id})
    assert unknown.value.code == "resource_missing"


async def test_events_are_found_by_type_family_and_time_for_thirty_days(desk: Desk) -> None:
    seller, _ = await desk.seller(), await desk.paid()
    v1, began = desk.api.v1.events, await desk.twin.now()
    assert [row.type for row in (await v1.list_async({"type": "charge.succeeded"})).data] == ["charge.succeeded"]
    assert len((await v1.list_async({"type": "payment_intent.*"})).data) == 2
    both = await v1.list_async({"types": ["charge.succeeded", "payment_intent.succeeded"], "limit": 1})
    assert ([row.type for row in both.data], both.has_more) == (["payment_intent.succeeded"], True)
    with pytest.raises(stripe.InvalidRequestError, match="only specify one"):
        await v1.list_async({"type": "charge.succeeded", "types": ["charge.succeeded"]})
    of_seller = await v1.list_async({"type": "capability.updated"}, {"stripe_account": seller.id})
    assert [row.account for row in of_seller.data] == [seller.id]
    assert (await v1.list_async({"created": {"gt": began}})).data == []
    await desk.twin.advance(30 * DAY_SECONDS + 1)
    assert [row.type for row in (await v1.list_async({})).data] == ["balance.available"]
