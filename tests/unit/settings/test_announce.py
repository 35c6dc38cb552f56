from __future__ import annotations

from datetime import UTC, datetime

from contracts.events.settings import SettingChanged as Announced
from services.settings.announce import announce
from services.settings.domain import SettingChanged

NOON = datetime(2026, 11, 2, 12, tzinfo=UTC)


def test_a_change_is_announced_without_where_it_came_from() -> None:
    event = SettingChanged(
        at=NOON,
        key="escrow.enabled",
        old=True,
        new=False,
        actor="ada",
        reason="a test",
        ip="10.0.0.1",
        user_agent="curl",
    )
    message = announce(event)
    assert message == Announced(
        key="escrow.enabled", old=True, new=False, changed_by="ada", reason="a test", changed_at=NOON
    )
    assert "10.0.0.1" not in message.model_dump_json()
