from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from datetime import UTC, datetime, timedelta

from libs.runtime.outcomes import TurnedAway
from libs.runtime.sweep import Log, sweep_events

NOON = datetime(2026, 3, 5, 12, tzinfo=UTC)


async def test_what_had_not_come_is_kept_and_a_log_that_fails_is_left() -> None:
    asked: list[tuple[datetime, datetime]] = []
    known = {"evt_1"}

    async def whole(since: datetime, until: datetime) -> AsyncIterator[str]:
        asked.append((since, until))
        for name in ("evt_1", "evt_2"):
            yield name

    async def broken(_since: datetime, _until: datetime) -> AsyncIterator[str]:
        yield "evt_3"
        raise TurnedAway("Stripe says: not now")

    async def logs() -> Mapping[str, Log[str]]:
        return {"a": whole, "b": broken} | {f"c{number}": whole for number in range(50)}

    async def keep(name: str) -> bool:
        new = name not in known
        known.add(name)
        return new

    lines: list[str] = []
    assert await sweep_events(logs, keep)(NOON, lines.append) == {"done": 2, "seen": 103, "left": 1}
    assert set(asked) == {(NOON - timedelta(days=3), NOON)}
    assert len(lines) == 2
    assert await sweep_events(logs, keep)(NOON, lines.append) == {"done": 0, "seen": 103, "left": 1}
