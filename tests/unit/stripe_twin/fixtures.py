"""Stripe's published objects (tests/data/stripe, MIT licence), and where they and the installed SDK differ."""

import json
from pathlib import Path
from typing import Any, Final

import stripe
import stripe.params
from stripe._object_classes import get_object_class

from libs.devstack.stripe_twin.objects.account import merged

FIXTURES: Final[dict[str, dict[str, Any]]] = json.loads(
    (Path(__file__).parents[2] / "data" / "stripe" / "fixtures.json").read_text()
)["resources"]

UNDECLARED: Final = {"issuing.settlement", "sigma.sigma_api_query", "terminal.refund"}
"""The SDK has no class for them."""

NEWER: Final[dict[str, dict[str, Any]]] = {
    "account_session": {
        "components": {
            "payment_method_settings": {"enabled": False, "features": {"disable_stripe_user_authentication": False}},
            "reporting_chart": {"enabled": False, "features": {}},
            "terminal_hardware_orders": {"enabled": False, "features": {}},
            "terminal_hardware_shop": {"enabled": False, "features": {}},
        }
    },
    "billing_portal.configuration": {
        "features": {
            "subscription_pause": {"duration": {"interval_options": [], "type": "indefinite"}, "enabled": False}
        }
    },
    "customer_session": {
        "components": {"active_entitlements": {"enabled": False}, "customer_portal": {"enabled": False}}
    },
    "dispute": {"evidence_details": {"submission_method": "not_submitted"}},
    "reserve.hold": {"destination": "other"},
    "reserve.plan": {"destination": "other"},
    "reserve.release": {"destination": "other"},
    "subscription_schedule": {"pause_schedules": []},
}
"""What the SDK requires, and the published objects, of an earlier API version, do not have yet."""

OLDER: Final = {"invoice": {"subscription"}}
"""What the published objects still have, and the SDK no longer declares."""


def declared(name: str) -> dict[str, Any]:
    """The published object in the shape that the SDK declares."""
    kept = {key: value for key, value in FIXTURES[name].items() if key not in OLDER.get(name, ())}
    return merged(kept, NEWER.get(name, {}))


def resource_class(name: str) -> type[stripe.StripeObject]:
    found: type[stripe.StripeObject] = get_object_class("V1", FIXTURES[name]["object"])
    return found


def params_types(name: str) -> list[type]:
    """What the SDK has for creating and changing such an object."""
    holders = [stripe.params, getattr(stripe.params, FIXTURES[name]["object"].partition(".")[0], None)]
    names = [f"{resource_class(name).__name__}{verb}Params" for verb in ("Create", "Modify", "Update")]
    return [getattr(holder, wanted) for wanted in names for holder in holders if hasattr(holder, wanted)]
