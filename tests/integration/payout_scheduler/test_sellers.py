"""What happens to a seller's account at Stripe, by others' hands."""

from __future__ import annotations

import httpx
import pytest

from libs.devstack.stripe_twin.objects.bank_account import FailureCode
from tests.integration.payout_scheduler.desk import BAD_BANK, MONDAY, Desk


async def _account(desk: Desk) -> str:
    account_id: str = (await desk.seller())["account_id"]
    return account_id


async def _schedule(desk: Desk) -> str:
    [account] = desk.twin.world.accounts
    interval: str = account.balance_settings["payments"]["payouts"]["schedule"]["interval"]
    return interval


async def test_what_stripe_asks_is_shown_with_its_deadline_and_reason(desk: Desk) -> None:
    await desk.ready()
    await desk.twin.restrict_account(await _account(desk), due=["individual.verification.document"])
    await desk.work()
    seller = await desk.seller()
    assert (seller["status"], seller["past_due"], seller["disabled_reason"]) == ("ready", [], None)
    assert seller["requirements"] == seller["eventually_due"] == ["individual.verification.document"]

    await desk.twin.restrict_account(await _account(desk), paused=["payouts"], due=["individual.verification.document"])
    await desk.work()
    seller = await desk.seller()
    assert (seller["status"], seller["transfers_active"], seller["payouts_enabled"]) == ("onboarding", True, False)
    assert seller["past_due"] == ["individual.verification.document"]
    assert seller["disabled_reason"] == "requirements.past_due"


@pytest.mark.parametrize("paused", ["transfers", "payouts"])
async def test_what_stripe_pauses_waits_and_goes_on_by_itself(desk: Desk, paused: str) -> None:
    await desk.ready()
    await desk.twin.restrict_account(await _account(desk), paused=[paused])  # type: ignore[list-item]  # one of two names
    await desk.work()
    await desk.release("A-1", "anna", 10_000)
    assert (desk.transfers_made(), len((await desk.seller())["waiting"])) == (0, 1)
    assert (await desk.payouts_due())["waiting"] == 1
    await desk.twin.restrict_account(await _account(desk))
    await desk.work()
    assert (desk.transfers_made(), (await desk.seller())["waiting"]) == (1, [])


async def test_a_payout_schedule_that_somebody_changed_is_set_back_and_recorded_each_time(desk: Desk) -> None:
    await desk.ready()
    for times in (1, 2):
        await desk.twin.set_payout_schedule(await _account(desk), "weekly")
        await desk.work()
        assert await _schedule(desk) == "manual"
        assert (await desk.events_of("seller")).count("SellerOwnPayoutsFound") == times


async def test_a_schedule_whose_setting_back_got_no_answer_is_set_back_all_the_same(desk: Desk) -> None:
    await desk.ready()
    await desk.twin.fault("balance_settings.update", "error_500")
    await desk.twin.set_payout_schedule(await _account(desk), "daily")
    await desk.work()
    assert await _schedule(desk) == "daily"
    await desk.later()
    assert await _schedule(desk) == "manual"


async def test_a_seller_who_disconnected_is_shown_so_and_everything_waits(desk: Desk) -> None:
    await desk.ready()
    await desk.release("A-1", "anna", 10_000)
    await desk.twin.deauthorize(await _account(desk))
    await desk.work()
    await desk.release("A-2", "anna", 10_000)
    seller = await desk.seller()
    assert (seller["status"], seller["deauthorized"], seller["transfers_active"]) == ("deauthorized", True, False)
    assert [each["order_id"] for each in seller["waiting"]] == ["A-2"]
    assert await desk.payouts_due() == {"done": 0, "left": 0, "paid_minor": {}, "waiting": 1}
    links = {"return_url": "https://shop.example/back", "refresh_url": "https://shop.example/again"}
    answer = await desk.http.post("/sellers/anna/onboarding-link", json=links)
    assert (answer.status_code, answer.json()["code"]) == (httpx.codes.UNPROCESSABLE_ENTITY, "deauthorized")


async def test_reconnecting_is_another_registration_with_another_account(desk: Desk) -> None:
    await desk.ready()
    first = await _account(desk)
    await desk.twin.deauthorize(first)
    await desk.work()
    await desk.release("A-1", "anna", 10_000)
    assert (await desk.register())["status"] == "onboarding"
    await desk.onboard()
    assert await _account(desk) != first
    assert (await desk.seller())["status"] == "ready"
    [transfer] = desk.twin.world.transfers
    assert transfer.destination == await _account(desk)
    assert (await desk.payouts_due())["paid_minor"] == {"USD": 9_000}


async def test_a_payout_to_a_seller_who_has_just_disconnected_gives_the_money_back(desk: Desk) -> None:
    await desk.ready()
    await desk.release("A-1", "anna", 10_000)
    await desk.deaf()
    await desk.pay("k1")
    await desk.twin.deauthorize(await _account(desk))
    await desk.work()
    assert await desk.story(slot="http:k1") == ["PayoutStarted", "PayoutFailed"]
    assert ((await desk.seller())["status"], (await desk.wallet())["available"]) == ("deauthorized", 9_000)
    assert await desk.work_left() == []


async def test_another_bank_account_makes_a_seller_ready_again(desk: Desk) -> None:
    await desk.ready(bank=BAD_BANK)
    await desk.release("A-1", "anna", 10_000)
    await desk.payouts_due()
    await desk.pass_days(3)
    seller = await desk.seller()
    assert (seller["payouts_enabled"], seller["requirements"]) == (False, ["external_account"])
    await desk.onboard()
    assert (await desk.seller())["status"] == "ready"


@pytest.mark.parametrize("code", ["account_closed", "debit_not_authorized"])
async def test_whatever_the_bank_says_it_is_shown_and_waits(desk: Desk, code: FailureCode) -> None:
    await desk.ready()
    await desk.release("A-1", "anna", 10_000)
    await desk.payouts_due(MONDAY)
    await desk.pass_days(1)
    [payout] = await desk.payouts()
    await desk.twin.bounce_payout(payout["stripe_payout"], payout["account_id"], code)
    await desk.work()
    [payout] = await desk.payouts()
    assert (payout["status"], payout["code"], payout["waits_for_bank"]) == ("failed", code, True)
