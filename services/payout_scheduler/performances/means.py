"""What all performances work with."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from libs.eventstore.execute import Done, Executor, Step
from libs.eventstore.model import Meta
from libs.eventstore.worklist import Item
from libs.ledger.decider import Decider
from libs.settings.live import LiveSettings
from services.payout_scheduler import work
from services.payout_scheduler.domain.seller import SELLER, SellerState, seller_id
from services.payout_scheduler.handlers.bank import Bank
from services.payout_scheduler.views.reads import Views

ACTOR: Final = "payout_scheduler"


@dataclass(frozen=True, slots=True)
class Means:
    executor: Executor
    bank: Bank
    views: Views
    settings: LiveSettings
    book: int
    clock: Callable[[], datetime]

    async def seller(self, seller: str) -> SellerState:
        """As it is now; without a name if nobody registered it."""
        state: SellerState = await self.executor.state(SELLER, seller_id(self.book, seller))
        return state

    async def state(self, decider: Decider[Any, Any, Any], item: Item) -> Any:
        """Of the stream that the work is of."""
        return await self.executor.state(decider, item.subject)

    async def record(self, item: Item, *steps: Step) -> Done:
        meta = Meta(ACTOR, correlation_id=item.data["correlation_id"], causation_id=item.data["causation_id"])
        return await self.executor.run(*steps, meta=meta)


def repeats(item: Item) -> bool:
    """Whether an earlier call may have had its effect."""
    return item.attempts > 1 or item.kind in work.RESOLVE_KINDS
