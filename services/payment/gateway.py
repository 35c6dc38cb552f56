"""Stripe, the buyer's side: intents, refunds and the platform's webhooks. Nobody else sees Stripe's types."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from functools import partial
from typing import Final, Literal
from uuid import UUID

import stripe

from libs.runtime.calls import NETWORK_RETRIES_MAX, TIMEOUT_SECONDS, Calls
from libs.runtime.notices import NoticeReader
from services.payment.domain.report import Capture, IntentReport, RefundReport, Trial
from services.payment.domain.webhook import Notice
from services.payment.handlers import IntentCall, RefundCall

SECRET: Final = "HOLDFAST_STRIPE_WEBHOOK_SECRET"  # noqa: S105 - the variable's name
METADATA_CHARACTERS_MAX: Final = 500  # https://docs.stripe.com/api/metadata

NOTICE_TYPES: Final = frozenset(
    {
        "payment_intent.succeeded",
        "payment_intent.payment_failed",
        "payment_intent.canceled",
        "payment_intent.requires_action",
        "payment_intent.processing",
        "refund.updated",
        "refund.failed",
    }
)
"""The events that the platform's endpoint at Stripe needs to send; others are answered and forgotten."""

IntentStatus = Literal["waiting", "requires_action", "processing", "succeeded", "canceled"]
_INTENT_STATUS: Final[Mapping[str, IntentStatus]] = {
    "requires_payment_method": "waiting",
    "requires_confirmation": "waiting",
    "requires_action": "requires_action",
    "requires_capture": "processing",  # of an intent that somebody changed by hand: we capture at once
    "processing": "processing",
    "succeeded": "succeeded",
    "canceled": "canceled",
}
_REFUND_STATUS: Final[Mapping[str, Literal["pending", "succeeded", "failed"]]] = {
    "pending": "pending",
    "requires_action": "pending",
    "succeeded": "succeeded",
    "failed": "failed",
    "canceled": "failed",
}


class StripeGateway:
    """Implements `Processor`, and reads Stripe's notices."""

    def __init__(self, client: stripe.StripeClient, webhook_secret: str, book: int) -> None:
        self._v1 = client.v1
        self._calls = Calls(stripe.StripeError, key_reused=stripe.IdempotencyError)
        verify = partial(
            stripe.WebhookSignature.verify_header, secret=webhook_secret, tolerance=stripe.Webhook.DEFAULT_TOLERANCE
        )
        self._notices = NoticeReader(NOTICE_TYPES, verify, stripe.SignatureVerificationError, SECRET)
        self._book = book

    async def create_intent(self, call: IntentCall) -> IntentReport:
        async with self._calls:
            intent = await self._v1.payment_intents.create_async(
                {
                    "amount": call.amount_minor,
                    "currency": _lower(call.currency),
                    "transfer_group": call.order_id,
                    "description": f"Order {call.order_id}",
                    # Cards and their wallets: whatever takes the buyer to a bank's own site is another rail.
                    "automatic_payment_methods": {"enabled": True, "allow_redirects": "never"},
                    "metadata": self._metadata(call),
                },
                {"idempotency_key": call.key},
            )
        return _intent_report(intent)

    async def find_intent(self, payment_id: UUID) -> IntentReport | None:
        async with self._calls:
            found = await self._v1.payment_intents.search_async(
                {
                    "query": f'metadata["payment_id"]:"{payment_id}"',
                    "limit": 1,
                    "expand": ["data.latest_charge"],
                }
            )
        return _intent_report(found.data[0]) if found.data else None

    async def read_intent(self, intent_id: str) -> IntentReport:
        async with self._calls:
            return _intent_report(
                await self._v1.payment_intents.retrieve_async(intent_id, {"expand": ["latest_charge"]})
            )

    async def cancel_intent(self, intent_id: str) -> IntentReport:
        # No key of ours: to cancel twice is to cancel once, and a remembered failure would stand in the way.
        async with self._calls:
            return _intent_report(await self._v1.payment_intents.cancel_async(intent_id, {"expand": ["latest_charge"]}))

    async def create_refund(self, call: RefundCall) -> RefundReport:
        async with self._calls:
            refund = await self._v1.refunds.create_async(
                {
                    "payment_intent": call.intent_id,
                    "amount": call.amount_minor,
                    "reason": "requested_by_customer",
                    "metadata": {**self._metadata(call), "refund_id": str(call.refund_id)},
                },
                {"idempotency_key": call.key},
            )
        return _refund_report(refund)

    async def find_refund(self, intent_id: str, refund_id: UUID) -> RefundReport | None:
        async with self._calls:
            page = await self._v1.refunds.list_async({"payment_intent": intent_id, "limit": 100})
            async for refund in page.auto_paging_iter():
                if getattr(refund.metadata, "refund_id", None) == str(refund_id):
                    return _refund_report(refund)
        return None

    async def read_refund(self, processor_id: str) -> RefundReport:
        async with self._calls:
            return _refund_report(await self._v1.refunds.retrieve_async(processor_id))

    async def client_secret(self, intent_id: str) -> str | None:
        async with self._calls:
            intent = await self._v1.payment_intents.retrieve_async(intent_id)
        return intent.client_secret if _INTENT_STATUS[intent.status] in {"waiting", "requires_action"} else None

    def read_notice(self, body: bytes, signature: str | None) -> Notice | None:
        """As `NoticeReader.read`; None also for what is about a payment that is not ours."""
        event = self._notices.read(body, signature)
        if event is None:
            return None
        thing = event.data.object
        names = thing.metadata or {}
        payment_id, refund_id = names.get("payment_id"), names.get("refund_id")
        if payment_id is None or names.get("book") != str(self._book):
            return None
        return Notice(
            notice_id=event.id,
            type=event.type,
            at=_time(event.created),
            object_id=thing.id,
            payment_id=UUID(payment_id),
            refund_id=UUID(refund_id) if refund_id else None,
            correlation_id=names.get("correlation_id"),
        )

    def _metadata(self, call: IntentCall | RefundCall) -> dict[str, str]:
        names = {"payment_id": str(call.payment_id), "order_id": call.order_id, "book": str(self._book)}
        if call.correlation_id and len(call.correlation_id) <= METADATA_CHARACTERS_MAX:
            names["correlation_id"] = call.correlation_id
        return names


