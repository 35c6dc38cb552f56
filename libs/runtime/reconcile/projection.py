"""What we booked at a card processor, object by object, and what runs found: the read model of reconciliation.

Accounts are public vocabulary, other services' events are not: of those only the postings count, and the correlation id
of an adjustment, which names the object that it explains.
"""

from __future__ import annotations

import asyncio
import re
from collections import Counter
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from libs.eventstore import queries
from libs.eventstore.codec import Codec
from libs.eventstore.model import Recorded
from libs.eventstore.projector import BREATH_EVENTS, RangeProjection, Write
from libs.eventstore.rows import Row, write
from libs.eventstore.store import recorded
from libs.ledger.decider import Event
from libs.ledger.reconciled import Reconciled
from libs.ledger.reconciliation import ADJUSTMENT, Effect

SQL: Final = queries.load(Path(__file__).parent / "sql" / "queries.sql")


@dataclass(frozen=True, slots=True)
class Scope:
    """What a service examines. Of the accounts in `whole` every posting is kept, for their balance; of the others in
    `accounts` its own and adjustments. `effect` knows the events of `types`, in streams of `kinds`.
    """

    accounts: re.Pattern[str]
    whole: re.Pattern[str]
    kinds: Collection[str]
    types: Collection[type[Event]]
    effect: Callable[[Any], Effect | None]
    report_kind: str


def projection(codec: Codec[Any], scope: Scope) -> RangeProjection:
    tables = {"bookings": ("settled",), "reconciliations": ()}
    kinds = [*scope.kinds, scope.report_kind]
    types = [kind.__name__ for kind in (*scope.types, Reconciled)]

    async def prepare(connection: Any, book: int, after: int, through: int) -> Write:
        booked: list[Row] = []
        reports: dict[str, Row] = {}  # one a stream, the newest
        rows = await connection.fetch(SQL.read, book, after, through, kinds, types)
        for number, row in enumerate(rows, start=1):
            if number % BREATH_EVENTS == 0:
                await asyncio.sleep(0)
            event = recorded(row)
            if event.kind == scope.report_kind:
                reports[event.stream_id_text] = _report(event, codec.decode(event))
            else:
                booked += _booked(event, codec, scope)

        async def written(connection: Any) -> None:
            await write(connection, SQL.book, booked)
            await write(connection, SQL.report, list(reports.values()))

        return written

    return RangeProjection("reconciliation", tables, prepare)


def _report(event: Recorded, report: Reconciled) -> Row:
    whole = {"reconciliation_id": event.stream_id_text, "position": event.position, "at": report.at}
    return whole | {"complete": report.complete, "report": report}


def _booked(event: Recorded, codec: Codec[Any], scope: Scope) -> Iterator[Row]:
    ours = event.kind in scope.kinds and event.type in {kind.__name__ for kind in scope.types}
    effect = scope.effect(codec.decode(event)) if ours else None
    adjusts = event.kind == ADJUSTMENT
    amounts: Counter[tuple[str, str]] = Counter()
    for account, currency, amount_minor in event.postings:
        if scope.whole.fullmatch(account) or (scope.accounts.fullmatch(account) and (effect or adjusts)):
            amounts[account, currency] += amount_minor
    if effect:
        for account in effect.sources:
            amounts[account, effect.currency] += 0  # also where it posts nothing
    for (account, currency), amount_minor in amounts.items():
        yield {
            "account": account,
            "position": event.position,
            "currency": currency,
            "source": effect.sources.get(account) if effect else event.correlation_id if adjusts else None,
            "amount_minor": amount_minor,
            "pending_minor": effect.pending_minor if effect else 0,
            "at": event.effective_at,
            "adjusts": adjusts,
            "about": effect.about if effect else None,
        }
