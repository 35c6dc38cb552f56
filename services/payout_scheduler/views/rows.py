"""Read model of sellers, holds, transfers and payouts, and of the work they leave.

A row follows from the newest event of its stream, never from how the log was cut into slices: a rebuild equals what is
live.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from libs.eventstore import queries
from libs.eventstore.codec import Codec
from libs.eventstore.model import Recorded
from libs.eventstore.projector import WORK_COLUMNS, Projection
from libs.ledger.decider import Event
from services.payout_scheduler.domain import KINDS
from services.payout_scheduler.domain import hold as h
from services.payout_scheduler.domain import payout as p
from services.payout_scheduler.domain import seller as s
from services.payout_scheduler.domain import transfer as t
from services.payout_scheduler.work import KEEPS_WORK, work_after

SQL: Final = queries.load(Path(__file__).parents[1] / "sql" / "views.sql")
# What each table is told of an event; sellers stand before work, whose time depends on them.
STATEMENTS: Final = (
    "seller_registered",
    "seller_account",
    "seller_readiness",
    "seller_frequency",
    "hold_opened",
    "hold_released",
    "hold_refunded",
    "transfer_requested",
    "transfer",
    "payout_started",
    "payout",
    "work_over",
    "work_begins",
    "work_of_seller",
)

Row = tuple[Any, ...]


def projection(codec: Codec[Any]) -> Projection:
    async def apply(connection: Any, events: Sequence[Recorded]) -> None:
        # By statement, then by the row it concerns: of several in one slice the newest counts.
        rows: dict[str, dict[object, Row]] = defaultdict(dict)
        for recorded in events:
            event = codec.decode(recorded)
            for name, key, *row in (*_facts(event, recorded), *_work(event, recorded)):
                rows[name][key] = tuple(row)
        for name in STATEMENTS:
            if name in rows:
                await connection.executemany(getattr(SQL, name), list(rows[name].values()))

    tables = {"sellers": (), "holds": (), "transfers": (), "payouts": (), "work": WORK_COLUMNS}
    return Projection("payouts", tables, KINDS, apply)


def _facts(event: Event, recorded: Recorded) -> Iterator[Row]:
    """Each as (statement, the row it concerns, its parameters...)."""
    if isinstance(event, t.TransferEvent):
        yield from _transfer(event, recorded)
    elif isinstance(event, p.PayoutEvent):
        yield from _payout(event, recorded)
    elif isinstance(event, s.SellerEvent):
        yield from _seller(event)
    elif isinstance(event, h.HoldOpened):
        for x in event.held:
            key = x.allocation_id
            yield "hold_opened", key, key, event.escrow_id, x.seller, event.currency, x.net_minor
    elif isinstance(event, h.HoldRefunded):
        yield "hold_refunded", event.escrow_id, event.escrow_id


def _seller(event: s.SellerEvent) -> Iterator[Row]:
    key = event.seller
    match event:
        case s.SellerRegistered(country=country, at=at):
            yield "seller_registered", key, key, country, at
        case s.SellerAccountCreated(account_id=account_id):
            yield "seller_account", key, key, account_id
        case s.SellerAccountRefused():  # shown from its stream; the list has no room for it
            return
        case s.SellerReadinessChanged(readiness=now):
            yield "seller_readiness", key, key, now.transfers_active, now.payouts_enabled, now.requirements
            yield "work_of_seller", key, key
        case s.SellerScheduleChanged(frequency=frequency):
            yield "seller_frequency", key, key, frequency


def _transfer(event: t.TransferEvent, recorded: Recorded) -> Iterator[Row]:
    release, at, now = event.release, event.at, recorded.recorded_at
    key = release.transfer_id
    match event:
        case t.TransferRequested():
            owed = (release.seller, release.currency, release.amount_minor)
            yield "transfer_requested", key, key, release.order_id, *owed, now, at
            yield "hold_released", key, release.allocation_id, release.escrow_id, *owed
        case t.TransferOutcomeUnknown(reason=reason):
            yield "transfer", key, key, "unknown", reason, now, at
        case t.TransferRefused(reason=reason, retry_at=retry_at):
            yield "transfer", key, key, "refused", reason, retry_at, at
        case t.TransferSettled():
            yield "transfer", key, key, "settled", None, now, at


def _payout(event: p.PayoutEvent, recorded: Recorded) -> Iterator[Row]:
    claim, at = event.claim, event.at
    key = claim.payout_id
    if isinstance(event, p.PayoutStarted) and claim.attempt == 1:
        whom = (claim.seller, claim.account_id, claim.currency, claim.slot)
        yield "payout_started", key, key, *whom, claim.amount_minor, at, recorded.position
    news = (getattr(event, name, None) for name in ("stripe_payout", "code", "reason", "retry_at"))
    yield "payout", key, key, claim.amount_minor, claim.attempt, _STATUS[type(event)], at, *news


_STATUS: Final[Mapping[type[Event], p.PayoutStatus]] = {
    p.PayoutStarted: "scheduled",
    p.PayoutSubmitted: "submitted",
    p.PayoutOutcomeUnknown: "unknown",
    p.PayoutPaid: "paid",
    p.PayoutFailed: "failed",
    p.PayoutReturned: "returned",
}


def _work(event: Event, recorded: Recorded) -> Iterator[Row]:
    """The work of a stream before this event is over; a new piece may begin, or an empty row says that none does."""
    if isinstance(event, KEEPS_WORK):
        return
    key = recorded.stream_id
    yield "work_over", key, key
    if work := work_after(event, recorded):
        data = json.dumps(work.data)
        yield "work_begins", key, work.id, work.kind, key, data, work.due_at, work.needs_ready
    else:
        yield "work_begins", key, None, None, None, None, None, None
