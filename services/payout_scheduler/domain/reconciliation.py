"""Which of our events are about which line of the platform's balance, or of a seller's."""

from __future__ import annotations

from typing import Final

from libs.ledger import chart
from libs.ledger.decider import Event
from libs.ledger.reconciled import reconciliation
from libs.ledger.reconciliation import Effect
from services.payout_scheduler.domain import payout as p
from services.payout_scheduler.domain import reversal as r
from services.payout_scheduler.domain import transfer as t

RECONCILIATION: Final = reconciliation("connect_reconciliation")
BOOKING: Final[tuple[type[Event], ...]] = (
    t.TransferSettled,
    r.TransferReversed,
    p.PayoutSubmitted,
    p.PayoutPaid,
    p.PayoutFailed,
    p.PayoutReturned,
)
"""The events that book at Stripe, or tell how an object there stands."""


def effect(event: Event) -> Effect | None:
    match event:
        case t.TransferSettled(release=release, stripe_transfer=transfer):
            names = {chart.STRIPE_PLATFORM: transfer, chart.stripe_connected(release.seller): transfer}
            return Effect(sources=names, currency=release.currency, about=release.order_id)
        case r.TransferReversed(clawback=clawback, call=call, stripe_reversal=reversal):
            # What a seller sees is the transfer becoming less: their lines are all counted with it.
            names = {chart.STRIPE_PLATFORM: reversal, chart.stripe_connected(clawback.seller): call.stripe_transfer}
            return Effect(sources=names, currency=clawback.currency, about=clawback.order_id)
        case p.PayoutSubmitted(claim=claim, stripe_payout=payout):
            return _of_payout(claim, payout, pending_minor=-claim.amount_minor)
        case (
            p.PayoutPaid(claim=claim, stripe_payout=str(payout))
            | p.PayoutFailed(claim=claim, stripe_payout=str(payout))
            | p.PayoutReturned(claim=claim, stripe_payout=str(payout))
        ):
            return _of_payout(claim, payout)
        case _:  # a payout that failed before Stripe had one
            return None


def _of_payout(claim: p.Claim, stripe_payout: str, *, pending_minor: int = 0) -> Effect:
    names = {chart.stripe_connected(claim.seller): stripe_payout}
    return Effect(sources=names, currency=claim.currency, pending_minor=pending_minor, about=str(claim.payout_id))
