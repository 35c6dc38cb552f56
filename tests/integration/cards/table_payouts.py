"""Sellers' accounts, and the money on its way from there to their banks."""

from __future__ import annotations

from typing import Final

from tests.integration.cards.acts import (
    at_account,
    bought,
    job,
    onboarded,
    paid_out,
    payday,
    payout_bounced,
    registered,
    released,
    sellers,
    trouble,
    waited,
)
from tests.integration.cards.rows import Row

SOLD: Final = "payment.requested payment.captured escrow.held"
RELEASED: Final = f"{SOLD} escrow.released transfer.settled"
PAID: Final = "payout.scheduled payout.submitted payout.paid"
EARNED: Final = (sellers("ann"), bought(ann=10_000), released())
SENT: Final = {"captured": 10_000, "sent ann": 8_000}
WITH_ANN: Final = {
    "stripe:platform": 2_000,
    "stripe:connected:ann": 8_000,
    "seller:ann:available": -8_000,
    "revenue:commission": -2_000,
}
LEFT: Final = {"stripe:platform": 2_000, "revenue:commission": -2_000}
UNSENT: Final = {"stripe:platform": 10_000, "seller:ann:available": -8_000, "revenue:commission": -2_000}
CLOSED_BANK: Final = "000111111113"
GOOD_BANK: Final = "000123456789"

