"""An order becomes a payment that the buyer is asked for, or is refused with a reason."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from libs.ledger.money import CURRENCIES, format_minor
from services.payment.domain import amounts
from services.payment.domain import events as e
from services.payment.domain.command import Command
from services.payment.domain.order import Limits, Order
from services.payment.domain.spending import Allowance, Refusal
from services.payment.domain.state import State


@dataclass(frozen=True, slots=True, kw_only=True)
class PlaceOrder(Command):
    """`limits` is None where the currency is none we know.

    `over_limit` says why the buyer's spending has no room for `allowance`, None where it has.
    """

    order: Order
    limits: Limits | None
    expires_at: datetime | None = None
    statement_suffix: str | None = None
    allowance: Allowance | None = None
    over_limit: Refusal | None = None


def decide(command: PlaceOrder, state: State) -> Sequence[e.PaymentEvent]:
    order = command.order
    if state.order == order:
        return ()
    names = command.names(order.order_id)
    if refusal := _refusal(command, state):
        code, reason = refusal
        return [
            e.OrderRejected(**names, currency=order.currency, amount_minor=order.amount_minor, code=code, reason=reason)
        ]
    return [
        e.PaymentRequested(
            **names,
            buyer=order.buyer,
            currency=order.currency,
            rail=order.rail,
            lines=order.lines,
            amount_minor=order.amount_minor,
            expires_at=command.expires_at,
            statement_suffix=command.statement_suffix,
            allowance=command.allowance,
        )
    ]


def _refusal(command: PlaceOrder, state: State) -> Refusal | None:  # noqa: PLR0911 - one return a reason
    order, limits = command.order, command.limits
    if state.order is not None:
        return e.ORDER_CHANGED, "The order was placed before with other content; place it under a new order_id."
    if state.cancellation:
        return "order_cancelled", "The order was cancelled before it was placed; place it under a new order_id."
    if order.rail != "card":
        return "rail_unavailable", f"Orders cannot be paid on the rail {order.rail!r} yet; use 'card'."
    if limits is None:
        return "unknown_currency", f"{order.currency!r} is not a currency we know; use an ISO 4217 code."
    if CURRENCIES[order.currency].kind != "fiat":
        return "currency_not_on_rail", f"A card cannot be charged in {order.currency}; use an ISO 4217 currency."
    least, most = limits.amount_min_minor, limits.amount_max_minor
    if order.amount_minor < least:
        return "amount_too_small", f"An order must come to {format_minor(least, order.currency)} at least."
    if order.amount_minor > most:
        return "amount_too_large", f"An order may come to {format_minor(most, order.currency)} at most."
    return amounts.refusal(order.amount_minor, order.currency) or command.over_limit
