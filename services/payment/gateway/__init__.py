"""Stripe, the buyer's side. Nobody else sees Stripe's types."""

from __future__ import annotations

from services.payment.gateway.platform import NOTICE_TYPES, StripeGateway, open_gateway

__all__ = ["NOTICE_TYPES", "StripeGateway", "open_gateway"]
