"""Sealed balances beside the ones that the events come to now."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

from libs.eventstore.ledger import Ledger
from services.audit.domain.periods import PeriodSealed
from services.audit.domain.sheet import Line, totals
from services.audit.proofs.progress import Progress, quiet
from services.audit.proofs.turnovers import BookTurnovers
from services.audit.views.periods import Month, Views


@dataclass(frozen=True, slots=True)
class Difference:
    """An account whose month is sealed otherwise than its events come to; None where there is no such line."""

    account: str
    currency: str
    sealed: Line | None
    recomputed: Line | None


@dataclass(frozen=True, slots=True)
class SealCheck:
    """What was compared: the events up to `position` with the lines that were sealed."""

    month: str
    position: int
    lines: int
    totals_agree: bool
    differences: Sequence[Difference]

    @property
    def holds(self) -> bool:
        return self.totals_agree and not self.differences

    def json(self) -> dict[str, Any]:
        return {"holds": self.holds} | asdict(self)


async def check(ledger: Ledger, month: Month, sealing: PeriodSealed, *, progress: Progress = quiet) -> SealCheck:
    """Recompute a month and compare it with one of its sealings. Raises `Corrupt`.

    With the one that is in force from all events there are, so that it also shows what got past the lock since; with
    one that a reopening has undone from the events up to it.
    """
    in_force = month.status == "sealed" and sealing.closing == month.closing
    position = await ledger.feed.head() if in_force else sealing.position
    recomputed = await BookTurnovers(ledger, progress).of_month(month.month, position)
    sealed = [line async for line in Views(ledger).lines(sealing)]
    agree = sealing.lines == len(sealed) and sealing.totals == totals(sealed)
    return SealCheck(month.month, position, len(recomputed), agree, _differences(sealed, recomputed))


def _differences(sealed: Sequence[Line], recomputed: Sequence[Line]) -> list[Difference]:
    before = {(line.currency, line.account): line for line in sealed}
    now = {(line.currency, line.account): line for line in recomputed}
    return [
        Difference(account, currency, before.get((currency, account)), now.get((currency, account)))
        for currency, account in sorted(before.keys() | now.keys())
        if before.get((currency, account)) != now.get((currency, account))
    ]
