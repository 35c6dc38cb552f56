"""What comes in: escrows' news, sellers and their wishes, Stripe's notices. Each becomes one append."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Final
from uuid import UUID

from contracts.events.escrows import (
    EscrowAllocationRefunded,
    EscrowChargebackCovered,
    EscrowClawedBack,
    EscrowHeld,
    EscrowPartiallyReleased,
    EscrowRefunded,
    EscrowReleased,
)
from libs.eventstore.execute import ATTEMPTS_MAX, Executor, Step
from libs.eventstore.model import Meta
from libs.eventstore.store import Store
from libs.ledger import chart
from libs.ledger.errors import Conflict, NotFound, Overdrawn
from libs.messaging.envelope import Envelope
from libs.messaging.received import key_of, meta_of
from libs.runtime import notices
from services.payout_scheduler.domain.calendar import Frequency
from services.payout_scheduler.domain.hold import HOLD, Held, OpenHold, ReduceHold, RefundHold
from services.payout_scheduler.domain.payout import PAYOUT, Claim, PayoutState
from services.payout_scheduler.domain.reversal import REVERSAL, Clawback, RequestReversal
from services.payout_scheduler.domain.seller import (
    SELLER,
    ChangeSchedule,
    RegisterSeller,
    SellerState,
    seller_id,
)
from services.payout_scheduler.domain.transfer import TRANSFER, Release, RequestTransfer
from services.payout_scheduler.domain.webhook import WEBHOOK, Notice, Receive, webhook_id

QUEUE: Final = "payouts.escrow"


class Handlers:
    """All may raise what `Executor.run` raises."""

    def __init__(self, executor: Executor, store: Store, clock: Callable[[], datetime]) -> None:
        self._executor = executor
        self._store = store
        self._book = store.book
        self._clock = clock

    async def escrow_held(self, message: EscrowHeld, envelope: Envelope) -> None:
        held = tuple(
            Held(
                allocation_id=part.allocation_id,
                seller=part.seller,
                net_minor=part.gross_minor - part.commission_minor,
            )
            for part in message.allocations
        )
        command = OpenHold(
            escrow_id=message.escrow_id,
            order_id=message.order_id,
            currency=message.currency,
            held=held,
            at=message.held_at,
        )
        await self._receive(Step(HOLD, message.escrow_id, command), envelope)

    async def escrow_released(self, message: EscrowPartiallyReleased | EscrowReleased, envelope: Envelope) -> None:
        part = message.release
        if part.net_minor == 0:  # the commission took it all: there is nothing to transfer
            return
        for _ in range(ATTEMPTS_MAX):
            netted_minor = await self._netted_minor(part.seller, message.currency, part.net_minor)
            release = Release(
                release_id=part.release_id,
                allocation_id=part.allocation_id,
                escrow_id=message.escrow_id,
                order_id=message.order_id,
                seller=part.seller,
                currency=message.currency,
                amount_minor=part.net_minor - netted_minor,
                charge=message.charge,
                netted_minor=netted_minor,
            )
            command = RequestTransfer(release=release, at=message.released_at)
            try:
                await self._receive(Step(TRANSFER, release.transfer_id, command), envelope)
            except Overdrawn:
                continue  # two releases net the same debt, or a payout or a clawback was first at the money
            return
        raise Conflict(f"Others kept changing what {part.seller} has and owes; try again.", seller=part.seller)

    async def _netted_minor(self, seller: str, currency: str, net_minor: int) -> int:
        """How much of a release pays what its seller owes us."""
        owed = await self._store.balance(chart.receivable_seller(seller), currency)
        if not owed:
            return 0
        available = -await self._store.balance(chart.seller_available(seller), currency)
        return min(owed, available, net_minor)

    async def escrow_refunded(self, message: EscrowRefunded, envelope: Envelope) -> None:
        command = RefundHold(escrow_id=message.escrow_id, at=message.refunded_at)
        await self._receive(Step(HOLD, message.escrow_id, command), envelope)

    async def allocation_refunded(self, message: EscrowAllocationRefunded, envelope: Envelope) -> None:
        if not message.after_release:  # else the hold is long over, and `escrow.clawed_back` told
            await self._reduce_hold(message, message.net_minor, message.refunded_at, envelope)

    async def chargeback_covered(self, message: EscrowChargebackCovered, envelope: Envelope) -> None:
        await self._reduce_hold(message, message.held_net_minor, message.covered_at, envelope)

    async def clawed_back(self, message: EscrowClawedBack, envelope: Envelope) -> None:
        clawback = Clawback(
            clawback_id=message.clawback_id,
            allocation_id=message.allocation_id,
            escrow_id=message.escrow_id,
            order_id=message.order_id,
            seller=message.seller,
            currency=message.currency,
            cause=message.cause,
            net_minor=message.net_minor,
            amount_minor=message.balance_minor,
        )
        command = RequestReversal(clawback=clawback, at=message.clawed_back_at)
        await self._receive(Step(REVERSAL, clawback.clawback_id, command), envelope)

    async def register_seller(self, seller: str, country: str, meta: Meta) -> None:
        """Once; again with the same country it changes nothing. Raises `Rejected` (`seller_registered`)."""
        command = RegisterSeller(seller=seller, country=country, at=self._clock())
        await self._executor.run(Step(SELLER, seller_id(self._book, seller), command), meta=meta)

    async def change_schedule(self, seller: str, frequency: Frequency, meta: Meta) -> None:
        """Raises `NotFound` (`unknown_seller`)."""
        command = ChangeSchedule(frequency=frequency, at=self._clock())
        await self._executor.run(Step(SELLER, seller_id(self._book, seller), command), meta=meta)

    async def seller(self, seller: str) -> SellerState:
        """Raises `NotFound` (`unknown_seller`)."""
        state: SellerState = await self._executor.state(SELLER, seller_id(self._book, seller))
        if state.seller is None:
            raise NotFound(f"Nobody registered the seller {seller}; POST /sellers does.", code="unknown_seller")
        return state

    async def payout(self, payout_id: UUID) -> tuple[PayoutState, Claim]:
        """A payout's state and newest attempt. Raises `NotFound` (`unknown_payout`)."""
        state: PayoutState = await self._executor.state(PAYOUT, payout_id)
        if state.claim is None:
            raise NotFound(
                f"There is no payout {payout_id}; GET /payouts?seller=... finds those of a seller.",
                code="unknown_payout",
            )
        return state, state.claim

    async def notice(self, notice: Notice) -> bool:
        """Keep a notice of Stripe's, once; a worker reads its object again. Returns whether it was new."""
        step = Step(WEBHOOK, webhook_id(self._book, notice.notice_id), Receive(notice))
        key = notices.key_of(notice.notice_id, notice.type)
        done = await self._executor.run(step, meta=Meta("stripe", correlation_id=notice.object_id), key=key)
        return bool(done.events)

    async def _reduce_hold(
        self,
        message: EscrowAllocationRefunded | EscrowChargebackCovered,
        net_minor: int,
        at: datetime,
        envelope: Envelope,
    ) -> None:
        lost = Held(allocation_id=message.allocation_id, seller=message.seller, net_minor=net_minor)
        command = ReduceHold(escrow_id=message.escrow_id, currency=message.currency, lost=lost, at=at)
        await self._receive(Step(HOLD, message.escrow_id, command), envelope)

    async def _receive(self, step: Step, envelope: Envelope) -> None:
        await self._executor.run(step, meta=meta_of(envelope), key=key_of(QUEUE, envelope))
