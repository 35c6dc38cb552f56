"""A buyer goes to the bank: what that does to the money, with Stripe and in the books."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass

import httpx
import pytest

from libs.devstack.stripe_twin import NO_FEE, TwinConfig, running_twin
from tests.integration.payment.bank import Bank, assert_books_agree, chargeback_of, new_story, post
from tests.integration.payment.desk import Desk, open_desk, refund_id


@dataclass(frozen=True)
class Scene:
    """A dispute from its beginning to where it stands, and what then stands where."""

    name: str
    play: Callable[[Bank], Awaitable[None]]
    story: list[str]
    status: str
    receivable_minor: int = 0
    expense_minor: int = 0


async def _inquiry_ends(bank: Bank) -> None:
    await bank.opens(inquiry=True)
    await bank.decides(won=True)


async def _inquiry_is_lost(bank: Bank) -> None:
    await bank.opens(inquiry=True)
    await bank.escalates()
    await bank.decides(won=False)


async def _won(bank: Bank) -> None:
    await bank.opens()
    await bank.decides(won=True)


async def _lost(bank: Bank) -> None:
    await bank.opens()
    await bank.decides(won=False)


async def _first_heard_of_when_lost(bank: Bank) -> None:
    dispute = await bank.desk.twin.open_dispute(await bank.desk.intent_id())
    await bank.desk.twin.close_dispute(dispute["id"], won=False)
    await bank.desk.work()


async def _a_part_is_lost(bank: Bank) -> None:
    await bank.opens(1_000)
    await bank.decides(won=False)


async def _told_twice_and_late(bank: Bank) -> None:
    await bank.desk.twin.set_webhooks(extra_copies=2)
    await _won(bank)
    events = [event for event in bank.desk.twin.world.events.all("platform") if "dispute" in event.type]
    for event in reversed(events):
        await bank.desk.twin.resend(event.id)
    await bank.desk.work()


SCENES = [
    Scene("an inquiry ends", _inquiry_ends, ["InquiryOpened", "InquiryClosed"], "withdrawn"),
    Scene(
        "an inquiry escalates and is lost",
        _inquiry_is_lost,
        ["InquiryOpened", "ChargebackOpened", "ChargebackLost"],
        "lost",
        receivable_minor=4_000,
        expense_minor=1_500,
    ),
    Scene("won", _won, ["ChargebackOpened", "ChargebackWon"], "won", expense_minor=1_500),
    Scene("lost", _lost, ["ChargebackOpened", "ChargebackLost"], "lost", receivable_minor=4_000, expense_minor=1_500),
    Scene(
        "first heard of when lost",
        _first_heard_of_when_lost,
        ["ChargebackOpened", "ChargebackLost"],
        "lost",
        receivable_minor=4_000,
        expense_minor=1_500,
    ),
    Scene(
        "a part is lost",
        _a_part_is_lost,
        ["ChargebackOpened", "ChargebackLost"],
        "lost",
        receivable_minor=1_000,
        expense_minor=1_500,
    ),
    Scene(
        "told twice and late", _told_twice_and_late, ["ChargebackOpened", "ChargebackWon"], "won", expense_minor=1_500
    ),
]


@pytest.mark.parametrize("scene", SCENES, ids=lambda scene: scene.name)
async def test_a_dispute_ends_with_books_that_agree(bank: Bank, scene: Scene) -> None:
    desk = bank.desk
    await scene.play(bank)
    assert await new_story(desk) == scene.story
    shown = await chargeback_of(desk)
    assert (shown["status"], shown["needs_response"]) == (scene.status, False)
    assert await desk.balance("receivable:chargebacks") == scene.receivable_minor
    assert await desk.balance("expense:chargebacks") == scene.expense_minor
    await assert_books_agree(desk)
    assert await desk.work_left() == []


@pytest.fixture
async def gentle(database_url: str) -> AsyncIterator[Bank]:
    """A bank whose chargebacks cost no fee."""
    config = TwinConfig(card_fee=NO_FEE, dispute_fee_minor=0, seed=7, check_responses=True)
    async with running_twin(config) as twin, open_desk(database_url, twin) as desk:
        await desk.place_and_pay()
        yield Bank(desk)


async def test_a_chargeback_without_a_fee_costs_nothing_when_it_is_won(gentle: Bank) -> None:
    await _won(gentle)
    assert await gentle.desk.balance("expense:chargebacks") == 0
    await assert_books_agree(gentle.desk)


async def test_two_disputes_of_one_charge_stand_side_by_side(bank: Bank) -> None:
    await bank.opens(1_000)
    await bank.opens(500)
    await bank.decides(won=False)
    shown = (await bank.desk.shown())["chargebacks"]
    assert [(each["amount_minor"], each["status"]) for each in shown] == [(1_000, "open"), (500, "lost")]
    await assert_books_agree(bank.desk)


async def test_a_dispute_of_somebody_elses_payment_is_read_and_left_alone(paid: Desk) -> None:
    intent_id = await paid.intent_id()
    paid.twin.world.payment_intents.get("platform", intent_id).metadata["book"] = "2"
    await Bank(paid).opens()
    assert await new_story(paid) == []
    assert await paid.work_left() == []


async def test_a_fraud_warning_is_kept_and_shown_once(paid: Desk) -> None:
    warning = await paid.twin.warn_of_fraud(await paid.intent_id(), "made_with_stolen_card")
    await paid.work()
    await Bank(paid).opens()  # after which Stripe tells of the warning again
    assert await new_story(paid) == ["FraudWarned", "ChargebackOpened"]
    [shown] = (await paid.shown())["fraud_warnings"]
    assert (shown["warning_id"], shown["code"]) == (warning["id"], "made_with_stolen_card")


async def test_no_refund_is_made_on_top_of_a_chargeback_and_after_a_win_a_person_has_it_made(bank: Bank) -> None:
    desk = bank.desk
    await bank.opens()
    await desk.refund()
    await desk.work()
    assert await new_story(desk) == ["ChargebackOpened", "RefundWithheld"]
    again = await post(desk, f"refunds/{refund_id()}/retry")
    assert (again.status_code, again.json()["code"]) == (httpx.codes.UNPROCESSABLE_ENTITY, "charge_disputed")
    await bank.decides(won=True)
    for _ in range(2):
        again = await post(desk, f"refunds/{refund_id()}/retry", key="k2")
        assert (again.status_code, again.json()["attempt"]) == (httpx.codes.ACCEPTED, 2)
    await desk.work()
    assert (await desk.story())[-2:] == ["RefundRequested", "RefundSucceeded"]
    assert await desk.balance("refunds:payable") == 0
    await assert_books_agree(desk)


async def test_a_refund_that_stripe_refuses_for_a_chargeback_is_settled_by_its_loss(bank: Bank) -> None:
    desk = bank.desk
    await desk.twin.open_dispute(await desk.intent_id())
    await desk.refund(1_500)  # before the news of it came
    await desk.work()
    shown = (await desk.shown())["refunds"]
    assert [(each["status"], each["failure_code"]) for each in shown] == [("failed", "charge_disputed")]
    bank.dispute_id = (await chargeback_of(desk))["dispute_id"]
    await bank.decides(won=False)
    assert [each["status"] for each in (await desk.shown())["refunds"]] == ["settled"]
    assert (await chargeback_of(desk))["to_cover_minor"] == await desk.balance("receivable:chargebacks") == 2_500
    assert await desk.balance("refunds:payable") == 0
    await assert_books_agree(desk)


async def test_a_refund_that_bounced_is_made_again_and_the_first_one_stays_failed(paid: Desk) -> None:
    await paid.refund()
    await paid.work()
    [first] = paid.twin.world.refunds.all("platform")
    await paid.twin.fail_refund(first.id)
    await paid.work()
    assert (await paid.story())[-1] == "RefundFailed"
    assert await paid.balance("refunds:payable") == -4_000
    await assert_books_agree(paid)
    await post(paid, f"refunds/{refund_id()}/retry")
    await paid.work()
    assert [(each["status"], each["attempt"]) for each in (await paid.shown())["refunds"]] == [("succeeded", 2)]
    assert await paid.balance("refunds:payable") == 0
    await assert_books_agree(paid)


async def test_a_retry_without_an_answer_is_looked_up_by_its_own_attempt(paid: Desk) -> None:
    await paid.refund()
    await paid.work()
    [first] = paid.twin.world.refunds.all("platform")
    await paid.twin.fail_refund(first.id)
    await paid.work()
    await paid.twin.fault("refunds.create", "timeout_after_effect")
    await post(paid, f"refunds/{refund_id()}/retry")
    await paid.work()
    await paid.later()
    assert [each.status for each in paid.twin.world.refunds.all("platform")] == ["failed", "succeeded"]
    assert (await paid.shown())["status"] == "refunded"
    await assert_books_agree(paid)
