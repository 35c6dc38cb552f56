"""A report as an accountant opens it: CSV, amounts with the decimals of their currency."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from io import StringIO
from typing import Final

from libs.ledger.money import CURRENCIES, format_minor
from libs.ledger.reconciled import Reconciled

COLUMNS: Final = (
    "section", "status", "why", "account", "object", "line_types", "currency", "count", "at_processor", "in_ledger",
    "difference", "at", "about",
)  # fmt: skip
_FORMULA: Final = ("=", "+", "-", "@", "\t", "\r")
"""What a spreadsheet would take for a formula (https://owasp.org/www-community/attacks/CSV_Injection)."""


def to_csv(report: Reconciled) -> str:
    """Sums by status, balances, fees, then the objects that a person may want to look at."""
    out = StringIO()
    writer = csv.DictWriter(out, COLUMNS, restval="")
    writer.writeheader()
    writer.writerows(_rows(report))
    return out.getvalue()


def _rows(report: Reconciled) -> Iterator[dict[str, str]]:
    at = report.at.isoformat()
    for each in report.sums:
        yield {"section": "sum", "status": each.status, "count": str(each.count), "at": at} | _amounts(
            each.currency, each.at_processor_minor, each.in_ledger_minor
        )
    for balance in report.balances:
        why = {"why": f"unexplained {_shown(balance.unexplained_minor, balance.currency)}"}
        names = {"section": "balance", "status": balance.status, "account": balance.account}
        yield (
            names
            | (why if balance.unexplained_minor else {})
            | {"at": report.balances_at.isoformat()}
            | _amounts(balance.currency, balance.at_processor_minor, balance.in_ledger_minor)
        )
    for fee in report.fees:
        booked = _amounts(fee.currency, -fee.amount_minor, -fee.amount_minor)
        yield {"section": "fees booked", "count": str(fee.count), "at": at} | booked
    for line in report.findings:
        yield {
            "section": "object",
            "status": line.status,
            "why": line.why,
            "account": line.account,
            "object": _plain(line.source),
            "line_types": " ".join(line.line_types),
            "at": line.happened_at.isoformat(),
            "about": _plain(line.about or ""),
        } | _amounts(line.currency, line.at_processor_minor, line.in_ledger_minor)
    for unread in report.unread:
        yield {"section": "not read", "account": unread.account, "at": at}
    if report.cut:
        yield {"section": "not named", "count": str(report.cut), "at": at}


def _amounts(currency: str, there: int, here: int) -> dict[str, str]:
    return {
        "currency": currency,
        "at_processor": _shown(there, currency),
        "in_ledger": _shown(here, currency),
        "difference": _shown(there - here, currency),
    }


def _shown(amount_minor: int, currency: str) -> str:
    """A processor may know currencies that we do not: those in minor units, as it writes them."""
    return format_minor(amount_minor, currency) if currency in CURRENCIES else f"{amount_minor} minor"


def _plain(text: str) -> str:
    return f"'{text}" if text.startswith(_FORMULA) else text
