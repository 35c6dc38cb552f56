"""What a CronJob of the audit calls."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any, Final

from libs.eventstore.ledger import Ledger
from services.audit.proofs.progress import Step
from services.audit.proofs.verify import verify

TELL_EVERY_EVENTS: Final = 100_000


class Jobs:
    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger

    async def verify(self, as_of: datetime, progress: Callable[[str], None]) -> Mapping[str, Any]:  # noqa: ARG002 - see below
        """Verify the whole book. `as_of` changes nothing: a chain holds from its first event or not at all.

        `left` counts the faults, so that the command fails while there are any.
        """

        def tell(step: Step) -> None:
            if step.done == step.total or step.done % TELL_EVERY_EVENTS == 0:
                progress(f"{step.done:,} of {step.total:,} events verified, {step.per_second:,.0f}/s")

        found = await verify(self._ledger, progress=tell)
        return {"done": found.position, "left": len(found.faults)} | found.json()
