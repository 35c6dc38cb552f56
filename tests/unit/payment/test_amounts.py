"""Which amounts Stripe charges, in the currencies that we know."""

from __future__ import annotations

from dataclasses import replace

import pytest

from libs.ledger.money import CURRENCIES
from services.payment.domain import events as e
from services.payment.domain.amounts import CHARGE_LEAST, from_stripe, refusal, to_stripe
from services.payment.domain.order import Limits, Line
from tests.unit.payment.given import ORDER, PLACE, after

FIAT = [code for code, currency in CURRENCIES.items() if currency.kind == "fiat"]


@pytest.mark.parametrize(
    ("amount_minor", "currency", "code"),
    [
        (49, "USD", "amount_below_charge_minimum"),
        (50, "USD", None),
        (29, "GBP", "amount_below_charge_minimum"),
        (17_499, "HUF", "amount_below_charge_minimum"),
        (17_500, "HUF", None),
        (17_501, "HUF", None),  # a payout would take whole forints only, a charge takes fillér
        (49, "JPY", "amount_below_charge_minimum"),
        (50, "JPY", None),
        (1, "CNY", None),  # Stripe publishes no minimum of it
        (0, "CNY", "amount_below_charge_minimum"),
        (99_999_999, "EUR", None),
        (100_000_000, "EUR", "amount_above_charge_maximum"),
        (99_999_999, "JPY", None),
        (100_000_000, "INR", None),
        (1_000_000_000, "INR", "amount_above_charge_maximum"),
        (5_120, "KWD", None),
        (5_124, "KWD", "amount_not_chargeable"),
        (999_999, "UGX", None),
        (1_000_000, "UGX", "amount_above_charge_maximum"),  # nine digits as Stripe writes it
    ],
)
def test_an_amount_that_stripe_would_not_charge_has_a_code(amount_minor: int, currency: str, code: str | None) -> None:
    refused = refusal(amount_minor, currency)
    assert (refused and refused[0]) == code


def test_a_shilling_is_written_with_two_decimals_of_nothing_and_others_as_they_are() -> None:
    assert to_stripe(5, "UGX") == 500
    assert (to_stripe(5, "JPY"), to_stripe(5, "HUF"), to_stripe(5_120, "KWD")) == (5, 5, 5_120)


@pytest.mark.parametrize("currency", FIAT)
def test_every_currency_has_amounts_that_can_be_charged_and_come_back_as_they_went(currency: str) -> None:
    amount_minor = max(CHARGE_LEAST.get(currency, 0), 1_000)
    assert refusal(amount_minor, currency) is None
    assert from_stripe(to_stripe(amount_minor, currency), currency) == amount_minor


def test_every_published_minimum_is_of_a_currency_that_we_know() -> None:
    assert set(FIAT) >= CHARGE_LEAST.keys()


def test_an_order_that_stripe_would_not_charge_is_refused_before_any_call() -> None:
    lines = (Line(seller="s1", category="books", amount_minor=5_001),)
    limits = Limits(amount_min_minor=0, amount_max_minor=10**9)
    [refused] = after([], replace(PLACE, order=replace(ORDER, currency="KWD", lines=lines), limits=limits))
    assert isinstance(refused, e.OrderRejected)
    assert refused.code == "amount_not_chargeable"
