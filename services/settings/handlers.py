"""Changing a setting."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from pydantic import JsonValue

from libs.eventstore.execute import Done, Executor, Step
from libs.eventstore.model import Key, Meta
from libs.ledger.errors import Rejected
from libs.ledger.personal import FreeText
from libs.settings import registry
from services.settings.domain import SETTING, SetSetting


@dataclass(frozen=True, slots=True)
class Author:
    """Who asks for a change, why, and from where."""

    actor: str
    reason: str
    ip: str | None = None
    user_agent: str | None = None
    correlation_id: str | None = None

    def text(self, text: str) -> FreeText:
        """What they typed, or what their browser told of them."""
        return FreeText(text, (self.actor,))


class Handlers:
    def __init__(self, executor: Executor, book: int, clock: Callable[[], datetime]) -> None:
        self._executor = executor
        self._book = book
        self._clock = clock

    async def change(
        self,
        name: str,
        value: JsonValue,
        author: Author,
        *,
        expected_version: int | None = None,
        key: Key | None = None,
    ) -> Done:
        """Give the setting of that name a value; nothing is stored when it has it already.

        Raises `NotFound` (`unknown_setting`), `Rejected` (`not_editable`, `bad_setting`, `version_mismatch`), and what
        `Executor.run` raises.
        """
        setting = registry.find(name)
        if not setting.editable:
            raise Rejected(
                f"{name} cannot be changed while Holdfast runs; it is set at deployment.", code="not_editable", key=name
            )
        command = SetSetting(
            key=name,
            value=setting.dump(setting.parse(value)),
            default=setting.dump(setting.default),
            actor=author.actor,
            reason=author.text(author.reason),
            ip=author.text(author.ip) if author.ip else None,
            user_agent=author.text(author.user_agent) if author.user_agent else None,
            expected_version=expected_version,
            at=self._clock(),
        )
        meta = Meta(author.actor, correlation_id=author.correlation_id)
        return await self._executor.run(
            Step(SETTING, registry.setting_id(self._book, name), command), meta=meta, key=key
        )
