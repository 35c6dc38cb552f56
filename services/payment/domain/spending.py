"""What one buyer spends in one month (UTC), so that orders placed at once cannot together pass a limit.

A stream of its own: an order is accepted and takes its allowance in one unit, on the version of this stream that its
decision saw. Amounts are nominal, as in the settings: of every currency in hundredths of its unit.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Final
from uuid import NAMESPACE_OID, UUID, uuid5

from libs.ledger.decider import Decider, Event
from libs.ledger.money import format_minor

Refusal = tuple[str, str]
"""A code, and the reason in words."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Allowance:
    """What an order uses up. `day` is that of the month, from 1."""

    spending_id: UUID
    day: int
    nominal_minor: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Caps:
    """The most that one buyer may order, in nominal minor units and in orders; the ends are included."""

    daily_nominal_minor: int
    monthly_nominal_minor: int
    daily_count_max: int


def allowance_of(book: int, buyer: str, placed_at: datetime, nominal_minor: int) -> Allowance:
    """The allowance of an order that was placed at that time."""
    placed_at = placed_at.astimezone(UTC)
    name = f"holdfast/spending/{book}/{placed_at:%Y-%m}/{buyer}"
    return Allowance(spending_id=uuid5(NAMESPACE_OID, name), day=placed_at.day, nominal_minor=nominal_minor)


@dataclass(frozen=True, slots=True, kw_only=True)
class AllowanceTaken(Event):
    """An order was accepted."""

    payment_id: UUID
    day: int
    nominal_minor: int


@dataclass(frozen=True, slots=True, kw_only=True)
class AllowanceReturned(Event):
    """The order came to nothing before any money was taken."""

    payment_id: UUID


@dataclass(frozen=True, slots=True, kw_only=True)
class TakeAllowance:
    at: datetime
    payment_id: UUID
    allowance: Allowance


@dataclass(frozen=True, slots=True, kw_only=True)
class ReturnAllowance:
    at: datetime
    payment_id: UUID


@dataclass(frozen=True, slots=True, kw_only=True)
class Spending:
    """`taken` by payment; `returned` are those that gave theirs back, which happens once."""

    taken: Mapping[UUID, AllowanceTaken] = field(default_factory=dict)
    returned: frozenset[UUID] = frozenset()

    def refusal(self, allowance: Allowance, caps: Caps) -> Refusal | None:
        """Why there is no room for one more order, or None where there is."""
        today = [taken.nominal_minor for taken in self.taken.values() if taken.day == allowance.day]
        if len(today) >= caps.daily_count_max:
            return "daily_count", f"A buyer may place {caps.daily_count_max} orders a day; wait for tomorrow (UTC)."
        month = [taken.nominal_minor for taken in self.taken.values()]
        for code, spent_minor, most_minor, span in (
            ("daily_limit", sum(today), caps.daily_nominal_minor, "day"),
            ("monthly_limit", sum(month), caps.monthly_nominal_minor, "month"),
        ):
            if spent_minor + allowance.nominal_minor > most_minor:
                spent, most = format_minor(spent_minor, "USD"), format_minor(most_minor, "USD")
                return code, (
                    f"A buyer's orders of a {span} (UTC) may come to {most} in whatever currency, and come to {spent} "
                    f"without this one; place a smaller order, or wait for the next {span}."
                )
        return None


def decide(command: TakeAllowance | ReturnAllowance, state: Spending) -> Sequence[AllowanceTaken | AllowanceReturned]:
    match command:
        case TakeAllowance(at=at, payment_id=payment_id, allowance=allowance):
            if payment_id in state.taken or payment_id in state.returned:
                return ()
            return [
                AllowanceTaken(at=at, payment_id=payment_id, day=allowance.day, nominal_minor=allowance.nominal_minor)
            ]
        case ReturnAllowance(at=at, payment_id=payment_id) if payment_id in state.taken:
            return [AllowanceReturned(at=at, payment_id=payment_id)]
        case _:
            return ()


def evolve(state: Spending, event: AllowanceTaken | AllowanceReturned) -> Spending:
    match event:
        case AllowanceTaken(payment_id=payment_id):
            return replace(state, taken={**state.taken, payment_id: event})
        case AllowanceReturned(payment_id=payment_id):
            taken = {each: allowance for each, allowance in state.taken.items() if each != payment_id}
            return replace(state, taken=taken, returned=state.returned | {payment_id})


SPENDING: Final = Decider[TakeAllowance | ReturnAllowance, Spending, AllowanceTaken | AllowanceReturned](
    "spending", Spending(), decide, evolve, (AllowanceTaken, AllowanceReturned)
)
