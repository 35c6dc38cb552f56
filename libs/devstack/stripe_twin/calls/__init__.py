"""The calls of Stripe's API that the twin answers, one module per resource, named as in the SDK."""

from libs.devstack.stripe_twin.calls import (
    accounts,
    balances,
    charges,
    disputes,
    events,
    external_accounts,
    fraud_warnings,
    payment_intents,
    payment_methods,
    payouts,
    refunds,
    reversals,
    transfers,
)

ROUTES = (
    *payment_methods.ROUTES,
    *payment_intents.ROUTES,
    *charges.ROUTES,
    *refunds.ROUTES,
    *disputes.ROUTES,
    *fraud_warnings.ROUTES,
    *transfers.ROUTES,
    *reversals.ROUTES,
    *accounts.ROUTES,
    *external_accounts.ROUTES,
    *payouts.ROUTES,
    *balances.ROUTES,
    *events.ROUTES,
)