ROWS: Final = (
    Row(
        name="a registered seller sees what Stripe asks for",
        acts=(registered("ann"),),
        shown={"seller:ann.status": "onboarding", "seller:ann.transfers_active": False},
    ),
    Row(
        name="a seller who gave it is ready, and Stripe pays out nothing by itself",
        acts=(sellers("ann"),),
        shown={
            "seller:ann.status": "ready",
            "seller:ann.requirements": [],
            "account:ann.payouts.schedule.interval": "manual",
        },
    ),
    Row(
        name="a payout schedule that somebody changed is set back",
        acts=(sellers("ann"), at_account("ann", "set_payout_schedule", "daily")),
        shown={"account:ann.payouts.schedule.interval": "manual"},
    ),
    Row(
        name="what Stripe asks for later on is shown",
        acts=(sellers("ann"), at_account("ann", "restrict_account", (), ("individual.verification.document",))),
        shown={"seller:ann.requirements": ["individual.verification.document"], "seller:ann.status": "ready"},
    ),
    Row(
        name="a release waits while Stripe restricts the seller",
        acts=(sellers("ann"), at_account("ann", "restrict_account", ("transfers",)), bought(ann=10_000), released()),
        stripe={"captured": 10_000},
        journal=UNSENT,
        told=f"{SOLD} escrow.released",
        shown={"seller:ann.status": "onboarding", "seller:ann.waiting.count": 1},
    ),
    Row(
        name="and goes on when the restriction is lifted",
        acts=(
            sellers("ann"),
            at_account("ann", "restrict_account", ("transfers",)),
            bought(ann=10_000),
            released(),
            at_account("ann", "restrict_account"),
        ),
        stripe=SENT,
        journal=WITH_ANN,
        told=RELEASED,
        shown={"seller:ann.status": "ready", "seller:ann.waiting.count": 0},
    ),
    Row(
        name="a seller who disconnects gets nothing",
        acts=(sellers("ann"), at_account("ann", "deauthorize"), bought(ann=10_000), released()),
        stripe={"captured": 10_000},
        journal=UNSENT,
        told=f"{SOLD} escrow.released",
        shown={"seller:ann.status": "deauthorized", "seller:ann.waiting.count": 1},
    ),
    Row(
        name="until they are registered again, with another account",
        acts=(
            sellers("ann"),
            at_account("ann", "deauthorize"),
            bought(ann=10_000),
            released(),
            sellers("ann"),
        ),
        stripe=SENT,
        journal=WITH_ANN,
        told=RELEASED,
        shown={"seller:ann.status": "ready", "seller:ann.deauthorized": False},
    ),
    Row(
        name="a country that Stripe does not serve",
        acts=(registered("ann", country="KP"),),
        shown={"seller:ann.status": "refused", "seller:ann.account_id": None},
    ),
    Row(
        name="sellers are paid on their day",
        acts=(*EARNED, payday()),
        stripe=SENT | {"paid ann": 8_000},
        journal=LEFT,
        told=f"{RELEASED} {PAID}",
        shown={"payouts:ann.0.status": "paid", "wallet:ann.withdrawn_minor": 8_000},
    ),
    Row(
        name="two orders are paid at once",
        acts=(*EARNED, bought(number=".2", ann=5_000), released(number=".2"), payday()),
        stripe={"captured": 15_000, "sent ann": 12_000, "paid ann": 12_000},
        journal={"stripe:platform": 3_000, "revenue:commission": -3_000},
        told=f"{RELEASED} {RELEASED} {PAID}",
        shown={"payouts:ann.count": 1, "payouts:ann.0.amount_minor": 12_000},
    ),
    Row(
        name="a small balance is carried over",
        acts=(sellers("ann"), bought(ann=1_200), released(), payday()),
        stripe={"captured": 1_200, "sent ann": 960},
        journal={
            "stripe:platform": 240,
            "stripe:connected:ann": 960,
            "seller:ann:available": -960,
            "revenue:commission": -240,
        },
        told=RELEASED,
        shown={"payouts:ann.count": 0, "wallet:ann.available_minor": 960},
    ),
    Row(
        name="a seller may ask for a part now",
        acts=(*EARNED, paid_out("ann", 5_000), waited(days=3)),
        stripe=SENT | {"paid ann": 5_000},
        journal={
            "stripe:platform": 2_000,
            "stripe:connected:ann": 3_000,
            "seller:ann:available": -3_000,
            "revenue:commission": -2_000,
        },
        told=f"{RELEASED} {PAID}",
        shown={"payouts:ann.0.status": "paid", "wallet:ann.available_minor": 3_000},
    ),
    Row(
        name="money on its way to the bank is neither here nor there",
        acts=(*EARNED, paid_out("ann")),
        stripe=SENT | {"pending ann": 8_000},
        journal={
            "stripe:platform": 2_000,
            "stripe:connected:ann": 8_000,
            "payouts:in_transit": -8_000,
            "revenue:commission": -2_000,
        },
        told=f"{RELEASED} payout.scheduled payout.submitted",
        shown={"payouts:ann.0.status": "submitted", "wallet:ann.in_transit_minor": 8_000},
    ),
    Row(
        name="no more is paid out than there is",
        acts=(*EARNED, paid_out("ann", 8_001, refused="not_payable")),
        stripe=SENT,
        journal=WITH_ANN,
        told=RELEASED,
        shown={"payouts:ann.count": 0},
    ),
    Row(
        name="nothing is paid out to whom Stripe cannot pay",
        acts=(
            *EARNED,
            at_account("ann", "restrict_account", ("payouts",)),
            paid_out("ann", refused="seller_not_ready"),
        ),
        stripe=SENT,
        journal=WITH_ANN,
        told=RELEASED,
        shown={"payouts:ann.count": 0},
    ),
    Row(
        name="a payout whose answer was lost is found again",
        acts=(*EARNED, trouble("payouts.create", "timeout_after_effect"), paid_out("ann"), waited(days=3)),
        stripe=SENT | {"paid ann": 8_000},
        journal=LEFT,
        told=f"{RELEASED} {PAID}",
        shown={"payouts:ann.count": 1, "payouts:ann.0.attempt": 1},
    ),
    Row(
        name="a payout that the bank refuses is the seller's money again",
        acts=(sellers("ann", bank=CLOSED_BANK), *EARNED[1:], payday()),
        stripe=SENT,
        journal=WITH_ANN,
        told=f"{RELEASED} payout.scheduled payout.submitted payout.failed",
        shown={
            "payouts:ann.0.status": "failed",
            "payouts:ann.0.code": "account_closed",
            "payouts:ann.0.waits_for_bank": True,
            "seller:ann.payouts_enabled": False,
        },
    ),
    Row(
        name="it is not tried again while Stripe has no other bank account",
        acts=(sellers("ann", bank=CLOSED_BANK), *EARNED[1:], payday(), payday()),
        stripe=SENT,
        journal=WITH_ANN,
        told=f"{RELEASED} payout.scheduled payout.submitted payout.failed",
        shown={"payouts:ann.count": 1, "payouts:ann.0.attempt": 1},
    ),
    Row(
        name="and is tried again when there is another",
        acts=(
            sellers("ann", bank=CLOSED_BANK),
            *EARNED[1:],
            payday(),
            onboarded("ann", bank=GOOD_BANK),
            job("payouts-due"),
            waited(days=3),
        ),
        stripe=SENT | {"paid ann": 8_000},
        journal=LEFT,
        told=f"{RELEASED} payout.scheduled payout.submitted payout.failed {PAID}",
        shown={"payouts:ann.count": 1, "payouts:ann.0.attempt": 2, "payouts:ann.0.status": "paid"},
    ),
    Row(
        name="a bank may return what had counted as paid",
        acts=(*EARNED, payday(), payout_bounced("ann")),
        stripe=SENT,
        journal=WITH_ANN,
        told=f"{RELEASED} {PAID} payout.returned",
        shown={"payouts:ann.0.status": "returned", "payouts:ann.0.needs_person": True},
    ),
    Row(
        name="what was returned is paid on the next day of pay, to another bank account",
        acts=(*EARNED, payday(), payout_bounced("ann"), onboarded("ann", bank=GOOD_BANK), payday()),
        stripe=SENT | {"paid ann": 8_000},
        journal=LEFT,
        told=f"{RELEASED} {PAID} payout.returned {PAID}",
        shown={"payouts:ann.count": 2, "payouts:ann.0.status": "paid", "payouts:ann.1.status": "returned"},
    ),
)
