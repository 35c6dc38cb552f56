"""What the events of a chargeback come to."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Literal
from uuid import UUID

from services.payment.domain import chargeback_events as c

Stage = Literal["inquiry", "chargeback"]
ContestStatus = Literal["open", "won", "lost", "withdrawn"]
EvidenceStatus = Literal["none", "requested", "unknown", "staged", "submitted", "refused"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """The newest evidence. Its `number` is its first version, `version` the one under which it is sent now."""

    number: int
    version: int
    texts: tuple[c.EvidenceText, ...]
    submit: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Chargeback:
    """A chargeback, or the inquiry before it. `gone_minor` is what the bank took for good, once it decided."""

    dispute_id: str
    stage: Stage
    currency: str
    amount_minor: int
    reason: str
    opened_at: datetime
    respond_by: datetime | None
    under_review: bool
    status: ContestStatus = "open"
    fee_minor: int = 0
    gone_minor: int = 0
    to_cover_minor: int | None = None
    closed_at: datetime | None = None
    accepted: bool = False
    version: int = 0
    evidence: Evidence | None = None
    evidence_status: EvidenceStatus = "none"
    evidence_code: str | None = None
    submissions: int = 0

    @property
    def bars_refunds(self) -> bool:
        """Whether the buyer has the money back already, or still may: a refund on top would pay twice."""
        return self.stage == "chargeback" and self.status in {"open", "lost"}

    @property
    def needs_response(self) -> bool:
        """Whether the bank still waits for a word of ours."""
        answered = self.under_review or self.accepted or self.evidence_status == "submitted"
        return self.status == "open" and not answered

    @property
    def sending(self) -> bool:
        """Whether evidence is on its way to the processor."""
        return self.evidence_status in {"requested", "unknown"}


Chargebacks = Mapping[UUID, Chargeback]


def evolved(chargebacks: Chargebacks, event: c.ChargebackEvent) -> Chargebacks:
    """All of a payment's after this event."""
    before = chargebacks.get(event.chargeback_id)
    after = _contested(before, event) if isinstance(event, c.ContestedEvent) else _evolved(chargebacks, event)
    return {**chargebacks, event.chargeback_id: after}


def _contested(before: Chargeback | None, event: c.ContestedEvent) -> Chargeback:
    opened = Chargeback(
        dispute_id=event.dispute_id,
        stage="chargeback" if isinstance(event, c.ChargebackOpened) else "inquiry",
        currency=event.currency,
        amount_minor=event.amount_minor,
        reason=event.reason,
        opened_at=event.at,
        respond_by=event.respond_by,
        under_review=event.under_review,
        fee_minor=event.fee_minor if isinstance(event, c.ChargebackOpened) else 0,
    )
    # An inquiry's answers do not count for the chargeback that follows, but their keys are used up.
    return opened if before is None else replace(opened, version=before.version, submissions=before.submissions)


def _evolved(chargebacks: Chargebacks, event: c.ChargebackEvent) -> Chargeback:
    past = chargebacks[event.chargeback_id]
    match event:
        case c.ContestChanged():
            return replace(past, respond_by=event.respond_by, under_review=event.under_review)
        case c.InquiryClosed():
            return replace(past, status="withdrawn", closed_at=event.at)
        case c.ChargebackWon():
            gone_minor = event.amount_minor - event.returned_minor
            return replace(_closed(past, event), status="won", gone_minor=gone_minor)
        case c.ChargebackLost():
            gone_minor = event.amount_minor - event.returned_minor
            past = replace(_closed(past, event), status="lost", gone_minor=gone_minor)
            return replace(past, to_cover_minor=event.to_cover_minor)
        case c.ChargebackAccepted(version=version):
            return replace(past, accepted=True, version=version)
        case _:
            return _evidence(past, event)


def _closed(past: Chargeback, event: c.ChargebackWon | c.ChargebackLost) -> Chargeback:
    return replace(past, fee_minor=event.fee_total_minor, closed_at=event.at)


def _evidence(past: Chargeback, event: c.ChargebackEvent) -> Chargeback:
    match event:
        case c.EvidenceRequested(version=version):
            evidence = Evidence(number=version, version=version, texts=event.texts, submit=event.submit)
            return replace(past, evidence=evidence, evidence_status="requested", evidence_code=None, version=version)
        case c.EvidenceOutcomeUnknown(version=version):
            again = past.evidence and replace(past.evidence, version=version)
            return replace(past, evidence=again, evidence_status="unknown", version=max(version, past.version))
        case c.EvidenceSubmitted(submit=submit, submissions=submissions):
            status: EvidenceStatus = "submitted" if submit else "staged"
            return replace(past, evidence_status=status, submissions=submissions)
        case c.EvidenceRefused(code=code):
            return replace(past, evidence_status="refused", evidence_code=code)
        case _:
            raise TypeError(f"{type(event).__name__} is no event of a chargeback")
