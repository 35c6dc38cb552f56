"""Connected accounts: what they need, what they may do, and where their money goes."""

import pytest
import stripe

from libs.devstack.stripe_twin import Endpoint
from tests.integration.stripe_twin.desk import DAY_SECONDS, Desk
from tests.integration.stripe_twin.hook import CONNECT_SECRET, Hook

_BANK: stripe.params.AccountUpdateParamsBankAccount = {
    "object": "bank_account",
    "country": "US",
    "currency": "usd",
    "routing_number": "110000000",
    "account_number": "000999999999",
}


async def test_an_express_account_becomes_ready_when_its_seller_finishes_onboarding(desk: Desk) -> None:
    account = await desk.api.v1.accounts.create_async(
        {
            "type": "express",
            "country": "US",
            "email": "seller@example.com",
            "capabilities": {"transfers": {"requested": True}, "card_payments": {"requested": True}},
            "metadata": {"seller": "s1"},
        },
        {"idempotency_key": "acct:s1"},
    )
    assert account.capabilities
    assert (account.capabilities.transfers, account.payouts_enabled) == ("inactive", False)
    assert account.requirements
    assert "external_account" in (account.requirements.currently_due or [])

    link = await desk.api.v1.account_links.create_async(
        {
            "account": account.id,
            "type": "account_onboarding",
            "refresh_url": "https://shop.example/again",
            "return_url": "https://shop.example/done",
        }
    )
    assert link.url.startswith(desk.twin.url)
    await desk.twin.complete_account(account.id)

    ready = await desk.api.v1.accounts.retrieve_async(account.id)
    assert ready.capabilities
    assert (ready.capabilities.transfers, ready.payouts_enabled, ready.charges_enabled) == ("active", True, True)
    assert ready.requirements
    assert ready.requirements.currently_due == []
    assert ready.metadata
    assert ready.metadata["seller"] == "s1"
    types = await desk.event_types(account)
    assert types.count("capability.updated") == 2
    assert types[-1] == "account.updated"


async def test_a_custom_account_becomes_ready_when_the_platform_has_given_everything(desk: Desk) -> None:
    account = await desk.api.v1.accounts.create_async(
        {
            "type": "custom",
            "country": "US",
            "business_type": "individual",
            "capabilities": {"transfers": {"requested": True}},
            "business_profile": {"product_description": "Second-hand bicycles"},
            "individual": {"first_name": "Ada", "last_name": "Byron"},
        }
    )
    assert account.requirements
    assert account.requirements.currently_due == ["tos_acceptance.date", "tos_acceptance.ip", "external_account"]
    await desk.api.v1.accounts.update_async(account.id, {"tos_acceptance": {"date": 1_790_000_000, "ip": "192.0.2.1"}})
    await desk.api.v1.accounts.external_accounts.create_async(
        account.id,
        {
            "external_account": {
                "object": "bank_account",
                "country": "US",
                "routing_number": "110000000",
                "account_number": "000123456789",
            }
        },
    )
    ready = await desk.api.v1.accounts.retrieve_async(account.id)
    assert ready.payouts_enabled
    assert ready.external_accounts
    assert [bank.id for bank in ready.external_accounts.data] == [
        bank.id for bank in (await desk.api.v1.accounts.external_accounts.list_async(account.id)).data
    ]


async def test_controller_properties_stand_for_an_account_type(desk: Desk) -> None:
    account = await desk.api.v1.accounts.create_async(
        {
            "controller": {
                "fees": {"payer": "application"},
                "losses": {"payments": "application"},
                "stripe_dashboard": {"type": "express"},
            },
            "capabilities": {"transfers": {"requested": True}},
        }
    )
    assert account.type == "express"
    assert account.controller
    assert account.controller.requirement_collection == "stripe"


async def test_a_euro_country_settles_in_euro(desk: Desk) -> None:
    seller = await desk.seller(country="DE")
    assert (seller.country, seller.default_currency) == ("DE", "eur")


