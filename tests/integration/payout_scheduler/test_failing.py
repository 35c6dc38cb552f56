"""Payouts that bounce, and what is done about them."""

from __future__ import annotations

from datetime import datetime, timedelta

from contracts.events.payouts import PayoutFailed, PayoutReturned
from libs.settings import registry
from tests.integration.payout_scheduler.desk import BAD_BANK, GOOD_BANK, MONDAY, SLOT, Desk, now

BOUNCED = ["PayoutStarted", "PayoutSubmitted", "PayoutFailed"]


async def _bounce(desk: Desk) -> None:
    """The first payout bounces, and Stripe disables the bank account."""
    await desk.ready(bank=BAD_BANK)
    await desk.release("A-1", "anna", 10_000)
    await desk.payouts_due()
    await desk.pass_days(3)
    assert await desk.story() == BOUNCED


async def test_a_bounced_payout_gives_the_money_back_and_waits_for_another_bank_account(desk: Desk) -> None:
    await _bounce(desk)
    [payout] = await desk.payouts()
    assert (payout["status"], payout["code"], payout["retry_at"]) == ("failed", "no_account", None)
    assert (payout["waits_for_bank"], payout["needs_person"]) == (True, True)
    assert "the payout is failed" in payout["reason"]
    [told] = await desk.announced(PayoutFailed)
    assert isinstance(told, PayoutFailed)
    assert (told.code, told.retry_at) == ("no_account", None)
    assert await desk.wallet() == {"available": 9_000, "pending": 0, "in_transit": 0, "earned": 9_000, "withdrawn": 0}
    assert await desk.balance("payouts:in_transit") == 0


async def test_it_is_not_tried_at_a_bank_account_that_bounced(desk: Desk) -> None:
    await _bounce(desk)
    summary = await desk.payouts_due(now() + timedelta(days=30))
    assert (summary["done"], summary["left"], summary["waiting"]) == (0, 0, 1)
    assert await desk.story() == BOUNCED


async def test_with_a_new_bank_account_it_is_tried_again_under_a_new_key(desk: Desk) -> None:
    await _bounce(desk)
    await desk.onboard(bank=GOOD_BANK)
    assert (await desk.payouts_due())["done"] == 1
    await desk.pass_days(3)
    assert await desk.story() == [*BOUNCED, "PayoutStarted", "PayoutSubmitted", "PayoutPaid"]
    [payout] = await desk.payouts()
    assert (payout["status"], payout["attempt"], payout["slot"], payout["code"]) == ("paid", 2, SLOT, None)
    assert (await desk.wallet())["withdrawn"] == 9_000
    assert desk.twin.world.books.total("payout_paid", "usd") == 9_000
    made = {made["metadata"]["attempt"] for made in desk.twin_payouts()}
    assert made == {"1", "2"}


async def test_money_that_came_meanwhile_is_left_for_its_own_slot(desk: Desk) -> None:
    await _bounce(desk)
    await desk.onboard(bank=GOOD_BANK)
    await desk.release("A-2", "anna", 20_000)
    summary = await desk.payouts_due(MONDAY + timedelta(days=7))
    assert summary["paid_minor"] == {"USD": 27_000}
    assert sorted(p["amount_minor"] for p in await desk.payouts()) == [9_000, 18_000]


async def test_after_the_last_try_the_money_stays_for_the_next_slot(desk: Desk) -> None:
    await desk.set(registry.PAYOUT_ATTEMPTS_MAX, 1)
    await _bounce(desk)
    await desk.onboard(bank=GOOD_BANK)
    [payout] = await desk.payouts()
    assert (payout["waits_for_bank"], payout["needs_person"]) == (False, True)
    assert (await desk.payouts_due())["done"] == 0
    assert (await desk.payouts_due(MONDAY + timedelta(days=7)))["paid_minor"] == {"USD": 9_000}


