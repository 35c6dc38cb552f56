"""What an auditor leafs through: what was told to whom."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from libs.eventstore.ledger import Ledger
from libs.eventstore.pool import availability
from libs.ledger.errors import NotFound
from services.audit.handlers.messages import SQL


@dataclass(frozen=True, slots=True)
class Kept:
    """A message as it was announced; `body` is the envelope's JSON text."""

    id: str
    type: str
    subject: str
    position: int | None
    received_at: datetime
    body: str


class Views:
    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger

    async def messages(self, subject: str | None, after: str | None, limit: int) -> list[Kept]:
        """Messages of one subject, or of all, in the order in which they came, after the one with the id `after`.

        Raises `NotFound` (`unknown_message`) when there is none with that id.
        """
        with availability():
            if after is not None and not await self._ledger.pool.fetchval(SQL.has_message, after):
                raise NotFound(
                    f"No message {after!r} was kept; take the id of the last one shown.", code="unknown_message"
                )
            return [Kept(*row.values()) for row in await self._ledger.pool.fetch(SQL.messages, subject, after, limit)]
