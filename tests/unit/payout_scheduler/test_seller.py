from __future__ import annotations

from dataclasses import replace

import pytest

from libs.ledger.errors import NotFound, Rejected
from services.payout_scheduler.domain.seller import (
    SELLER,
    ChangeSchedule,
    NoteAccount,
    NoteAccountRefused,
    NoteDeauthorized,
    NoteOwnPayouts,
    Readiness,
    RegisterSeller,
    SellerAccountCreated,
    SellerDeauthorized,
    SellerOwnPayoutsFound,
    SellerReadinessChanged,
    SellerRegistered,
    SellerScheduleChanged,
    seller_id,
)
from tests.unit.payout_scheduler.given import NOON, READY, after, hour, names, then

REGISTER = RegisterSeller(seller="anna", country="DE", at=NOON)
OPENED = NoteAccount(account_id="acct_1", readiness=Readiness(), at=hour(1), opened=True)
SEEN = NoteAccount(account_id="acct_1", readiness=READY, at=hour(2))
REFUSED = NoteAccountRefused(attempt=1, code="country_unsupported", reason="no", at=hour(1))


def test_a_seller_is_registered_once() -> None:
    assert then(SELLER, [], REGISTER) == [SellerRegistered(at=NOON, seller="anna", country="DE")]
    assert then(SELLER, [REGISTER], REGISTER) == []


def test_a_seller_cannot_move_to_another_country() -> None:
    with pytest.raises(Rejected, match="registered in DE") as refused:
        then(SELLER, [REGISTER], replace(REGISTER, country="FR"))
    assert refused.value.code == "seller_registered"


def test_an_account_is_noted_once_with_its_readiness() -> None:
    assert then(SELLER, [REGISTER], OPENED) == [
        SellerAccountCreated(at=hour(1), seller="anna", account_id="acct_1"),
    ]
    assert names(then(SELLER, [REGISTER], replace(OPENED, readiness=READY))) == [
        "SellerAccountCreated",
        "SellerReadinessChanged",
    ]
    assert then(SELLER, [REGISTER, OPENED], OPENED) == []


def test_readiness_is_told_when_it_changes_and_only_then() -> None:
    assert then(SELLER, [REGISTER, OPENED], SEEN) == [
        SellerReadinessChanged(at=hour(2), seller="anna", account_id="acct_1", readiness=READY)
    ]
    assert then(SELLER, [REGISTER, OPENED, SEEN], replace(SEEN, at=hour(3))) == []
    assert SELLER.fold(after(SELLER, REGISTER, OPENED, SEEN)).status == "ready"


def test_news_of_an_account_that_we_have_not_noted_waits_for_who_opened_it() -> None:
    assert then(SELLER, [REGISTER], SEEN) == []


def test_news_of_another_account_changes_nothing() -> None:
    assert then(SELLER, [REGISTER, OPENED], replace(SEEN, account_id="acct_2")) == []
    assert then(SELLER, [], SEEN) == []


def test_ready_needs_transfers_and_payouts() -> None:
    assert READY.ready
    assert not Readiness(transfers_active=True).ready
    assert not Readiness(payouts_enabled=True).ready


def test_after_a_refused_account_the_seller_may_be_registered_anew_elsewhere() -> None:
    story = [REGISTER, REFUSED]
    assert SELLER.fold(after(SELLER, *story)).status == "refused"
    assert then(SELLER, story, REFUSED) == []
    anew = replace(REGISTER, country="FR", at=hour(2))
    assert then(SELLER, story, anew) == [SellerRegistered(at=hour(2), seller="anna", country="FR", attempt=2)]
    assert then(SELLER, [*story, anew], REFUSED) == []
    assert then(SELLER, [REGISTER, OPENED], REFUSED) == []


def test_a_schedule_is_changed_once_and_only_for_a_registered_seller() -> None:
    daily = ChangeSchedule(frequency="daily", at=hour(1))
    assert then(SELLER, [REGISTER], daily) == [SellerScheduleChanged(at=hour(1), seller="anna", frequency="daily")]
    assert then(SELLER, [REGISTER, daily], daily) == []
    with pytest.raises(NotFound, match="POST /sellers"):
        then(SELLER, [], daily)


def test_books_have_their_own_sellers() -> None:
    assert seller_id(1, "anna") != seller_id(2, "anna")


def test_a_seller_who_disconnected_is_not_ready_until_registered_anew() -> None:
    gone = NoteDeauthorized(account_id="acct_1", at=hour(3))
    story = [REGISTER, OPENED, SEEN, gone]
    assert then(SELLER, story[:-1], gone) == [SellerDeauthorized(at=hour(3), seller="anna", account_id="acct_1")]
    assert then(SELLER, story, gone) == then(SELLER, story, SEEN) == []
    assert then(SELLER, story[:-1], replace(gone, account_id="acct_2")) == []
    state = SELLER.fold(after(SELLER, *story))
    assert (state.status, state.readiness.ready) == ("deauthorized", False)
    again = replace(REGISTER, at=hour(4))
    assert then(SELLER, story, again) == [SellerRegistered(at=hour(4), seller="anna", country="DE", attempt=2)]
    second = replace(OPENED, account_id="acct_2", readiness=READY)
    assert SELLER.fold(after(SELLER, *story, again, second)).status == "ready"
    assert then(SELLER, [*story, again, second], gone) == []


def test_each_time_stripe_pays_out_by_itself_there_is_a_new_version_to_stop_it() -> None:
    found = NoteOwnPayouts(account_id="acct_1", interval="daily", at=hour(3))
    event = SellerOwnPayoutsFound(at=hour(3), seller="anna", account_id="acct_1", interval="daily", version=2)
    assert then(SELLER, [REGISTER, OPENED], found) == [event]
    assert then(SELLER, [REGISTER, OPENED, found], found) == [replace(event, version=3)]
    assert then(SELLER, [REGISTER], found) == []
