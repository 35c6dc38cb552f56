"""What the events of an escrow come to."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Final, Literal

from services.escrow.domain import events as e
from services.escrow.domain.allocation import Allocation
from services.escrow.domain.facts import AUTO_CONFIRMED, Fact

ShareStatus = Literal["held", "pending_release", "disputed", "released", "refunded"]
OPEN: Final = frozenset[ShareStatus]({"held", "pending_release", "disputed"})
"""The money is still in escrow."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Share:
    """An allocation and what became of it.

    Facts about it are kept side by side and the status follows from them, so that the order in which they were heard
    does not matter. A settled share keeps none of them: nothing more will happen to it.
    """

    allocation: Allocation
    release_at: datetime | None = None
    auto_confirmed: bool = False
    disputed: bool = False
    outcome: Literal["released", "refunded"] | None = None

    @property
    def status(self) -> ShareStatus:
        if self.outcome is not None:
            return self.outcome
        if self.disputed:
            return "disputed"
        return "held" if self.release_at is None else "pending_release"

    def is_improved_by(self, release_at: datetime, *, auto: bool) -> bool:
        """Whether this delivery is the one that counts: the earliest, and of two at once the one that somebody saw."""
        return self.release_at is None or (release_at, auto) < (self.release_at, self.auto_confirmed)


@dataclass(frozen=True, slots=True, kw_only=True)
class State:
    """`held` is None until there is money; what is heard before that waits in `noted`. Shares are by seller."""

    held: e.FundsHeld | None = None
    shares: Mapping[str, Share] = field(default_factory=dict)
    noted: tuple[Fact, ...] = ()
    refunds: int = 0

    @property
    def status(self) -> e.Status:
        """The escrow's status, from its shares: a dispute shows before all else, RELEASED means nothing is left."""
        statuses = {share.status for share in self.shares.values()}
        still_open = statuses & OPEN
        if "disputed" in statuses:
            return "DISPUTED"
        if not still_open:
            return "RELEASED" if "released" in statuses else "REFUNDED"
        if "released" in statuses:
            return "PARTIALLY_RELEASED"
        return "PENDING_RELEASE" if still_open == {"pending_release"} else "HELD"

    def with_shares(self, sellers: Iterable[str], **changes: object) -> State:
        changed = {seller: replace(self.shares[seller], **changes) for seller in sellers}  # type: ignore[arg-type] # fields of Share
        return replace(self, shares={**self.shares, **changed})

    def settled(self, sellers: Iterable[str], outcome: Literal["released", "refunded"]) -> State:
        shares = {seller: Share(allocation=self.shares[seller].allocation, outcome=outcome) for seller in sellers}
        return replace(self, shares={**self.shares, **shares})


def evolve(state: State, event: e.EscrowEvent) -> State:  # noqa: PLR0911 - one case an event
    match event:
        case e.FactNoted(fact=fact):
            return replace(state, noted=(*state.noted, fact))
        case e.FundsHeld():
            return State(held=event, shares={a.seller: Share(allocation=a) for a in event.allocations})
        case e.DeliveryConfirmed(sellers=sellers, release_at=release_at, confirmation=confirmation):
            auto_confirmed = confirmation == AUTO_CONFIRMED
            return state.with_shares(sellers, release_at=release_at, auto_confirmed=auto_confirmed)
        case e.DisputeOpened(sellers=sellers):
            return state.with_shares(sellers, disputed=True)
        case e.AllocationReleased(seller=seller):
            return state.settled([seller], "released")
        case e.EscrowRefunded(sellers=sellers):
            return replace(state.settled(sellers, "refunded"), refunds=state.refunds + 1)
        case _:  # FactRefused
            return state
