"""Held money becomes a seller's: when its time has come, or because a person says so."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from libs.ledger.errors import Rejected
from services.escrow.domain import events as e
from services.escrow.domain.allocation import release_id_of
from services.escrow.domain.commands import ReleaseDue, ReleaseNow
from services.escrow.domain.course import Course, refuse_amount_of_many, refuse_at_the_bank, refuse_too_much
from services.escrow.domain.facts import AUTO_CONFIRMED, Delivered
from services.escrow.domain.shop import confirm
from services.escrow.domain.state import Share


def release_due(command: ReleaseDue, course: Course) -> None:
    """Nothing that is frozen: its timers stand still, and are looked at again when it is not."""
    if course.state.held is None:
        return
    deliver_by = course.held.deliver_by
    if deliver_by <= command.as_of:
        # Dated by the timer and not by the run, so that a late job makes nobody wait longer.
        late = Delivered(at=deliver_by, confirmation=AUTO_CONFIRMED, confirmed_by="deliver_by")
        for share in course.shares:
            if share.releasable and share.release_at is None:
                confirm(replace(late, seller=share.seller), course)
    for share in course.shares:
        if share.releasable and share.release_at is not None and share.release_at <= command.as_of:
            release_rest(share, course, at=command.as_of)


def release_rest(share: Share, course: Course, *, at: datetime) -> None:
    somebody_confirmed = share.release_at is not None and not share.auto_confirmed
    release_type: e.ReleaseType = "task_completion" if somebody_confirmed else "auto_release"
    course.add(_released(share, course, share.money.held_minor, release_type, at=at))


def release_now(command: ReleaseNow, course: Course) -> None:
    """Of one seller, all or so much; of the whole order, all that is held and not contested or frozen."""
    wish = command.wish
    refuse_amount_of_many(wish.seller, wish.amount_minor)
    shares = course.meant(wish.seller)
    chosen = [share for share in shares if share.releasable]
    if not chosen:
        _refuse_release(next((share for share in shares if share.money.held_minor), shares[0]))
    for share in chosen:
        gross_minor = share.money.held_minor if wish.amount_minor is None else wish.amount_minor
        refuse_too_much(gross_minor, share.money.held_minor, share)
        released = _released(share, course, gross_minor, "manual_release", at=wish.at)
        course.add(replace(released, requested_by=wish.by, reason=wish.reason))


def _released(
    share: Share, course: Course, gross_minor: int, release_type: e.ReleaseType, *, at: datetime
) -> e.AllocationReleased:
    part = share.money.of_held(gross_minor)
    return e.AllocationReleased(
        **course.names_of(share, at),
        release_id=release_id_of(share.allocation.allocation_id, len(share.money.releases) + 1),
        gross_minor=part.gross_minor,
        commission_minor=part.commission_minor,
        release_type=release_type,
        charge=course.held.charge,
    )


def _refuse_release(share: Share) -> None:
    refuse_at_the_bank(share)
    if not share.money.held_minor:
        raise Rejected(
            f"Nothing is held for {share.seller} any more; GET /escrows/... shows where it went.", code="nothing_held"
        )
    if share.disputed:
        raise Rejected(
            f"The part of {share.seller} is disputed: it can be refunded, or released when that is resolved.",
            code="disputed",
            seller=share.seller,
        )
    [warning_id, *_] = share.freezes
    raise Rejected(
        f"The card's issuer warned of fraud ({warning_id}). Refund the buyer, or lift the freeze with "
        "POST /escrows/.../unfreeze and release then.",
        code="frozen",
        seller=share.seller,
        cause_id=warning_id,
    )
