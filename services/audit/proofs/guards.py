"""What keeps history from being changed at all: the triggers that make its tables append-only."""

from __future__ import annotations

from typing import Final

from libs.eventstore.ledger import Ledger
from libs.eventstore.migrate import LEDGER
from libs.eventstore.pool import availability
from services.audit.proofs.book import SQL
from services.audit.proofs.chain import Fault

TABLES: Final = ("events", "keys", "blocks")


async def guards(ledger: Ledger) -> list[Fault]:
    """A fault for each table whose trigger would not refuse a change, and for each setting that silences all triggers.

    Whoever may change history may put the triggers back afterwards; one who forgot to, or is not done yet, shows here.
    """
    # A trigger that fires but lets changes pass would look alike: its body must be one that a migration wrote.
    migrations = "".join(path.read_text() for folder in LEDGER.values() for path in folder.glob("*.sql"))
    with availability():
        standing = await ledger.pool.fetch(SQL.guards, TABLES)
        silenced = await ledger.pool.fetch(SQL.silenced)
    return [
        Fault("triggers_disabled", f"The trigger that makes ledger.{name} append-only is disabled, changed or gone.")
        for name, body in standing
        if body is None or body not in migrations
    ] + [
        Fault("triggers_disabled", f"A setting of {place} (session_replication_role) keeps triggers from firing.")
        for [place] in silenced
    ]
