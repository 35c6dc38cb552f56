"""Who a subject is to all services together, and forgetting them everywhere."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import Any, Final

from libs.eventstore.forgetting import Known, forget, known
from libs.eventstore.ledger import Ledger
from libs.ledger.errors import NotFound
from libs.ledger.personal import of_order


@dataclass(frozen=True, slots=True)
class Dossier:
    """What can be forgotten with a subject. `keys` are those that were ever made, for them and for their orders."""

    subject: str
    orders: Sequence[str]
    keys: Sequence[Known]

    @property
    def living(self) -> Sequence[Known]:
        """The keys that there are to destroy."""
        return [each for each in self.keys if each.destroyed_at is None]

    @property
    def open(self) -> bool:
        """Whether there is anything to do: a key to destroy, or a name without one that must never get it."""
        return bool(self.living) or len(self.keys) < 1 + len(self.orders)

    def text(self) -> str:
        """What forgetting them comes to, for the person who is about to do it."""
        if not self.open:
            forgotten_at = max(each.destroyed_at for each in self.keys if each.destroyed_at)
            return f"{self.subject} was forgotten before, {forgotten_at:%Y-%m-%d %H:%M} UTC."
        since = f", the first of {min(each.created_at for each in self.living):%Y-%m-%d}" if self.living else ""
        return (
            f"{self.subject}: {len(self.orders)} orders, {len(self.living)} keys{since}. What they typed, and what was "
            "said about their orders, will be unreadable for ever, and what comes in later is not kept. Amounts, dates "
            "and ids stay, and `holdfast audit verify` still holds."
        )

    def json(self) -> dict[str, Any]:
        return asdict(self) | {"living": len(self.living)}


async def dossier(ledger: Ledger, subject: str, say: Callable[[str], None]) -> Dossier:
    """What there is of a subject: an author of texts, or a buyer with all that was said about their orders.

    Raises `NotFound` (`unknown_subject`) where there is nothing, and `Unavailable`.
    """
    from services.payment.views import orders_of  # noqa: PLC0415 - an image holds only what its own service needs

    say(f"Looking for the orders of {subject}")
    orders = await orders_of(ledger.pool, ledger.store.book, subject)
    found = Dossier(subject, orders, await known(ledger, [subject, *map(of_order, orders)]))
    if not found.keys and not orders:
        raise NotFound(
            f"Nothing is kept of {subject!r}: they placed no order and wrote no text. Give the id that the shop uses.",
            code="unknown_subject",
            subject=subject,
        )
    return found


async def erase(ledger: Ledger, found: Dossier) -> int:
    """Forget the subject of a dossier; how many keys were destroyed. Raises as `forget`."""
    return await forget(ledger, found.subject, [of_order(order) for order in found.orders], datetime.now(UTC))


AFTERWARDS: Final = (
    "Copies may still hold it: backups and WAL archives keep the wrapped keys until they age out (replace "
    "HOLDFAST_DATA_KEY, run `holdfast data-key rewrap` and destroy the old key, and they open nothing), a restored "
    "backup brings them back (forget again), and `holdfast dead list` shows messages as the shop sent them."
)
"""What a person must know after a forgetting."""
