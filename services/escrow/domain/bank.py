"""What the buyer's bank says: money is frozen while it decides, and a lost chargeback is paid for."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from libs.ledger.errors import Rejected
from services.escrow.domain import events as e
from services.escrow.domain.commands import Unfreeze
from services.escrow.domain.course import Course
from services.escrow.domain.facts import ChargebackClosed, ChargedBack, FraudWarned
from services.escrow.domain.money import shared_out
from services.escrow.domain.refunds import claw_back
from services.escrow.domain.state import Share

_FINAL: Final = frozenset({"won", "lost"})


def charged_back(fact: ChargedBack, available_minor: Mapping[str, int], course: Course) -> None:
    """Freeze whatever the buyer has not got back yet, and reserve the contested part of what was released.

    Of a chargeback that is known to be over nothing follows. An inquiry's end does not keep a chargeback from coming.
    """
    cause_id = str(fact.chargeback_id)
    ended = course.state.ended.get(cause_id)
    if ended in _FINAL or (ended is not None and fact.stage == "inquiry"):
        return
    sellers = [share.seller for share in course.shares if share.money.left_minor and _is_news(fact, share)]
    if not sellers:
        return
    course.add(e.EscrowFrozen(**course.names(fact.at), cause=fact.stage, cause_id=cause_id, sellers=tuple(sellers)))
    if fact.stage == "chargeback" and fact.borne_by == "seller":
        _reserve(fact, available_minor, course)


def _is_news(fact: ChargedBack, share: Share) -> bool:
    known = share.freezes.get(str(fact.chargeback_id))
    return known is None or (known.cause == "inquiry" and fact.stage == "chargeback")


def _reserve(fact: ChargedBack, available_minor: Mapping[str, int], course: Course) -> None:
    """What the sellers would have to give back if it were lost, at most what we owe them now."""
    shares = course.shares
    for share, amount_minor in zip(shares, _by_share(fact.amount_minor, shares), strict=True):
        released_minor = max(0, amount_minor - share.money.held_minor)
        unreserved_minor = share.money.kept_minor - share.money.taken_minor - share.reserved_minor
        wanted_minor = min(share.money.of_kept(released_minor).net_minor, unreserved_minor)
        reserved_minor = min(wanted_minor, available_minor.get(share.seller, 0))
        if reserved_minor > 0:
            course.add(
                e.ReleaseReserved(
                    **course.names_of(share, fact.at), chargeback_id=fact.chargeback_id, amount_minor=reserved_minor
                )
            )


def closed(fact: ChargebackClosed, available_minor: Mapping[str, int], course: Course) -> None:
    """Once for each chargeback, whether or not its opening was heard: what was reserved and frozen is free again."""
    cause_id = str(fact.chargeback_id)
    ended = course.state.ended.get(cause_id)
    if ended in _FINAL or ended == fact.outcome:
        return
    if fact.outcome == "lost":
        _cover(fact, available_minor, course)
    frozen = course.state.frozen_by(cause_id)
    for share in frozen:
        if reserved_minor := share.freezes[cause_id].reserved_minor:
            course.add(
                e.ReserveReturned(
                    **course.names_of(share, fact.at), chargeback_id=fact.chargeback_id, amount_minor=reserved_minor
                )
            )
    unheard: e.FreezeCause = "inquiry" if fact.outcome == "withdrawn" else "chargeback"
    course.add(
        e.EscrowUnfrozen(
            **course.names(fact.at),
            cause=frozen[0].freezes[cause_id].cause if frozen else unheard,
            cause_id=cause_id,
            sellers=tuple(share.seller for share in frozen),
            outcome=fact.outcome,
        )
    )


def _cover(fact: ChargebackClosed, available_minor: Mapping[str, int], course: Course) -> None:
    """Refunds that still wait for their claw-back come first, for the buyer has that money now; then the sellers, by
    what is left of each; then the marketplace.
    """
    rest_minor = fact.to_cover_minor - _cover_from_refunds(fact, course)
    if fact.borne_by == "seller":
        shares = course.shares
        for share, amount_minor in zip(shares, _by_share(rest_minor, shares), strict=True):
            if amount_minor:
                _cover_share(fact, share, amount_minor, available_minor.get(share.seller, 0), course)
                rest_minor -= amount_minor
    if rest_minor:
        course.add(
            e.ChargebackAbsorbed(**course.names(fact.at), chargeback_id=fact.chargeback_id, amount_minor=rest_minor)
        )


def _cover_from_refunds(fact: ChargebackClosed, course: Course) -> int:
    covered_minor = 0
    for clawback_id, clawback in course.state.clawbacks.items():
        amount_minor = min(clawback.owed.gross_minor, fact.to_cover_minor - covered_minor)
        if amount_minor:
            course.add(
                e.RefundChargedBack(
                    **course.names_of(course.state.shares[clawback.seller], fact.at),
                    chargeback_id=fact.chargeback_id,
                    clawback_id=clawback_id,
                    refund_id=clawback.cause_id,
                    amount_minor=amount_minor,
                )
            )
            covered_minor += amount_minor
    return covered_minor


def _cover_share(fact: ChargebackClosed, share: Share, amount_minor: int, available_minor: int, course: Course) -> None:
    """Out of what is held first: that takes nothing away from a seller, and no transfer whose reversal might fail."""
    held_minor = min(amount_minor, share.money.held_minor)
    course.add(
        e.ChargebackCovered(
            **course.names_of(share, fact.at),
            chargeback_id=fact.chargeback_id,
            amount_minor=amount_minor,
            held_minor=held_minor,
            held_commission_minor=share.money.of_held(held_minor).commission_minor,
        )
    )
    if released_minor := amount_minor - held_minor:
        claw_back(
            course.state.shares[share.seller],
            course,
            at=fact.at,
            amount_minor=released_minor,
            cause="chargeback",
            cause_id=fact.chargeback_id,
            available_minor=available_minor,
        )


def _by_share(amount_minor: int, shares: list[Share]) -> list[int]:
    """An amount shared out by what is left of each allocation, at most that."""
    return shared_out(amount_minor, [share.money.left_minor for share in shares])


def fraud_warned(fact: FraudWarned, course: Course) -> None:
    """Freeze what is held, until a person decides. What was released is the sellers' until there is a chargeback."""
    if fact.warning_id in course.state.ended or course.state.frozen_by(fact.warning_id):
        return
    sellers = tuple(share.seller for share in course.shares if share.money.held_minor)
    if sellers:
        course.add(
            e.EscrowFrozen(**course.names(fact.at), cause="fraud_warning", cause_id=fact.warning_id, sellers=sellers)
        )


def unfreeze(command: Unfreeze, course: Course) -> None:
    held, frozen = course.held, course.state.frozen_by(command.cause_id)
    if not frozen:
        raise Rejected(
            f"{command.cause_id!r} freezes nothing of order {held.order_id}; GET /escrows/... lists what does.",
            code="not_frozen",
            cause_id=command.cause_id,
        )
    if frozen[0].freezes[command.cause_id].cause != "fraud_warning":
        raise Rejected(
            "The bank ends this, nobody else. POST /payments/.../chargebacks/... takes evidence, or accepts the loss.",
            code="charged_back",
            cause_id=command.cause_id,
        )
    course.add(
        e.EscrowUnfrozen(
            **course.names(command.at),
            cause="fraud_warning",
            cause_id=command.cause_id,
            sellers=tuple(share.seller for share in frozen),
            outcome="cleared",
            requested_by=command.by,
            reason=command.reason,
        )
    )
