"""What the settings service announces."""

from __future__ import annotations

from typing import ClassVar

from pydantic import AwareDatetime, JsonValue

from contracts.events.base import Message


class SettingChanged(Message):
    """A business setting has a new value."""

    type: ClassVar[str] = "setting.changed.v1"

    key: str
    old: JsonValue
    new: JsonValue
    changed_by: str
    reason: str
    changed_at: AwareDatetime

    @property
    def subject(self) -> str:
        return self.key
