"""Chargebacks, inquiries and fraud warnings: their rows, and what may be asked about them."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Final
from uuid import UUID

import asyncpg

from libs.eventstore import queries
from libs.eventstore.model import Recorded
from libs.eventstore.pool import availability
from libs.eventstore.rows import Row, Rows, write
from services.payment.domain import chargeback_events as c

SQL: Final = queries.load(Path(__file__).parents[1] / "sql" / "chargebacks.sql")
NEAR: Final = timedelta(days=3)
"""So long before a deadline its nearness is told."""


class Contests:
    """What a slice of the log makes of their tables."""

    def __init__(self) -> None:
        self._chargebacks = Rows("chargeback_id", opening=SQL.open_chargebacks, changing=SQL.change_chargebacks)
        self._warnings: list[Row] = []

    def add(self, event: c.ChargebackEvent | c.FraudWarned, recorded: Recorded) -> None:
        match event:
            case c.FraudWarned(warning_id=warning_id, payment_id=payment_id, code=code, at=at):
                self._warnings.append(
                    {"warning_id": warning_id, "payment_id": payment_id, "code": code, "warned_at": at}
                )
            case c.ContestedEvent():
                self._open(event, recorded)
            case _:
                self._chargebacks.change(event.chargeback_id, **_news(event))

    def _open(self, event: c.ContestedEvent, recorded: Recorded) -> None:
        taken = isinstance(event, c.ChargebackOpened)
        self._chargebacks.open(
            event.chargeback_id,
            payment_id=event.payment_id,
            order_id=event.order_id,
            dispute_id=event.dispute_id,
            position=recorded.position,
            stage="chargeback" if taken else "inquiry",
            status="open",
            currency=event.currency,
            amount_minor=event.amount_minor,
            fee_minor=event.fee_minor if isinstance(event, c.ChargebackOpened) else 0,
            reason=event.reason,
            opened_at=event.at,
            closed_at=None,
            respond_by=event.respond_by,
            under_review=event.under_review,
            accepted=False,
            evidence_status="none",
            evidence_code=None,
        )

    async def write(self, connection: Any) -> None:
        await self._chargebacks.write(connection)
        await write(connection, SQL.open_fraud_warnings, self._warnings)


def _news(event: c.ChargebackEvent) -> Row:  # noqa: PLR0911 - one case an event
    match event:
        case c.ContestChanged():
            return {"respond_by": event.respond_by, "under_review": event.under_review}
        case c.InquiryClosed(at=at):
            return {"status": "withdrawn", "closed_at": at}
        case c.ChargebackWon(at=at, fee_total_minor=fee_minor):
            return {"status": "won", "closed_at": at, "fee_minor": fee_minor}
        case c.ChargebackLost(at=at, fee_total_minor=fee_minor, to_cover_minor=to_cover_minor):
            return {"status": "lost", "closed_at": at, "fee_minor": fee_minor, "to_cover_minor": to_cover_minor}
        case c.ChargebackAccepted():
            return {"accepted": True}
        case c.EvidenceRequested():
            return {"evidence_status": "requested", "evidence_code": None}
        case c.EvidenceOutcomeUnknown():
            return {"evidence_status": "unknown", "evidence_code": None}
        case c.EvidenceSubmitted(submit=submit):
            return {"evidence_status": "submitted" if submit else "staged", "evidence_code": None}
        case c.EvidenceRefused(code=code):
            return {"evidence_status": "refused", "evidence_code": code}
        case _:
            raise TypeError(f"{type(event).__name__} is no event of a chargeback")


class ChargebackViews:
    """All raise `Unavailable`."""

    def __init__(self, pool: asyncpg.Pool) -> None:
        self._pool = pool

    async def of(self, payment_id: UUID) -> Sequence[asyncpg.Record]:
        """A payment's, oldest first."""
        with availability():
            return await self._pool.fetch(SQL.chargebacks_of, payment_id)

    async def warnings_of(self, payment_id: UUID) -> Sequence[asyncpg.Record]:
        with availability():
            return await self._pool.fetch(SQL.fraud_warnings_of, payment_id)

    async def by_deadline(self, *, status: str | None, after: UUID | None, limit: int) -> Sequence[asyncpg.Record]:
        """The next deadline first, from the one after the chargeback `after`; those without a deadline come last."""
        with availability():
            return await self._pool.fetch(SQL.chargebacks, status, after, limit)

    async def unanswered(self, since: datetime, until: datetime) -> Sequence[asyncpg.Record]:
        """Those whose bank waits for our answer, or waited in vain, with a deadline between the two."""
        with availability():
            return await self._pool.fetch(SQL.unanswered, since, until)
