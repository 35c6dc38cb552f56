"""The controls of what goes wrong outside of the platform: at the buyer's bank, the seller's bank, or Stripe.

POST /_twin/charges/{id or intent}/dispute           {"amount"?, "reason"?, "inquiry"?}: the buyer goes to their bank
POST /_twin/charges/{id or intent}/fraud_warning     {"fraud_type"?}: the issuer suspects fraud
POST /_twin/disputes/{id}/close                      {"won"}: the bank decides; an inquiry just ends
POST /_twin/disputes/{id}/escalate                   an inquiry becomes a chargeback
POST /_twin/refunds/{id}/fail                        {"reason"?}: the buyer's bank sends it back
POST /_twin/payouts/{id}/bounce                      {"account"?, "code"?}: the seller's bank sends it back
POST /_twin/accounts/{id}/deauthorize                the seller disconnects the platform
POST /_twin/accounts/{id}/restrict                   {"paused"?, "due"?}: of transfers, card_payments, payouts
POST /_twin/accounts/{id}/payout_schedule            {"interval"?}: somebody sets it in a Dashboard
"""

from collections.abc import Callable, Mapping
from typing import Any, Literal

from libs.devstack.stripe_twin import disputing, fraud, onboarding, refunding
from libs.devstack.stripe_twin.calls import balances, payouts
from libs.devstack.stripe_twin.errors import missing
from libs.devstack.stripe_twin.objects.bank_account import FailureCode
from libs.devstack.stripe_twin.objects.charge import Charge
from libs.devstack.stripe_twin.objects.dispute import Dispute
from libs.devstack.stripe_twin.orders import Order
from libs.devstack.stripe_twin.tables import Json, R, Table
from libs.devstack.stripe_twin.world import World

DisputeReason = Literal[
    "bank_cannot_process", "credit_not_processed", "customer_initiated", "debit_not_authorized", "duplicate",
    "fraudulent", "general", "incorrect_account_details", "insufficient_funds", "product_not_received",
    "product_unacceptable", "subscription_canceled", "unrecognized",
]  # fmt: skip
FraudType = Literal[
    "card_never_received", "fraudulent_card_application", "made_with_counterfeit_card", "made_with_lost_card",
    "made_with_stolen_card", "misc", "unauthorized_use_of_card",
]  # fmt: skip
RefundFailure = Literal["declined", "expired_or_canceled_card", "insufficient_funds", "lost_or_stolen_card", "unknown"]
Pausable = Literal["transfers", "card_payments", "payouts"]
Interval = Literal["daily", "weekly", "monthly", "manual"]


class _OpenDispute(Order):
    amount: int | None = None
    reason: DisputeReason = "fraudulent"
    inquiry: bool = False


class _WarnOfFraud(Order):
    fraud_type: FraudType = "misc"


class _CloseDispute(Order):
    won: bool


class _FailRefund(Order):
    reason: RefundFailure = "expired_or_canceled_card"


class _BouncePayout(Order):
    account: str | None = None
    code: FailureCode = "account_closed"


class _Restrict(Order):
    paused: frozenset[Pausable] = frozenset()
    due: tuple[str, ...] = ()


class _PayoutSchedule(Order):
    interval: Interval = "daily"


def _open_dispute(world: World, object_id: str, order: _OpenDispute) -> Json:
    charge = _charge(world, object_id)
    return disputing.open_dispute(world, charge, order.amount, order.reason, inquiry=order.inquiry).render()


def _warn_of_fraud(world: World, object_id: str, order: _WarnOfFraud) -> Json:
    return fraud.warn(world, _charge(world, object_id), order.fraud_type).render()


def _close_dispute(world: World, dispute_id: str, order: _CloseDispute) -> Json:
    return disputing.decide(world, _dispute(world, dispute_id), won=order.won).render()


def _escalate_dispute(world: World, dispute_id: str, _order: Order) -> Json:
    return disputing.escalate(world, _dispute(world, dispute_id)).render()


def _fail_refund(world: World, refund_id: str, order: _FailRefund) -> Json:
    return refunding.fail(world, _found(world.refunds, refund_id), order.reason).render()


def _bounce_payout(world: World, payout_id: str, order: _BouncePayout) -> Json:
    payout = _found(world.payouts, payout_id)
    if order.account:
        payout = world.payouts.get(order.account, payout_id)
    return payouts.bounce(world, payout, order.code).render()


def _deauthorize(world: World, account_id: str, _order: Order) -> Json:
    return onboarding.deauthorize(world, world.reachable(account_id))


def _restrict(world: World, account_id: str, order: _Restrict) -> Json:
    account = onboarding.restrict(world, world.account(account_id), frozenset(order.paused), order.due)
    return onboarding.snapshot(world, account)


def _set_payout_schedule(world: World, account_id: str, order: _PayoutSchedule) -> Json:
    change = {"payments": {"payouts": {"schedule": {"interval": order.interval}}}}
    return balances.change_settings(world, world.account(account_id), change)


def _charge(world: World, object_id: str) -> Charge:
    """By its own id, or by that of the intent that it was the last attempt of."""
    intent = world.payment_intents.find(object_id)
    return _found(world.charges, (intent.latest_charge or object_id) if intent else object_id)


def _dispute(world: World, dispute_id: str) -> Dispute:
    return _found(world.disputes, dispute_id)


def _found(table: Table[R], record_id: str) -> R:
    """Whoever it belongs to: the controls stand outside of all accounts."""
    record = table.find(record_id)
    if record is None:
        raise missing(table.kind, record_id, "id")
    return record


Mishap = Callable[[World, str, Any], Json]
MISHAPS: Mapping[tuple[str, str], tuple[Mishap, type[Order]]] = {
    ("POST", "charges/dispute"): (_open_dispute, _OpenDispute),
    ("POST", "charges/fraud_warning"): (_warn_of_fraud, _WarnOfFraud),
    ("POST", "disputes/close"): (_close_dispute, _CloseDispute),
    ("POST", "disputes/escalate"): (_escalate_dispute, Order),
    ("POST", "refunds/fail"): (_fail_refund, _FailRefund),
    ("POST", "payouts/bounce"): (_bounce_payout, _BouncePayout),
    ("POST", "accounts/deauthorize"): (_deauthorize, Order),
    ("POST", "accounts/restrict"): (_restrict, _Restrict),
    ("POST", "accounts/payout_schedule"): (_set_payout_schedule, _PayoutSchedule),
}
