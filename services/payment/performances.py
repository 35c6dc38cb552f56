"""The work at the processor: one method a kind. A worker calls them; each ends by recording the outcome.

Whoever is killed between a call and its record, or is told nothing, leaves a call that may have had its effect. So
every repetition first looks for that effect, and only then makes the same call again, under the same key.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

from libs.eventstore.execute import Executor, Step
from libs.eventstore.model import Meta
from libs.eventstore.worklist import Item, Perform
from libs.runtime.outcomes import Refused, Unknown
from services.payment import work
from services.payment.domain.command import Command
from services.payment.domain.payment import PAYMENT, AbandonIntent, DoubtIntent, RecordIntent, RefuseIntent
from services.payment.domain.refunds import DoubtRefund, RecordRefund, RefuseRefund
from services.payment.domain.webhook import WEBHOOK, Handle
from services.payment.handlers import IntentCall, Processor, RefundCall


class Performances:
    def __init__(self, executor: Executor, processor: Processor, clock: Callable[[], datetime]) -> None:
        self._executor = executor
        self._processor = processor
        self._clock = clock

    def by_kind(self) -> Mapping[str, Perform]:
        return {
            work.CREATE_INTENT: self.create_intent,
            work.RESOLVE_INTENT: self.create_intent,
            work.CANCEL_INTENT: self.cancel_intent,
            work.CREATE_REFUND: self.create_refund,
            work.RESOLVE_REFUND: self.create_refund,
            work.HANDLE_WEBHOOK: self.handle_webhook,
        }

    async def create_intent(self, item: Item) -> None:
        call = _intent_call(item)
        report = await self._processor.find_intent(call.payment_id) if call.attempt > 1 or _repeats(item) else None
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
            report = await self._processor.cancel_intent(intent_id)
        except Refused:
            report = await self._processor.read_intent(intent_id)
            if report.status not in {"succeeded", "canceled"}:
                raise
        await self._record(item, RecordIntent(at=self._clock(), payment_id=item.subject, report=report))

    async def create_refund(self, item: Item) -> None:
        call = _refund_call(item)
        report = await self._processor.find_refund(call.intent_id, call.refund_id) if _repeats(item) else None
        names: dict[str, Any] = {"payment_id": call.payment_id, "refund_id": call.refund_id}
        try:
            report = report or await self._processor.create_refund(call)
        except Refused as no:
            outcome: Command = RefuseRefund(**names, at=self._clock(), code=no.code)
        except Unknown as silence:
            if item.kind == work.RESOLVE_REFUND:
                raise
            outcome = DoubtRefund(**names, at=self._clock(), reason=silence.text)
        else:
            outcome = RecordRefund(**names, at=report.created_at, report=report)
        await self._record(item, outcome)

    async def handle_webhook(self, item: Item) -> None:
        """Read the object again and record what it is now, together with the notice being done."""
        done = Step(WEBHOOK, item.subject, Handle(item.data["notice_id"], self._clock()))
        await self._record(item, await self._as_it_is_now(item.data), done)

    async def _as_it_is_now(self, notice: Mapping[str, Any]) -> Command:
        at, payment_id = datetime.fromisoformat(notice["at"]), UUID(notice["payment_id"])
        if notice["refund_id"] is None:
            intent = await self._processor.read_intent(notice["object_id"])
            return RecordIntent(at=at, payment_id=payment_id, report=intent)
        refund = await self._processor.read_refund(notice["object_id"])
        return RecordRefund(at=at, payment_id=payment_id, refund_id=UUID(notice["refund_id"]), report=refund)

    async def _record(self, item: Item, outcome: Command, *others: Step) -> None:
        meta = Meta("payment", correlation_id=item.data["correlation_id"], causation_id=item.data["causation_id"])
        await self._executor.run(Step(PAYMENT, outcome.payment_id, outcome), *others, meta=meta)


def _repeats(item: Item) -> bool:
    return item.attempts > 1 or item.kind in work.RESOLVE_KINDS


def _intent_call(item: Item) -> IntentCall:
    return IntentCall(
        payment_id=item.subject,
        order_id=item.data["order_id"],
        currency=item.data["currency"],
        amount_minor=item.data["amount_minor"],
        attempt=item.data["attempt"],
        correlation_id=item.data["correlation_id"],
    )


def _refund_call(item: Item) -> RefundCall:
    return RefundCall(
        refund_id=item.subject,
        payment_id=UUID(item.data["payment_id"]),
        order_id=item.data["order_id"],
        intent_id=item.data["intent_id"],
        amount_minor=item.data["amount_minor"],
        correlation_id=item.data["correlation_id"],
    )
