"""The chart of accounts: which accounts exist, what they are, and which may be overdrawn (design: money.md)."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from typing import Final, Literal

from libs.ledger.errors import Rejected

Kind = Literal["asset", "liability", "income", "expense"]

FUNDS_UNALLOCATED: Final = "funds:unallocated"
ESCROW_HELD: Final = "escrow:held"
PAYOUTS_IN_TRANSIT: Final = "payouts:in_transit"
REFUNDS_PAYABLE: Final = "refunds:payable"
REVENUE_COMMISSION: Final = "revenue:commission"
RECEIVABLE_CHARGEBACKS: Final = "receivable:chargebacks"
EXPENSE_CHARGEBACKS: Final = "expense:chargebacks"
EXPENSE_PROCESSOR_FEES: Final = "expense:processor_fees"
STRIPE_PLATFORM: Final = "stripe:platform"


def stripe_connected(seller: str) -> str:
    """What Stripe holds for a seller after a transfer."""
    return f"stripe:connected:{seller}"


def seller_available(seller: str) -> str:
    """What we owe a seller and may pay out now."""
    return f"seller:{seller}:available"


def seller_reserved(seller: str) -> str:
    """What we owe a seller and keep back while a chargeback is open."""
    return f"seller:{seller}:reserved"


def receivable_seller(seller: str) -> str:
    """What a seller owes us: taken back after the seller had been paid."""
    return f"receivable:seller:{seller}"


@dataclass(frozen=True, slots=True)
class Rule:
    """One line of the chart. `pattern` has `{}` where a name stands; a name is letters, digits and `_.@-`."""

    pattern: str
    kind: Kind
    may_overdraw: bool = False

    @property
    def sign(self) -> int:
        """Side on which the balance must stay: 1 debit (asset, expense), -1 credit, 0 when both are allowed."""
        if self.may_overdraw:
            return 0
        return 1 if self.kind in ("asset", "expense") else -1

    @property
    def regex(self) -> str:
        """The pattern as a regular expression that Python and PostgreSQL read alike."""
        return "^" + self.pattern.replace("{}", "[A-Za-z0-9_.@-]+") + "$"


CHART: Final = (
    Rule("stripe:platform", "asset", may_overdraw=True),  # Stripe decides
    Rule("stripe:connected:{}", "asset", may_overdraw=True),
    Rule("chain:{}:escrow", "asset"),
    Rule("chain:{}:treasury", "asset"),
    Rule("receivable:seller:{}", "asset"),
    Rule("receivable:chargebacks", "asset"),
    Rule("funds:unallocated", "liability"),
    Rule("escrow:held", "liability"),
    Rule("seller:{}:available", "liability"),
    Rule("seller:{}:reserved", "liability"),
    Rule("payouts:in_transit", "liability"),
    Rule("refunds:payable", "liability"),
    Rule("revenue:commission", "income", may_overdraw=True),
    Rule("revenue:shipping", "income", may_overdraw=True),
    Rule("revenue:advertising", "income", may_overdraw=True),
    Rule("expense:processor_fees", "expense", may_overdraw=True),
    Rule("expense:chargebacks", "expense", may_overdraw=True),
    Rule("expense:gas", "expense", may_overdraw=True),
)

_matchers: Final[tuple[tuple[Callable[[str], object], Rule], ...]] = tuple(
    (re.compile(rule.regex).fullmatch, rule) for rule in CHART
)


@lru_cache(maxsize=65_536)
def rule(account: str) -> Rule:
    """The chart's line for an account; raises `Rejected` (`unknown_account`) where there is none."""
    for matches, found in _matchers:
        if matches(account):
            return found
    raise Rejected(f"{account!r} is not in the chart of accounts.", code="unknown_account", account=account)
