"""What the events of an escrow come to: an allocation's share of it, and the escrow's state."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any, Final, Literal
from uuid import UUID

from services.escrow.domain import events as e
from services.escrow.domain.allocation import Allocation
from services.escrow.domain.facts import Fact
from services.escrow.domain.money import Money, Part

ShareStatus = Literal["held", "pending_release", "disputed", "released", "refunded"]
AT_THE_BANK: Final = frozenset[e.FreezeCause]({"inquiry", "chargeback"})
"""The buyer's bank decides, and nobody here may move the money before that."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Freeze:
    """One cause that holds an allocation still; `reserved_minor` is what it keeps back of what we owe the seller."""

    cause: e.FreezeCause
    reserved_minor: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Share:
    """An allocation and what became of it.

    Facts about it are kept side by side and the status follows from them, so that the order in which they were heard
    does not matter. With nothing held any more, no timer and no dispute is left of it; only the bank may still come.
    """

    allocation: Allocation
    money: Money
    release_at: datetime | None = None
    auto_confirmed: bool = False
    disputed: bool = False
    freezes: Mapping[str, Freeze] = field(default_factory=dict)

    @property
    def seller(self) -> str:
        return self.allocation.seller

    @property
    def status(self) -> ShareStatus:
        if self.disputed or self.at_the_bank:
            return "disputed"
        if self.money.held_minor:
            return "held" if self.release_at is None else "pending_release"
        return "released" if self.money.kept_minor else "refunded"

    @property
    def at_the_bank(self) -> str | None:
        """The id of the inquiry or chargeback that freezes it."""
        return next((cause_id for cause_id, freeze in self.freezes.items() if freeze.cause in AT_THE_BANK), None)

    @property
    def releasable(self) -> bool:
        return bool(self.money.held_minor) and not self.disputed and not self.freezes

    @property
    def all_released(self) -> bool:
        return not self.money.held_minor and bool(self.money.kept_minor)

    @property
    def reserved_minor(self) -> int:
        return sum(freeze.reserved_minor for freeze in self.freezes.values())

    def is_improved_by(self, release_at: datetime, *, auto: bool) -> bool:
        """Whether this delivery is the one that counts: the earliest, and of two at once the one that somebody saw."""
        return self.release_at is None or (release_at, auto) < (self.release_at, self.auto_confirmed)

    def with_money(self, money: Money) -> Share:
        if money.held_minor:
            return replace(self, money=money)
        return replace(self, money=money, release_at=None, auto_confirmed=False, disputed=False)

    def with_freeze(self, cause_id: str, freeze: Freeze) -> Share:
        return replace(self, freezes={**self.freezes, cause_id: freeze})

    def with_reserve(self, cause_id: str, more_minor: int) -> Share:
        freeze = self.freezes[cause_id]
        return self.with_freeze(cause_id, replace(freeze, reserved_minor=freeze.reserved_minor + more_minor))

    def without_freeze(self, cause_id: str) -> Share:
        return replace(self, freezes={key: freeze for key, freeze in self.freezes.items() if key != cause_id})


@dataclass(frozen=True, slots=True, kw_only=True)
class Clawback:
    """Money on its way back from a seller. `owed` is what the buyer is refunded of it, once it is back."""

    seller: str
    cause: e.Cause
    cause_id: UUID
    owed: Part


@dataclass(frozen=True, slots=True, kw_only=True)
class State:
    """`held` is None until there is money; what is heard before that waits in `noted`. Shares are by seller.

    `refunds` counts them, `clawbacks` are those under way, and `ended` tells of freezes that are over how they ended:
    their beginning may be heard later.
    """

    held: e.FundsHeld | None = None
    shares: Mapping[str, Share] = field(default_factory=dict)
    noted: tuple[Fact, ...] = ()
    refunds: int = 0
    clawbacks: Mapping[UUID, Clawback] = field(default_factory=dict)
    ended: Mapping[str, str] = field(default_factory=dict)

    @property
    def status(self) -> e.Status:
        """The escrow's status, from its shares: a dispute shows before all else, RELEASED means nothing is held."""
        shares = self.shares.values()
        if any(share.status == "disputed" for share in shares):
            return "DISPUTED"
        still_held = {share.status for share in shares if share.money.held_minor}
        with_sellers = any(share.money.kept_minor for share in shares)
        if not still_held:
            return "RELEASED" if with_sellers else "REFUNDED"
        if with_sellers:
            return "PARTIALLY_RELEASED"
        return "PENDING_RELEASE" if still_held == {"pending_release"} else "HELD"

    def frozen_by(self, cause_id: str) -> list[Share]:
        return [share for share in self.shares.values() if cause_id in share.freezes]

    def with_share(self, share: Share) -> State:
        return replace(self, shares={**self.shares, share.seller: share})

    def with_shares(self, sellers: Iterable[str], **changes: Any) -> State:
        changed = {seller: replace(self.shares[seller], **changes) for seller in sellers}
        return replace(self, shares={**self.shares, **changed})

    def with_clawback(self, clawback_id: UUID, clawback: Clawback) -> State:
        return replace(self, clawbacks={**self.clawbacks, clawback_id: clawback})

    def without_clawback(self, clawback_id: UUID) -> State:
        return replace(self, clawbacks={key: each for key, each in self.clawbacks.items() if key != clawback_id})
