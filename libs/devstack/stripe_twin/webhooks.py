"""Delivery of events: signed, at least once, retried with backoff, a bounded number at a time."""

import asyncio
import logging
from collections.abc import Sequence
from dataclasses import dataclass, replace
from types import TracebackType
from typing import Self

import aiohttp
import stripe

from libs.devstack.stripe_twin.config import Endpoint, Webhooks
from libs.devstack.stripe_twin.objects.event import Event
from libs.devstack.stripe_twin.tables import Json
from libs.devstack.stripe_twin.wire import to_json

_ACCEPTED = range(200, 300)
_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Delivery:
    event: Event
    attempt: int = 0


class Courier:
    """Posts events to the endpoints that want them; `settings` may be exchanged while it runs.

    Which endpoint is looked up at every attempt, so a service that comes back elsewhere gets what it missed.
    """

    def __init__(self, settings: Webhooks) -> None:
        self.settings = settings
        self.delivered = 0
        self.refused = 0
        self._queue: asyncio.Queue[Delivery] = asyncio.Queue()
        self._outstanding = 0
        self._idle = asyncio.Event()
        self._idle.set()
        self._workers: Sequence[asyncio.Task[None]] = ()

    async def __aenter__(self) -> Self:
        self._workers = [asyncio.create_task(self._work()) for _ in range(self.settings.concurrency)]
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for worker in self._workers:
            worker.cancel()
        await asyncio.gather(*self._workers, return_exceptions=True)

    def endpoint(self, event: Event) -> Endpoint | None:
        """Where this event goes now, if anywhere."""
        endpoint = self.settings.connect if event.account else self.settings.platform
        return endpoint if endpoint and endpoint.wants(event.type) else None

    def listeners(self, event: Event) -> int:
        return int(self.endpoint(event) is not None)

    def announce(self, event: Event) -> None:
        if self.endpoint(event):
            for _ in range(1 + self.settings.extra_copies):
                self._add(Delivery(event))

    async def idle(self) -> None:
        """Wait until every event so far has been accepted."""
        await self._idle.wait()

    def state(self) -> Json:
        endpoints = {"platform": self.settings.platform, "connect": self.settings.connect}
        shown = {name: {"url": at.url, "events": at.events} if at else None for name, at in endpoints.items()}
        counts = {"delivered": self.delivered, "refused": self.refused, "outstanding": self._outstanding}
        return shown | counts | {"extra_copies": self.settings.extra_copies}

    def _add(self, delivery: Delivery) -> None:
        self._outstanding += 1
        self._idle.clear()
        self._queue.put_nowait(delivery)

    def _done(self) -> None:
        self._outstanding -= 1
        if not self._outstanding:
            self._idle.set()

    async def _work(self) -> None:
        timeout = aiohttp.ClientTimeout(total=self.settings.answer_within_seconds)
        async with aiohttp.ClientSession(timeout=timeout) as http:
            while True:
                await self._deliver(await self._queue.get(), http)

    async def _deliver(self, delivery: Delivery, http: aiohttp.ClientSession) -> None:
        endpoint = self.endpoint(delivery.event)
        if endpoint is None:
            self._done()
        elif await _accepted(endpoint, delivery.event, http):
            self.delivered += 1
            # Stripe counts down the endpoints that have yet to accept an event
            delivery.event.pending_webhooks = 0
            self._done()
        else:
            self.refused += 1
            self._retry_later(delivery)

    def _retry_later(self, delivery: Delivery) -> None:
        wait_seconds = min(self.settings.retry_first_seconds * 2**delivery.attempt, self.settings.retry_most_seconds)
        again = replace(delivery, attempt=min(delivery.attempt + 1, 30))
        asyncio.get_running_loop().call_later(wait_seconds, self._queue.put_nowait, again)


async def _accepted(endpoint: Endpoint, event: Event, http: aiohttp.ClientSession) -> bool:
    payload = to_json(event.render())
    # signed at real time, not the twin's: receivers refuse a signature that is older than five minutes
    signature = stripe.WebhookSignature.generate_signature_header(payload.decode(), endpoint.secret)
    headers = {"content-type": "application/json; charset=utf-8", "stripe-signature": signature}
    try:
        async with http.post(endpoint.url, headers=headers, data=payload, allow_redirects=False) as answer:
            await answer.read()
            return answer.status in _ACCEPTED
    except (aiohttp.ClientError, TimeoutError) as error:
        _log.debug("Event %s is tried again later: %s", event.id, error)
        return False
