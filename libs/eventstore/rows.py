"""Rows of a read model, gathered over a slice of the log and written with one statement for each kind of change.

A statement takes its rows as one JSON text, which PostgreSQL takes apart by the names and types of the columns. That
measured as fast as an array a column, and leaves no order of parameters to keep in step.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from pydantic_core import to_json

Key = tuple[Any, ...]
Row = dict[str, Any]


async def write(connection: Any, statement: str, rows: Collection[Any]) -> None:
    """Run a statement whose `$1` is a JSON array of rows, dictionaries or dataclasses; not without any row."""
    if rows:
        await connection.execute(statement, to_json(rows).decode())


class Rows:
    """What a slice makes of the rows of one table: each is written once, however many of its events changed it.

    `key` names the columns that identify a row. Values that nobody gave are null in the statement: `opening` puts in
    the defaults, and `changing` leaves the column as it is.
    """

    def __init__(self, *key: str, opening: str, changing: str) -> None:
        self._key = key
        self._opening = opening
        self._changing = changing
        self._opened: dict[Key, Row] = {}
        self._changed: dict[Key, Row] = {}  # of those that are not among the opened

    def open(self, *key: Any, **values: Any) -> None:
        """The row begins here. Where it may be there already, `opening` must say what becomes of it."""
        if key not in self._opened:
            self._opened[key] = self._changed.pop(key) if key in self._changed else self._row(key)
        self._opened[key].update(values)

    def change(self, *key: Any, **values: Any) -> None:
        """The row has these values from here on, if there is such a row."""
        row = self._opened.get(key) or self._changed.get(key)
        if row is None:
            row = self._changed[key] = self._row(key)
        row.update(values)

    async def write(self, connection: Any) -> None:
        await write(connection, self._opening, list(self._opened.values()))
        await write(connection, self._changing, list(self._changed.values()))

    def _row(self, key: Key) -> Row:
        return dict(zip(self._key, key, strict=True))
