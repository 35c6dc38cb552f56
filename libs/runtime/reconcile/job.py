"""The job `reconcile`: what a card processor says of our accounts there against what the ledger says, both ways.

A run reads the lines since the last complete run once more from a day before it, and asks besides for whatever was not
settled by earlier ones. It writes nothing but its report, and the fees that only the statement tells.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

import structlog

from libs.eventstore.execute import Executor, Step
from libs.eventstore.model import Meta
from libs.eventstore.projector import Projector
from libs.ledger.decider import Decider
from libs.ledger.errors import Unavailable
from libs.ledger.reconciled import Reconciled, Record, Tally, Unread, reconciliation_id
from libs.ledger.reconciliation import Finding
from libs.runtime.outcomes import Refused, TurnedAway
from libs.runtime.reconcile.examine import Examination
from libs.runtime.reconcile.reads import Reads
from libs.runtime.reconcile.statement import Account, Accounts, Charge
from libs.runtime.service import Progress, RunJob

JOB: Final = "reconcile"
OVERLAP: Final = timedelta(days=1)
ACCOUNTS_AT_ONCE: Final = 20
UNSETTLED_MAX: Final = 1_000
"""Of more objects than these all lines are read again, in pages, rather than asked for one by one. So it is after the
read model was made anew, which forgets what was settled."""

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Reconciliation:
    """`record` stores a report; `charge` books fees, where the service has to."""

    projector: Projector
    reads: Reads
    accounts: Accounts
    record: Callable[[Reconciled], Awaitable[None]]
    charge: Charge | None = None


def reconcile(means: Reconciliation) -> RunJob:
    """The job. Its summary: objects that agree (`done`), what a person should look at (`left`), objects on their way
    (`expected`), fees booked by currency (`fees_minor`).
    """

    async def run(as_of: datetime, progress: Progress) -> Mapping[str, Any]:
        await means.projector.catch_up()
        tally, last = Tally(), await means.reads.last_complete(as_of)
        since = await _since(means.reads, last, as_of)
        behind = {each.account: each.since for each in last.unread} if last else {}

        async def examine(account: Account) -> None:
            begin = since and behind.get(account.name, since)
            carried = sorted({each.source for each in last.findings if _lost(each, account)}) if last else []
            work = Examination(means.projector, means.reads, means.charge, account, tally, begin, as_of, progress)
            try:
                await work.run(carried)
            except (Refused, TurnedAway, Unavailable) as error:
                tally.unread.append(Unread(account=account.name, since=begin))
                log.warning("an account could not be reconciled", account=account.name, error=error.text)
                progress(f"{account.name}: {error.text}")

        accounts = list(await means.accounts())
        for start in range(0, len(accounts), ACCOUNTS_AT_ONCE):
            await asyncio.gather(*map(examine, accounts[start : start + ACCOUNTS_AT_ONCE]))
        report = tally.report(as_of, since)
        await means.record(report)
        await means.projector.catch_up()
        return {
            "done": report.count("matched"),
            "left": report.left,
            "expected": report.count("expected"),
            "fees_minor": {each.currency: each.amount_minor for each in report.fees},
        }

    return run


async def _since(reads: Reads, last: Reconciled | None, as_of: datetime) -> datetime | None:
    if last is None:
        return None
    since = last.at - OVERLAP
    many = await reads.unsettled_before(min(since, as_of), limit=UNSETTLED_MAX + 1) > UNSETTLED_MAX
    return None if many else since


def _lost(finding: Finding, account: Account) -> bool:
    """Whether nobody but the last report knows of it: what we booked ourselves is found as not settled."""
    return finding.account == account.name and finding.status != "matched"


def recorder(
    executor: Executor, book: int, decider: Decider[Record, Reconciled | None, Reconciled]
) -> Callable[[Reconciled], Awaitable[None]]:
    """Stores a service's reports, each on its stream."""

    async def record(report: Reconciled) -> None:
        step = Step(decider, reconciliation_id(decider.kind, book, report.at), Record(report))
        await executor.run(step, meta=Meta(JOB))

    return record
