"""Every file of an export is a stream of pieces, whoever takes them: a folder or an HTTP response."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncGenerator, Coroutine, Iterable
from typing import Any, Final, NamedTuple, TypeVar

from libs.ledger.errors import Corrupt

READS_AHEAD: Final = 2
"""So that two processes of PostgreSQL write while we work: most of the time that an export takes is theirs."""

T = TypeVar("T")


class Piece(NamedTuple):
    """The next bytes of a file, the rows (or transactions) in them, and the events of the extent read so far."""

    data: bytes
    rows: int
    read: int


async def in_order(reads: Iterable[Coroutine[Any, Any, T]]) -> AsyncGenerator[T, None]:
    """What each of these reads finds, in their order, the next two under way while one is worked on."""
    coming: deque[asyncio.Task[T]] = deque()
    try:
        for read in reads:
            coming.append(asyncio.create_task(read))
            if len(coming) > READS_AHEAD:
                await asyncio.sleep(0)  # lets the requests out before whoever reads starts to compute
                yield await coming.popleft()
        while coming:
            yield await coming.popleft()
    finally:
        for task in coming:
            task.cancel()
        await asyncio.gather(*coming, return_exceptions=True)


def must_be_whole(what: str, numbers: range, found: int) -> None:
    """Raise `Corrupt` unless there is a row for each of these numbers: an export must not hide a hole."""
    if found != len(numbers):
        raise Corrupt(
            f"Of the {what} {numbers.start} to {numbers.stop - 1} only {found} are there; `holdfast audit verify` says "
            "which is missing.",
            code="rows_missing",
        )
