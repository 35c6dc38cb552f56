"""Settings as people see them, read from their streams: there are few, so no read model would be faster."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from pydantic import JsonValue

from libs.eventstore.codec import Codec
from libs.eventstore.model import Recorded, stream_name
from libs.eventstore.store import Store
from libs.eventstore.vault import Vault
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
    def __init__(self, store: Store, codec: Codec[SettingChanged], vault: Vault) -> None:
        self._store = store
        self._codec = codec
        self._vault = vault

    async def one(self, name: str) -> Present:
        """A setting by its key, with what can still be read of why it was changed.

        Raises `NotFound` (`unknown_setting`), and as `Vault.opened`.
        """
        setting = registry.find(name)
        [recorded] = await self._load(setting)
        return Present(setting, await self._vault.opened(recorded, self._decoded(recorded)))

    async def all(self, *, public_only: bool = False) -> list[Present]:
        """Every setting, or those that anybody may see, in the registry's order; what people typed stays sealed."""
        settings = [setting for setting in SETTINGS.values() if setting.public or not public_only]
        histories = await self._load(*settings)
        return [Present(setting, self._decoded(past)) for setting, past in zip(settings, histories, strict=True)]

    async def _load(self, *settings: Setting[Any]) -> list[list[Recorded]]:
        streams = [stream_name(SETTING.kind, registry.setting_id(self._store.book, each.key)) for each in settings]
        loaded = await self._store.load(*streams)
        return [loaded[stream] for stream in streams]

    def _decoded(self, recorded: Sequence[Recorded]) -> list[SettingChanged]:
        return [self._codec.decode(event) for event in recorded]
