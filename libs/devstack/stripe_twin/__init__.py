"""A stateful local Stripe, driven by the real SDK.

async with running_twin(TwinConfig(...)) as twin:
    client = stripe.StripeClient("sk_test_twin", base_addresses={"api": twin.url})
"""

from libs.devstack.stripe_twin.chaos import Chaos
from libs.devstack.stripe_twin.client import TwinClient, TwinControlError
from libs.devstack.stripe_twin.config import NO_FEE, CardFee, Endpoint, TwinConfig, Webhooks
from libs.devstack.stripe_twin.server import Twin, running_twin

__all__ = [
    "NO_FEE",
    "CardFee",
    "Chaos",
    "Endpoint",
    "Twin",
    "TwinClient",
    "TwinConfig",
    "TwinControlError",
    "Webhooks",
    "running_twin",
]
