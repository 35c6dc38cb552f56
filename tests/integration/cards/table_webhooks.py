"""Stripe's news: late, twice, backwards, never, forged."""

from __future__ import annotations

from typing import Final

from tests.integration.cards.acts import (
    DECLINED,
    bank_decided,
    bought,
    contested,
    job,
    notice_posted,
    onboarded,
    order,
    paid,
    refunded,
    registered,
    waited,
    webhooks_lost,
    webhooks_reversed,
)
from tests.integration.cards.rows import Row

SOLD: Final = "payment.requested payment.captured escrow.held"
HELD: Final = {"stripe:platform": 10_000, "escrow:held": -10_000}

ROWS: Final = (
    Row(
        name="news that never came is found by the nightly sweep",
        acts=(order(ann=10_000), webhooks_lost(paid()), job("sweep-events")),
        stripe={"captured": 10_000},
        journal=HELD,
        told=SOLD,
        shown={"payment.status": "captured"},
    ),
    Row(
        name="the sweep brings no news twice",
        acts=(bought(ann=10_000), job("sweep-events"), job("sweep-events")),
        stripe={"captured": 10_000},
        journal=HELD,
        told=SOLD,
        shown={"payment.status": "captured"},
    ),
    Row(
        name="a seller whose news never came is ready after the sweep",
        acts=(registered("ann"), webhooks_lost(onboarded("ann")), job("sweep-events")),
        shown={"seller:ann.status": "ready"},
    ),
    Row(
        name="news of a payment that come backwards and twice",
        acts=(order(ann=10_000), webhooks_reversed(paid(DECLINED), paid())),
        stripe={"captured": 10_000},
        journal=HELD,
        told=SOLD,
        shown={"payment.status": "captured"},
    ),
    Row(
        name="news of a chargeback that come backwards and twice",
        acts=(bought(ann=10_000), webhooks_reversed(contested(), bank_decided(won=True))),
        stripe={"captured": 10_000, "dispute fees": 1_500},
        journal={"stripe:platform": 8_500, "escrow:held": -10_000, "expense:chargebacks": 1_500},
        told=f"{SOLD} payment.charged_back payment.chargeback_closed escrow.frozen escrow.unfrozen",
        shown={"payment.chargebacks.0.status": "won", "escrow.status": "HELD"},
    ),
    Row(
        name="news of a refund that come backwards and twice",
        acts=(bought("pm_card_refundFail", ann=10_000), webhooks_reversed(refunded(), waited(days=6))),
        stripe={"captured": 10_000},
        journal={"stripe:platform": 10_000, "refunds:payable": -10_000},
        told=f"{SOLD} escrow.allocation_refunded payment.refunded payment.refund_failed",
        shown={"payment.refunds.0.status": "failed"},
    ),
    Row(
        name="news that somebody else signed are refused",
        acts=(order(ann=10_000), notice_posted(secret="whsec_somebody_elses", refused="bad_signature")),  # noqa: S106 - a twin's
        told="payment.requested",
        shown={"payment.status": "requested"},
    ),
    Row(
        name="news without their content are refused, and say what to change",
        acts=(order(ann=10_000), notice_posted(thin=True, refused="thin_notice")),
        told="payment.requested",
        shown={"payment.status": "requested"},
    ),
)
