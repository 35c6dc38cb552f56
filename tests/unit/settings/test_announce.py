from __future__ import annotations

from datetime import UTC, datetime

from contracts.events.settings import SettingChanged as Announced
from libs.ledger.personal import SEALED, FreeText
from services.settings.announce import announce
from services.settings.domain import SettingChanged

NOON = datetime(2026, 11, 2, 12, tzinfo=UTC)


def test_a_change_is_announced_without_why_it_was_made_and_from_where() -> None:
    event = SettingChanged(
        at=NOON,
        key="escrow.enabled",
        old=True,
        new=False,
        actor="ada",
        reason=FreeText("a test", ("ada",)),
        ip=FreeText("10.0.0.1", ("ada",)),
        user_agent=FreeText("curl", ("ada",)),
    )
    message = announce(event)
    assert message == Announced(
        key="escrow.enabled", old=True, new=False, changed_by="ada", reason=SEALED, changed_at=NOON
    )
    assert not any(text in message.model_dump_json() for text in ("a test", "10.0.0.1", "curl"))
