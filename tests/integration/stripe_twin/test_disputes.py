"""Disputes: what the bank takes, how it is answered, and how it ends (https://docs.stripe.com/testing#disputes)."""

from typing import Any

import pytest
import stripe

from libs.devstack.stripe_twin import TwinControlError
from tests.integration.stripe_twin.desk import DAY_SECONDS, SETTLED_SECONDS, Desk

_KEPT_MINOR = 10_000 - 320
_FEE_MINOR = 1_500


async def _disputed(desk: Desk, card: str = "pm_card_createDispute") -> stripe.Dispute:
    charge = await desk.paid(10_000, card=card)
    return (await desk.api.v1.disputes.list_async({"charge": charge.id})).data[0]


async def _now(desk: Desk, dispute: stripe.Dispute) -> stripe.Dispute:
    return await desk.api.v1.disputes.retrieve_async(dispute.id)


async def _answer(desk: Desk, dispute: stripe.Dispute, text: str, **more: Any) -> stripe.Dispute:
    params: Any = {"evidence": {"uncategorized_text": text}, **more}
    return await desk.api.v1.disputes.update_async(dispute.id, params)


@pytest.mark.parametrize(
    ("card", "reason", "network_code"),
    [
        ("pm_card_createDispute", "fraudulent", "10.4"),
        ("pm_card_createDisputeProductNotReceived", "product_not_received", "13.1"),
    ],
)
async def test_a_chargeback_takes_the_payment_and_a_fee_at_once(
    desk: Desk, card: str, reason: str, network_code: str
) -> None:
    dispute = await _disputed(desk, card)
    assert (dispute.status, dispute.reason, dispute.amount) == ("needs_response", reason, 10_000)
    assert dispute.id.startswith("du_")
    assert dispute.payment_method_details
    assert dispute.payment_method_details.card
    assert dispute.payment_method_details.card.case_type == "chargeback"
    assert dispute.payment_method_details.card.network_reason_code == network_code
    [withdrawal] = dispute.balance_transactions
    assert (withdrawal.type, withdrawal.amount, withdrawal.fee) == ("adjustment", -10_000, _FEE_MINOR)
    assert (withdrawal.reporting_category, withdrawal.source) == ("dispute", dispute.id)
    assert await desk.balance() == (0, _KEPT_MINOR - 10_000 - _FEE_MINOR)
    charge = await desk.api.v1.charges.retrieve_async(str(dispute.charge))
    assert charge.disputed
    assert (await desk.event_types())[-2:] == ["charge.dispute.created", "charge.dispute.funds_withdrawn"]


async def test_evidence_counts_until_the_end_of_the_eighth_day_and_then_it_is_lost(desk: Desk) -> None:
    dispute = await _disputed(desk)
    due_by = dispute.evidence_details.due_by
    assert due_by is not None
    assert (due_by + 1) % DAY_SECONDS == 0
    assert dispute.created + 8 * DAY_SECONDS <= due_by < dispute.created + 9 * DAY_SECONDS
    await desk.twin.set_clock(due_by)
    assert (await _now(desk, dispute)).status == "needs_response"
    await desk.twin.advance(1)
    lost = await _now(desk, dispute)
    assert (lost.status, lost.evidence_details.past_due) == ("lost", True)
    assert (await desk.event_types())[-1] == "charge.dispute.closed"


async def test_a_won_dispute_returns_the_payment_and_keeps_the_fee(desk: Desk) -> None:
    dispute = await _disputed(desk)
    answered = await _answer(desk, dispute, "winning_evidence")
    assert (answered.status, answered.evidence_details.submission_count) == ("under_review", 1)
    won = await _now(desk, dispute)
    assert (won.status, won.is_charge_refundable) == ("won", True)
    assert [(line.amount, line.fee, line.reporting_category) for line in won.balance_transactions] == [
        (-10_000, _FEE_MINOR, "dispute"),
        (10_000, 0, "dispute_reversal"),
    ]
    assert await desk.balance() == (0, _KEPT_MINOR - _FEE_MINOR)
    assert (await desk.event_types())[-3:] == [
        "charge.dispute.updated",
        "charge.dispute.closed",
        "charge.dispute.funds_reinstated",
    ]
    refund = await desk.api.v1.refunds.create_async({"charge": str(dispute.charge)})
    assert refund.status == "succeeded"


async def test_a_lost_dispute_keeps_everything(desk: Desk) -> None:
    dispute = await _disputed(desk)
    await _answer(desk, dispute, "losing_evidence")
    assert (await _now(desk, dispute)).status == "lost"
    await desk.twin.advance(SETTLED_SECONDS)
    assert await desk.balance() == (_KEPT_MINOR - 10_000 - _FEE_MINOR, 0)


