"""Transfers and reversals: whose money, how much of it, and when it becomes available."""

import pytest
import stripe

from tests.integration.stripe_twin.desk import SETTLED_SECONDS, Desk


async def test_a_transfer_from_a_charge_is_pending_as_long_as_the_charge(desk: Desk) -> None:
    seller, charge = await desk.seller(), await desk.paid(10_000, transfer_group="order-1")
    transfer = await desk.transfer(seller, 9_000, charge, transfer_group="order-1", metadata={"allocation": "a1"})
    assert (transfer.amount, transfer.destination, transfer.source_transaction) == (9_000, seller.id, charge.id)
    assert (await desk.balance(), await desk.balance(seller)) == ((0, 680), (0, 9_000))

    await desk.twin.advance(SETTLED_SECONDS)

    assert (await desk.balance(), await desk.balance(seller)) == ((680, 0), (9_000, 0))
    assert "transfer.created" in await desk.event_types()
    assert "balance.available" in await desk.event_types(seller)


async def test_transfers_never_exceed_what_their_charge_has_left(desk: Desk) -> None:
    first, second, charge = await desk.seller(), await desk.seller(), await desk.paid(10_000)
    await desk.transfer(first, 6_000, charge)
    with pytest.raises(stripe.InvalidRequestError, match="must not exceed the source amount") as refused:
        await desk.transfer(second, 4_001, charge)
    assert refused.value.param == "amount"
    await desk.api.v1.refunds.create_async({"charge": charge.id, "amount": 1_000})
    with pytest.raises(stripe.InvalidRequestError):
        await desk.transfer(second, 3_001, charge)
    await desk.transfer(second, 3_000, charge)


async def test_without_a_charge_a_transfer_takes_available_funds_only(desk: Desk) -> None:
    seller = await desk.seller()
    await desk.paid(10_000)
    with pytest.raises(stripe.InvalidRequestError) as refused:
        await desk.transfer(seller, 1_000)
    assert refused.value.code == "balance_insufficient"
    await desk.twin.advance(SETTLED_SECONDS)
    await desk.transfer(seller, 9_680)
    assert await desk.balance(seller) == (9_680, 0)
    with pytest.raises(stripe.InvalidRequestError):
        await desk.transfer(seller, 1)


async def test_a_settled_charge_vouches_for_no_more_than_there_is(desk: Desk) -> None:
    seller, charge = await desk.seller(), await desk.paid(10_000)
    await desk.twin.advance(SETTLED_SECONDS)
    await desk.transfer(seller, 9_000)
    with pytest.raises(stripe.InvalidRequestError) as refused:
        await desk.transfer(seller, 9_000, charge)
    assert refused.value.code == "balance_insufficient"
    await desk.transfer(seller, 680, charge)


async def test_the_bypass_pending_card_funds_at_once(desk: Desk) -> None:
    intent = await desk.intent(10_000)
    await desk.twin.confirm(intent.id, "pm_card_bypassPending")
    assert await desk.balance() == (9_680, 0)


async def test_transfers_are_found_by_group_and_destination(desk: Desk) -> None:
    seller, charge = await desk.seller(), await desk.paid(10_000)
    wanted = await desk.transfer(seller, 1_000, charge, transfer_group="order-1")
    other = await desk.transfer(seller, 1_000, charge, transfer_group="order-2")
    listed = desk.api.v1.transfers.list_async
    assert [row.id for row in (await listed({"transfer_group": "order-1"})).data] == [wanted.id]
    assert [row.id for row in (await listed({"destination": seller.id})).data] == [other.id, wanted.id]
    found = await desk.api.v1.transfers.retrieve_async(
        wanted.id, {"expand": ["source_transaction", "destination_payment", "balance_transaction", "destination"]}
    )
    assert isinstance(found.source_transaction, stripe.Charge)
    assert isinstance(found.destination_payment, stripe.Charge)
    assert isinstance(found.balance_transaction, stripe.BalanceTransaction)
    assert isinstance(found.destination, stripe.Account)
    assert found.destination_payment.source_transfer == wanted.id
    assert found.balance_transaction.net == -1_000