@asynccontextmanager
async def open_gateway(
    api_key: str,
    webhook_secret: str,
    book: int,
    *,
    api_base: str,
    timeout_seconds: float = TIMEOUT_SECONDS,
    network_retries_max: int = NETWORK_RETRIES_MAX,
) -> AsyncIterator[StripeGateway]:
    """A gateway with connections of its own; use it in one event loop."""
    http = stripe.AIOHTTPClient(timeout=timeout_seconds)
    try:
        client = stripe.StripeClient(
            api_key, base_addresses={"api": api_base}, max_network_retries=network_retries_max, http_client=http
        )
        yield StripeGateway(client, webhook_secret, book)
    finally:
        await http.close_async()  # type: ignore[no-untyped-call]  # the SDK's


def _intent_report(intent: stripe.PaymentIntent) -> IntentReport:
    return IntentReport(
        intent_id=intent.id,
        created_at=_time(intent.created),
        status=_INTENT_STATUS[intent.status],
        captured=_capture(intent),
        declined=_trial(intent),
        canceled_at=_time(intent.canceled_at) if intent.canceled_at else None,
    )


def _capture(intent: stripe.PaymentIntent) -> Capture | None:
    if intent.status != "succeeded":
        return None
    charge = intent.latest_charge
    if not isinstance(charge, stripe.Charge):
        raise TypeError(f"{intent.id} was read without its charge, which is what transfers refer to")
    return Capture(charge=charge.id, amount_minor=intent.amount_received, at=_time(charge.created))


def _trial(intent: stripe.PaymentIntent) -> Trial | None:
    """The last failed try. A failed authentication makes no charge, and is told by its payment method instead."""
    error, charge = intent.last_payment_error, intent.latest_charge
    if error is None:
        return None
    decline_code, method = getattr(error, "decline_code", None), getattr(error, "payment_method", None)
    code = error.code if decline_code in {None, "generic_decline"} else decline_code
    trial_id = getattr(error, "charge", None) or (method.id if method else intent.id)
    made_at = _time(charge.created) if isinstance(charge, stripe.Charge) and charge.id == trial_id else None
    return Trial(id=trial_id, code=code or "declined", at=made_at)


def _refund_report(refund: stripe.Refund) -> RefundReport:
    return RefundReport(
        processor_id=refund.id,
        created_at=_time(refund.created),
        status=_REFUND_STATUS[refund.status or "pending"],
        code=getattr(refund, "failure_reason", None),
    )


def _lower(currency: str) -> str:
    return currency.lower()  # Stripe's spelling of ISO 4217


def _time(unix_seconds: int) -> datetime:
    return datetime.fromtimestamp(unix_seconds, UTC)
