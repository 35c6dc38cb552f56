from __future__ import annotations

import pytest

from services.payout_scheduler.domain.amounts import from_stripe, payable_step_minor, to_stripe


@pytest.mark.parametrize(("currency", "amount"), [("UGX", 500), ("JPY", 5), ("USD", 5), ("KWD", 5), ("HUF", 5)])
def test_stripe_writes_two_decimals_of_a_currency_that_lost_them(currency: str, amount: int) -> None:
    assert to_stripe(5, currency) == amount
    assert from_stripe(amount, currency) == 5


@pytest.mark.parametrize(("currency", "step"), [("HUF", 100), ("TWD", 100), ("KWD", 1), ("JPY", 1), ("USD", 1)])
def test_some_currencies_are_paid_out_whole(currency: str, step: int) -> None:
    assert payable_step_minor(currency) == step
