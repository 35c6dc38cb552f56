"""The form of a row of the table: a story as data, and all that it must have come to."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from libs.devstack.stripe_twin.books import PLATFORM
from libs.devstack.stripe_twin.objects.account import Account
from libs.devstack.stripe_twin.objects.charge import Charge
from libs.devstack.stripe_twin.objects.dispute import Dispute
from libs.devstack.stripe_twin.objects.payout import Payout
from libs.devstack.stripe_twin.objects.refund import Refund
from tests.integration.cards.market import Market


@dataclass
class Case:
    """One row as it is played in a market that other rows use too: with an order and sellers of its own.

    Rows call sellers by short names; outside, the order's id is behind them.
    """

    market: Market
    order: str
    """Further orders of the row have its id and a dot in front."""

    def seller(self, name: str) -> str:
        return f"{name}-of-{self.order}"

    def short(self, text: str) -> str:
        """A text with its sellers called as the row calls them."""
        return re.sub(rf"-of-{re.escape(self.order)}\b", "", text)

    def is_mine(self, order_id: str | None) -> bool:
        return order_id == self.order or bool(order_id and order_id.startswith(f"{self.order}."))

    # -- the twin's objects of this row

    def charges(self) -> list[Charge]:
        return [
            charge for charge in self.market.twin.world.charges.all(PLATFORM) if self.is_mine(charge.transfer_group)
        ]

    def refunds(self) -> list[Refund]:
        refunds = self.market.twin.world.refunds
        return [refund for charge in self.charges() for refund in refunds.where(PLATFORM, "charge", charge.id)]

    def disputes(self) -> list[Dispute]:
        disputes = self.market.twin.world.disputes
        return [dispute for charge in self.charges() for dispute in disputes.where(PLATFORM, "charge", charge.id)]

    def accounts(self) -> list[tuple[str, Account]]:
        """Every account of this row's sellers, with the seller's short name."""
        found = self.market.twin.world.accounts
        return [
            (name.removesuffix(suffix), account)
            for account in found
            if (name := account.metadata.get("seller", "")).endswith(suffix := f"-of-{self.order}")
        ]

    def payouts(self) -> list[tuple[str, Payout]]:
        payouts = self.market.twin.world.payouts
        return [(name, payout) for name, account in self.accounts() for payout in payouts.all(account.id)]


Act = Callable[[Case], Awaitable[object]]


@dataclass(frozen=True, kw_only=True)
class Row:
    """A scenario. Amounts are minor units; what is zero or missing is left out.

    `stripe`: the twin's money of this order (see `looks.at_stripe`). `journal`: the ledger's postings of this order and
    its sellers, summed by account, debits positive. `told`: types of messages, in order. `shown`: what HTTP shows, by
    path (`payment.status`, `seller:ann.waiting.0.status`). `dead`: codes of messages that nobody could handle.
    `at_stripe_too`: needs nothing that only a twin can do.
    """

    name: str
    acts: tuple[Act, ...]
    stripe: Mapping[str, int] = field(default_factory=dict)
    journal: Mapping[str, int] = field(default_factory=dict)
    told: str = ""
    shown: Mapping[str, Any] = field(default_factory=dict)
    dead: tuple[str, ...] = ()
    at_stripe_too: bool = False

    def comes_to(self) -> dict[str, Any]:
        """All that is looked at, as it has to be."""
        return {
            "told": self.told.split(),
            "stripe": dict(self.stripe),
            "journal": dict(self.journal),
            "shown": dict(self.shown),
            "dead": self.dead,
        }
