"""What is said to the bank is sent once, and whether it arrived is looked up."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest

from libs.ledger.errors import Rejected
from services.payment.domain import PAYMENT
from services.payment.domain import events as e
from services.payment.domain.chargeback_state import Chargeback
from tests.unit.payment.contested import (
    ASKED,
    CHARGEBACK_ID,
    LOST,
    PAID,
    REVIEWED,
    TAKEN,
    TEXT,
    arrived,
    doubt,
    give,
    refuse,
    tell,
)
from tests.unit.payment.given import after

OPEN: list[e.PaymentEvent] = [*PAID, *after(PAID, tell(TAKEN))]


def _types(events: Sequence[e.PaymentEvent]) -> list[str]:
    return [type(event).__name__.removeprefix("Evidence") for event in events]


def _chargeback(events: Sequence[e.PaymentEvent]) -> Chargeback:
    return PAYMENT.fold([*OPEN, *events]).chargebacks[CHARGEBACK_ID]


KEEP = give(submit=False)
TURNS: list[tuple[str, list[Any], list[str], str]] = [
    ("submitted", [give(), arrived(), arrived()], ["Requested", "Submitted"], "submitted"),
    ("kept there", [give(submit=False), arrived()], ["Requested", "Submitted"], "staged"),
    ("refused", [give(), refuse(), arrived(), doubt()], ["Requested", "Refused"], "refused"),
    ("silence is kept once", [give(), doubt(), doubt()], ["Requested", "OutcomeUnknown"], "unknown"),
    ("found", [give(), doubt(), arrived()], ["Requested", "OutcomeUnknown", "Submitted"], "submitted"),
    ("another one's outcome", [give(), refuse(7), doubt(7)], ["Requested"], "requested"),
    ("again after a refusal", [give(), refuse(), give()], ["Requested", "Refused", "Requested"], "requested"),
    ("kept, then given", [KEEP, arrived(), give(), arrived(2)], 2 * ["Requested", "Submitted"], "submitted"),
]  # fmt: skip


@pytest.mark.parametrize(("told", "expected", "status"), [turn[1:] for turn in TURNS], ids=[turn[0] for turn in TURNS])
def test_evidence_is_what_is_known_of_its_arrival(told: list[Any], expected: list[str], status: str) -> None:
    events = after(OPEN, *told)
    assert _types(events) == expected
    assert _chargeback(events).evidence_status == status


def test_a_key_that_answers_with_a_failure_is_left_and_the_evidence_stays_the_same() -> None:
    events = after(OPEN, give(), doubt(answered=True), doubt(answered=True))
    assert [event.version for event in events[1:]] == [1, 2]  # type: ignore[attr-defined]  # both are doubts
    evidence = _chargeback(events).evidence
    assert evidence is not None
    assert (evidence.number, evidence.version, evidence.texts[0].text) == (1, 2, TEXT)
    assert _types(after([*OPEN, *events], refuse(1), arrived(2))) == ["Submitted"]


UNWELCOME: list[tuple[str, list[Any], str]] = [
    ("while another is on its way", [tell(TAKEN), give()], "evidence_under_way"),
    ("after the decision", [tell(LOST)], "chargeback_closed"),
    ("of what nobody contests", [], "unknown_chargeback"),
]


@pytest.mark.parametrize(("past", "code"), [row[1:] for row in UNWELCOME], ids=[row[0] for row in UNWELCOME])
def test_evidence_that_cannot_count_is_refused_with_the_reason(past: list[Any], code: str) -> None:
    with pytest.raises(Rejected) as refused:
        after(PAID, *past, give())
    assert refused.value.code == code


def test_what_an_inquiry_was_told_does_not_answer_the_chargeback_after_it_and_its_key_is_used_up() -> None:
    events = after(PAID, tell(ASKED), give(), arrived(), tell(replace(ASKED, under_review=True)), tell(TAKEN))
    chargeback = PAYMENT.fold([*PAID, *events]).chargebacks[CHARGEBACK_ID]
    assert (chargeback.needs_response, chargeback.evidence_status, chargeback.version) == (True, "none", 1)


def test_the_bank_waits_until_somebody_answered_wherever_that_was() -> None:
    assert _chargeback([]).needs_response
    assert _chargeback(after(OPEN, give(submit=False), arrived())).needs_response
    assert not _chargeback(after(OPEN, give(), arrived())).needs_response
    assert not _chargeback(after(OPEN, tell(REVIEWED))).needs_response
