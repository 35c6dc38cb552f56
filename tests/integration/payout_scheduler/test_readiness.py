"""Sellers before, while and after Stripe lets them be paid."""

from __future__ import annotations

import httpx

from tests.integration.payout_scheduler.desk import BAD_BANK, DAY_SECONDS, Desk


async def test_a_registered_seller_gets_one_account_that_pays_nothing_out_by_itself(desk: Desk) -> None:
    first = await desk.register()
    assert (first["status"], first["frequency_in_force"]) == ("onboarding", "weekly")
    assert "external_account" in first["requirements"]
    assert (await desk.register())["account_id"] == first["account_id"]
    [account] = desk.twin.world.accounts
    assert account.settings["payouts"]["schedule"]["interval"] == "manual"
    assert account.metadata == {"seller": "anna", "book": "1"}


async def test_a_release_waits_visibly_for_its_seller_and_goes_on_by_itself(desk: Desk) -> None:
    await desk.register()
    await desk.release("A-1", "anna", 10_000)
    assert desk.transfers_made() == 0
    [waiting] = (await desk.seller())["waiting"]
    assert (waiting["order_id"], waiting["amount_minor"], waiting["status"]) == ("A-1", 9_000, "requested")
    assert await desk.payouts_due() == {"done": 0, "left": 0, "paid_minor": {}, "waiting": 1}

    await desk.onboard()
    assert (await desk.seller())["status"] == "ready"
    assert (await desk.seller())["waiting"] == []
    assert desk.transfers_made() == 1
    assert (await desk.payouts_due())["done"] == 1


async def test_money_for_a_seller_whom_nobody_registered_waits_as_well(desk: Desk) -> None:
    await desk.release("A-1", "anna", 10_000)
    assert await desk.work_left() == ["create_transfer"]
    assert (await desk.http.get("/sellers/anna")).status_code == httpx.codes.NOT_FOUND
    assert (await desk.wallet())["available"] == 9_000
    await desk.ready()
    assert desk.transfers_made() == 1


async def test_a_seller_who_is_no_longer_ready_is_not_sent_more(desk: Desk) -> None:
    await desk.ready(bank=BAD_BANK)
    await desk.release("A-1", "anna", 10_000)
    await desk.payouts_due()
    await desk.pass_days(3)  # the payout bounces, Stripe disables the bank account
    await desk.release("A-2", "anna", 10_000)
    assert desk.transfers_made() == 1
    assert [each["order_id"] for each in (await desk.seller())["waiting"]] == ["A-2"]


async def test_an_account_that_stripe_refuses_is_shown_and_can_be_asked_for_again(desk: Desk) -> None:
    refused = await desk.register(country="XX")
    assert refused["status"] == "refused"
    assert "XX" in refused["refusal"]
    assert (await desk.register(country="US"))["status"] == "onboarding"


async def test_an_account_of_unknown_outcome_is_found_and_not_made_again(desk: Desk) -> None:
    await desk.twin.fault("accounts.create", "timeout_after_effect")
    await desk.http.post("/sellers", json={"seller": "anna", "country": "US"})
    await desk.work()
    assert (await desk.seller())["status"] == "registered"
    await desk.twin.advance(2 * DAY_SECONDS)  # the key is forgotten
    await desk.later()
    assert (await desk.seller())["status"] == "onboarding"
    assert len(desk.twin.world.accounts) == 1


async def test_news_that_overtook_the_record_of_the_account_is_not_lost(desk: Desk) -> None:
    """The account is made and made ready while the worker that opened it is dead."""
    await desk.http.post("/sellers", json={"seller": "anna", "country": "US"})
    await desk.gateway.create_account("anna", "US", 1)
    [account] = desk.twin.world.accounts
    await desk.twin.complete_account(account.id)
    await desk.twin.webhooks_idle()
    await desk.work()
    assert (await desk.seller())["status"] == "ready"
    assert len(desk.twin.world.accounts) == 1


async def test_an_email_goes_to_stripe_and_stays_nowhere_here(desk: Desk) -> None:
    await desk.register()
    answer = await desk.http.post("/sellers", json={"seller": "anna", "country": "US", "email": "anna@example.com"})
    assert answer.status_code == httpx.codes.CREATED
    [account] = desk.twin.world.accounts
    assert account.email == "anna@example.com"
    await desk.work()
    rows = await desk.owner.pool.fetch("select data::text || coalesce(reason, '') as text from ledger.events")
    assert not [row for row in rows if "example.com" in row["text"]]


async def test_an_onboarding_link_leads_to_stripe(desk: Desk) -> None:
    await desk.register()
    urls = {"return_url": "https://shop.example/back", "refresh_url": "https://shop.example/again"}
    answer = await desk.http.post("/sellers/anna/onboarding-link", json=urls)
    async with httpx.AsyncClient() as browser:
        visited = await browser.get(answer.json()["url"])
    assert visited.status_code == httpx.codes.OK
    await desk.work()
    assert (await desk.seller())["status"] == "ready"


async def test_sellers_are_listed_by_name_page_by_page(desk: Desk) -> None:
    for name in ("bert", "anna", "carl"):
        await desk.register(name)
    page = await desk.get("/sellers", limit=2)
    assert ([each["seller"] for each in page["items"]], page["next"]) == (["anna", "bert"], "bert")
    rest = await desk.get("/sellers", limit=2, after=page["next"])
    assert ([each["seller"] for each in rest["items"]], rest["next"]) == (["carl"], None)


async def test_a_seller_with_an_odd_name_sees_nobody_elses_money(desk: Desk) -> None:
    """An underscore is any character to SQL's LIKE."""
    await desk.ready("a_b")
    await desk.ready("axb")
    await desk.release("A-1", "axb", 10_000)
    assert (await desk.get("/wallets/a_b"))["currencies"] == []


async def test_a_schedule_can_be_changed_and_says_when_the_next_slot_begins(desk: Desk) -> None:
    await desk.register()
    answer = await desk.http.put("/sellers/anna/schedule", json={"frequency": "on_demand"})
    assert (answer.json()["frequency_in_force"], answer.json()["next_slot_at"]) == ("on_demand", None)
    assert (await desk.http.put("/sellers/nobody/schedule", json={"frequency": "daily"})).status_code == 404
    assert (await desk.http.put("/sellers/anna/schedule", json={"frequency": "hourly"})).status_code == 422


async def test_another_country_is_refused(desk: Desk) -> None:
    await desk.register()
    answer = await desk.http.post("/sellers", json={"seller": "anna", "country": "DE"})
    assert (answer.status_code, answer.json()["code"]) == (422, "seller_registered")
