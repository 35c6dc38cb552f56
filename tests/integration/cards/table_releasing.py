"""Held money becomes the sellers': by time, by hand, wholly, in parts, and not while somebody objects."""

from __future__ import annotations

from typing import Final

from tests.integration.cards.acts import (
    bought,
    cancelled,
    delivered,
    disputed,
    inspected,
    job,
    onboarded,
    registered,
    released,
    sellers,
    setting,
    trouble,
    waited,
)
from tests.integration.cards.rows import Row

SOLD: Final = "payment.requested payment.captured escrow.held"
AT_STRIPE: Final = {"captured": 10_000, "sent ann": 8_000}
BOOKED: Final = {
    "stripe:platform": 2_000,
    "stripe:connected:ann": 8_000,
    "seller:ann:available": -8_000,
    "revenue:commission": -2_000,
}
UNSENT: Final = {"stripe:platform": 10_000, "seller:ann:available": -8_000, "revenue:commission": -2_000}

ROWS: Final = (
    Row(
        name="what was delivered is the seller's after the inspection",
        acts=(sellers("ann"), bought(ann=10_000), delivered(), inspected()),
        stripe=AT_STRIPE,
        journal=BOOKED,
        told=f"{SOLD} escrow.delivery_confirmed escrow.released transfer.settled",
        shown={"escrow.status": "RELEASED", "wallet:ann.available_minor": 8_000, "wallet:ann.earned_minor": 8_000},
    ),
    Row(
        name="nothing is released while the buyer may still object",
        acts=(sellers("ann"), bought(ann=10_000), delivered(), waited(days=6), job("release-due")),
        stripe={"captured": 10_000},
        journal={"stripe:platform": 10_000, "escrow:held": -10_000},
        told=f"{SOLD} escrow.delivery_confirmed",
        shown={"escrow.status": "PENDING_RELEASE", "wallet:ann.pending_minor": 8_000},
    ),
    Row(
        name="what nobody confirms counts as delivered in the end",
        acts=(sellers("ann"), bought(ann=10_000), waited(days=38), job("release-due")),
        stripe=AT_STRIPE,
        journal=BOOKED,
        told=f"{SOLD} escrow.delivery_confirmed escrow.released transfer.settled",
        shown={"escrow.status": "RELEASED"},
    ),
    Row(
        name="a seller who delivered does not wait for one who did not",
        acts=(sellers("ann", "bob"), bought(ann=10_000, bob=5_000), delivered("ann"), inspected()),
        stripe={"captured": 15_000, "sent ann": 8_000},
        journal=BOOKED | {"stripe:platform": 7_000, "escrow:held": -5_000},
        told=f"{SOLD} escrow.delivery_confirmed escrow.partially_released transfer.settled",
        shown={"escrow.status": "PARTIALLY_RELEASED", "escrow.allocations.1.status": "held"},
    ),
    Row(
        name="a part is released by hand, and the rest stays held",
        acts=(sellers("ann"), bought(ann=10_000), released("ann", 2_500)),
        stripe={"captured": 10_000, "sent ann": 2_000},
        journal={
            "stripe:platform": 8_000,
            "stripe:connected:ann": 2_000,
            "seller:ann:available": -2_000,
            "revenue:commission": -500,
            "escrow:held": -7_500,
        },
        told=f"{SOLD} escrow.partially_released transfer.settled",
        shown={"escrow.status": "PARTIALLY_RELEASED", "escrow.allocations.0.held_minor": 7_500},
    ),
    Row(
        name="the parts of a release bear the commission once, to the unit",
        acts=(
            sellers("ann"),
            bought(ann=10_000),
            released("ann", 3_333),
            released("ann", 3_333),
            released("ann"),
        ),
        stripe=AT_STRIPE,
        journal=BOOKED,
        told=f"{SOLD} escrow.partially_released transfer.settled escrow.partially_released transfer.settled "
        "escrow.released transfer.settled",
        shown={"escrow.status": "RELEASED", "escrow.allocations.0.held_minor": 0},
    ),
    Row(
        name="no more is released than is held",
        acts=(
            bought(ann=10_000),
            released("ann", 10_001, refused="too_much"),
            released("bob", refused="unknown_seller"),
        ),
        stripe={"captured": 10_000},
        journal={"stripe:platform": 10_000, "escrow:held": -10_000},
        told=SOLD,
        shown={"escrow.status": "HELD"},
    ),
    Row(
        name="an amount is released of one seller, never of all",
        acts=(bought(ann=10_000, bob=5_000), released(None, 1_000, refused="seller_needed")),
        stripe={"captured": 15_000},
        journal={"stripe:platform": 15_000, "escrow:held": -15_000},
        told=SOLD,
        shown={"escrow.status": "HELD"},
    ),
    Row(
        name="what is disputed waits, delivered or not",
        acts=(sellers("ann"), bought(ann=10_000), delivered(), disputed(), inspected(), released(refused="disputed")),
        stripe={"captured": 10_000},
        journal={"stripe:platform": 10_000, "escrow:held": -10_000},
        told=f"{SOLD} escrow.delivery_confirmed escrow.disputed",
        shown={"escrow.status": "DISPUTED", "escrow.allocations.0.status": "disputed"},
    ),
    Row(
        name="a release waits visibly for a seller who is not ready",
        acts=(registered("ann"), bought(ann=10_000), released()),
        stripe={"captured": 10_000},
        journal=UNSENT,
        told=f"{SOLD} escrow.released",
        shown={"seller:ann.status": "onboarding", "seller:ann.waiting.0.amount_minor": 8_000},
    ),
    Row(
        name="and goes on by itself once the seller is",
        acts=(registered("ann"), bought(ann=10_000), released(), onboarded("ann")),
        stripe=AT_STRIPE,
        journal=BOOKED,
        told=f"{SOLD} escrow.released transfer.settled",
        shown={"seller:ann.status": "ready", "seller:ann.waiting.count": 0},
    ),
    Row(
        name="even for a seller whom nobody had registered",
        acts=(bought(ann=10_000), released(), sellers("ann")),
        stripe=AT_STRIPE,
        journal=BOOKED,
        told=f"{SOLD} escrow.released transfer.settled",
        shown={"seller:ann.waiting.count": 0},
    ),
    Row(
        name="a transfer whose answer was lost is found again",
        acts=(
            sellers("ann"),
            bought(ann=10_000),
            trouble("transfers.create", "timeout_after_effect"),
            released(),
            waited(minutes=1),
        ),
        stripe=AT_STRIPE,
        journal=BOOKED,
        told=f"{SOLD} escrow.released transfer.settled",
        shown={"seller:ann.waiting.count": 0},
    ),
    Row(
        name="a transfer that never reached Stripe is made a day later, when its key is forgotten",
        acts=(
            sellers("ann"),
            bought(ann=10_000),
            trouble("transfers.create", "timeout_before_effect"),
            released(),
            waited(hours=25),
        ),
        stripe=AT_STRIPE,
        journal=BOOKED,
        told=f"{SOLD} escrow.released transfer.settled",
        shown={"seller:ann.waiting.count": 0},
    ),
    Row(
        name="a transfer that finds Stripe's lock taken comes again",
        acts=(sellers("ann"), bought(ann=10_000), trouble("transfers.create", "lock_timeout_429"), released()),
        stripe=AT_STRIPE,
        journal=BOOKED,
        told=f"{SOLD} escrow.released transfer.settled",
        shown={"escrow.status": "RELEASED"},
    ),
    Row(
        name="without escrow the money is released at once",
        acts=(
            sellers("ann"),
            setting("escrow.enabled", False),
            bought(ann=10_000),
            setting("escrow.enabled", True),
        ),
        stripe=AT_STRIPE,
        journal=BOOKED,
        told=f"{SOLD} escrow.released transfer.settled",
        shown={"escrow.status": "RELEASED"},
    ),
    Row(
        name="where the commission takes all of it, nothing is transferred",
        acts=(sellers("ann", "bob"), bought(ann=10_000, bob=70), released()),
        stripe={"captured": 10_070, "sent ann": 8_000},
        journal=BOOKED | {"stripe:platform": 2_070, "revenue:commission": -2_070},
        told=f"{SOLD} escrow.partially_released escrow.released transfer.settled",
        shown={"escrow.status": "RELEASED"},
    ),
    Row(
        name="a cancelled order gives everything back",
        acts=(bought(ann=10_000, bob=5_000), cancelled()),
        stripe={"captured": 15_000, "refunded": 15_000},
        told=f"{SOLD} escrow.refunded payment.refunded",
        shown={"payment.status": "refunded", "escrow.status": "REFUNDED"},
    ),
    Row(
        name="a cancelled order gives back what was not released",
        acts=(sellers("ann"), bought(ann=10_000, bob=5_000), released("ann"), cancelled()),
        stripe={"captured": 15_000, "sent ann": 8_000, "refunded": 5_000},
        journal=BOOKED,
        told=f"{SOLD} escrow.partially_released transfer.settled escrow.refunded payment.refunded",
        shown={"payment.status": "partially_refunded", "escrow.status": "RELEASED"},
    ),
    Row(
        name="an order cannot be cancelled once all of it was released",
        acts=(sellers("ann"), bought(ann=10_000), released(), cancelled()),
        stripe=AT_STRIPE,
        journal=BOOKED,
        told=f"{SOLD} escrow.released transfer.settled",
        shown={"escrow.status": "RELEASED"},
        dead=("already_released",),
    ),
)
