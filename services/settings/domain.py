"""A setting and its history. Which settings exist and what they may be is the registry's matter, not the log's."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from types import MappingProxyType
from typing import Any, ClassVar, Final

from libs.ledger.decider import Decider, Event
from libs.ledger.errors import Rejected
from libs.ledger.personal import FreeText, plain_json


@dataclass(frozen=True, slots=True, kw_only=True)
class SettingChanged(Event):
    """A setting has a new value. `old` and `new` are JSON values; `libs.settings.live` reads `new`."""

    schema_version: ClassVar[int] = 2

    key: str
    old: Any
    new: Any
    actor: str
    reason: FreeText
    ip: FreeText | None
    user_agent: FreeText | None


@dataclass(frozen=True, slots=True, kw_only=True)
class SetSetting:
    """Give a setting a value, which the caller has checked against its type.

    `default` stands for the value of a setting that was never set. `expected_version`, where given, refuses the change
    when somebody else made one first.
    """

    key: str
    value: Any
    default: Any
    actor: str
    reason: FreeText
    ip: FreeText | None = None
    user_agent: FreeText | None = None
    expected_version: int | None = None
    at: datetime


@dataclass(frozen=True, slots=True)
class State:
    """The value that was set last; none was while `version`, the number of changes, is 0."""

    value: Any = None
    version: int = 0


def decide(command: SetSetting, state: State) -> Sequence[SettingChanged]:
    """One change, or none for a value that the setting has already. Raises `Rejected` (`version_mismatch`)."""
    if command.expected_version not in (None, state.version):
        raise Rejected(
            f"{command.key} is at version {state.version} by now, not {command.expected_version}; look at it again.",
            code="version_mismatch",
            key=command.key,
            version=state.version,
        )
    old = state.value if state.version else command.default
    if command.value == old:
        return ()
    return (
        SettingChanged(
            at=command.at,
            key=command.key,
            old=old,
            new=command.value,
            actor=command.actor,
            reason=command.reason,
            ip=command.ip,
            user_agent=command.user_agent,
        ),
    )


def evolve(state: State, event: SettingChanged) -> State:
    return State(event.new, state.version + 1)


def _texts_of_actor(data: dict[str, Any]) -> dict[str, Any]:
    """Version 1 held what tells of its actor as it was."""
    found = {name: data[name] for name in ("reason", "ip", "user_agent") if data[name] is not None}
    return data | {name: plain_json(text, data["actor"]) for name, text in found.items()}


UPCASTS: Final = MappingProxyType({("SettingChanged", 1): _texts_of_actor})
SETTING: Final = Decider("setting", State(), decide, evolve, (SettingChanged,))
