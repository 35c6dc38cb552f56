"""Intents, refunds and the platform's webhooks."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime
from functools import partial
from typing import Final, Unpack
from uuid import UUID

import stripe
from stripe.params import EventListParams, PaymentIntentCreateParams

from libs.runtime.calls import Calls
from libs.runtime.notices import NoticeBody, NoticeReader, by_twenty, secrets_in
from libs.runtime.stripe_client import Connection, open_client
from services.payment.domain.amounts import to_stripe
from services.payment.domain.report import IntentReport, RefundReport
from services.payment.domain.webhook import Notice
from services.payment.gateway.contests import CONTESTS, Contests
from services.payment.gateway.reports import INTENT_STATUS, intent_report, lower, refund_report, time_of
from services.payment.gateway.statement import PlatformStatement
from services.payment.handlers import CancelReason, IntentCall, RefundCall

SECRET: Final = "HOLDFAST_STRIPE_WEBHOOK_SECRET"  # noqa: S105 - the variable's name
METADATA_CHARACTERS_MAX: Final = 500  # https://docs.stripe.com/api/metadata

NOTICE_TYPES: Final = frozenset(
    {
        "payment_intent.succeeded",
        "payment_intent.payment_failed",
        "payment_intent.canceled",
        "payment_intent.requires_action",
        "payment_intent.processing",
        "refund.created",
        "refund.updated",
        "refund.failed",
        "charge.refund.updated",
        *CONTESTS,
    }
)
"""The events that the platform's endpoint at Stripe needs to send; others are answered and forgotten."""

_CHARGE: Final = "latest_charge.balance_transaction"


class StripeGateway(Contests):
    """Implements `Processor`, and reads Stripe's notices."""

    def __init__(self, client: stripe.StripeClient, webhook_secret: str, book: int) -> None:
        super().__init__(client, Calls(stripe.StripeError, key_reused=stripe.IdempotencyError), book)
        self.statement = PlatformStatement(client, self._calls)
        verify = partial(stripe.WebhookSignature.verify_header, tolerance=stripe.Webhook.DEFAULT_TOLERANCE)
        self._notices = NoticeReader(
            NOTICE_TYPES, verify, stripe.SignatureVerificationError, SECRET, secrets_in(webhook_secret)
        )

    async def create_intent(self, call: IntentCall) -> IntentReport:
        content: PaymentIntentCreateParams = {
            "amount": to_stripe(call.amount_minor, call.currency),
            "currency": lower(call.currency),
            "transfer_group": call.order_id,
            "description": f"Order {call.order_id}",
            # Whatever the account has enabled and the buyer can use, redirects and debits that take days included.
            "automatic_payment_methods": {"enabled": True},
            "metadata": self._metadata(call),
        }
        if call.statement_suffix:
            content["statement_descriptor_suffix"] = call.statement_suffix
        async with self._calls:
            intent = await self._v1.payment_intents.create_async(content, {"idempotency_key": call.key})
        return intent_report(intent)

    async def find_intent(self, payment_id: UUID) -> IntentReport | None:
        async with self._calls:
            found = await self._v1.payment_intents.search_async(
                {
                    "query": f'metadata["payment_id"]:"{payment_id}"',
                    "limit": 1,
                    "expand": [f"data.{_CHARGE}"],
                }
            )
        return intent_report(found.data[0]) if found.data else None

    async def read_intent(self, intent_id: str) -> IntentReport:
        async with self._calls:
            return intent_report(await self._v1.payment_intents.retrieve_async(intent_id, {"expand": [_CHARGE]}))

    async def cancel_intent(self, intent_id: str, why: CancelReason) -> IntentReport:
        # No key of ours: to cancel twice is to cancel once, and a remembered failure would stand in the way.
        async with self._calls:
            return intent_report(
                await self._v1.payment_intents.cancel_async(
                    intent_id, {"cancellation_reason": why, "expand": [_CHARGE]}
                )
            )

    async def create_refund(self, call: RefundCall) -> RefundReport:
        async with self._calls:
            refund = await self._v1.refunds.create_async(
                {
                    "payment_intent": call.intent_id,
                    "amount": to_stripe(call.amount_minor, call.currency),
                    "reason": "requested_by_customer",
                    "metadata": {**self._metadata(call), "refund_id": str(call.refund_id), **_attempt(call)},
                },
                {"idempotency_key": call.key},
            )
        return refund_report(refund)

    async def find_refund(self, call: RefundCall) -> RefundReport | None:
        names = {"refund_id": str(call.refund_id), **_attempt(call)}
        async with self._calls:
            page = await self._v1.refunds.list_async({"payment_intent": call.intent_id, "limit": 100})
            async for refund in page.auto_paging_iter():
                borne = {
                    name: value for name in ("refund_id", "attempt") if (value := getattr(refund.metadata, name, None))
                }
                if borne == names:
                    return refund_report(refund)
        return None

    async def read_refund(self, processor_id: str) -> RefundReport:
        async with self._calls:
            return refund_report(await self._v1.refunds.retrieve_async(processor_id))

    async def client_secret(self, intent_id: str) -> str | None:
        async with self._calls:
            intent = await self._v1.payment_intents.retrieve_async(intent_id)
        return intent.client_secret if INTENT_STATUS[intent.status] in {"waiting", "requires_action"} else None

    def read_notice(self, body: bytes, signature: str | None) -> Notice | None:
        """As `NoticeReader.read`; None also for what is about a payment that is not ours."""
        event = self._notices.read(body, signature)
        return self._notice_of(event) if event else None

    async def notices(self, since: datetime, until: datetime) -> AsyncIterator[Notice]:
        """What Stripe's log of events has for us of that time, newest first."""
        for types in by_twenty(NOTICE_TYPES):
            params: EventListParams = {
                "types": types,
                "created": {"gt": int(since.timestamp()), "lte": int(until.timestamp())},
                "limit": 100,
            }
            more = True
            while more:
                async with self._calls:
                    page = await self._v1.events.list_async(params)
                for event in page.data:
                    params["starting_after"] = event.id
                    if notice := self._notice_of(NoticeBody.model_validate(event.to_dict())):
                        yield notice
                more = page.has_more

    def _notice_of(self, event: NoticeBody) -> Notice | None:
        thing = event.data.object
        names = thing.metadata or {}
        payment_id, refund_id = names.get("payment_id"), names.get("refund_id")
        if event.type not in CONTESTS and (payment_id is None or names.get("book") != str(self._book)):
            return None
        return Notice(
            notice_id=event.id,
            type=event.type,
            at=time_of(event.created),
            object_id=thing.id,
            payment_id=UUID(payment_id) if payment_id and event.type not in CONTESTS else None,
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
    api_key: str, webhook_secret: str, book: int, **connection: Unpack[Connection]
) -> AsyncIterator[StripeGateway]:
    """A gateway with connections of its own; use it in one event loop. Several secrets are separated by commas."""
    async with open_client(api_key, connection) as client:
        yield StripeGateway(client, webhook_secret, book)


def _attempt(call: RefundCall) -> dict[str, str]:
    # The first one has no such name: it was made so by every release, and a key's call never changes.
    return {"attempt": str(call.attempt)} if call.attempt > 1 else {}