async def test_a_given_external_account_takes_the_place_of_the_default_one(desk: Desk) -> None:
    seller = await desk.seller()
    updated = await desk.api.v1.accounts.update_async(seller.id, {"external_account": _BANK})
    assert updated.external_accounts
    banks = updated.external_accounts.data
    assert [(bank.last4, bank.default_for_currency) for bank in banks] == [("9999", True)]
    assert "account.external_account.deleted" in await desk.event_types(seller)


async def test_a_further_bank_account_becomes_the_default_on_demand(desk: Desk) -> None:
    seller = await desk.seller()
    calls = desk.api.v1.accounts.external_accounts
    added = await calls.create_async(
        seller.id,
        {
            "external_account": {
                "object": "bank_account",
                "country": "US",
                "routing_number": "110000000",
                "account_number": "000999999999",
            }
        },
    )
    assert added.default_for_currency is False
    changed = await calls.update_async(seller.id, added.id, {"default_for_currency": True})
    assert changed.default_for_currency is True
    listed = (await calls.list_async(seller.id)).data
    assert [bank.default_for_currency for bank in listed] == [True, False]
    assert (await calls.retrieve_async(seller.id, added.id)).id == added.id


async def test_payouts_are_set_to_manual(desk: Desk) -> None:
    seller = await desk.seller()
    settings = await desk.api.v1.balance_settings.update_async(
        {"payments": {"payouts": {"schedule": {"interval": "manual"}}}}, {"stripe_account": seller.id}
    )
    assert settings.payments.payouts
    assert settings.payments.payouts.schedule
    assert settings.payments.payouts.schedule.interval == "manual"
    account = await desk.api.v1.accounts.retrieve_async(seller.id)
    assert account.settings
    assert account.settings.payouts
    assert account.settings.payouts.schedule.interval == "manual"


async def test_metadata_is_merged_and_unset_key_by_key(desk: Desk) -> None:
    seller = await desk.seller()
    update = desk.api.v1.accounts.update_async
    await update(seller.id, {"metadata": {"a": "1", "b": "2"}})
    merged = (await update(seller.id, {"metadata": {"a": "", "c": "3"}})).metadata
    assert merged
    assert merged.to_dict() == {"b": "2", "c": "3"}
    emptied = (await update(seller.id, {"metadata": ""})).metadata
    assert emptied is not None
    assert emptied.to_dict() == {}


async def test_accounts_and_capabilities_are_listed(desk: Desk) -> None:
    first, second = await desk.seller(), await desk.seller()
    assert [row.id for row in (await desk.api.v1.accounts.list_async()).data] == [second.id, first.id]
    capabilities = await desk.api.v1.accounts.capabilities.list_async(first.id)
    assert [(row.id, row.status) for row in capabilities.data] == [("transfers", "active")]
    found = await desk.api.v1.accounts.capabilities.retrieve_async(first.id, "card_payments")
    assert found.status == "unrequested"


async def test_a_buyer_may_pay_a_seller_directly_if_the_seller_takes_cards(desk: Desk) -> None:
    seller = await desk.seller()
    create, scope = desk.api.v1.payment_intents.create_async, seller.id
    with pytest.raises(stripe.InvalidRequestError):
        await create({"amount": 1_000, "currency": "usd"}, {"stripe_account": scope})
    await desk.api.v1.accounts.update_async(seller.id, {"capabilities": {"card_payments": {"requested": True}}})
    intent = await create({"amount": 1_000, "currency": "usd"}, {"stripe_account": scope})
    await desk.twin.confirm(intent.id)
    assert (await desk.balance(seller), await desk.balance()) == ((0, 941), (0, 0))
    assert (await desk.event_types(seller))[-1] == "payment_intent.succeeded"


async def test_an_unknown_account_in_the_header_is_no_business_of_this_key(desk: Desk) -> None:
    with pytest.raises(stripe.PermissionError, match="acct_none"):
        await desk.api.v1.balance.retrieve_async({}, {"stripe_account": "acct_none"})


