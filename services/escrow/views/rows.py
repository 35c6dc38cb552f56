"""What the log makes of the read model's tables."""

from __future__ import annotations

from collections import Counter, defaultdict
from functools import partial
from pathlib import Path
from typing import Any, Final

from libs.eventstore import queries
from libs.eventstore.codec import Codec
from libs.eventstore.model import Recorded
from libs.eventstore.projector import EventProjection
from libs.eventstore.rows import Rows
from services.escrow.domain import events as e

SQL: Final = queries.load(Path(__file__).parents[1] / "sql" / "queries.sql")
TABLES: Final = ("escrows", "allocations", "refunds", "clawbacks", "freezes")


def projection(codec: Codec[e.EscrowEvent]) -> EventProjection:
    tables: dict[str, tuple[str, ...]] = dict.fromkeys(TABLES, ())
    return EventProjection("escrows", tables, ("escrow",), partial(_Changes, codec))


class _Changes:
    """What a slice of the log makes of the tables. `key` is the escrow's id as text."""

    def __init__(self, codec: Codec[e.EscrowEvent]) -> None:
        self._codec = codec
        self._escrows = Rows("escrow_id", opening=SQL.open_escrows, changing=SQL.change_escrows)
        self._allocations = Rows("escrow_id", "seller", opening=SQL.open_allocations, changing=SQL.change_allocations)
        self._refunds = Rows("refund_id", opening=SQL.open_refunds, changing=SQL.change_refunds)
        self._clawbacks = Rows("clawback_id", opening=SQL.open_clawbacks, changing=SQL.change_clawbacks)
        self._freezes = Rows("escrow_id", "cause_id", opening=SQL.open_freezes, changing=SQL.change_freezes)
        self._sums: defaultdict[tuple[str, str], Counter[str]] = defaultdict(Counter)
        self._refrozen: set[str] = set()

    def add(self, recorded: Recorded) -> None:
        event = self._codec.decode(recorded)
        if isinstance(event, e.FundsHeld):
            self._open(event, recorded)
        elif isinstance(event, e.HeldEvent):
            key = recorded.stream_id_text
            self._escrows.change(key, status=event.status)
            self._change(key, event)

    async def write(self, connection: Any) -> None:
        for rows in (self._escrows, self._allocations, self._refunds, self._clawbacks, self._freezes):
            await rows.write(connection)
        if self._refrozen:
            await connection.execute(SQL.mark_frozen, list(self._refrozen))

    def _open(self, event: e.FundsHeld, recorded: Recorded) -> None:
        key = recorded.stream_id_text
        self._escrows.open(
            key,
            payment_id=event.payment_id,
            order_id=event.order_id,
            currency=event.currency,
            amount_minor=event.amount_minor,
            status=event.status,
            held_at=event.at,
            deliver_by=event.deliver_by,
            hold_until_max=event.hold_until_max,
            position=recorded.position,
        )
        for each in event.allocations:
            self._allocations.open(
                key,
                each.seller,
                allocation_id=each.allocation_id,
                gross_minor=each.gross_minor,
                commission_minor=each.commission_minor,
                deliver_by=event.deliver_by,
            )

    def _change(self, key: str, event: e.HeldEvent) -> None:
        match event:
            case e.DeliveryConfirmed():
                for seller in event.sellers:
                    self._allocations.change(key, seller, release_at=event.release_at)
            case e.DisputeOpened():
                for seller in event.sellers:
                    self._allocations.change(key, seller, disputed=True)
            case e.AllocationReleased():
                self._moved(key, event, released_minor=event.gross_minor)
            case e.EscrowRefunded():
                for seller in event.sellers:
                    self._allocations.change(key, seller, cancelled=True, moved_at=event.at)
                self._open_refund(key, event, None, after_release=False)
            case e.AllocationRefunded():
                self._moved(key, event, refunded_minor=event.amount_minor)
                self._open_refund(key, event, event.seller, after_release=False)
            case e.ChargebackCovered(held_minor=held_minor) if held_minor:
                self._moved(key, event, refunded_minor=held_minor)
            case _:
                self._change_further(key, event)

    def _change_further(self, key: str, event: e.HeldEvent) -> None:
        """What happens to few escrows: claw-backs and freezes."""
        match event:
            case e.ReleaseClawedBack():
                self._claw_back(key, event)
            case e.ClawbackSettled():
                self._clawbacks.change(
                    event.clawback_id,
                    reversed_minor=event.reversed_minor,
                    short_minor=event.short_minor,
                    settled_at=event.at,
                )
                if event.cause == "refund":
                    self._refunds.change(event.cause_id, payable_at=event.at)
            case e.RefundChargedBack():
                total = self._summed(key, str(event.refund_id), charged_back_minor=event.amount_minor)
                self._refunds.change(event.refund_id, **total)
            case e.EscrowFrozen():
                self._freezes.open(
                    key,
                    event.cause_id,
                    cause=event.cause,
                    sellers=event.sellers,
                    frozen_at=event.at,
                    unfrozen_at=None,
                    outcome=None,
                )
                self._refrozen.add(key)
            case e.EscrowUnfrozen():
                self._freezes.change(key, event.cause_id, unfrozen_at=event.at, outcome=event.outcome)
                self._refrozen.add(key)

    def _claw_back(self, key: str, event: e.ReleaseClawedBack) -> None:
        total = self._summed(key, event.seller, clawed_back_minor=event.amount_minor)
        self._allocations.change(key, event.seller, **total)
        self._clawbacks.open(
            event.clawback_id,
            escrow_id=key,
            seller=event.seller,
            cause=event.cause,
            cause_id=event.cause_id,
            amount_minor=event.amount_minor,
            commission_minor=event.commission_minor,
            balance_minor=event.balance_minor,
            receivable_minor=event.receivable_minor,
            clawed_back_at=event.at,
        )
        if event.cause == "refund":
            self._refunds.open(
                event.cause_id,
                escrow_id=key,
                seller=event.seller,
                amount_minor=event.amount_minor,
                after_release=True,
                asked_at=event.at,
            )

    def _open_refund(
        self, key: str, event: e.EscrowRefunded | e.AllocationRefunded, seller: str | None, *, after_release: bool
    ) -> None:
        self._refunds.open(
            event.refund_id,
            escrow_id=key,
            seller=seller,
            amount_minor=event.amount_minor,
            after_release=after_release,
            asked_at=event.at,
            payable_at=event.at,
        )

    def _moved(self, key: str, event: e.AllocationEvent, **added_minor: int) -> None:
        total = self._summed(key, event.seller, **added_minor)
        self._allocations.change(key, event.seller, moved_at=event.at, **total)

    def _summed(self, key: str, part: str, **added_minor: int) -> dict[str, int]:
        """What this slice adds to amounts of a row, as far as it was read."""
        sums = self._sums[key, part]
        sums.update(added_minor)
        return {name: sums[name] for name in added_minor}
