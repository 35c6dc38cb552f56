"""A person refunds the buyer, out of what is held and then out of what the seller got, which must come back first."""

from __future__ import annotations

from datetime import datetime, timedelta
from uuid import UUID

from libs.ledger.errors import Rejected
from services.escrow.domain import events as e
from services.escrow.domain.allocation import clawback_id_of, refund_id_of
from services.escrow.domain.commands import Refund, SettleClawback, Wish
from services.escrow.domain.course import Course, refuse_amount_of_many, refuse_at_the_bank, refuse_too_much
from services.escrow.domain.state import Share


def refund(command: Refund, course: Course) -> None:
    """Wholly or not at all: of the whole order, each allocation with all that is left of it.

    A dispute of the shop's and a warning of fraud do not stand in the way, for a refund is what they are after.
    """
    wish = command.wish
    refuse_amount_of_many(wish.seller, wish.amount_minor)
    meant = course.meant(wish.seller)
    shares = [share for share in meant if share.money.left_minor]
    if not shares:
        _refuse_again(meant, course)
    for share in shares:
        refuse_at_the_bank(share)
        amount_minor = share.money.left_minor if wish.amount_minor is None else wish.amount_minor
        _refund_share(command, share, amount_minor, course)


def _refund_share(command: Refund, share: Share, amount_minor: int, course: Course) -> None:
    money = share.money
    refuse_too_much(amount_minor, money.left_minor, share)
    held_minor = min(amount_minor, money.held_minor)
    _refuse_late(amount_minor - held_minor, command, share)
    if held_minor:
        course.add(
            e.AllocationRefunded(
                **course.names_of(share, command.wish.at),
                refund_id=_next_refund(course),
                amount_minor=held_minor,
                commission_minor=money.of_held(held_minor).commission_minor,
                requested_by=command.wish.by,
                reason=command.wish.reason,
            )
        )
    if released_minor := amount_minor - held_minor:
        claw_back(
            course.state.shares[share.seller],
            course,
            at=command.wish.at,
            amount_minor=released_minor,
            cause="refund",
            cause_id=_next_refund(course),
            available_minor=command.available_minor.get(share.seller, 0),
            wish=command.wish,
        )


def claw_back(
    share: Share,
    course: Course,
    *,
    at: datetime,
    amount_minor: int,
    cause: e.Cause,
    cause_id: UUID,
    available_minor: int,
    wish: Wish | None = None,
) -> None:
    """Take released money back: out of the reserve of this cause, of what we owe the seller, then as the seller's debt.

    Where nothing is to be brought back from the seller's balance at the processor, it is settled at once.
    """
    part = share.money.of_kept(amount_minor)
    freeze = share.freezes.get(str(cause_id))
    reserved_minor = min(part.net_minor, freeze.reserved_minor) if freeze else 0
    paid_minor = min(part.net_minor - reserved_minor, max(0, available_minor))
    clawback_id = clawback_id_of(share.allocation.allocation_id, cause_id)
    course.add(
        e.ReleaseClawedBack(
            **course.names_of(share, at),
            clawback_id=clawback_id,
            cause=cause,
            cause_id=cause_id,
            amount_minor=part.gross_minor,
            commission_minor=part.commission_minor,
            reserved_minor=reserved_minor,
            available_minor=paid_minor,
            receivable_minor=part.net_minor - reserved_minor - paid_minor,
            requested_by=wish.by if wish else None,
            reason=wish.reason if wish else None,
        )
    )
    if not reserved_minor + paid_minor:
        settle(SettleClawback(at=at, clawback_id=clawback_id, reversed_minor=0, short_minor=0), course)


def settle(command: SettleClawback, course: Course) -> None:
    """Heard again, or of a claw-back that was settled at once, it changes nothing."""
    clawback = course.state.clawbacks.get(command.clawback_id)
    if clawback is None:
        return
    course.add(
        e.ClawbackSettled(
            **course.names_of(course.state.shares[clawback.seller], command.at),
            clawback_id=command.clawback_id,
            cause=clawback.cause,
            cause_id=clawback.cause_id,
            amount_minor=clawback.owed.gross_minor,
            commission_minor=clawback.owed.commission_minor,
            reversed_minor=command.reversed_minor,
            short_minor=command.short_minor,
        )
    )


def _next_refund(course: Course) -> UUID:
    return refund_id_of(course.held.escrow_id, course.state.refunds + 1)


def _refuse_late(released_minor: int, command: Refund, share: Share) -> None:
    """The window is the one of the day on which somebody asks, and counts for each release apart."""
    refundable_minor = share.money.kept_since(command.wish.at - timedelta(days=command.window_days))
    if released_minor > refundable_minor:
        raise Rejected(
            f"Money that {share.seller} got more than {command.window_days} days ago is not taken back; "
            f"{share.money.held_minor + refundable_minor} minor units can still be refunded.",
            code="refund_window_over",
            seller=share.seller,
            refundable_minor=share.money.held_minor + refundable_minor,
        )


def _refuse_again(shares: list[Share], course: Course) -> None:
    sellers = {share.seller for share in shares}
    if any(each.seller in sellers and each.owed.gross_minor for each in course.state.clawbacks.values()):
        raise Rejected(
            "It is being refunded already: the buyer gets it as soon as the seller's transfer is reversed.",
            code="refund_waiting",
        )
    raise Rejected("All of it went back to the buyer already; nothing is left to refund.", code="already_refunded")
