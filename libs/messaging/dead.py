"""Dead letters: what no consumer could handle, kept with the reason until a person replays or drops it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final, Protocol

LETTERS_MAX: Final = 1_000


@dataclass(frozen=True, slots=True)
class DeadLetter:
    """A message that died in `queue`. `id` is the message's id; the same message may lie here once for every queue.

    `code` is that of the error, `defect` for a bug of ours, or RabbitMQ's own reason (`delivery_limit`, `expired`).
    """

    id: str
    queue: str
    type: str | None
    code: str
    reason: str
    died_at: datetime | None
    body: bytes


class DeadLetters(Protocol):
    """For `holdfast dead list|replay|drop`. `queue` and `id` narrow the choice; without them it is all there are.

    Killed at any point, these lose nothing: at worst a message is replayed twice. All raise `Unavailable`.
    """

    async def letters(
        self,
        *,
        queue: str | None = None,
        id: str | None = None,  # noqa: A002 - as the option
        limit: int = LETTERS_MAX,
    ) -> Sequence[DeadLetter]:
        """The letters, oldest first, left where they are."""

    async def replay(
        self,
        *,
        queue: str | None = None,
        id: str | None = None,  # noqa: A002 - as the option
        corrected: bytes | None = None,
    ) -> int:
        """Put messages back into the queues they died in; how many. `corrected` replaces the body of each."""

    async def drop(self, *, queue: str | None = None, id: str | None = None) -> int:  # noqa: A002 - as the option
        """Remove letters for ever; how many."""
