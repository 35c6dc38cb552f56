"""Stripe, the sellers' side. Nobody else sees Stripe's types."""

from __future__ import annotations

from services.payout_scheduler.gateway.connect import NOTICE_TYPES, StripeGateway, open_gateway

__all__ = ["NOTICE_TYPES", "StripeGateway", "open_gateway"]
