"""What the shop says of an order: it arrived, somebody contests it, it is cancelled."""

from __future__ import annotations

from datetime import datetime, timedelta

from libs.ledger.errors import Rejected
from services.escrow.domain import events as e
from services.escrow.domain.allocation import refund_id_of
from services.escrow.domain.course import Course, refuse_at_the_bank, refuse_if_all_released
from services.escrow.domain.facts import AUTO_CONFIRMED, Cancelled, Delivered, Disputed


def confirm(fact: Delivered, course: Course) -> None:
    """The earliest delivery counts, for a contested share too: it may be released later. A settled one is past it."""
    release_at = _release_at(fact, course.held)
    auto = fact.confirmation == AUTO_CONFIRMED
    sellers = tuple(
        share.seller
        for share in course.meant(fact.seller)
        if share.money.held_minor and share.is_improved_by(release_at, auto=auto)
    )
    if sellers:
        course.add(
            e.DeliveryConfirmed(
                **course.names(fact.at),
                sellers=sellers,
                confirmation=fact.confirmation,
                confirmed_by=fact.confirmed_by,
                proof=fact.proof,
                release_at=release_at,
            )
        )


def _release_at(fact: Delivered, held: e.FundsHeld) -> datetime:
    try:
        return fact.at + timedelta(days=held.inspection_days)
    except OverflowError:
        raise Rejected(f"No calendar reaches {held.inspection_days} days past {fact.at}.", code="bad_time") from None


def dispute(fact: Disputed, course: Course) -> None:
    shares = course.meant(fact.seller)
    refuse_if_all_released(shares, course, "disputed")
    sellers = tuple(share.seller for share in shares if share.money.held_minor and not share.disputed)
    if sellers:
        course.add(
            e.DisputeOpened(
                **course.names(fact.at),
                sellers=sellers,
                opened_by=fact.opened_by,
                reason=fact.reason,
            )
        )


def cancel(fact: Cancelled, course: Course) -> None:
    """All that is still held goes back, disputed or not: who cancels an order settles what was contested about it.

    Not while the bank decides (`charged_back`): the message waits among the dead letters and can be replayed.
    """
    refuse_if_all_released(course.shares, course, "cancelled")
    shares = [share for share in course.shares if share.money.held_minor]
    for share in shares:
        refuse_at_the_bank(share)
    if shares:
        course.add(
            e.EscrowRefunded(
                **course.names(fact.at),
                refund_id=refund_id_of(course.held.escrow_id, course.state.refunds + 1),
                sellers=tuple(share.seller for share in shares),
                amount_minor=sum(share.money.held_minor for share in shares),
                cancelled_by=fact.cancelled_by,
                reason=fact.reason,
            )
        )
