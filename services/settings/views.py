"""Settings as people see them, read from their streams: there are few, so no read model would be faster."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from pydantic import JsonValue

from libs.eventstore.codec import Codec
from libs.eventstore.model import stream_name
from libs.eventstore.store import Store
from libs.settings import registry
from libs.settings.registry import SETTINGS, Setting
from services.settings.domain import SETTING, SettingChanged


@dataclass(frozen=True, slots=True)
class Present:
    """A setting with its changes, oldest first. Their number is its version."""

    setting: Setting[Any]
    history: Sequence[SettingChanged]

    @property
    def version(self) -> int:
        return len(self.history)

    @property
    def value(self) -> JsonValue:
        return self.history[-1].new if self.history else self.setting.dump(self.setting.default)


class Views:
    def __init__(self, store: Store, codec: Codec[SettingChanged]) -> None:
        self._store = store
        self._codec = codec

    async def one(self, name: str) -> Present:
        """A setting by its key; raises `NotFound` (`unknown_setting`)."""
        [present] = await self._read(registry.find(name))
        return present

    async def all(self, *, public_only: bool = False) -> list[Present]:
        """Every setting, or those that anybody may see, in the registry's order."""
        return await self._read(*(setting for setting in SETTINGS.values() if setting.public or not public_only))

    async def _read(self, *settings: Setting[Any]) -> list[Present]:
        streams = [stream_name(SETTING.kind, registry.setting_id(self._store.book, each.key)) for each in settings]
        loaded = await self._store.load(*streams)
        return [
            Present(setting, [self._codec.decode(event) for event in loaded[stream]])
            for setting, stream in zip(settings, streams, strict=True)
        ]
