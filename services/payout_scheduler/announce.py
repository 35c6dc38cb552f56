"""What of this service's events the others hear, and in which words."""

from __future__ import annotations

from contracts.events import payouts
from contracts.events.base import Message
from libs.ledger.decider import Event
from services.payout_scheduler.domain.payout import (
    PayoutFailed,
    PayoutPaid,
    PayoutReturned,
    PayoutStarted,
    PayoutSubmitted,
)
from services.payout_scheduler.domain.reversal import ReversalTold
from services.payout_scheduler.domain.transfer import ReceivableNetted, TransferSettled


def announce(event: Event) -> Message | None:  # noqa: PLR0911 - one case an event
    """The message of an event, or None when it is nobody else's business."""
    match event:
        case TransferSettled(at=at, release=release):
            return payouts.TransferSettled(
                transfer_id=release.transfer_id,
                release_id=release.release_id,
                order_id=release.order_id,
                seller=release.seller,
                currency=release.currency,
                amount_minor=release.amount_minor,
                settled_at=at,
            )
        case ReceivableNetted(at=at, release=release):
            return payouts.TransferNetted(
                transfer_id=release.transfer_id,
                release_id=release.release_id,
                order_id=release.order_id,
                seller=release.seller,
                currency=release.currency,
                amount_minor=release.netted_minor,
                netted_at=at,
            )
        case ReversalTold(at=at, clawback=clawback, amount_minor=amount_minor, short_minor=short_minor):
            return payouts.TransferReversed(
                clawback_id=clawback.clawback_id,
                escrow_id=clawback.escrow_id,
                allocation_id=clawback.allocation_id,
                order_id=clawback.order_id,
                seller=clawback.seller,
                currency=clawback.currency,
                amount_minor=amount_minor,
                short_minor=short_minor,
                reversed_at=at,
            )
        case PayoutStarted(at=at, claim=c):
            return payouts.PayoutScheduled(
                payout_id=c.payout_id,
                seller=c.seller,
                currency=c.currency,
                amount_minor=c.amount_minor,
                scheduled_at=at,
            )
        case PayoutSubmitted(at=at, claim=c):
            return payouts.PayoutSubmitted(
                payout_id=c.payout_id,
                seller=c.seller,
                currency=c.currency,
                amount_minor=c.amount_minor,
                submitted_at=at,
            )
        case PayoutPaid(at=at, claim=c):
            return payouts.PayoutPaid(
                payout_id=c.payout_id, seller=c.seller, currency=c.currency, amount_minor=c.amount_minor, paid_at=at
            )
        case PayoutFailed(at=at, claim=c, code=code, retry_at=retry_at):
            return payouts.PayoutFailed(
                payout_id=c.payout_id,
                seller=c.seller,
                currency=c.currency,
                amount_minor=c.amount_minor,
                code=code,
                failed_at=at,
                retry_at=retry_at,
            )
        case PayoutReturned(at=at, claim=c, code=code):
            return payouts.PayoutReturned(
                payout_id=c.payout_id,
                seller=c.seller,
                currency=c.currency,
                amount_minor=c.amount_minor,
                code=code,
                returned_at=at,
            )
        case _:
            return None
