"""Commands on an escrow, each one append; those that may touch a seller's money are told how much of it there is."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final
from uuid import UUID

from libs.eventstore.execute import Done, Executor, Step
from libs.eventstore.model import Key, Meta
from libs.eventstore.store import Store
from libs.ledger import chart
from libs.ledger.errors import Conflict, Overdrawn
from libs.ledger.personal import FreeText, of_order
from services.escrow.domain import ESCROW
from services.escrow.domain.commands import Command
from services.escrow.domain.state import State

OVERDRAWN_MAX: Final = 5

Balances = Mapping[str, int]
"""What we owe each seller now, in the escrow's currency."""


class Steps:
    """All raise what `Executor.run` raises."""

    def __init__(self, executor: Executor, store: Store) -> None:
        self._executor = executor
        self._store = store

    async def state(self, escrow_id: UUID) -> State:
        state: State = await self._executor.state(ESCROW, escrow_id)
        return state

    async def run(self, escrow_id: UUID, command: Command, meta: Meta, key: Key | None = None) -> Done:
        return await self._executor.run(Step(ESCROW, escrow_id, command), meta=meta, key=key)

    async def run_with_balances(
        self, escrow_id: UUID, command: Callable[[Balances], Command], meta: Meta, key: Key
    ) -> Done:
        """Looked at and taken are two moments, and a payout may claim the money between them: then look again.

        Raises `Conflict` when others kept claiming it.
        """
        for _ in range(OVERDRAWN_MAX):
            balances = await self._balances(escrow_id)
            try:
                return await self.run(escrow_id, command(balances), meta, key)
            except Overdrawn as shortage:
                if shortage.fields["account"] not in map(chart.seller_available, balances):
                    raise
        raise Conflict("Others kept claiming the sellers' money; try again.", escrow_id=escrow_id)

    async def _balances(self, escrow_id: UUID) -> Balances:
        state = await self.state(escrow_id)
        if state.held is None:
            return {}
        currency = state.held.currency
        return {seller: -await self._store.balance(chart.seller_available(seller), currency) for seller in state.shares}


def typed(text: str, author: str, order_id: str) -> FreeText:
    """It belongs to its author, and to the order: a shop's words about a buyer must go when the buyer is forgotten."""
    return FreeText(text, (author, of_order(order_id)))
