"""The schema of the whole: the ledger first, then every service's own tables."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Final

from libs.eventstore.migrate import LEDGER, migrate

_HERE: Final = Path(__file__).parent

COMPONENTS: Final[Mapping[str, Path]] = LEDGER | {
    "messaging": _HERE.parent / "libs" / "messaging" / "sql",
    "payment": _HERE / "payment" / "sql",
    "escrow": _HERE / "escrow" / "sql",
    "payout_scheduler": _HERE / "payout_scheduler" / "sql",
    "audit": _HERE / "audit" / "sql",
    "settings": _HERE / "settings" / "sql",
}


async def migrate_all(url: str, *, book: int = 1) -> list[str]:
    """Bring a database to the newest schema of ledger and services; the names of what was applied now."""
    return await migrate(url, COMPONENTS, book=book)
