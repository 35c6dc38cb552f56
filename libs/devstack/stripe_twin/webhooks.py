"""Delivery of events: signed, at least once, retried with backoff, a bounded number at a time."""

import asyncio
import logging
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, replace
from types import TracebackType
from typing import Self

import aiohttp
import stripe

from libs.devstack.stripe_twin.chaos import Lots, WebhookFate
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
    overtakes: tuple["Delivery", ...] = ()
    """Held back until this one has been accepted."""


class Courier:
    """Posts events to the endpoints that want them; `settings` may be exchanged while it runs.

    Which endpoint is looked up at every attempt, so a service that comes back elsewhere gets what it missed.
    """

    def __init__(self, settings: Webhooks) -> None:
        self.settings = settings
        self.delivered = 0
        self.refused = 0
        self.lost = 0
        self.lots = Lots()
        self._held: defaultdict[str, list[Delivery]] = defaultdict(list)
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
        """Let an event go its way, or the way that chaos has for it."""
        if not self.endpoint(event):
            return
        fate = self.lots.for_webhook(event.type)
        if fate == "lost":
            self.lost += 1
            return
        for _ in range(1 + self.settings.extra_copies + (fate == "doubled")):
            self._expect()
            self._dispatch(event, fate)

    def _dispatch(self, event: Event, fate: WebhookFate | None) -> None:
        held = self._held["connect" if event.account else "platform"]
        if fate == "delayed":
            self._later(Delivery(event))
        elif fate == "reordered":
            held.append(delivery := Delivery(event))
            self._later(delivery, held)
        else:
            self._queue.put_nowait(Delivery(event, overtakes=tuple(held)))
            held.clear()

    def _later(self, delivery: Delivery, held: list[Delivery] | None = None) -> None:
        """After the delay; one that is held only if no other event overtook it by then."""

        def release() -> None:
            if held is not None and delivery not in held:
                return
            if held is not None:
                held.remove(delivery)
            self._queue.put_nowait(delivery)

        asyncio.get_running_loop().call_later(self.lots.webhook_delay_seconds, release)

    def send(self, event: Event) -> None:
        """Deliver once more, whatever chaos would say."""
        if self.endpoint(event):
            self._expect()
            self._queue.put_nowait(Delivery(event))

    async def idle(self) -> None:
        """Wait until every event so far has been accepted."""
        await self._idle.wait()

    def state(self) -> Json:
        endpoints = {"platform": self.settings.platform, "connect": self.settings.connect}
        shown = {name: {"url": at.url, "events": at.events} if at else None for name, at in endpoints.items()}
        counts = {name: getattr(self, name) for name in ("delivered", "refused", "lost")}
        counts["outstanding"] = self._outstanding
        return shown | counts | {"extra_copies": self.settings.extra_copies}

    def _expect(self) -> None:
        self._outstanding += 1
        self._idle.clear()

    def _done(self, delivery: Delivery) -> None:
        for overtaken in delivery.overtakes:
            self._queue.put_nowait(overtaken)
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
            self._done(delivery)
        elif await _accepted(endpoint, delivery.event, http):
            self.delivered += 1
            # Stripe counts down the endpoints that have yet to accept an event
            delivery.event.pending_webhooks = 0
            self._done(delivery)
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
