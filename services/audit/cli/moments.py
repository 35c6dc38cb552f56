"""The options by which a command is asked about another moment than now, and how the answer says which one it was."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Final

import typer

from services.audit.reports.moments import Clock

_PANEL: Final = "Which moment (ends are included; TIME is 2026-11-30T12:00:00Z, or 2026-11-30 for the whole day, UTC)"

Position = Annotated[int | None, typer.Option(min=0, help="As the log stood at this position.", rich_help_panel=_PANEL)]
Recorded = Annotated[
    str | None, typer.Option("--as-of", metavar="TIME", help="As was recorded by this time.", rich_help_panel=_PANEL)
]
Effective = Annotated[
    str | None,
    typer.Option(
        metavar="TIME",
        help="Only what took effect for the business by this time; with one of the others, of what was known then.",
        rich_help_panel=_PANEL,
    ),
]
By = Annotated[
    Clock, typer.Option(help="The clock that the times are read on: when it was recorded, or when it took effect.")
]
Currency = Annotated[str | None, typer.Option(help="Needed where the account has moved in several.")]


def told(position: int, effective_by: datetime | None) -> str:
    """`position 1,234, effective by 2026-11-30T23:59:59+00:00`."""
    effective = "" if effective_by is None else f", effective by {effective_by.isoformat(timespec='seconds')}"
    return f"position {position:,}{effective}"
