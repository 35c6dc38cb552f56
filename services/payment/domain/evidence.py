"""What we say to the bank of a buyer who contests a payment: kept until it is sent, and sent once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from libs.ledger.errors import Rejected
from services.payment.domain import chargeback_events as c
from services.payment.domain import events as e
from services.payment.domain.chargeback_state import Chargeback, Evidence
from services.payment.domain.chargebacks import known, names_of, still_open
from services.payment.domain.command import Command
from services.payment.domain.state import State


@dataclass(frozen=True, slots=True, kw_only=True)
class EvidenceCommand(Command):
    chargeback_id: UUID


@dataclass(frozen=True, slots=True, kw_only=True)
class GiveEvidence(EvidenceCommand):
    """`submit` makes it final; else it is only kept at the processor, and more may follow."""

    texts: tuple[c.EvidenceText, ...]
    submit: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordEvidence(EvidenceCommand):
    """The processor shows it. `submissions`: how often any was given to the bank so far."""

    version: int
    submissions: int


@dataclass(frozen=True, slots=True, kw_only=True)
class DoubtEvidence(EvidenceCommand):
    """Nobody knows whether it arrived. `answered`: this version's key has an answer, which is no use."""

    version: int
    answered: bool
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RefuseEvidence(EvidenceCommand):
    version: int
    code: str


def decide(command: EvidenceCommand, state: State) -> Sequence[e.PaymentEvent]:
    past = known(state, command.chargeback_id)
    names = names_of(command, state, command.chargeback_id, past.dispute_id)
    if isinstance(command, GiveEvidence):
        return _give(command, names, still_open(past))
    return _outcome(command, names, past, past.evidence) if past.evidence and past.sending else ()


def _give(command: GiveEvidence, names: dict[str, Any], past: Chargeback) -> Sequence[e.PaymentEvent]:
    if past.sending:
        raise Rejected(
            "The evidence before this one is still on its way to the processor; send this again in a minute.",
            code="evidence_under_way",
        )
    return [c.EvidenceRequested(**names, version=past.version + 1, texts=command.texts, submit=command.submit)]


def _outcome(
    command: EvidenceCommand, names: dict[str, Any], past: Chargeback, sent: Evidence
) -> Sequence[e.PaymentEvent]:
    match command:
        case RecordEvidence(submissions=submissions):
            return [c.EvidenceSubmitted(**names, version=sent.version, submit=sent.submit, submissions=submissions)]
        case RefuseEvidence(version=version, code=code) if version == sent.version:
            return [c.EvidenceRefused(**names, version=version, code=code)]
        case DoubtEvidence(version=version) if version == sent.version:
            if past.evidence_status == "unknown" and not command.answered:
                return ()
            again = past.version + 1 if past.evidence_status == "unknown" else version
            return [c.EvidenceOutcomeUnknown(**names, version=again, doubted_version=version, reason=command.reason)]
        case _:
            return ()
