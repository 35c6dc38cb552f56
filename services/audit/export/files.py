"""Which files an export has, by format, and what is in each."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable, Mapping
from enum import StrEnum
from typing import Final

from libs.eventstore.ledger import Ledger
from services.audit.export.beancount import Beancount
from services.audit.export.extent import Extent
from services.audit.export.hledger import Hledger
from services.audit.export.journal import journal
from services.audit.export.parquet import parquet
from services.audit.export.pieces import Piece
from services.audit.export.tables import TABLES, Table, csv
from services.audit.proofs.progress import Progress


class Format(StrEnum):
    PARQUET = "parquet"
    CSV = "csv"
    HLEDGER = "hledger"
    BEANCOUNT = "beancount"


Content = Callable[[Ledger, Extent, Progress], AsyncGenerator[Piece, None]]


def _parquet(table: Table) -> Content:
    return lambda ledger, extent, _progress: parquet(ledger, table, extent)


def _csv(table: Table) -> Content:
    return lambda ledger, extent, _progress: csv(ledger, table, extent)


FILES: Final[Mapping[Format, Mapping[str, Content]]] = {
    Format.PARQUET: {f"{table.name}.parquet": _parquet(table) for table in TABLES},
    Format.CSV: {f"{table.name}.csv": _csv(table) for table in TABLES},
    Format.HLEDGER: {
        "journal.hledger": lambda ledger, extent, progress: journal(ledger, Hledger(), extent, progress=progress)
    },
    Format.BEANCOUNT: {
        "journal.beancount": lambda ledger, extent, progress: journal(ledger, Beancount(), extent, progress=progress)
    },
}
"""The content of every file, by format and name."""

CONTENTS: Final[Mapping[str, Content]] = {name: content for files in FILES.values() for name, content in files.items()}
