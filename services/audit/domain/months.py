"""Months in UTC, written `2026-10`: sorted as text they are in order."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import Final

from libs.ledger.errors import Rejected

_MONTH: Final = re.compile(r"[12]\d{3}-(0[1-9]|1[0-2])", re.ASCII)
_MONTHS_A_YEAR: Final = 12


def parse(text: str) -> str:
    """The month that a person wrote; raises `Rejected` (`bad_month`)."""
    if _MONTH.fullmatch(text) is None:
        raise Rejected(f"{text!r} is not a month; write it like 2026-10.", code="bad_month", month=text)
    return text


def month_of(moment: datetime) -> str:
    """The month in which a moment lies."""
    return moment.astimezone(UTC).strftime("%Y-%m")


def starts_at(month: str) -> datetime:
    """The first instant of a month. A month is half-open: this instant is in it, its `ends_at` in the next one."""
    return datetime(int(month[:4]), int(month[5:]), 1, tzinfo=UTC)


def ends_at(month: str) -> datetime:
    """The first instant after a month."""
    return starts_at(after(month))


def after(month: str) -> str:
    return _shifted(month, 1)


def before(month: str) -> str:
    return _shifted(month, -1)


def _shifted(month: str, by: int) -> str:
    year, index = divmod(int(month[:4]) * _MONTHS_A_YEAR + int(month[5:]) - 1 + by, _MONTHS_A_YEAR)
    return f"{year}-{index + 1:02}"
