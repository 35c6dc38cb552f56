"""Disputes and fraud warnings read again, evidence sent, chargebacks accepted."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from libs.eventstore.execute import Executor, Step
from libs.eventstore.worklist import Item, Perform
from libs.runtime.outcomes import Refused, Unknown
from services.payment import work
from services.payment.domain.chargeback_state import Evidence
from services.payment.domain.chargebacks import RecordDispute, RecordFraudWarning
from services.payment.domain.command import Command
from services.payment.domain.evidence import DoubtEvidence, RecordEvidence, RefuseEvidence
from services.payment.domain.payment import PAYMENT
from services.payment.domain.state import State
from services.payment.handlers import EvidenceCall, Owner, Processor
from services.payment.performances.items import meta_of, repeats

DISPUTES: Final = "charge.dispute."
CONTESTS: Final = (DISPUTES, "radar.early_fraud_warning.")
"""What the notices begin with whose objects do not bear our names: to whom they belong shows when they are read."""


class Chargebacks:
    def __init__(self, executor: Executor, processor: Processor, clock: Callable[[], datetime]) -> None:
        self._executor = executor
        self._processor = processor
        self._clock = clock

    def by_kind(self) -> Mapping[str, Perform]:
        return {
            work.SEND_EVIDENCE: self.send_evidence,
            work.RESOLVE_EVIDENCE: self.send_evidence,
            work.ACCEPT_CHARGEBACK: self.accept,
        }

    async def look_again(self, item: Item, done: Step) -> None:
        """Record what a notice's object is now, together with the notice being done; alone where it is not ours."""
        about, owner = await self._about(item)
        steps = [Step(PAYMENT, about.payment_id, about)] if about else []
        correlation_id = owner.correlation_id if owner else None
        await self._executor.run(*steps, done, meta=meta_of(item, correlation_id=correlation_id))

    async def _about(self, item: Item) -> tuple[Command | None, Owner | None]:
        at, object_id = datetime.fromisoformat(item.data["at"]), item.data["object_id"]
        if item.data["notice_type"].startswith(DISPUTES):
            dispute, owner = await self._processor.read_dispute(object_id)
            return RecordDispute(at=at, payment_id=owner.payment_id, report=dispute) if owner else None, owner
        warning, owner = await self._processor.read_fraud_warning(object_id)
        return RecordFraudWarning(at=at, payment_id=owner.payment_id, report=warning) if owner else None, owner

    async def send_evidence(self, item: Item) -> None:
        payment_id, version = UUID(item.data["payment_id"]), item.data["version"]
        state: State = await self._executor.state(PAYMENT, payment_id)
        past = state.chargebacks[item.subject]
        if past.evidence is None or not past.sending or past.evidence.version != version:
            return  # it has its outcome, and this row goes with it
        names = {"payment_id": payment_id, "chargeback_id": item.subject}
        await self._record(item, await self._sent(item, names, past.evidence))

    async def _sent(self, item: Item, names: Mapping[str, Any], evidence: Evidence) -> Command:
        """What came of sending it. Raises `Unknown` where that changes nothing."""
        if gone := [each.text.state for each in evidence.texts if each.text.state != "plain"]:
            return RefuseEvidence(**names, at=self._clock(), version=evidence.version, code=gone[0])
        call = _call(item, evidence)
        submissions = await self._processor.find_evidence(call) if repeats(item) else None
        try:
            if submissions is None:
                submissions = await self._processor.send_evidence(call)
        except Refused as no:
            return RefuseEvidence(**names, at=self._clock(), version=call.version, code=no.code)
        except Unknown as silence:
            if item.kind == work.RESOLVE_EVIDENCE and not silence.answered:
                raise
            doubt: dict[str, Any] = {"version": call.version, "answered": silence.answered, "reason": silence.text}
            return DoubtEvidence(**names, at=self._clock(), **doubt)
        return RecordEvidence(**names, at=self._clock(), version=call.version, submissions=submissions)

    async def accept(self, item: Item) -> None:
        """To accept twice is to accept once; if the processor refuses, what the dispute has become counts."""
        dispute_id = item.data["dispute_id"]
        try:
            report = await self._processor.accept_dispute(dispute_id, item.data["version"])
        except Refused:
            report, _ = await self._processor.read_dispute(dispute_id)
            if report.status in {"inquiry", "open"}:
                raise
        payment_id = UUID(item.data["payment_id"])
        await self._record(item, RecordDispute(at=self._clock(), payment_id=payment_id, report=report))

    async def _record(self, item: Item, outcome: Command) -> None:
        await self._executor.run(Step(PAYMENT, outcome.payment_id, outcome), meta=meta_of(item))


def _call(item: Item, evidence: Evidence) -> EvidenceCall:
    return EvidenceCall(
        dispute_id=item.data["dispute_id"],
        number=evidence.number,
        version=evidence.version,
        texts={each.field: each.text.text for each in evidence.texts},
        submit=evidence.submit,
    )