async def test_a_transfer_without_a_group_is_grouped_with_its_charge(desk: Desk) -> None:
    seller, charge = await desk.seller(), await desk.paid(10_000)
    transfer = await desk.transfer(seller, 1_000, charge)
    assert transfer.transfer_group == f"group_{charge.payment_intent}"


async def test_an_account_without_the_capability_gets_nothing(desk: Desk) -> None:
    unready = await desk.api.v1.accounts.create_async(
        {"type": "express", "capabilities": {"transfers": {"requested": True}}}
    )
    charge = await desk.paid()
    with pytest.raises(stripe.InvalidRequestError) as refused:
        await desk.transfer(unready, 1_000, charge)
    assert refused.value.code == "insufficient_capabilities_for_transfer"
    await desk.twin.complete_account(unready.id)
    await desk.transfer(unready, 1_000, charge)


async def test_wrong_destinations_sources_and_currencies_are_refused(desk: Desk) -> None:
    seller, charge = await desk.seller(), await desk.paid()
    create = desk.api.v1.transfers.create_async
    with pytest.raises(stripe.InvalidRequestError) as nowhere:
        await create({"amount": 100, "currency": "usd", "destination": "acct_none", "source_transaction": charge.id})
    assert (nowhere.value.code, nowhere.value.param) == ("resource_missing", "destination")
    with pytest.raises(stripe.InvalidRequestError) as unknown:
        await create({"amount": 100, "currency": "usd", "destination": seller.id, "source_transaction": "ch_none"})
    assert (unknown.value.http_status, unknown.value.param) == (404, "source_transaction")
    with pytest.raises(stripe.InvalidRequestError, match="must be the same"):
        await create({"amount": 100, "currency": "eur", "destination": seller.id, "source_transaction": charge.id})


async def test_a_reversal_brings_the_money_back_in_parts(desk: Desk) -> None:
    seller, charge = await desk.seller(), await desk.paid(10_000)
    transfer = await desk.transfer(seller, 9_000, charge)
    part = await desk.api.v1.transfers.reversals.create_async(
        transfer.id, {"amount": 4_000, "metadata": {"cause": "c1"}}
    )
    assert part.metadata
    assert (part.amount, part.transfer, part.metadata["cause"]) == (4_000, transfer.id, "c1")
    assert (await desk.balance(seller), await desk.balance()) == ((0, 5_000), (0, 4_680))
    with pytest.raises(stripe.InvalidRequestError, match="greater than unreversed amount"):
        await desk.api.v1.transfers.reversals.create_async(transfer.id, {"amount": 5_001})
    await desk.api.v1.transfers.reversals.create_async(transfer.id)
    with pytest.raises(stripe.InvalidRequestError, match="already fully reversed"):
        await desk.api.v1.transfers.reversals.create_async(transfer.id)

    after = await desk.api.v1.transfers.retrieve_async(transfer.id)
    assert (after.reversed, after.amount_reversed, len(after.reversals.data)) == (True, 9_000, 2)
    listed = await desk.api.v1.transfers.reversals.list_async(transfer.id)
    assert [row.amount for row in listed.data] == [5_000, 4_000]
    found = await desk.api.v1.transfers.reversals.retrieve_async(transfer.id, part.id)
    assert found.id == part.id
    assert (await desk.event_types()).count("transfer.reversed") == 2


async def test_what_was_reversed_can_be_transferred_again(desk: Desk) -> None:
    seller, other, charge = await desk.seller(), await desk.seller(), await desk.paid(10_000)
    wrong = await desk.transfer(seller, 10_000, charge)
    await desk.api.v1.transfers.reversals.create_async(wrong.id)
    await desk.transfer(other, 10_000, charge)
    assert await desk.balance(other) == (0, 10_000)


async def test_money_that_was_paid_out_cannot_be_reversed(desk: Desk) -> None:
    seller = await desk.funded_seller(9_000)
    await desk.payout(seller, 9_000)
    transfers = await desk.api.v1.transfers.list_async({"destination": seller.id})
    with pytest.raises(stripe.InvalidRequestError) as refused:
        await desk.api.v1.transfers.reversals.create_async(transfers.data[0].id)
    assert refused.value.code == "balance_insufficient"