async def test_one_accounts_objects_are_unknown_to_another(desk: Desk) -> None:
    seller, charge = await desk.funded_seller(), await desk.paid()
    payout = await desk.payout(seller, 100)
    with pytest.raises(stripe.InvalidRequestError) as refused:
        await desk.api.v1.payouts.retrieve_async(payout.id)
    assert refused.value.code == "resource_missing"
    with pytest.raises(stripe.InvalidRequestError):
        await desk.api.v1.charges.retrieve_async(charge.id, {}, {"stripe_account": seller.id})


async def test_an_account_that_disconnected_is_out_of_reach_and_says_so_last(desk: Desk, hook: Hook) -> None:
    await desk.twin.set_webhooks(connect=Endpoint(f"{hook.url}/connect", CONNECT_SECRET))
    seller = await desk.funded_seller()
    payout = await desk.payout(seller, 100)
    await desk.twin.deauthorize(seller.id)
    v1 = desk.api.v1
    for call in (
        v1.payouts.retrieve_async(payout.id, {}, {"stripe_account": seller.id}),
        v1.events.list_async({}, {"stripe_account": seller.id}),
        v1.accounts.retrieve_async(seller.id),
        v1.accounts.external_accounts.list_async(seller.id),
    ):
        with pytest.raises(stripe.PermissionError, match="may have been revoked") as refused:
            await call
        # of a 403 the SDK keeps the code in the error object only
        assert refused.value.error
        assert refused.value.error.code == "account_invalid"
    with pytest.raises(stripe.InvalidRequestError, match="No such destination"):
        await desk.transfer(seller, 1)
    assert (await v1.accounts.list_async()).data == []

    await desk.twin.advance(2 * DAY_SECONDS)
    await desk.twin.webhooks_idle()
    # deliveries may overtake each other, so "last" is by the log and not by arrival
    heard = sorted(hook.connect, key=lambda event: desk.twin.world.events.get(seller.id, event.id).order)
    assert (heard[-1].type, heard[-1].account) == ("account.application.deauthorized", seller.id)
    assert heard[-1].data.object["object"] == "application"


async def test_stripe_may_pause_transfers_or_payouts_and_ask_for_more_until_the_seller_gives_it(desk: Desk) -> None:
    seller = await desk.funded_seller()
    asked = await desk.twin.restrict_account(seller.id, due=["individual.verification.document"])
    assert (asked["payouts_enabled"], asked["requirements"]["past_due"]) == (True, [])
    assert asked["requirements"]["currently_due"] == ["individual.verification.document"]

    paused = await desk.twin.restrict_account(seller.id, ["payouts"], ["individual.verification.document"])
    assert (paused["payouts_enabled"], paused["capabilities"]) == (False, {"transfers": "active"})
    assert paused["requirements"]["disabled_reason"] == "requirements.past_due"
    with pytest.raises(stripe.InvalidRequestError) as refused:
        await desk.payout(seller, 100)
    assert refused.value.code == "payouts_not_allowed"

    await desk.twin.restrict_account(seller.id, ["transfers"])
    assert (await desk.event_types(seller))[-2:] == ["capability.updated", "account.updated"]
    with pytest.raises(stripe.InvalidRequestError) as refused:
        await desk.transfer(seller, 1)
    assert refused.value.code == "insufficient_capabilities_for_transfer"

    ready = await desk.twin.complete_account(seller.id)
    assert (ready["payouts_enabled"], ready["requirements"]["currently_due"]) == (True, [])
    await desk.payout(seller, 100)


async def test_a_payout_schedule_changed_behind_the_platforms_back_is_seen(desk: Desk) -> None:
    seller = await desk.seller()
    settings = desk.api.v1.balance_settings
    await settings.update_async(
        {"payments": {"payouts": {"schedule": {"interval": "manual"}}}}, {"stripe_account": seller.id}
    )
    for interval in ("manual", "daily"):
        found = await settings.retrieve_async({}, {"stripe_account": seller.id})
        assert found.payments.payouts
        assert found.payments.payouts.schedule
        assert found.payments.payouts.schedule.interval == interval
        await desk.twin.set_payout_schedule(seller.id)
    assert (await desk.event_types(seller))[-1] == "account.updated"
