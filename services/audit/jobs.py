"""What a CronJob of the audit calls."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any, Final

from libs.eventstore.ledger import Ledger
from libs.runtime.config import Misconfigured
from services.audit.proofs.progress import Step
from services.audit.proofs.verify import verify
from services.audit.transparency.heads import Heads, Signer
from services.audit.transparency.signing_keys import FILE_VARIABLE, KEY_VARIABLE
from services.audit.transparency.tree import Tree

TELL_EVERY_EVENTS: Final = 100_000
TELL_EVERY_SECONDS: Final = 2.0


class Jobs:
    """Without a `signer`, no heads are signed."""

    def __init__(self, ledger: Ledger, signer: Signer | None = None) -> None:
        self._ledger = ledger
        self._signer = signer

    async def verify(self, as_of: datetime, progress: Callable[[str], None]) -> Mapping[str, Any]:  # noqa: ARG002 - see below
        """Verify the whole book. `as_of` changes nothing: a chain holds from its first event or not at all.

        `left` counts the faults, so that the command fails while there are any. A book that holds gets a signed head.
        """
        told = 0

        def tell(step: Step) -> None:
            nonlocal told
            if step.done == step.total or step.done - told >= TELL_EVERY_EVENTS:
                told = step.done
                progress(f"{step.done:,} of {step.total:,} events verified, {step.per_second:,.0f}/s")

        found = await verify(self._ledger, progress=tell)
        head = await self._sign(self._signer, progress) if self._signer and found.ok else {}
        return {"done": found.position, "left": len(found.faults)} | found.json() | head

    async def sign_head(self, as_of: datetime, progress: Callable[[str], None]) -> Mapping[str, Any]:  # noqa: ARG002 - see below
        """Sign the head of the log, unless that was done. `as_of` changes nothing: only what is there can be signed.

        Raises `Misconfigured` without a key, and `Corrupt` (`forked`) where the log does not extend its last head.
        """
        if self._signer is None:
            raise Misconfigured(
                f"No key signs heads: set {FILE_VARIABLE} or {KEY_VARIABLE}; `holdfast audit keys new` makes one."
            )
        return {"left": 0} | await self._sign(self._signer, progress)

    async def _sign(self, signer: Signer, progress: Callable[[str], None]) -> dict[str, Any]:
        telling = asyncio.create_task(self._tell_growth(progress))
        try:
            await signer.catch_up()
        finally:
            telling.cancel()
        new = await signer.sign()
        newest = await Heads(self._ledger).newest()
        return {"signed": new is not None, "head": newest and newest.note}

    async def _tell_growth(self, progress: Callable[[str], None]) -> None:
        while True:
            await asyncio.sleep(TELL_EVERY_SECONDS)
            progress(f"{await Tree(self._ledger).size():,} events are in the tree")
