"""The settings service, put together."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from libs.eventstore.codec import Codec
from libs.eventstore.execute import Executor
from libs.eventstore.ledger import Ledger
from libs.messaging.relay import Announcer
from libs.runtime.config import Config
from libs.runtime.service import Clock, Service
from libs.settings.live import LiveSettings
from services.settings import http
from services.settings.announce import announce
from services.settings.domain import SETTING
from services.settings.handlers import Handlers
from services.settings.views import Views


@asynccontextmanager
async def build(
    ledger: Ledger,
    config: Config,  # noqa: ARG001 - every service is built alike
    settings: LiveSettings,  # noqa: ARG001 - this service reads the log itself, to the last change
    clock: Clock,
) -> AsyncIterator[Service]:
    """The service over a ledger opened as `settings`."""
    codec = Codec(SETTING.events)
    handlers = Handlers(Executor(ledger.writer, codec), ledger.store.book, clock)
    yield Service(
        name="settings",
        ledger=ledger,
        router=http.router(handlers, Views(ledger.store, codec)),
        announcer=Announcer("/holdfast/settings", (SETTING.kind,), codec, announce),
    )
