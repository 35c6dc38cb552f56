"""Intents, refunds, and what the processor's notices are about.

Whoever is killed between a call and its record, or is told nothing, leaves a call that may have had its effect. So
every repetition first looks for that effect, and only then makes the same call again, under the same key.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from libs.eventstore.execute import Executor, Step
from libs.eventstore.model import Meta
from libs.eventstore.worklist import Item, Perform
from libs.ledger.decider import Event
from libs.runtime.outcomes import Refused, Unknown
from services.payment import work
from services.payment.domain.command import Command
from services.payment.domain.payment import PAYMENT, AbandonIntent, DoubtIntent, RecordIntent, RefuseIntent
from services.payment.domain.refunds import DoubtRefund, RecordRefund, RefuseRefund
from services.payment.domain.spending import SPENDING, ReturnAllowance
from services.payment.domain.webhook import WEBHOOK, Handle
from services.payment.handlers import IntentCall, Processor, RefundCall
from services.payment.performances.chargebacks import CONTESTS, Chargebacks
from services.payment.performances.items import meta_of, repeats


class Performances:
    def __init__(self, executor: Executor, processor: Processor, clock: Callable[[], datetime]) -> None:
        self._executor = executor
        self._processor = processor
        self._clock = clock
        self._chargebacks = Chargebacks(executor, processor, clock)

    def by_kind(self) -> Mapping[str, Perform]:
        return {
            work.CREATE_INTENT: self.create_intent,
            work.RESOLVE_INTENT: self.create_intent,
            work.CANCEL_INTENT: self.cancel_intent,
            work.RETURN_ALLOWANCE: self.return_allowance,
            work.CREATE_REFUND: self.create_refund,
            work.RESOLVE_REFUND: self.create_refund,
            work.HANDLE_WEBHOOK: self.handle_webhook,
            **self._chargebacks.by_kind(),
        }

    async def create_intent(self, item: Item) -> None:
        call = _intent_call(item)
        report = await self._processor.find_intent(call.payment_id) if call.attempt > 1 or repeats(item) else None
        try:
            report = report or await self._processor.create_intent(call)
        except Refused as no:
            outcome: Command = RefuseIntent(
                at=self._clock(), payment_id=call.payment_id, attempt=call.attempt, code=no.code, reason=no.text
            )
        except Unknown as silence:
            outcome = self._unanswered(item, call, silence)
        else:
            outcome = RecordIntent(at=report.created_at, payment_id=call.payment_id, report=report)
        await self._record(item, outcome)

    def _unanswered(self, item: Item, call: IntentCall, silence: Unknown) -> Command:
        """What follows when nobody knows whether an intent was created. Raises `silence` where nothing does yet."""
        names: dict[str, Any] = {"at": self._clock(), "payment_id": call.payment_id, "attempt": call.attempt}
        if item.kind == work.CREATE_INTENT:
            return DoubtIntent(**names, reason=silence.text)
        if silence.answered:
            return AbandonIntent(**names, reason=silence.text)
        raise silence

    async def cancel_intent(self, item: Item) -> None:
        """Canceling races the buyer, and the processor decides: if it refuses, its answer to a question counts."""
        intent_id = item.data["intent_id"]
        try:
            report = await self._processor.cancel_intent(intent_id, "requested_by_customer")
        except Refused:
            report = await self._processor.read_intent(intent_id)
            if report.status not in {"succeeded", "canceled"}:
                raise
        await self._record(item, RecordIntent(at=self._clock(), payment_id=item.subject, report=report))

    async def expire(self, payment_id: UUID, order_id: str, intent_id: str) -> Sequence[Event]:
        """Cancel an intent that nobody paid in time; what that changed.

        The buyer may be paying this very moment, and the processor decides. What a bank works on it does not cancel.
        Making the call again does no harm, so nobody needs to know that it was made: until its effect is recorded, the
        payment is overdue.
        """
        try:
            report = await self._processor.cancel_intent(intent_id, "abandoned")
        except Refused:
            report = await self._processor.read_intent(intent_id)
        outcome = RecordIntent(at=self._clock(), payment_id=payment_id, report=report)
        meta = Meta("payment", correlation_id=order_id)
        return (await self._executor.run(Step(PAYMENT, payment_id, outcome), meta=meta)).events

    async def return_allowance(self, item: Item) -> None:
        """No call: the buyer may order as much again. Apart from what closed the payment, which must not wait in line
        with the buyer's other orders.
        """
        command = ReturnAllowance(at=self._clock(), payment_id=item.subject)
        step = Step(SPENDING, UUID(item.data["spending_id"]), command)
        await self._executor.run(step, meta=meta_of(item))

    async def create_refund(self, item: Item) -> None:
        call = _refund_call(item)
        report = await self._processor.find_refund(call) if repeats(item) else None
        names: dict[str, Any] = {"payment_id": call.payment_id, "refund_id": call.refund_id}
        try:
            report = report or await self._processor.create_refund(call)
        except Refused as no:
            outcome: Command = RefuseRefund(**names, attempt=call.attempt, at=self._clock(), code=no.code)
        except Unknown as silence:
            if item.kind == work.RESOLVE_REFUND:
                raise
            outcome = DoubtRefund(**names, attempt=call.attempt, at=self._clock(), reason=silence.text)
        else:
            outcome = RecordRefund(**names, at=report.created_at, report=report)
        await self._record(item, outcome)

    async def handle_webhook(self, item: Item) -> None:
        """Read the object again and record what it is now, together with the notice being done."""
        done = Step(WEBHOOK, item.subject, Handle(item.data["notice_id"], self._clock()))
        about = item.data.get("notice_type", "")  # rows that an older release left have none
        if about.startswith(CONTESTS):
            await self._chargebacks.look_again(item, done)
        else:
            await self._record(item, await self._as_it_is_now(item.data), done)

    async def _as_it_is_now(self, notice: Mapping[str, Any]) -> Command:
        at, payment_id = datetime.fromisoformat(notice["at"]), UUID(notice["payment_id"])
        if notice["refund_id"] is None:
            intent = await self._processor.read_intent(notice["object_id"])
            return RecordIntent(at=at, payment_id=payment_id, report=intent)
        refund = await self._processor.read_refund(notice["object_id"])
        return RecordRefund(at=at, payment_id=payment_id, refund_id=UUID(notice["refund_id"]), report=refund)

    async def _record(self, item: Item, outcome: Command, *others: Step) -> None:
        await self._executor.run(Step(PAYMENT, outcome.payment_id, outcome), *others, meta=meta_of(item))


def _intent_call(item: Item) -> IntentCall:
    return IntentCall(
        payment_id=item.subject,
        order_id=item.data["order_id"],
        currency=item.data["currency"],
        amount_minor=item.data["amount_minor"],
        attempt=item.data["attempt"],
        statement_suffix=item.data.get("statement_suffix"),  # rows that an older release left have none
        correlation_id=item.data["correlation_id"],
    )


def _refund_call(item: Item) -> RefundCall:
    return RefundCall(
        refund_id=item.subject,
        payment_id=UUID(item.data["payment_id"]),
        order_id=item.data["order_id"],
        intent_id=item.data["intent_id"],
        # Rows that an older release left have neither, and amounts that Stripe writes as we do.
        currency=item.data.get("currency", ""),
        amount_minor=item.data["amount_minor"],
        attempt=item.data.get("attempt", 1),
        correlation_id=item.data["correlation_id"],
    )
