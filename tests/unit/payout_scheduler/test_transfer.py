from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from libs.ledger import journal
from libs.ledger.journal import Posting
from services.payout_scheduler.domain.transfer import (
    TRANSFER,
    NoteTransferRefused,
    NoteTransferSettled,
    NoteTransferUnknown,
    RequestTransfer,
    TransferOutcomeUnknown,
    TransferRefused,
    TransferRequested,
    TransferSettled,
    retry_after,
)
from tests.unit.payout_scheduler.given import NOON, RELEASE, after, hour, then

REQUEST = RequestTransfer(release=RELEASE, at=NOON)
UNKNOWN = NoteTransferUnknown(attempt=1, reason="silence", at=hour(1))
REFUSED = NoteTransferRefused(attempt=1, code="balance_insufficient", reason="no", at=hour(1))
SETTLED = NoteTransferSettled(stripe_transfer="tr_1", at=hour(2))


def test_a_release_asks_for_one_transfer() -> None:
    assert then(TRANSFER, [], REQUEST) == [TransferRequested(at=NOON, release=RELEASE)]
    assert then(TRANSFER, [REQUEST], REQUEST) == []


def test_a_settled_transfer_moves_money_from_the_platform_to_the_seller_at_stripe() -> None:
    [settled] = then(TRANSFER, [REQUEST], SETTLED)
    assert settled == TransferSettled(at=hour(2), release=RELEASE, stripe_transfer="tr_1")
    assert settled.postings() == (
        Posting("stripe:connected:anna", "EUR", 8_000),
        Posting("stripe:platform", "EUR", -8_000),
    )
    journal.check(settled.postings())


def test_no_answer_is_one_event_and_keeps_the_attempt() -> None:
    assert then(TRANSFER, [REQUEST], UNKNOWN) == [
        TransferOutcomeUnknown(at=hour(1), release=RELEASE, attempt=1, reason="silence")
    ]
    assert then(TRANSFER, [REQUEST, UNKNOWN], UNKNOWN) == []
    assert TRANSFER.fold(after(TRANSFER, REQUEST, UNKNOWN)).attempt == 1


def test_a_refusal_advances_the_attempt() -> None:
    [refused] = then(TRANSFER, [REQUEST], REFUSED)
    assert isinstance(refused, TransferRefused)
    assert refused.retry_at == hour(1) + retry_after(1)
    assert TRANSFER.fold(after(TRANSFER, REQUEST, REFUSED)).attempt == 2


@pytest.mark.parametrize("late", [UNKNOWN, REFUSED])
def test_news_of_an_attempt_that_is_over_changes_nothing(late: NoteTransferUnknown | NoteTransferRefused) -> None:
    assert then(TRANSFER, [REQUEST, REFUSED], late) == []


@pytest.mark.parametrize("late", [UNKNOWN, REFUSED, SETTLED, REQUEST])
def test_nothing_happens_after_it_is_settled(late: object) -> None:
    assert then(TRANSFER, [REQUEST, SETTLED], late) == []


def test_what_was_found_settles_also_what_was_unknown_or_given_up() -> None:
    assert then(TRANSFER, [REQUEST, UNKNOWN], SETTLED) != []
    assert then(TRANSFER, [REQUEST, REFUSED], SETTLED) != []


@pytest.mark.parametrize("stray", [UNKNOWN, REFUSED, SETTLED])
def test_nothing_is_noted_of_a_transfer_that_nobody_asked_for(stray: object) -> None:
    assert then(TRANSFER, [], stray) == []


def test_owed_money_is_tried_for_ever_ever_more_rarely() -> None:
    pauses = [retry_after(attempt) for attempt in range(1, 40)]
    assert pauses[:3] == [timedelta(minutes=10), timedelta(minutes=20), timedelta(minutes=40)]
    assert pauses == sorted(pauses)
    assert pauses[-1] == timedelta(days=1)


def test_two_releases_are_two_transfers() -> None:
    assert RELEASE.transfer_id != replace(RELEASE, release_id=RELEASE.allocation_id).transfer_id
