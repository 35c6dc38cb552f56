from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from contracts.events import payouts
from contracts.events.base import Message
from libs.ledger.decider import Event
from services.payout_scheduler.announce import announce
from services.payout_scheduler.domain.payout import (
    PayoutFailed,
    PayoutOutcomeUnknown,
    PayoutPaid,
    PayoutReturned,
    PayoutStarted,
    PayoutSubmitted,
)
from services.payout_scheduler.domain.reversal import ReversalShort, ReversalTold, TransferReversed
from services.payout_scheduler.domain.seller import SellerRegistered
from services.payout_scheduler.domain.transfer import ReceivableNetted, TransferRequested, TransferSettled
from tests.unit.payout_scheduler.given import CALL, CLAIM, CLAWBACK, NOON, RELEASE, hour

WHAT: dict[str, Any] = {"payout_id": CLAIM.payout_id, "seller": "anna", "currency": "EUR", "amount_minor": 8_000}
FAILURE: dict[str, Any] = {"stripe_payout": None, "code": "no_account", "reason": "Anna Smith has no account there"}


@pytest.mark.parametrize(
    ("event", "message"),
    [
        (
            TransferSettled(at=NOON, release=RELEASE, stripe_transfer="tr_1"),
            payouts.TransferSettled(
                transfer_id=RELEASE.transfer_id,
                release_id=RELEASE.release_id,
                order_id="A-1",
                seller="anna",
                currency="EUR",
                amount_minor=8_000,
                settled_at=NOON,
            ),
        ),
        (
            ReceivableNetted(at=NOON, release=replace(RELEASE, netted_minor=500)),
            payouts.TransferNetted(
                transfer_id=RELEASE.transfer_id,
                release_id=RELEASE.release_id,
                order_id="A-1",
                seller="anna",
                currency="EUR",
                amount_minor=500,
                netted_at=NOON,
            ),
        ),
        (
            ReversalTold(at=NOON, clawback=CLAWBACK, amount_minor=3_000, short_minor=2_000),
            payouts.TransferReversed(
                clawback_id=CLAWBACK.clawback_id,
                escrow_id=CLAWBACK.escrow_id,
                allocation_id=CLAWBACK.allocation_id,
                order_id="A-1",
                seller="anna",
                currency="EUR",
                amount_minor=3_000,
                short_minor=2_000,
                reversed_at=NOON,
            ),
        ),
        (PayoutStarted(at=NOON, claim=CLAIM), payouts.PayoutScheduled(**WHAT, scheduled_at=NOON)),
        (
            PayoutSubmitted(at=NOON, claim=CLAIM, stripe_payout="po_1"),
            payouts.PayoutSubmitted(**WHAT, submitted_at=NOON),
        ),
        (PayoutPaid(at=NOON, claim=CLAIM, stripe_payout="po_1"), payouts.PayoutPaid(**WHAT, paid_at=NOON)),
        (
            PayoutFailed(at=NOON, claim=CLAIM, retry_at=hour(1), **FAILURE),
            payouts.PayoutFailed(**WHAT, code="no_account", failed_at=NOON, retry_at=hour(1)),
        ),
        (
            PayoutFailed(at=NOON, claim=CLAIM, retry_at=None, **FAILURE),
            payouts.PayoutFailed(**WHAT, code="no_account", failed_at=NOON, retry_at=None),
        ),
        (
            PayoutReturned(at=NOON, claim=CLAIM, **FAILURE),
            payouts.PayoutReturned(**WHAT, code="no_account", returned_at=NOON),
        ),
    ],
)
def test_others_hear_where_a_sellers_money_is(event: Event, message: Message) -> None:
    assert announce(event) == message


@pytest.mark.parametrize(
    "event",
    [
        TransferRequested(at=NOON, release=RELEASE),
        PayoutOutcomeUnknown(at=NOON, claim=CLAIM, reason="silence"),
        TransferReversed(at=NOON, clawback=CLAWBACK, call=CALL, stripe_reversal="trr_1"),
        ReversalShort(at=NOON, clawback=CLAWBACK, short_minor=1, reason="x", retry_at=hour(1)),
        SellerRegistered(at=NOON, seller="anna", country="DE"),
    ],
)
def test_what_is_our_own_business_is_not_announced(event: Event) -> None:
    assert announce(event) is None