async def test_evidence_may_be_staged_and_is_submitted_once(desk: Desk) -> None:
    dispute = await _disputed(desk)
    staged = await _answer(desk, dispute, "It was delivered.", submit=False, metadata={"chargeback": "c1"})
    assert (staged.status, staged.evidence_details.has_evidence) == ("needs_response", True)
    assert (staged.evidence_details.submission_count, staged.evidence.uncategorized_text) == (0, "It was delivered.")
    submitted = await desk.api.v1.disputes.update_async(dispute.id, {"submit": True})
    assert (submitted.status, submitted.evidence_details.submission_method) == ("under_review", "manual")
    with pytest.raises(stripe.InvalidRequestError, match="submitted once"):
        await _answer(desk, dispute, "And one more thing.")
    await desk.twin.advance(30 * DAY_SECONDS)
    assert (await _now(desk, dispute)).status == "under_review"
    await desk.twin.close_dispute(dispute.id, won=False)
    assert (await _now(desk, dispute)).status == "lost"


async def test_files_as_evidence_are_refused_rather_than_ignored(desk: Desk) -> None:
    dispute = await _disputed(desk)
    with pytest.raises(stripe.InvalidRequestError) as refused:
        await desk.api.v1.disputes.update_async(dispute.id, {"evidence": {"receipt": "file_1"}})
    assert (refused.value.code, refused.value.param) == ("twin_unmodelled", "evidence[receipt]")


async def test_an_accepted_dispute_is_lost_for_good(desk: Desk) -> None:
    dispute = await _disputed(desk)
    assert (await desk.api.v1.disputes.close_async(dispute.id)).status == "lost"
    for again in (desk.api.v1.disputes.close_async(dispute.id), _answer(desk, dispute, "winning_evidence")):
        with pytest.raises(stripe.InvalidRequestError, match="already closed"):
            await again


async def test_what_a_bank_took_back_cannot_be_refunded_besides(desk: Desk) -> None:
    dispute = await _disputed(desk)
    for _ in range(2):
        with pytest.raises(stripe.InvalidRequestError, match="has been charged back") as refused:
            await desk.api.v1.refunds.create_async({"charge": str(dispute.charge), "amount": 100})
        assert refused.value.code == "charge_disputed"
        if dispute.status == "needs_response":
            dispute = await desk.api.v1.disputes.close_async(dispute.id)


async def test_an_inquiry_takes_nothing_and_a_full_refund_answers_it(desk: Desk) -> None:
    inquiry = await _disputed(desk, "pm_card_createDisputeInquiry")
    assert (inquiry.status, inquiry.is_charge_refundable) == ("warning_needs_response", True)
    assert inquiry.balance_transactions == []
    assert await desk.balance() == (0, _KEPT_MINOR)
    await desk.api.v1.refunds.create_async({"charge": str(inquiry.charge), "amount": 4_000})
    assert (await _now(desk, inquiry)).status == "warning_needs_response"
    await desk.api.v1.refunds.create_async({"charge": str(inquiry.charge)})
    assert (await _now(desk, inquiry)).status == "warning_closed"


async def test_an_inquiry_that_nobody_follows_up_ends_after_120_days(desk: Desk) -> None:
    inquiry = await _disputed(desk, "pm_card_createDisputeInquiry")
    await desk.twin.advance(119 * DAY_SECONDS)
    late = await _now(desk, inquiry)
    assert (late.status, late.evidence_details.past_due) == ("warning_needs_response", True)
    await desk.twin.advance(DAY_SECONDS)
    assert (await _now(desk, inquiry)).status == "warning_closed"


async def test_an_inquiry_becomes_a_chargeback_of_the_whole_payment_whatever_was_refunded(desk: Desk) -> None:
    inquiry = await _disputed(desk, "pm_card_createDisputeInquiry")
    await desk.api.v1.refunds.create_async({"charge": str(inquiry.charge), "amount": 2_000})
    await desk.twin.advance(3 * DAY_SECONDS)
    answered = await _answer(desk, inquiry, "escalate_inquiry_evidence")
    assert answered.status == "warning_under_review"
    chargeback = await _now(desk, inquiry)
    assert (chargeback.id, chargeback.status, chargeback.amount) == (inquiry.id, "needs_response", 10_000)
    assert (chargeback.evidence_details.due_by or 0) - (inquiry.evidence_details.due_by or 0) == 3 * DAY_SECONDS
    assert await desk.balance() == (_KEPT_MINOR - 2_000 - 10_000 - _FEE_MINOR, 0)
    assert (await desk.event_types())[-2:] == ["charge.dispute.updated", "charge.dispute.funds_withdrawn"]
    assert (await _answer(desk, inquiry, "It was delivered.")).evidence_details.submission_count == 2


