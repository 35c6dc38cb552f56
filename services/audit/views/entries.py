"""Read model of statements: every posting with the balance that it left, account by account."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

from libs.eventstore import queries
from libs.eventstore.model import Recorded
from libs.eventstore.projector import Projection

NAME: Final = "account_entries"
SQL: Final = queries.load(Path(__file__).parents[1] / "sql" / "entries.sql")


def projection() -> Projection:
    return Projection(NAME, {NAME: ()}, None, apply, apply_range)


async def apply_range(connection: Any, book: int, after: int, through: int) -> None:
    """Add the postings of these positions, within PostgreSQL: no event travels to this process and back."""
    await connection.execute(SQL.follow, book, after, through)


async def apply(connection: Any, events: Sequence[Recorded]) -> None:
    """The same for events at hand; they must be all of a stretch of the log, as every reader of all kinds has them."""
    await apply_range(connection, events[0].book, events[0].position - 1, events[-1].position)
