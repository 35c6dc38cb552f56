"""Read model of sellers, holds, transfers, clawbacks and payouts, and of the work they leave.

A row follows from the newest event of its stream, never from how the log was cut into slices: a rebuild equals what is
live.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping
from functools import partial
from pathlib import Path
from typing import Any, Final
from uuid import UUID

from libs.eventstore import queries
from libs.eventstore.codec import Codec
from libs.eventstore.model import Recorded
from libs.eventstore.projector import WORK_COLUMNS, EventProjection
from libs.eventstore.rows import Row, Rows, write
from libs.ledger.decider import Event
from services.payout_scheduler.domain import KINDS
from services.payout_scheduler.domain import hold as h
from services.payout_scheduler.domain import payout as p
from services.payout_scheduler.domain import reversal as r
from services.payout_scheduler.domain import seller as s
from services.payout_scheduler.domain import transfer as t
from services.payout_scheduler.work import KEEPS_WORK, Work, work_after

SQL: Final = queries.load(Path(__file__).parents[1] / "sql" / "views.sql")


def projection(codec: Codec[Any]) -> EventProjection:
    tables = {"sellers": (), "holds": (), "transfers": (), "clawbacks": (), "payouts": (), "work": WORK_COLUMNS}
    return EventProjection("payouts", tables, KINDS, partial(_Changes, codec))


class _Changes:
    """What a slice of the log makes of the tables."""

    def __init__(self, codec: Codec[Any]) -> None:
        self._codec = codec
        self._sellers = Rows("seller", opening=SQL.open_sellers, changing=SQL.change_sellers)
        self._transfers = Rows("transfer_id", opening=SQL.open_transfers, changing=SQL.change_transfers)
        self._payouts = Rows("payout_id", opening=SQL.open_payouts, changing=SQL.change_payouts)
        self._clawbacks = Rows("clawback_id", opening=SQL.open_clawbacks, changing=SQL.change_clawbacks)
        self._reversed: Counter[str] = Counter()  # by transfer
        self._kept: list[UUID] = []  # transfers of which less is left
        self._holds = Holds()
        self._judged: set[str] = set()  # sellers of whose readiness something was heard
        self._newest: dict[str, tuple[Event, Recorded]] = {}  # of each stream that may have work

    def add(self, recorded: Recorded) -> None:
        event = self._codec.decode(recorded)
        if isinstance(event, h.HoldEvent):
            self._holds.add(event)
            return
        key = recorded.stream_id_text
        if isinstance(event, t.TransferEvent):
            self._transfer(key, event, recorded)
        elif isinstance(event, r.ReversalEvent):
            self._clawback(key, event, recorded)
        elif isinstance(event, p.PayoutEvent):
            self._payout(key, event, recorded)
        elif isinstance(event, s.SellerEvent):
            self._seller(event)
        if not isinstance(event, KEEPS_WORK):
            self._newest[key] = event, recorded

    def _seller(self, event: s.SellerEvent) -> None:
        key = event.seller
        match event:
            case s.SellerRegistered(country=country, at=at):
                self._sellers.open(key, country=country, registered_at=at)
            case s.SellerAccountCreated(account_id=account_id):
                self._sellers.change(key, account_id=account_id, deauthorized=False)
            case s.SellerAccountRefused():  # shown from its stream; the list has no room for it
                return
            case s.SellerReadinessChanged(readiness=now):
                ready = {"transfers_active": now.transfers_active, "payouts_enabled": now.payouts_enabled}
                self._sellers.change(key, **ready, requirements=now.requirements)
                self._judged.add(key)
            case s.SellerDeauthorized():
                self._sellers.change(key, deauthorized=True, transfers_active=False, payouts_enabled=False)
                self._judged.add(key)
            case s.SellerOwnPayoutsFound():  # for the record
                return
            case s.SellerScheduleChanged(frequency=frequency):
                self._sellers.change(key, frequency=frequency)

    def _transfer(self, key: str, event: t.TransferEvent, recorded: Recorded) -> None:
        release, at, now = event.release, event.at, recorded.recorded_at
        change = partial(self._transfers.change, key, changed_at=at)
        match event:
            case t.ReceivableNetted():
                self._holds.release(release)
            case t.TransferRequested():
                owed = {"seller": release.seller, "currency": release.currency, "amount_minor": release.amount_minor}
                whence = {"allocation_id": release.allocation_id, "order_id": release.order_id}
                self._transfers.open(key, **owed, **whence, position=recorded.position)
                change(status="requested", reason=None, due_at=now)
                if not release.netted_minor:  # else counted with that
                    self._holds.release(release)
            case t.TransferKeptBack():
                change(amount_minor=release.amount_minor)
                self._kept.append(release.transfer_id)
            case t.TransferOutcomeUnknown(reason=reason):
                change(status="unknown", reason=reason, due_at=now)
            case t.TransferRefused(reason=reason, retry_at=retry_at):
                change(status="refused", reason=reason, due_at=retry_at)
            case t.TransferWithdrawn():
                change(status="withdrawn", reason=None, due_at=now)
            case t.TransferSettled(stripe_transfer=stripe_transfer):
                change(status="settled", reason=None, due_at=now)
                change(amount_minor=release.amount_minor, stripe_transfer=stripe_transfer)

    def _clawback(self, key: str, event: r.ReversalEvent, recorded: Recorded) -> None:
        clawback, at = event.clawback, event.at
        if isinstance(event, r.ReversalTold):
            return
        if isinstance(event, r.ReversalRequested):
            whose = {"seller": clawback.seller, "currency": clawback.currency, "cause": clawback.cause}
            whence = {"allocation_id": clawback.allocation_id, "order_id": clawback.order_id, "heard_at": at}
            sums = {"net_minor": clawback.net_minor, "amount_minor": clawback.amount_minor}
            self._clawbacks.open(key, **whose, **whence, **sums, position=recorded.position)
        if isinstance(event, r.TransferReversed):
            self._reversed[str(event.call.transfer_id)] += event.call.amount_minor
        self._clawbacks.change(
            key,
            kept_minor=clawback.kept_minor,
            reversed_minor=clawback.reversed_minor,
            status=_CLAWED.get(type(event), "open") if clawback.left_minor else "done",
            reason=getattr(event, "reason", None),
            retry_at=getattr(event, "retry_at", None),
            changed_at=at,
        )

    def _payout(self, key: str, event: p.PayoutEvent, recorded: Recorded) -> None:
        claim, at = event.claim, event.at
        if isinstance(event, p.PayoutStarted) and claim.attempt == 1:
            whom = {"seller": claim.seller, "account_id": claim.account_id, "currency": claim.currency}
            self._payouts.open(key, **whom, slot=claim.slot, started_at=at, position=recorded.position)
        news = {name: getattr(event, name, None) for name in ("stripe_payout", "code", "reason", "retry_at")}
        news["waits_for_bank"] = getattr(event, "waits_for_bank", False)
        self._payouts.change(
            key,
            amount_minor=claim.amount_minor,
            attempt=claim.attempt,
            status=_STATUS[type(event)],
            changed_at=at,
            **news,
        )

    async def write(self, connection: Any) -> None:
        await self._sellers.write(connection)  # before work, whose time depends on them
        await self._holds.write(connection)
        await self._transfers.write(connection)
        reversed_ = [{"transfer_id": key, "reversed_minor": minor} for key, minor in self._reversed.items()]
        await write(connection, SQL.reverse_transfers, reversed_)
        await self._clawbacks.write(connection)
        await self._payouts.write(connection)
        if self._newest:
            await connection.execute(SQL.work_over, list(self._newest))
        await write(connection, SQL.work_begins, list(self._begun()))
        if self._kept:
            await connection.execute(SQL.work_of_kept, self._kept)
        if self._judged:
            await connection.execute(SQL.work_of_sellers, list(self._judged))

    def _begun(self) -> Iterator[Row]:
        for key, (event, recorded) in self._newest.items():
            if work := work_after(event, recorded):
                yield {"subject": key} | {name: getattr(work, name) for name in Work.__slots__}


class Holds:
    """What a slice makes of holds. A release may come before the hold that it is of, so both add to a row."""

    def __init__(self) -> None:
        self._rows: dict[UUID, dict[UUID, Row]] = defaultdict(dict)  # by escrow, by allocation
        self._refunded: list[UUID] = []

    def add(self, event: h.HoldEvent) -> None:
        match event:
            case h.HoldOpened(escrow_id=escrow_id, currency=currency, held=held):
                for each in held:
                    self._of(each.allocation_id, escrow_id, each.seller, currency)["net_minor"] += each.net_minor
            case h.HoldReduced(escrow_id=escrow_id, currency=currency, lost=lost):
                self._of(lost.allocation_id, escrow_id, lost.seller, currency)["lost_minor"] += lost.net_minor
            case h.HoldRefunded(escrow_id=escrow_id):
                # Of rows that exist by now, those of earlier slices too: where the log is cut must not matter.
                self._refunded.append(escrow_id)
                for row in self._rows[escrow_id].values():
                    row["refunded"] = True

    def release(self, release: t.Release) -> None:
        row = self._of(release.allocation_id, release.escrow_id, release.seller, release.currency)
        row["released_minor"] += release.amount_minor + release.netted_minor

    async def write(self, connection: Any) -> None:
        if self._refunded:
            await connection.execute(SQL.refund_holds, self._refunded)
        await write(connection, SQL.add_to_holds, [row for rows in self._rows.values() for row in rows.values()])

    def _of(self, allocation_id: UUID, escrow_id: UUID, seller: str, currency: str) -> Row:
        rows = self._rows[escrow_id]
        if allocation_id not in rows:
            whose = {"allocation_id": allocation_id, "escrow_id": escrow_id, "seller": seller, "currency": currency}
            rows[allocation_id] = {**whose, "net_minor": 0, "released_minor": 0, "lost_minor": 0, "refunded": False}
        return rows[allocation_id]


_STATUS: Final[Mapping[type[Event], p.PayoutStatus]] = {
    p.PayoutStarted: "scheduled",
    p.PayoutSubmitted: "submitted",
    p.PayoutOutcomeUnknown: "unknown",
    p.PayoutPaid: "paid",
    p.PayoutFailed: "failed",
    p.PayoutReturned: "returned",
}

_CLAWED: Final[Mapping[type[Event], str]] = {r.ReversalOutcomeUnknown: "unknown", r.ReversalShort: "short"}
