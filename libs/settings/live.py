"""The value of every setting now, in memory, for services that read one with every order."""

from __future__ import annotations

import asyncio
import json
from typing import Any, Final, TypeVar

from libs.eventstore.ledger import Ledger
from libs.eventstore.model import stream_name
from libs.eventstore.store import Store
from libs.ledger.errors import Corrupt, Rejected
from libs.settings.registry import SETTINGS, Setting, setting_id

KIND: Final = "setting"
LOOK_SECONDS: Final = 1.0

T = TypeVar("T")


class LiveSettings:
    """Defaults, overlaid with what the log says. A change made anywhere is seen here within `LOOK_SECONDS`.

    Each setting is a stream of its own, so its present value is found by index; following the whole log for the few
    changes a month would make every process read everything, and its start as long as the history.
    """

    def __init__(self, store: Store) -> None:
        """Without a look at the log: every setting has its default until `refresh`."""
        self._store = store
        self._values: dict[str, Any] = {key: setting.default for key, setting in SETTINGS.items()}
        self._streams = {stream_name(KIND, setting_id(store.book, key)): setting for key, setting in SETTINGS.items()}

    @classmethod
    async def open(cls, ledger: Ledger) -> LiveSettings:
        """The settings of a book as they stand now. Raises as `refresh`."""
        settings = cls(ledger.store)
        await settings.refresh()
        return settings

    def get(self, setting: Setting[T]) -> T:
        """The value now. Ask each time; a value kept aside does not change."""
        value: T = self._values[setting.key]
        return value

    async def refresh(self) -> None:
        """Look at the log now. Raises `Unavailable`, or `Corrupt` when a stored value does not fit its setting's type
        (a newer release wrote it); the values then stay as they were.
        """
        loaded = await self._store.load(*self._streams)
        found = {self._streams[stream].key: events[-1] for stream, events in loaded.items() if events}
        self._values |= {key: _value(SETTINGS[key], event.data) for key, event in found.items()}

    async def follow(self) -> None:
        """Stay up to date until cancelled. Raises as `refresh`."""
        while True:
            await self.refresh()
            await asyncio.sleep(LOOK_SECONDS)


def _value(setting: Setting[T], data: str) -> T:
    try:
        return setting.parse(json.loads(data)["new"])
    except Rejected as error:
        raise Corrupt(
            f"The log holds a value that this release does not take. {error.text}", key=setting.key
        ) from error