async def test_a_refusal_for_the_bank_account_waits_for_another_one_as_well(desk: Desk) -> None:
    """The bank account fails between our look at it and our call, and no notice tells of it."""
    await desk.ready()
    await desk.release("A-1", "anna", 10_000)
    for bank in desk.twin.world.bank_accounts:
        bank.status = "errored"
    await desk.payouts_due()
    assert await desk.story() == ["PayoutStarted", "PayoutFailed"]
    [payout] = await desk.payouts()
    assert (payout["code"], payout["waits_for_bank"]) == ("bank_account_unusable", True)
    assert (await desk.seller())["payouts_enabled"] is False
    assert (await desk.payouts_due())["done"] == 0
    await desk.onboard(bank=GOOD_BANK)
    assert (await desk.payouts_due())["done"] == 1
    assert {made["metadata"]["attempt"] for made in desk.twin_payouts()} == {"2"}


async def test_what_passes_by_itself_is_tried_again_after_its_pause(desk: Desk) -> None:
    """Somebody at the platform pays the seller by hand, between our look at the balance and our call."""
    await desk.ready()
    await desk.release("A-1", "anna", 10_000)
    await desk.deaf()
    paid = await desk.pay("k1")
    await desk.by_hand("anna", 5_000)
    await desk.work()
    [payout] = await desk.payouts()
    assert (payout["code"], payout["waits_for_bank"], payout["needs_person"]) == ("balance_insufficient", False, False)
    retry_at = datetime.fromisoformat(payout["retry_at"])
    await desk.release("A-2", "anna", 10_000)
    assert (await desk.payouts_due(retry_at - timedelta(seconds=1)))["done"] == 0
    assert (await desk.payouts_due(retry_at))["paid_minor"] == {"USD": 13_000}, "with what its slot has beyond it"
    assert [p["attempt"] for p in await desk.payouts() if p["payout_id"] == paid["payout_id"]] == [2]


async def test_what_comes_back_after_it_was_paid_is_told_and_waits_for_another_bank_account(desk: Desk) -> None:
    await desk.ready()
    await desk.release("A-1", "anna", 10_000)
    await desk.payouts_due()
    await desk.pass_days(3)
    [payout] = await desk.payouts()
    await desk.twin.bounce_payout(payout["stripe_payout"], payout["account_id"])
    await desk.work()
    [payout] = await desk.payouts()
    assert (payout["status"], payout["code"], payout["needs_person"]) == ("returned", "account_closed", True)
    [told] = await desk.announced(PayoutReturned)
    assert isinstance(told, PayoutReturned)
    assert (await desk.wallet())["available"] == await desk.balance("stripe:connected:anna") == 9_000
    assert (await desk.payouts_due(MONDAY + timedelta(days=7)))["done"] == 0
    await desk.onboard(bank=GOOD_BANK)
    assert (await desk.payouts_due(MONDAY + timedelta(days=7)))["paid_minor"] == {"USD": 9_000}


async def test_a_payout_that_stripe_cancels_has_failed(desk: Desk) -> None:
    await desk.ready()
    await desk.release("A-1", "anna", 10_000)
    await desk.payouts_due()
    [payout] = await desk.payouts()
    options = {"stripe_account": payout["account_id"]}
    await desk.buyer.v1.payouts.cancel_async(payout["stripe_payout"], None, options)  # type: ignore[arg-type]  # TypedDict
    await desk.work()
    assert await desk.story() == BOUNCED
    [payout] = await desk.payouts()
    assert (payout["code"], payout["waits_for_bank"], payout["needs_person"]) == ("canceled", False, True)
    assert (await desk.wallet())["available"] == 9_000
    assert (await desk.payouts_due())["done"] == 0, "somebody wanted it so"


async def test_a_refused_transfer_is_tried_again_after_its_pause_and_shown_meanwhile(desk: Desk) -> None:
    """The buyer was refunded behind our back: nothing of the charge is left to transfer."""
    await desk.ready()
    charge = await desk.charge("A-1", 5_000)
    await desk.buyer.v1.refunds.create_async({"charge": charge})
    await desk.release("A-1", "anna", 5_000, charge=charge)
    [waiting] = (await desk.seller())["waiting"]
    assert waiting["status"] == "refused"
    assert "must not exceed" in waiting["reason"]
    await desk.work()
    assert await desk.events_of("transfer") == ["TransferRequested", "TransferRefused"], "its pause is not over"
    await desk.work(now() + timedelta(minutes=11))
    assert await desk.events_of("transfer") == ["TransferRequested", "TransferRefused", "TransferRefused"]
    assert await desk.balance("stripe:connected:anna") == 0
