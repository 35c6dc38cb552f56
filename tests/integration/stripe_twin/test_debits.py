"""Bank debits: days of processing, and a bank that may say no, then or later."""

from typing import Any

import pytest
import stripe

from libs.devstack.stripe_twin import TwinControlError
from tests.integration.stripe_twin.desk import DAY_SECONDS, Desk

_ACCEPTED: Any = {"customer_acceptance": {"type": "offline"}}


async def _debit(desk: Desk, method: str = "pm_usBankAccount_success", currency: str = "usd") -> stripe.PaymentIntent:
    return await desk.intent(
        10_000, currency, confirm=True, payment_method=method, mandate_data=_ACCEPTED,
        automatic_payment_methods={"enabled": True, "allow_redirects": "never"},
    )  # fmt: skip


async def _now(desk: Desk, intent: stripe.PaymentIntent) -> stripe.PaymentIntent:
    return await desk.api.v1.payment_intents.retrieve_async(intent.id, {"expand": ["latest_charge"]})


@pytest.mark.parametrize(("method", "currency"), [("pm_usBankAccount_success", "usd"), ("pm_success_de", "eur")])
async def test_a_debit_is_processed_for_days_and_then_paid(desk: Desk, method: str, currency: str) -> None:
    intent = await _debit(desk, method, currency)
    assert intent.status == "processing"
    pending = (await _now(desk, intent)).latest_charge
    assert isinstance(pending, stripe.Charge)
    assert (pending.status, pending.paid, pending.balance_transaction) == ("pending", False, None)
    with pytest.raises(stripe.InvalidRequestError, match="not successful"):
        await desk.api.v1.refunds.create_async({"payment_intent": intent.id})

    await desk.twin.advance(4 * DAY_SECONDS)

    paid = await _now(desk, intent)
    assert (paid.status, paid.amount_received) == ("succeeded", 10_000)
    assert isinstance(paid.latest_charge, stripe.Charge)
    line = await desk.api.v1.balance_transactions.retrieve_async(str(paid.latest_charge.balance_transaction))
    assert (line.type, line.amount, line.source) == ("payment", 10_000, pending.id)
    assert pending.id.startswith("py_")
    assert (await desk.event_types())[-5:] == [
        "payment_intent.created",
        "charge.pending",
        "payment_intent.processing",
        "charge.succeeded",
        "payment_intent.succeeded",
    ]


@pytest.mark.parametrize(
    ("method", "currency", "code"),
    [
        ("pm_usBankAccount_insufficientFunds", "usd", "insufficient_funds"),
        ("pm_usBankAccount_accountClosed", "usd", "account_closed"),
        ("pm_failed_de", "eur", "bank_account_declined"),
    ],
)
async def test_a_debit_that_the_bank_refuses_leaves_the_intent_to_another_method(
    desk: Desk, method: str, currency: str, code: str
) -> None:
    intent = await _debit(desk, method, currency)
    await desk.twin.advance(4 * DAY_SECONDS)
    failed = await _now(desk, intent)
    assert failed.status == "requires_payment_method"
    assert failed.last_payment_error
    assert failed.last_payment_error.code == "payment_intent_payment_attempt_failed"
    assert isinstance(failed.latest_charge, stripe.Charge)
    assert (failed.latest_charge.status, failed.latest_charge.failure_code) == ("failed", code)
    assert (await desk.event_types())[-2:] == ["charge.failed", "payment_intent.payment_failed"]
    if currency == "usd":
        assert (await desk.twin.confirm(intent.id))["status"] == "succeeded"


async def test_a_debit_may_be_taken_back_after_it_was_paid_and_nothing_can_be_said_against_it(desk: Desk) -> None:
    intent = await _debit(desk, "pm_usBankAccount_dispute")
    await desk.twin.advance(4 * DAY_SECONDS)
    assert (await _now(desk, intent)).status == "succeeded"
    [dispute] = (await desk.api.v1.disputes.list_async({"payment_intent": intent.id})).data
    assert (dispute.status, dispute.reason, dispute.evidence_details.due_by) == ("lost", "debit_not_authorized", None)
    assert (await desk.balance())[1] == -320 - 1_500
    assert (await desk.event_types())[-3:] == [
        "charge.dispute.created",
        "charge.dispute.funds_withdrawn",
        "charge.dispute.closed",
    ]
    with pytest.raises(TwinControlError, match="undisputed"):
        await desk.twin.open_dispute(intent.id)


async def test_a_processing_intent_can_be_neither_canceled_nor_paid_again(desk: Desk) -> None:
    intent = await _debit(desk, "pm_usBankAccount_processing")
    await desk.twin.advance(90 * DAY_SECONDS)
    assert (await _now(desk, intent)).status == "processing"
    with pytest.raises(stripe.InvalidRequestError, match="status of processing") as refused:
        await desk.api.v1.payment_intents.cancel_async(intent.id)
    assert refused.value.code == "payment_intent_unexpected_state"
    with pytest.raises(stripe.InvalidRequestError, match="status of processing"):
        await desk.api.v1.payment_intents.confirm_async(intent.id, {"payment_method": "pm_card_visa"})


async def test_a_refund_of_a_debit_takes_days(desk: Desk) -> None:
    intent = await _debit(desk)
    await desk.twin.advance(4 * DAY_SECONDS)
    refund = await desk.api.v1.refunds.create_async({"payment_intent": intent.id, "amount": 4_000})
    assert (refund.status, refund.id[:4]) == ("pending", "pyr_")
    await desk.twin.advance(5 * DAY_SECONDS)
    assert (await desk.api.v1.refunds.retrieve_async(refund.id)).status == "succeeded"


async def test_a_debit_needs_its_currency_and_a_mandate(desk: Desk) -> None:
    with pytest.raises(stripe.InvalidRequestError, match="usd only"):
        await _debit(desk, "pm_usBankAccount_success", "eur")
    with pytest.raises(stripe.InvalidRequestError) as refused:
        await desk.intent(confirm=True, payment_method="pm_usBankAccount_success", return_url="https://shop.example")
    assert refused.value.param == "mandate_data"
    assert (await desk.api.v1.payment_intents.list_async()).data == []
    intent = await desk.intent()
    assert (await desk.twin.confirm(intent.id, "pm_usBankAccount_success"))["status"] == "processing"


@pytest.mark.parametrize(
    ("params", "last4"),
    [
        (
            {
                "type": "us_bank_account",
                "us_bank_account": {
                    "account_number": "000123456789",
                    "routing_number": "110000000",
                    "account_holder_type": "individual",
                },
            },
            "6789",
        ),
        ({"type": "sepa_debit", "sepa_debit": {"iban": "DE89 3704 0044 0532 0130 00"}}, "3000"),
    ],
)
async def test_a_bank_account_is_given_by_its_number(desk: Desk, params: Any, last4: str) -> None:
    method = await desk.api.v1.payment_methods.create_async(params)
    assert (method.type, method[method.type].last4) == (params["type"], last4)


async def test_a_bank_account_that_is_no_test_account_is_refused(desk: Desk) -> None:
    with pytest.raises(stripe.InvalidRequestError) as refused:
        await desk.api.v1.payment_methods.create_async(
            {"type": "sepa_debit", "sepa_debit": {"iban": "DE44500105175407324931"}}
        )
    assert (refused.value.code, refused.value.param) == ("twin_unmodelled", "sepa_debit[iban]")