async def test_a_refund_on_its_way_fails_when_the_payment_is_charged_back(desk: Desk) -> None:
    charge = await desk.paid(10_000, card="pm_card_pendingRefund")
    refund = await desk.api.v1.refunds.create_async({"charge": charge.id, "amount": 4_000})
    await desk.twin.open_dispute(charge.id)
    await desk.twin.advance(5 * DAY_SECONDS)
    failed = await desk.api.v1.refunds.retrieve_async(refund.id)
    assert (failed.status, failed.failure_reason) == ("failed", "charge_for_pending_refund_disputed")
    assert await desk.balance() == (_KEPT_MINOR - 10_000 - _FEE_MINOR, 0)


async def test_a_part_of_any_payment_may_be_contested_by_control_and_never_more_than_it(desk: Desk) -> None:
    charge = await desk.paid(10_000)
    opened = await desk.twin.open_dispute(str(charge.payment_intent), 3_000, "product_not_received")
    assert (opened["charge"], opened["amount"], opened["reason"]) == (charge.id, 3_000, "product_not_received")
    with pytest.raises(TwinControlError, match="7000"):
        await desk.twin.open_dispute(charge.id, 7_001)
    inquiry = await desk.twin.open_dispute(charge.id, 7_000, inquiry=True)
    assert (await desk.twin.escalate_dispute(inquiry["id"]))["status"] == "needs_response"
    assert (await desk.twin.close_dispute(opened["id"], won=True))["status"] == "won"
    assert (await desk.twin.summary())["currencies"]["usd"]["disputed"] == 7_000
    with pytest.raises(TwinControlError, match="only an inquiry"):
        await desk.twin.escalate_dispute(inquiry["id"])
    with pytest.raises(TwinControlError, match="No such charge"):
        await desk.twin.open_dispute((await desk.intent()).id)


async def test_disputes_are_listed_by_charge_and_intent(desk: Desk) -> None:
    first, second = await _disputed(desk), await _disputed(desk)
    by_charge = await desk.api.v1.disputes.list_async({"charge": str(first.charge)})
    by_intent = await desk.api.v1.disputes.list_async({"payment_intent": str(second.payment_intent)})
    assert [[row.id for row in page.data] for page in (by_charge, by_intent)] == [[first.id], [second.id]]
    with pytest.raises(stripe.InvalidRequestError) as unknown:
        await desk.api.v1.disputes.retrieve_async("du_none")
    assert (unknown.value.code, unknown.value.param) == ("resource_missing", "dispute")


async def test_a_warning_of_fraud_calls_for_action_until_the_payment_is_refunded_or_disputed(desk: Desk) -> None:
    warnings = desk.api.v1.radar.early_fraud_warnings
    refunded, disputed = [await desk.paid(10_000, card="pm_card_createIssuerFraudRecord") for _ in range(2)]
    [warning] = (await warnings.list_async({"charge": refunded.id})).data
    assert (warning.actionable, warning.fraud_type, warning.payment_intent) == (True, "misc", refunded.payment_intent)
    assert "radar.early_fraud_warning.created" in await desk.event_types()
    await desk.api.v1.refunds.create_async({"charge": refunded.id, "amount": 9_999})
    assert (await warnings.retrieve_async(warning.id)).actionable
    await desk.api.v1.refunds.create_async({"charge": refunded.id})
    assert not (await warnings.retrieve_async(warning.id)).actionable
    await desk.twin.open_dispute(disputed.id)
    [other] = (await warnings.list_async({"payment_intent": str(disputed.payment_intent)})).data
    assert not other.actionable
    assert (await desk.event_types()).count("radar.early_fraud_warning.updated") == 2


async def test_a_warning_of_fraud_may_come_for_any_payment(desk: Desk) -> None:
    charge = await desk.paid()
    warned = await desk.twin.warn_of_fraud(charge.id, "made_with_stolen_card")
    found = await desk.api.v1.radar.early_fraud_warnings.retrieve_async(warned["id"], {"expand": ["charge"]})
    assert found.fraud_type == "made_with_stolen_card"
    assert isinstance(found.charge, stripe.Charge)
