"""What a process counts and measures, on a registry of its own."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

from libs.ledger.errors import HoldfastError
from libs.messaging.route import Route


class Telemetry:
    """The metrics of one process. Labels are names of queues, loops and outcomes, never ids: those are too many."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self.registry = registry
        self.messages = Counter(
            "holdfast_messages_handled",
            "Attempts at handling a message, by queue and outcome.",
            ["queue", "outcome"],
            registry=registry,
        )
        self.message_seconds = Histogram(
            "holdfast_message_handling_seconds",
            "Time from decoding to the stored outcome.",
            ["queue"],
            registry=registry,
        )
        self.requests = Counter(
            "holdfast_http_requests",
            "HTTP requests, by route and status.",
            ["method", "route", "status"],
            registry=registry,
        )
        self.loop_failures = Counter(
            "holdfast_loop_failures", "Times that a loop failed and was started again.", ["loop"], registry=registry
        )
        self.lag = Gauge(
            "holdfast_projection_lag_events",
            "Events in the log that a read model has not seen.",
            ["projection"],
            registry=registry,
        )
        self.work = Gauge(
            "holdfast_work_open",
            "Work for the outside world that is not done, by service.",
            ["service"],
            registry=registry,
        )

    def counted(self, route: Route) -> Route:
        """The same route with every attempt at a message counted and timed."""
        handlers = {message: self._counted(route.queue, handler) for message, handler in route.handlers.items()}
        every = None if route.every is None else self._counted(route.queue, route.every)
        return replace(route, handlers=handlers, every=every)

    def _counted(self, queue: str, handler: Callable[..., Awaitable[None]]) -> Callable[..., Awaitable[None]]:
        async def handle(*arguments: Any) -> None:
            with self._handling(queue):
                await handler(*arguments)

        return handle

    @contextmanager
    def _handling(self, queue: str) -> Iterator[None]:
        outcome = "failed"
        try:
            with self.message_seconds.labels(queue).time():
                yield
            outcome = "done"
        except HoldfastError as error:
            outcome = error.code
            raise
        finally:
            self.messages.labels(queue, outcome).inc()
