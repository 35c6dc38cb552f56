"""Releases by a person, whole and in parts."""

from __future__ import annotations

from dataclasses import replace

import pytest

from libs.ledger.journal import Posting
from services.escrow.domain import events as e
from services.escrow.domain.allocation import allocation_id_of, release_id_of
from services.escrow.domain.commands import Command, ReleaseNow
from services.escrow.domain.facts import Fact
from services.escrow.domain.state import State
from tests.unit.escrow.given import (
    ESCROW_ID,
    HOLD,
    after,
    cancelled,
    charged_back,
    closed,
    day,
    delivered,
    disputed,
    hear,
    history,
    refund,
    refused,
    release,
    release_now,
    statuses,
    then,
    unfreeze,
    warned,
)


def test_a_part_is_released_with_its_part_of_the_commission_and_the_rest_stays_as_it_was() -> None:
    state = after(HOLD, hear(delivered(3, "bert")))
    [released] = then(state, release_now(4, "bert", 1_000))
    assert isinstance(released, e.AllocationReleased)
    assert (released.release_type, released.requested_by, released.charge) == ("manual_release", "ada", "ch_1")
    assert released.release_id == release_id_of(allocation_id_of(ESCROW_ID, "bert"), 1)
    assert released.status == "PARTIALLY_RELEASED"
    assert released.postings() == (
        Posting("escrow:held", "USD", 1_000),
        Posting("seller:bert:available", "USD", -800),
        Posting("revenue:commission", "USD", -200),
    )
    rest = after(HOLD, hear(delivered(3, "bert")), release_now(4, "bert", 1_000)).shares["bert"]
    assert (rest.status, rest.release_at, rest.money.held_minor) == ("pending_release", day(10), 2_000)


def test_the_timer_releases_the_rest_under_the_next_number() -> None:
    events = history([HOLD, hear(delivered(3, "bert")), release_now(4, "bert", 1_001), release(10)])
    released = [event for event in events if isinstance(event, e.AllocationReleased)]
    allocation_id = allocation_id_of(ESCROW_ID, "bert")
    assert [each.release_id for each in released] == [release_id_of(allocation_id, number) for number in (1, 2)]
    assert [(each.gross_minor, each.commission_minor) for each in released] == [(1_001, 200), (1_999, 400)]
    assert [each.release_type for each in released] == ["manual_release", "task_completion"]


def test_a_whole_order_is_released_with_one_request() -> None:
    first, second = then(after(HOLD), release_now(1))
    assert isinstance(first, e.AllocationReleased)
    assert isinstance(second, e.AllocationReleased)
    assert [(each.seller, each.gross_minor) for each in (first, second)] == [("anna", 13_000), ("bert", 3_000)]
    assert second.status == "RELEASED"


def test_of_a_whole_order_what_is_contested_stays() -> None:
    assert statuses(after(HOLD, hear(disputed(1, "anna")), release_now(2))) == {"anna": "disputed", "bert": "released"}


@pytest.mark.parametrize(
    ("state", "request_", "code"),
    [
        (State(), release_now(1), "unknown_escrow"),
        (after(HOLD), release_now(1, "carl"), "unknown_seller"),
        (after(HOLD), release_now(1, None, 5), "seller_needed"),
        (after(HOLD), release_now(1, "bert", 3_001), "too_much"),
        (after(HOLD, release_now(1, "bert", 1)), release_now(1, "bert", 3_000), "too_much"),
        (after(HOLD, release_now(1)), release_now(1), "nothing_held"),
        (after(HOLD, release_now(1)), release_now(1, "bert", 1), "nothing_held"),
        (after(HOLD, hear(cancelled(1))), release_now(1), "nothing_held"),
        (after(HOLD, hear(disputed(1))), release_now(1), "disputed"),
        (after(HOLD, hear(disputed(1, "anna"))), release_now(1, "anna", 1), "disputed"),
        (after(HOLD, hear(warned(1))), release_now(1), "frozen"),
        (after(HOLD, hear(charged_back(1))), release_now(1), "charged_back"),
        (after(HOLD, hear(charged_back(1, stage="inquiry"))), release_now(1, "bert"), "charged_back"),
        (after(HOLD, release_now(1), hear(charged_back(1))), release_now(1, "bert"), "charged_back"),
    ],
)
def test_what_cannot_be_released_is_refused(state: State, request_: ReleaseNow, code: str) -> None:
    refused(state, request_, code)


def test_too_much_says_how_much_is_left() -> None:
    state = after(HOLD, release_now(1, "bert", 500), refund(2, "bert", 700))
    assert refused(state, release_now(3, "bert", 2_000), "too_much").fields["left_minor"] == 1_800


@pytest.mark.parametrize("frozen_by", [warned(4), charged_back(4), charged_back(4, stage="inquiry"), disputed(4)])
def test_nothing_that_is_frozen_is_released_or_confirmed_by_the_clock(frozen_by: Fact) -> None:
    assert then(after(HOLD, hear(delivered(3, "anna")), hear(frozen_by)), release(60)) == []


def test_what_is_unfrozen_is_released_by_the_next_run_dated_as_if_it_had_never_been_frozen() -> None:
    frozen: list[Command] = [HOLD, hear(delivered(3, "anna")), hear(warned(4)), unfreeze(50), release(50)]
    released = [event for event in history(frozen) if isinstance(event, e.AllocationReleased)]
    assert [(each.seller, each.release_type) for each in released] == [
        ("anna", "task_completion"),
        ("bert", "auto_release"),
    ]
    won = history([HOLD, hear(delivered(3)), hear(charged_back(4)), hear(closed("won", 30)), release(30)])
    assert won[-1].at == day(30)
    assert isinstance(won[-1], e.AllocationReleased)


def test_without_escrow_an_earlier_chargeback_or_warning_still_keeps_the_money_from_the_sellers() -> None:
    at_once = replace(HOLD, terms=replace(HOLD.terms, hold=False))
    for fact in (warned(-1), charged_back(-1)):
        state = after(hear(fact), at_once)
        assert {share.money.held_minor for share in state.shares.values()} == {13_000, 3_000}
