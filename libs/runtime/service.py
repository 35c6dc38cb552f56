"""What a service offers, as data. Composition roots run it; nothing in here runs by itself."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol

from fastapi import APIRouter

from libs.eventstore.ledger import Ledger
from libs.eventstore.projector import Projector
from libs.messaging.relay import Announcer
from libs.messaging.route import Route
from libs.runtime.health import Ping
from libs.runtime.loops import Loop

Clock = Callable[[], datetime]
"""What time it is, timezone-aware."""

Progress = Callable[[str], None]
"""Takes a line that tells a waiting person how far a job is."""


class RunJob(Protocol):
    async def __call__(self, as_of: datetime, progress: Progress) -> Mapping[str, Any]:
        """Do what is due at `as_of`; returns a summary that JSON can hold. Safe twice, at once, and late."""


@dataclass(frozen=True, slots=True)
class Job:
    """What a CronJob calls: `holdfast job NAME [--as-of TIME]`."""

    name: str
    run: RunJob


@dataclass(frozen=True, slots=True)
class Service:
    """One service. `ledger` is its own view of the book; `projections` and `announcer` follow it, `loops` act on it."""

    name: str
    ledger: Ledger
    routes: Sequence[Route] = ()
    loops: Sequence[Loop] = ()
    jobs: Sequence[Job] = ()
    router: APIRouter | None = None
    projections: Sequence[Projector] = ()
    pings: Sequence[Ping] = ()
    announcer: Announcer | None = None
