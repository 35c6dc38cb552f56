"""Objects and events in Stripe's shape: by the SDK's types, and beside Stripe's published fixtures."""

from typing import Any

import orjson

from libs.devstack.stripe_twin.onboarding import snapshot
from libs.devstack.stripe_twin.shapes import check_answer
from tests.integration.stripe_twin.desk import DAY_SECONDS, Desk
from tests.unit.stripe_twin.fixtures import FIXTURES

_NOT_SHOWN = {
    "charge": {"refunds"},  # embedded on demand only, since API version 2022-11-15
    "payment_intent": {"managed_payments"},  # not modelled
    "bank_account": {"customer"},  # of bank accounts that buyers pay from; sellers' have `account`
}


async def _one_of_each(desk: Desk) -> dict[str, dict[str, Any]]:
    seller = await desk.funded_seller(9_000, "000111111116")
    charge = await desk.paid(10_000)
    intent = await desk.api.v1.payment_intents.retrieve_async(str(charge.payment_intent))
    transfer = await desk.transfer(seller, 100, charge)
    dispute = await desk.twin.open_dispute((await desk.paid()).id, inquiry=True)
    warning = await desk.twin.warn_of_fraud(charge.id)
    v1, scope = desk.api.v1, {"stripe_account": seller.id}
    payout = await desk.payout(seller, 1_000)
    await desk.twin.advance(2 * DAY_SECONDS)
    made: list[Any] = [
        seller, charge, intent, transfer, payout,
        await v1.refunds.create_async({"charge": charge.id, "amount": 50}),
        await v1.transfers.reversals.create_async(transfer.id, {"amount": 50}),
        await v1.payment_methods.retrieve_async(str(charge.payment_method)),
        await v1.disputes.retrieve_async(dispute["id"]),
        await v1.radar.early_fraud_warnings.retrieve_async(warning["id"]),
        await v1.balance.retrieve_async(),
        await v1.balance_transactions.retrieve_async(str(charge.balance_transaction)),
        await v1.balance_settings.update_async({}, {"stripe_account": scope["stripe_account"]}),
        (await v1.accounts.external_accounts.list_async(seller.id)).data[0],
        await v1.accounts.capabilities.retrieve_async(seller.id, "transfers"),
        await v1.account_links.create_async(
            {"account": seller.id, "type": "account_onboarding", "refresh_url": "http://a.b", "return_url": "http://a.b"}
        ),
        (await v1.events.list_async()).data[0],
    ]  # fmt: skip
    return {entry.object: entry.to_dict() for entry in made}


async def _a_bad_day(desk: Desk) -> None:
    """Everything that goes wrong in the twin, once."""
    v1 = desk.api.v1
    for card in ("pm_card_createDispute", "pm_card_createDisputeInquiry", "pm_card_createIssuerFraudRecord"):
        charge = await desk.paid(card=card)
        for dispute in (await v1.disputes.list_async({"charge": charge.id})).data:
            await v1.disputes.update_async(dispute.id, {"evidence": {"uncategorized_text": "winning_evidence"}})
    await desk.twin.open_dispute(charge.id)
    for card in ("pm_card_pendingRefund", "pm_card_refundFail"):
        await v1.refunds.create_async({"charge": (await desk.paid(card=card)).id})
    for method in ("insufficientFunds", "dispute"):
        await desk.twin.confirm((await desk.intent()).id, f"pm_usBankAccount_{method}")
    seller = await desk.funded_seller(9_000)
    payout = await desk.payout(seller, 9_000)
    await desk.twin.advance(8 * DAY_SECONDS)
    await desk.twin.bounce_payout(payout.id, seller.id)
    await desk.twin.restrict_account(seller.id, ["transfers"], ["individual.verification.document"])
    await desk.twin.deauthorize(seller.id)


def _kind(value: Any) -> str:
    return "number" if isinstance(value, int | float) and not isinstance(value, bool) else type(value).__name__


async def test_objects_have_the_properties_of_stripes_published_ones(desk: Desk) -> None:
    made = await _one_of_each(desk)
    assert len(made) == 17
    for name in made:
        fixture = FIXTURES[name]
        missing = fixture.keys() - made[name].keys() - _NOT_SHOWN.get(name, set())
        assert not missing, f"{name} lacks {sorted(missing)}"
        for key in fixture.keys() & made[name].keys():
            theirs, ours = fixture[key], made[name][key]
            if theirs is not None and ours is not None:
                assert _kind(theirs) == _kind(ours), f"{name}.{key} is {ours!r}, at Stripe {theirs!r}"


async def test_every_event_and_what_it_carries_has_the_declared_shape(desk: Desk) -> None:
    await _one_of_each(desk)
    world = desk.twin.world
    assert len(world.events) > 20
    for event in world.events:
        shown = orjson.loads(orjson.dumps(event.render()))
        check_answer(shown)
        check_answer(shown["data"]["object"])
    for account in world.accounts:
        check_answer(snapshot(world, account))


async def test_every_event_of_a_bad_day_has_the_declared_shape_and_type(desk: Desk) -> None:
    await _a_bad_day(desk)
    types = {event.type for event in desk.twin.world.events}
    assert types >= {
        "charge.dispute.created", "charge.dispute.updated", "charge.dispute.funds_withdrawn",
        "charge.dispute.funds_reinstated", "charge.dispute.closed", "radar.early_fraud_warning.created",
        "radar.early_fraud_warning.updated", "refund.failed", "charge.refund.updated", "charge.pending",
        "payment_intent.processing", "charge.failed", "payout.failed", "account.external_account.updated",
        "capability.updated", "account.application.deauthorized",
    }  # fmt: skip
    for event in desk.twin.world.events:
        shown = orjson.loads(orjson.dumps(event.render()))
        check_answer(shown)
        check_answer(shown["data"]["object"])
