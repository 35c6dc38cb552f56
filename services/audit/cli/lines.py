"""Lines for people: amounts on their side, times in UTC, and nothing from the log that a terminal would obey."""

from __future__ import annotations

from datetime import datetime

from libs.ledger.money import format_minor


def time_told(moment: datetime) -> str:
    return moment.isoformat(timespec="milliseconds")


def sides(amount_minor: int, currency: str) -> tuple[str, str]:
    """A posting in the debit column or in the credit column."""
    amount = format_minor(abs(amount_minor), currency)
    return (amount, "") if amount_minor > 0 else ("", amount)


def balance(amount_minor: int, currency: str) -> str:
    """`12.34 Dr`, `12.34 Cr`, or zero on neither side."""
    side = "Dr" if amount_minor > 0 else "Cr" if amount_minor else "  "
    return f"{format_minor(abs(amount_minor), currency)} {side}"


def harmless(text: str) -> str:
    """What a stranger wrote, with control characters made visible: it must not move the cursor or break the line."""
    return text if text.isprintable() else "".join(c if c.isprintable() else repr(c)[1:-1] for c in text)
