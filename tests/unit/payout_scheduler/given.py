"""Sellers, releases and claims for the tests of the payout scheduler's domain."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from libs.ledger.decider import Decider, Event
from services.payout_scheduler.domain.payout import Claim, payout_id
from services.payout_scheduler.domain.reversal import Call, Clawback
from services.payout_scheduler.domain.seller import Readiness, seller_id
from services.payout_scheduler.domain.transfer import Release

NOON = datetime(2026, 11, 2, 12, tzinfo=UTC)
READY = Readiness(transfers_active=True, payouts_enabled=True)
RELEASE = Release(
    release_id=UUID(int=1),
    allocation_id=UUID(int=2),
    escrow_id=UUID(int=3),
    order_id="A-1",
    seller="anna",
    currency="EUR",
    amount_minor=8_000,
    charge="ch_1",
)
CLAIM = Claim(
    payout_id=payout_id(seller_id(1, "anna"), "EUR", "2026-W45"),
    seller="anna",
    account_id="acct_1",
    currency="EUR",
    amount_minor=8_000,
    slot="2026-W45",
)
CLAWBACK = Clawback(
    clawback_id=UUID(int=9),
    allocation_id=RELEASE.allocation_id,
    escrow_id=RELEASE.escrow_id,
    order_id="A-1",
    seller="anna",
    currency="EUR",
    cause="refund",
    net_minor=6_000,
    amount_minor=5_000,
)
CALL = Call(number=1, transfer_id=RELEASE.transfer_id, stripe_transfer="tr_1", amount_minor=3_000)


def hour(number: float) -> datetime:
    return NOON + timedelta(hours=number)


def again(amount_minor: int = 8_000, attempt: int = 2) -> Claim:
    return replace(CLAIM, attempt=attempt, amount_minor=amount_minor)


def after(decider: Decider[Any, Any, Any], *commands: Any) -> list[Any]:
    """Everything that happens when these commands come one after the other."""
    happened: list[Any] = []
    for command in commands:
        happened += decider.decide(command, decider.fold(happened))
    return happened


def then(decider: Decider[Any, Any, Any], given: Sequence[Any], command: Any) -> list[Any]:
    """What one command makes happen after those before it."""
    return list(decider.decide(command, decider.fold(after(decider, *given))))


def names(events: Sequence[Event]) -> list[str]:
    return [type(event).__name__ for event in events]
