"""What each event makes of the state."""

from __future__ import annotations

from dataclasses import replace

from services.escrow.domain import events as e
from services.escrow.domain.allocation import Allocation
from services.escrow.domain.facts import AUTO_CONFIRMED
from services.escrow.domain.money import Money, Part
from services.escrow.domain.state import Clawback, Freeze, Share, State


def evolve(state: State, event: e.EscrowEvent) -> State:  # noqa: PLR0911 - one case an event
    match event:
        case e.FactNoted(fact=fact):
            return replace(state, noted=(*state.noted, fact))
        case e.FundsHeld():
            return State(
                held=event, shares={allocation.seller: _opened(allocation) for allocation in event.allocations}
            )
        case e.DeliveryConfirmed(sellers=sellers, release_at=release_at, confirmation=confirmation):
            auto_confirmed = confirmation == AUTO_CONFIRMED
            return state.with_shares(sellers, release_at=release_at, auto_confirmed=auto_confirmed)
        case e.DisputeOpened(sellers=sellers):
            return state.with_shares(sellers, disputed=True)
        case e.EscrowRefunded(sellers=sellers):
            return _rest_refunded(replace(state, refunds=state.refunds + 1), sellers)
        case e.EscrowFrozen(cause=cause, cause_id=cause_id, sellers=sellers):
            return _frozen(state, cause, cause_id, sellers)
        case e.EscrowUnfrozen(cause_id=cause_id, outcome=outcome, sellers=sellers):
            return _unfrozen(state, cause_id, outcome, sellers)
        case e.AllocationEvent():
            return _of_allocation(state, state.shares[event.seller], event)
        case _:  # FactRefused, ChargebackAbsorbed
            return state


def _of_allocation(state: State, share: Share, event: e.AllocationEvent) -> State:  # noqa: PLR0911 - as above
    money = share.money
    match event:
        case e.AllocationReleased():
            part = Part(gross_minor=event.gross_minor, commission_minor=event.commission_minor)
            return state.with_share(share.with_money(money.with_release(part, event.at)))
        case e.AllocationRefunded(amount_minor=amount_minor):
            refunded = share.with_money(money.with_refund(amount_minor))
            return replace(state.with_share(refunded), refunds=state.refunds + 1)
        case e.ChargebackCovered(held_minor=held_minor):
            return state.with_share(share.with_money(money.with_refund(held_minor)))
        case e.ReleaseClawedBack():
            return _clawed_back(state, share, event)
        case e.ClawbackSettled(clawback_id=clawback_id):
            return state.without_clawback(clawback_id)
        case e.RefundChargedBack(clawback_id=clawback_id, amount_minor=amount_minor):
            clawback = state.clawbacks[clawback_id]
            return state.with_clawback(clawback_id, replace(clawback, owed=clawback.owed.less(amount_minor)))
        case e.ReleaseReserved(chargeback_id=chargeback_id, amount_minor=amount_minor):
            return state.with_share(share.with_reserve(str(chargeback_id), amount_minor))
        case e.ReserveReturned(chargeback_id=chargeback_id, amount_minor=amount_minor):
            return state.with_share(share.with_reserve(str(chargeback_id), -amount_minor))
        case _:
            raise AssertionError(f"{type(event).__name__} is of an allocation and changes nothing of it.")


def _opened(allocation: Allocation) -> Share:
    money = Money(gross_minor=allocation.gross_minor, commission_minor=allocation.commission_minor)
    return Share(allocation=allocation, money=money)


def _rest_refunded(state: State, sellers: tuple[str, ...]) -> State:
    for share in [state.shares[seller] for seller in sellers]:
        state = state.with_share(share.with_money(share.money.with_refund(share.money.held_minor)))
    return state


def _frozen(state: State, cause: e.FreezeCause, cause_id: str, sellers: tuple[str, ...]) -> State:
    for share in [state.shares[seller] for seller in sellers]:
        state = state.with_share(share.with_freeze(cause_id, Freeze(cause=cause)))
    return replace(state, ended={key: outcome for key, outcome in state.ended.items() if key != cause_id})


def _unfrozen(state: State, cause_id: str, outcome: str, sellers: tuple[str, ...]) -> State:
    for share in [state.shares[seller] for seller in sellers]:
        state = state.with_share(share.without_freeze(cause_id))
    return replace(state, ended={**state.ended, cause_id: outcome})


def _clawed_back(state: State, share: Share, event: e.ReleaseClawedBack) -> State:
    part = Part(gross_minor=event.amount_minor, commission_minor=event.commission_minor)
    share = share.with_money(share.money.with_clawback(part))
    if event.reserved_minor:
        share = share.with_reserve(str(event.cause_id), -event.reserved_minor)
    is_refund = event.cause == "refund"
    clawback = Clawback(
        seller=event.seller,
        cause=event.cause,
        cause_id=event.cause_id,
        owed=part if is_refund else Part(gross_minor=0, commission_minor=0),
    )
    state = state.with_share(share).with_clawback(event.clawback_id, clawback)
    return replace(state, refunds=state.refunds + is_refund)
