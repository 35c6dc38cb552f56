"""Which work an event leaves: the outside calls of this service follow from here."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest

from libs.eventstore.codec import Codec
from libs.eventstore.model import Recorded, stream_name
from libs.ledger.decider import Event
from services.payout_scheduler import work
from services.payout_scheduler.domain import EVENTS
from services.payout_scheduler.domain import payout as p
from services.payout_scheduler.domain import reversal as r
from services.payout_scheduler.domain import transfer as t
from services.payout_scheduler.domain.seller import SellerAccountCreated, SellerRegistered, seller_id
from services.payout_scheduler.work import Work, work_after
from tests.unit.payout_scheduler.given import CALL, CLAIM, CLAWBACK, NOON, RELEASE, again, hour

RECORDED_AT = hour(-5)
CODEC: Codec[Any] = Codec(EVENTS)


def recorded(event: Event, stream: str) -> Recorded:
    new = CODEC.encode(event)
    return Recorded(
        1, 7, stream, 1, new.type, 1, RECORDED_AT, event.at, "A-1", None, "x", None, (), (), (), new.data, b""
    )  # fmt: skip


def left_by(event: Event) -> Work | None:
    if isinstance(event, r.ReversalEvent):
        return work_after(event, recorded(event, stream_name("reversal", CLAWBACK.clawback_id)))
    ids = {"Seller": seller_id(1, "anna"), "Transf": RELEASE.transfer_id, "Payout": CLAIM.payout_id}
    return work_after(event, recorded(event, stream_name("any", ids[type(event).__name__[:6]])))


def test_a_transfer_is_due_at_once_when_its_seller_is_ready_whatever_the_business_time() -> None:
    todo = left_by(t.TransferRequested(at=hour(500), release=RELEASE))
    assert todo is not None
    assert (todo.id, todo.kind) == (f"create_transfer:{RELEASE.transfer_id}:1", "create_transfer")
    assert (todo.due_at, todo.needs_ready) == (RECORDED_AT, "anna")
    assert work.RELEASE.validate_python(todo.data["release"]) == RELEASE
    assert (todo.data["causation_id"], todo.data["correlation_id"]) == ("1-7", "A-1")


def test_a_refused_transfer_is_tried_again_under_the_next_number() -> None:
    refused = t.TransferRefused(at=NOON, release=RELEASE, attempt=1, code="x", reason="x", retry_at=hour(1))
    todo = left_by(refused)
    assert todo is not None
    assert (todo.id, todo.due_at) == (f"create_transfer:{RELEASE.transfer_id}:2", hour(1))
    assert (todo.data["attempt"], todo.needs_ready) == (2, "anna")


@pytest.mark.parametrize(
    ("event", "work_id"),
    [
        (
            t.TransferOutcomeUnknown(at=NOON, release=RELEASE, attempt=3, reason="x"),
            f"resolve_transfer:{RELEASE.transfer_id}:3",
        ),
        (p.PayoutOutcomeUnknown(at=NOON, claim=again(), reason="x"), f"resolve_payout:{CLAIM.payout_id}:2"),
    ],
)
def test_what_is_unknown_is_asked_about_after_a_pause_under_the_same_number(event: Event, work_id: str) -> None:
    todo = left_by(event)
    assert todo is not None
    assert (todo.id, todo.needs_ready) == (work_id, None)
    assert todo.due_at > RECORDED_AT + timedelta(seconds=1)


def test_a_started_payout_is_to_be_submitted() -> None:
    todo = left_by(p.PayoutStarted(at=NOON, claim=again()))
    assert todo is not None
    assert todo.id == f"submit_payout:{CLAIM.payout_id}:2"
    assert work.CLAIM.validate_python(todo.data["claim"]) == again()


def test_a_registered_seller_gets_an_account() -> None:
    todo = left_by(SellerRegistered(at=NOON, seller="anna", country="DE", attempt=2))
    assert todo is not None
    assert todo.id == f"create_account:{seller_id(1, 'anna')}:2"
    assert (todo.data["seller"], todo.data["country"], todo.data["attempt"]) == ("anna", "DE", 2)


@pytest.mark.parametrize(
    "event",
    [
        SellerAccountCreated(at=NOON, seller="anna", account_id="acct_1"),
        t.TransferSettled(at=NOON, release=RELEASE, stripe_transfer="tr_1"),
        p.PayoutSubmitted(at=NOON, claim=CLAIM, stripe_payout="po_1"),
        p.PayoutPaid(at=NOON, claim=CLAIM, stripe_payout="po_1"),
        p.PayoutFailed(at=NOON, claim=CLAIM, stripe_payout=None, code="x", reason="x", retry_at=hour(1)),
    ],
)
def test_an_outcome_leaves_nothing_to_do(event: Event) -> None:
    assert left_by(event) is None


@pytest.mark.parametrize(
    ("event", "kind", "due_at"),
    [
        (r.ReversalRequested(at=NOON, clawback=CLAWBACK), "reverse", RECORDED_AT),
        (r.ReversalStarted(at=NOON, clawback=CLAWBACK, call=CALL), "reverse", RECORDED_AT),
        (
            r.ReversalOutcomeUnknown(at=NOON, clawback=CLAWBACK, call=CALL, reason="x"),
            "resolve_reversal",
            RECORDED_AT + work.RESOLVE_AFTER,
        ),
        (
            r.ReversalShort(at=NOON, clawback=CLAWBACK, short_minor=1, reason="x", retry_at=hour(3)),
            "reverse",
            hour(3),
        ),
    ],
)
def test_a_clawback_goes_on_until_nothing_is_left(event: r.ReversalEvent, kind: str, due_at: datetime) -> None:
    todo = left_by(event)
    assert todo is not None
    assert (todo.kind, todo.due_at, todo.needs_ready) == (kind, due_at, None)
    assert left_by(replace(event, clawback=replace(CLAWBACK, reversed_minor=5_000))) is None
