"""Payouts that bounce, and what is done about them."""

from __future__ import annotations

from datetime import datetime, timedelta

from libs.settings import registry
from tests.integration.payout_scheduler.desk import BAD_BANK, GOOD_BANK, SLOT, Desk, now

BOUNCED = ["PayoutStarted", "PayoutSubmitted", "PayoutFailed"]


async def _bounce(desk: Desk) -> datetime:
    """The first payout bounces; when its next try may be made."""
    await desk.ready(bank=BAD_BANK)
    await desk.release("A-1", "anna", 10_000)
    await desk.payouts_due()
    await desk.pass_days(3)
    assert await desk.story() == BOUNCED
    [payout] = await desk.payouts()
    return datetime.fromisoformat(payout["retry_at"])


async def test_a_bounced_payout_gives_the_money_back_and_says_why(desk: Desk) -> None:
    await _bounce(desk)
    [payout] = await desk.payouts()
    assert (payout["status"], payout["code"], payout["needs_person"]) == ("failed", "no_account", False)
    assert await desk.wallet() == {"available": 9_000, "pending": 0, "in_transit": 0, "earned": 9_000, "withdrawn": 0}
    assert await desk.balance("payouts:in_transit") == 0


async def test_it_is_not_tried_at_a_bank_account_that_bounced(desk: Desk) -> None:
    retry_at = await _bounce(desk)
    summary = await desk.payouts_due(retry_at + timedelta(days=1))
    assert (summary["done"], summary["left"], summary["waiting"]) == (0, 0, 1)
    assert await desk.story() == BOUNCED


async def test_with_a_new_bank_account_it_is_tried_again_under_a_new_key_when_its_pause_is_over(desk: Desk) -> None:
    retry_at = await _bounce(desk)
    await desk.onboard(bank=GOOD_BANK)
    assert (await desk.payouts_due(retry_at - timedelta(seconds=1)))["done"] == 0
    assert (await desk.payouts_due(retry_at))["done"] == 1
    await desk.pass_days(3)
    assert await desk.story() == [*BOUNCED, "PayoutStarted", "PayoutSubmitted", "PayoutPaid"]
    [payout] = await desk.payouts()
    assert (payout["status"], payout["attempt"], payout["slot"], payout["code"]) == ("paid", 2, SLOT, None)
    assert (await desk.wallet())["withdrawn"] == 9_000
    assert desk.twin.world.books.total("payout_paid", "usd") == 9_000
    made = {made["metadata"]["attempt"] for made in desk.twin_payouts()}
    assert made == {"1", "2"}


async def test_money_that_came_meanwhile_is_left_for_its_own_slot(desk: Desk) -> None:
    retry_at = await _bounce(desk)
    await desk.onboard(bank=GOOD_BANK)
    await desk.release("A-2", "anna", 20_000)
    monday_after = retry_at + timedelta(days=7)
    summary = await desk.payouts_due(monday_after)
    assert summary["paid_minor"] == {"USD": 27_000}
    assert sorted(p["amount_minor"] for p in await desk.payouts()) == [9_000, 18_000]


async def test_a_slot_does_not_take_the_money_of_a_payout_that_waits_for_its_next_try(desk: Desk) -> None:
    retry_at = await _bounce(desk)
    await desk.onboard(bank=GOOD_BANK)
    await desk.http.put("/sellers/anna/schedule", json={"frequency": "daily"})
    assert (await desk.payouts_due(retry_at - timedelta(seconds=1)))["done"] == 0
    assert len(await desk.payouts()) == 1


async def test_after_the_last_try_the_money_stays_and_a_person_is_needed(desk: Desk) -> None:
    await desk.set(registry.PAYOUT_ATTEMPTS_MAX, 2)
    retry_at = await _bounce(desk)
    await desk.onboard(bank=BAD_BANK)
    assert (await desk.payouts_due(retry_at))["done"] == 1
    await desk.pass_days(3)
    [payout] = await desk.payouts()
    assert (payout["status"], payout["attempt"], payout["retry_at"]) == ("failed", 2, None)
    assert payout["needs_person"]
    assert (await desk.wallet())["available"] == 9_000
    summary = await desk.payouts_due(retry_at + timedelta(hours=1))
    assert (summary["done"], summary["left"]) == (0, 0)


async def test_a_refusal_by_stripe_is_a_failed_attempt_and_no_new_key_comes_before_it(desk: Desk) -> None:
    """The bank account fails between our look at it and our call."""
    await desk.ready()
    await desk.release("A-1", "anna", 10_000)
    for bank in desk.twin.world.bank_accounts:
        bank.status = "errored"
    await desk.payouts_due()
    assert await desk.story() == ["PayoutStarted", "PayoutFailed"]
    [payout] = await desk.payouts()
    assert payout["code"] == "bank_account_unusable"
    for bank in desk.twin.world.bank_accounts:
        bank.status = "new"
    assert (await desk.payouts_due(now() + timedelta(hours=2)))["done"] == 1
    assert {made["metadata"]["attempt"] for made in desk.twin_payouts()} == {"2"}


async def test_a_payout_that_stripe_cancels_has_failed(desk: Desk) -> None:
    await desk.ready()
    await desk.release("A-1", "anna", 10_000)
    await desk.payouts_due()
    [payout] = await desk.payouts()
    options = {"stripe_account": payout["account_id"]}
    await desk.buyer.v1.payouts.cancel_async(payout["stripe_payout"], None, options)  # type: ignore[arg-type]  # TypedDict
    await desk.work()
    assert await desk.story() == BOUNCED
    assert (await desk.wallet())["available"] == 9_000


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
