"""Stripe's SDK as both gateways open it: with connections of its own, our patience, and at our pace."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from functools import partial
from typing import Any, Required, TypedDict

import stripe

from libs.runtime.calls import NETWORK_RETRIES_MAX, TIMEOUT_SECONDS, Answer, Pace


class Connection(TypedDict, total=False):
    """How to reach Stripe. What is left out is as in production."""

    api_base: Required[str]
    timeout_seconds: float
    network_retries_max: int
    pace: Pace


class _Http(stripe.AIOHTTPClient):
    """The SDK's client, whose requests leave at a pace, those of its own paging and retries too."""

    def __init__(self, pace: Pace, timeout_seconds: float) -> None:
        super().__init__(timeout=timeout_seconds)
        self._pace = pace

    async def request_async(self, method: str, url: str, headers: Mapping[str, str], post_data: Any = None) -> Answer:
        return await self._pace.send(method, url, partial(super().request_async, method, url, headers, post_data))


@asynccontextmanager
async def open_client(api_key: str, connection: Connection) -> AsyncIterator[stripe.StripeClient]:
    """A client for one event loop."""
    http = _Http(connection.get("pace") or Pace(), connection.get("timeout_seconds", TIMEOUT_SECONDS))
    try:
        yield stripe.StripeClient(
            api_key,
            base_addresses={"api": connection["api_base"]},
            max_network_retries=connection.get("network_retries_max", NETWORK_RETRIES_MAX),
            http_client=http,
        )
    finally:
        await http.close_async()  # type: ignore[no-untyped-call]  # the SDK's
