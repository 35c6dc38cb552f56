"""Read model of statements: every posting with the balance that it left, account by account."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

from libs.eventstore import queries
from libs.eventstore.projector import RangeProjection, Write

NAME: Final = "account_entries"
SQL: Final = queries.load(Path(__file__).parents[1] / "sql" / "entries.sql")


def projection() -> RangeProjection:
    return RangeProjection(NAME, {NAME: ()}, _prepare)


async def _prepare(_connection: Any, book: int, after: int, through: int) -> Write:
    """Postings become entries within PostgreSQL: no event travels to this process and back."""

    async def write(connection: Any) -> None:
        await connection.execute(SQL.follow, book, after, through)

    return write
