"""The whole of it, with the connected accounts' webhooks."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime
from functools import partial
from typing import Final, Unpack

import stripe
from stripe.params import EventListParams

from libs.runtime.calls import Calls
from libs.runtime.notices import NoticeBody, NoticeReader, by_twenty, secrets_in
from libs.runtime.stripe_client import Connection, open_client
from services.payout_scheduler.domain.webhook import Notice
from services.payout_scheduler.gateway.accounts import Accounts
from services.payout_scheduler.gateway.part import time_of
from services.payout_scheduler.gateway.payouts import Payouts
from services.payout_scheduler.gateway.statements import SellerStatement, TransferStatement
from services.payout_scheduler.gateway.transfers import Transfers

SECRET: Final = "HOLDFAST_STRIPE_CONNECT_WEBHOOK_SECRET"  # noqa: S105 - the variable's name

NOTICE_TYPES: Final = frozenset(
    {
        "account.updated",
        "account.application.deauthorized",
        "capability.updated",
        "account.external_account.created",
        "account.external_account.updated",
        "account.external_account.deleted",
        "payout.updated",
        "payout.paid",
        "payout.failed",
        "payout.canceled",
    }
)
"""The events that the connected accounts' endpoint at Stripe needs to send; others are answered and forgotten."""


class StripeGateway(Accounts, Transfers, Payouts):
    """Implements `Bank`, and reads Stripe's notices."""

    def __init__(self, client: stripe.StripeClient, webhook_secret: str, book: int) -> None:
        calls = Calls(stripe.StripeError, key_reused=stripe.IdempotencyError)
        super().__init__(client, calls, book)
        self.transfers = TransferStatement(client, calls)
        self.statement_of = partial(SellerStatement, client, calls)
        verify = partial(stripe.WebhookSignature.verify_header, tolerance=stripe.Webhook.DEFAULT_TOLERANCE)
        self._notices = NoticeReader(
            NOTICE_TYPES, verify, stripe.SignatureVerificationError, SECRET, secrets_in(webhook_secret)
        )

    def read_notice(self, body: bytes, signature: str | None) -> Notice | None:
        """As `NoticeReader.read`; None also for what is about the platform's own account."""
        event = self._notices.read(body, signature)
        return _notice(event, event.account) if event and event.account else None

    async def notices(self, account_id: str, since: datetime, until: datetime) -> AsyncIterator[Notice]:
        """What a connected account's log of events has for us of that time, newest first."""
        for types in by_twenty(NOTICE_TYPES):
            params: EventListParams = {
                "types": types,
                "created": {"gt": int(since.timestamp()), "lte": int(until.timestamp())},
                "limit": 100,
            }
            more = True
            while more:
                async with self._calls:
                    page = await self._v1.events.list_async(params, {"stripe_account": account_id})
                for event in page.data:
                    params["starting_after"] = event.id
                    yield _notice(NoticeBody.model_validate(event.to_dict()), account_id)
                more = page.has_more


@asynccontextmanager
async def open_gateway(
    api_key: str, webhook_secret: str, book: int, **connection: Unpack[Connection]
) -> AsyncIterator[StripeGateway]:
    """A gateway with connections of its own; use it in one event loop. Several secrets are separated by commas."""
    async with open_client(api_key, connection) as client:
        yield StripeGateway(client, webhook_secret, book)


def _notice(event: NoticeBody, account_id: str) -> Notice:
    return Notice(
        notice_id=event.id,
        type=event.type,
        account_id=account_id,
        object_id=event.data.object.id,
        at=time_of(event.created),
    )
