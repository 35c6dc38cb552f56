"""Stripe, the buyer's side: intents, refunds and the platform's webhooks. Nobody else sees Stripe's types."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from datetime import UTC, datetime
from http import HTTPStatus
from typing import Final, Literal
from uuid import UUID

import stripe
from pydantic import BaseModel, ValidationError

from libs.ledger.errors import Rejected
from services.payment.domain.report import Capture, IntentReport, RefundReport, Trial
from services.payment.domain.webhook import Notice
from services.payment.handlers import IntentCall, RefundCall, Refused, TurnedAway, Unknown

TIMEOUT_SECONDS: Final = 20.0
NETWORK_RETRIES_MAX: Final = 1  # twice two calls at most: a worker's lease is longer
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
        self._webhook_secret = webhook_secret
        self._book = book

    async def create_intent(self, call: IntentCall) -> IntentReport:
        with _outcomes():
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
        with _outcomes():
            found = await self._v1.payment_intents.search_async(
                {
                    "query": f'metadata["payment_id"]:"{payment_id}"',
                    "limit": 1,
                    "expand": ["data.latest_charge"],
                }
            )
        return _intent_report(found.data[0]) if found.data else None

    async def read_intent(self, intent_id: str) -> IntentReport:
        with _outcomes():
            return _intent_report(
                await self._v1.payment_intents.retrieve_async(intent_id, {"expand": ["latest_charge"]})
            )

    async def cancel_intent(self, intent_id: str) -> IntentReport:
        # No key of ours: to cancel twice is to cancel once, and a remembered failure would stand in the way.
        with _outcomes():
            return _intent_report(await self._v1.payment_intents.cancel_async(intent_id, {"expand": ["latest_charge"]}))

    async def create_refund(self, call: RefundCall) -> RefundReport:
        with _outcomes():
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
        with _outcomes():
            page = await self._v1.refunds.list_async({"payment_intent": intent_id, "limit": 100})
            async for refund in page.auto_paging_iter():
                if getattr(refund.metadata, "refund_id", None) == str(refund_id):
                    return _refund_report(refund)
        return None

    async def read_refund(self, processor_id: str) -> RefundReport:
        with _outcomes():
            return _refund_report(await self._v1.refunds.retrieve_async(processor_id))

    async def client_secret(self, intent_id: str) -> str | None:
        with _outcomes():
            intent = await self._v1.payment_intents.retrieve_async(intent_id)
        return intent.client_secret if _INTENT_STATUS[intent.status] in {"waiting", "requires_action"} else None

    def read_notice(self, body: bytes, signature: str | None) -> Notice | None:
        """The notice in a webhook's raw body, None if it is of a type or about a payment that is not ours.

        Raises `Rejected` with code `bad_signature`, or `bad_notice` for what is signed and yet no event.
        """
        try:
            stripe.WebhookSignature.verify_header(
                body, signature, self._webhook_secret, stripe.Webhook.DEFAULT_TOLERANCE
            )
            event = _Event.model_validate_json(body)
        except (stripe.SignatureVerificationError, UnicodeDecodeError):
            raise Rejected(
                "The signature does not fit the body; check HOLDFAST_STRIPE_WEBHOOK_SECRET and the clock.",
                code="bad_signature",
            ) from None
        except ValidationError as error:
            raise Rejected("The body is signed, but not an event as Stripe sends them.", code="bad_notice") from error
        return self._notice(event)

    def _notice(self, event: _Event) -> Notice | None:
        thing = event.data.object
        if event.type not in NOTICE_TYPES or thing.metadata.get("book") != str(self._book):
            return None
        payment_id, refund_id = thing.metadata.get("payment_id"), thing.metadata.get("refund_id")
        if payment_id is None:
            return None
        return Notice(
            notice_id=event.id,
            type=event.type,
            at=_time(event.created),
            object_id=thing.id,
            payment_id=UUID(payment_id),
            refund_id=UUID(refund_id) if refund_id else None,
            correlation_id=thing.metadata.get("correlation_id"),
        )

    def _metadata(self, call: IntentCall | RefundCall) -> dict[str, str]:
        names = {"payment_id": str(call.payment_id), "order_id": call.order_id, "book": str(self._book)}
        if call.correlation_id and len(call.correlation_id) <= METADATA_CHARACTERS_MAX:
            names["correlation_id"] = call.correlation_id
        return names


class _Object(BaseModel):
    id: str
    metadata: dict[str, str] = {}


class _Data(BaseModel):
    object: _Object


class _Event(BaseModel):
    """The little that we take from an event: its object is read again anyway."""

    id: str
    type: str
    created: int
    data: _Data


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
    http = stripe.HTTPXClient(timeout=timeout_seconds)
    try:
        client = stripe.StripeClient(
            api_key, base_addresses={"api": api_base}, max_network_retries=network_retries_max, http_client=http
        )
        yield StripeGateway(client, webhook_secret, book)
    finally:
        await http.close_async()  # type: ignore[no-untyped-call]  # the SDK's


@contextmanager
def _outcomes() -> Iterator[None]:
    """What an error says about the effect (https://docs.stripe.com/error-low-level)."""
    try:
        yield
    except stripe.APIConnectionError as error:
        raise Unknown(f"Stripe did not answer: {error.user_message}") from error
    except (stripe.RateLimitError, stripe.AuthenticationError, stripe.PermissionError) as error:
        # Turned away at the door: nothing began, and nothing is remembered under the key.
        raise TurnedAway(_text(error)) from error
    except stripe.IdempotencyError as error:
        # The key was used with other parameters, by an older release of ours; what that call did must be looked up.
        raise Unknown(_text(error), answered=True) from error
    except stripe.StripeError as error:
        status = error.http_status or HTTPStatus.INTERNAL_SERVER_ERROR
        if status == HTTPStatus.CONFLICT:  # the same key's call is still running
            raise Unknown(_text(error)) from error
        if status >= HTTPStatus.INTERNAL_SERVER_ERROR:
            raise Unknown(_text(error), answered=True) from error
        raise Refused(_text(error), code=error.code or "refused") from error


def _text(error: stripe.StripeError) -> str:
    return f"Stripe says: {error.user_message}"


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
