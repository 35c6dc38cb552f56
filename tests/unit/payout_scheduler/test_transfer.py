from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from uuid import UUID

import pytest

from libs.ledger import journal
from libs.ledger.errors import Conflict
from libs.ledger.journal import Posting
from services.payout_scheduler.domain.transfer import (
    TRANSFER,
    KeepBack,
    Kept,
    NoteTransferRefused,
    NoteTransferSettled,
    NoteTransferUnknown,
    NoteTransferWithdrawn,
    ReceivableNetted,
    RequestTransfer,
    TransferKeptBack,
    TransferOutcomeUnknown,
    TransferRefused,
    TransferRequested,
    TransferSettled,
    retry_after,
)
from tests.unit.payout_scheduler.given import NOON, RELEASE, after, hour, names, then

REQUEST = RequestTransfer(release=RELEASE, at=NOON)
UNKNOWN = NoteTransferUnknown(attempt=1, reason="silence", at=hour(1))
REFUSED = NoteTransferRefused(attempt=1, code="balance_insufficient", reason="no", at=hour(1))
SETTLED = NoteTransferSettled(stripe_transfer="tr_1", amount_minor=8_000, at=hour(2))
WITHDRAWN = NoteTransferWithdrawn(at=hour(2))


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


def kept(amount_minor: int, clawback: int = 9) -> Kept:
    return Kept(clawback_id=UUID(int=clawback), amount_minor=amount_minor)


def keep(amount_minor: int, clawback: int = 9) -> KeepBack:
    return KeepBack(kept=kept(amount_minor, clawback), at=hour(1))


def test_a_debt_is_paid_out_of_a_release_and_the_rest_is_transferred() -> None:
    part = replace(RELEASE, amount_minor=5_000, netted_minor=3_000)
    netted, requested = then(TRANSFER, [], RequestTransfer(release=part, at=NOON))
    assert (netted, requested) == (ReceivableNetted(at=NOON, release=part), TransferRequested(at=NOON, release=part))
    assert netted.postings() == (
        Posting("seller:anna:available", "EUR", 3_000),
        Posting("receivable:seller:anna", "EUR", -3_000),
    )
    journal.check(netted.postings())


def test_where_a_debt_takes_all_of_it_there_is_no_transfer() -> None:
    whole = RequestTransfer(release=replace(RELEASE, amount_minor=0, netted_minor=8_000), at=NOON)
    assert names(then(TRANSFER, [], whole)) == ["ReceivableNetted"]
    for late in (whole, SETTLED, REFUSED, UNKNOWN, WITHDRAWN):
        assert then(TRANSFER, [whole], late) == []


def test_what_is_clawed_back_before_it_moves_is_not_transferred() -> None:
    [event] = then(TRANSFER, [REQUEST], keep(3_000))
    assert event == TransferKeptBack(at=hour(1), release=replace(RELEASE, amount_minor=5_000), kept=kept(3_000))
    assert event.postings() == ()
    assert names(then(TRANSFER, [REQUEST, UNKNOWN], keep(3_000))) == ["TransferKeptBack"]


@pytest.mark.parametrize(
    "story", [[], [REQUEST, SETTLED], [REQUEST, keep(8_000), WITHDRAWN], [REQUEST, keep(5_001)], [REQUEST, keep(8_000)]]
)
def test_nothing_is_kept_of_what_is_gone(story: list[object]) -> None:
    with pytest.raises(Conflict):
        then(TRANSFER, story, keep(3_000))


def test_a_transfer_of_nothing_is_withdrawn_once_no_call_can_have_moved_it() -> None:
    assert then(TRANSFER, [REQUEST], WITHDRAWN) == []
    assert then(TRANSFER, [REQUEST, keep(3_000)], WITHDRAWN) == []
    assert names(then(TRANSFER, [REQUEST, keep(8_000)], WITHDRAWN)) == ["TransferWithdrawn"]
    assert names(then(TRANSFER, [REQUEST, keep(8_000)], REFUSED)) == ["TransferWithdrawn"]
    assert names(then(TRANSFER, [REQUEST, UNKNOWN, keep(8_000)], WITHDRAWN)) == ["TransferWithdrawn"]
    assert then(TRANSFER, [REQUEST, keep(8_000), WITHDRAWN], REFUSED) == []


@pytest.mark.parametrize(
    ("moved_minor", "escaped"),
    [
        (5_000, ()),
        (6_000, (kept(1_000, 8),)),
        (8_000, (kept(1_000, 8), kept(2_000))),
    ],
)
def test_what_moved_moved_and_the_newest_clawbacks_hear_of_it(moved_minor: int, escaped: tuple[Kept, ...]) -> None:
    story = [REQUEST, keep(2_000), keep(1_000, 8)]
    settled = replace(SETTLED, amount_minor=moved_minor, escaped=escaped)
    [event] = then(TRANSFER, story, settled)
    assert event == TransferSettled(
        at=hour(2), release=replace(RELEASE, amount_minor=moved_minor), stripe_transfer="tr_1"
    )
    with pytest.raises(Conflict):
        then(TRANSFER, story, replace(settled, escaped=(kept(7),)))


def test_a_settlement_after_the_withdrawal_counts_all_the_same() -> None:
    story = [REQUEST, keep(8_000), WITHDRAWN]
    assert names(then(TRANSFER, story, replace(SETTLED, escaped=(kept(8_000),)))) == ["TransferSettled"]
