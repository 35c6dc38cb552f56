"""An entry balances in every currency, on accounts that exist."""

from __future__ import annotations

import pytest

from libs.ledger import chart
from libs.ledger.errors import Rejected
from libs.ledger.journal import Posting, check, entry, transfer


def test_an_entry_has_debits_positive_credits_negative_and_no_zero_lines() -> None:
    postings = entry(
        "USD",
        debit={chart.ESCROW_HELD: 100},
        credit={chart.seller_available("ann"): 100, chart.REVENUE_COMMISSION: 0},
    )
    assert postings == (Posting("escrow:held", "USD", 100), Posting("seller:ann:available", "USD", -100))
    check(postings)


@pytest.mark.parametrize(
    ("postings", "code"),
    [
        ([Posting("escrow:held", "USD", 1)], "unbalanced"),
        ([Posting("escrow:held", "USD", 1), Posting("refunds:payable", "EUR", -1)], "unbalanced"),
        ([Posting("escrow:helt", "USD", 1)], "unknown_account"),
        ([Posting("seller:a,b:available", "USD", 1)], "unknown_account"),
        ([Posting("escrow:held", "XYZ", 1)], "unknown_currency"),
        ([Posting("escrow:held", "USD", 0)], "bad_amount"),
        ([Posting("escrow:held", "USD", 1.0)], "bad_amount"),  # type: ignore[arg-type]  # what is refused
        ([Posting("escrow:held", "USD", True)], "bad_amount"),
    ],
)
def test_what_breaks_the_law_is_refused_with_its_code(postings: list[Posting], code: str) -> None:
    with pytest.raises(Rejected) as refused:
        check(postings)
    assert refused.value.code == code


@pytest.mark.parametrize(
    ("account", "kind", "sign"),
    [
        ("stripe:platform", "asset", 0),
        ("stripe:connected:ann", "asset", 0),
        ("chain:8453:escrow", "asset", 1),
        ("receivable:seller:ann", "asset", 1),
        ("seller:ann.b_c@shop-1:available", "liability", -1),
        ("payouts:in_transit", "liability", -1),
        ("revenue:commission", "income", 0),
        ("expense:gas", "expense", 0),
    ],
)
def test_the_chart_says_what_an_account_is_and_on_which_side_it_stays(account: str, kind: str, sign: int) -> None:
    assert (chart.rule(account).kind, chart.rule(account).sign) == (kind, sign)


def test_a_transfer_balances() -> None:
    check(transfer("JPY", 5, debit=chart.STRIPE_PLATFORM, credit=chart.FUNDS_UNALLOCATED))
