"""The settings service, put together."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from libs.eventstore.codec import Codec
from libs.eventstore.execute import Executor
from libs.eventstore.ledger import Ledger
from libs.eventstore.vault import Vault
from libs.messaging.relay import Announcer
from libs.runtime.config import Config
from libs.runtime.data_keys import data_keys
from libs.runtime.health import Ping
from libs.runtime.service import Clock, Service
from libs.settings.live import LiveSettings
from services.settings import http
from services.settings.announce import announce
from services.settings.domain import SETTING, UPCASTS
from services.settings.handlers import Handlers
from services.settings.views import Views


@asynccontextmanager
async def build(
    ledger: Ledger,
    config: Config,
    settings: LiveSettings,  # noqa: ARG001 - this service reads the log itself, to the last change
    clock: Clock,
) -> AsyncIterator[Service]:
    """The service over a ledger opened as `settings`. Raises `Misconfigured` where the data key is missing."""
    codec, vault = Codec(SETTING.events, UPCASTS), Vault(ledger.pool, ledger.store.book, data_keys(config))
    handlers = Handlers(Executor(ledger.writer, codec, vault), ledger.store.book, clock)
    yield Service(
        name="settings",
        ledger=ledger,
        router=http.router(handlers, Views(ledger.store, codec, vault)),
        announcer=Announcer("/holdfast/settings", (SETTING.kind,), codec, announce),
        pings=[Ping("settings data key", vault.ready)],
    )
