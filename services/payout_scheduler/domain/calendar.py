"""When a seller is due to be paid. Slots are days, weeks and months of the calendar in UTC, counted from nothing else:
a job that runs late finds the slot it is in and does not drift.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Final, Literal, get_args

Frequency = Literal["daily", "weekly", "monthly", "on_demand"]
FREQUENCIES: Final[tuple[Frequency, ...]] = get_args(Frequency)


def slot_at(frequency: Frequency, as_of: datetime) -> str | None:
    """The name of the slot that `as_of` lies in (`2026-W47`, a week from Monday; ISO 8601), None for `on_demand`.

    A seller is paid once a slot at most, so the name is part of the payout's id.
    """
    day = as_of.astimezone(UTC).date()
    match frequency:
        case "daily":
            return day.isoformat()
        case "weekly":
            year, week, _ = day.isocalendar()
            return f"{year}-W{week:02}"
        case "monthly":
            return f"{day:%Y-%m}"
        case "on_demand":
            return None


def next_slot_from(frequency: Frequency, as_of: datetime) -> datetime | None:
    """The moment at which the slot after the present one begins, None for `on_demand`."""
    today = as_of.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    match frequency:
        case "daily":
            return today + timedelta(days=1)
        case "weekly":
            return today + timedelta(days=7 - today.weekday())
        case "monthly":
            return (today.replace(day=1) + timedelta(days=31)).replace(day=1)
        case "on_demand":
            return None
