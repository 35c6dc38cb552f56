"""Journals for hledger (https://hledger.org/hledger.html#journal), and near enough for Ledger."""

from __future__ import annotations

from datetime import date
from typing import Final

from libs.ledger.money import currency, format_minor
from services.audit.export.names import hledger_account, hledger_commodity
from services.audit.export.syntax import Transaction, currencies
from services.audit.proofs.book import Balances

_WIDTH: Final = 48


class Hledger:
    def head(self, title: str) -> str:
        # Without the directive, `1.234` might be a thousand or so.
        return f"; {title}\ndecimal-mark .\n\n"

    def transaction(self, entry: Transaction) -> str:
        tags = ", ".join([f"{name}:{value}" for name, value in entry.tags.items()])
        lines = [f"{entry.day} * {entry.title} | {entry.note}" + (f"  ; {tags}" if tags else "")]
        lines += [_posting(account, code, amount) for account, code, amount in entry.postings]
        return "\n".join(lines) + "\n\n"

    def closing(self, first: date, last: date, balances: Balances) -> str:  # noqa: ARG002 - hledger's accounts have no day
        lines = [f"commodity {_sample(code)}" for code in currencies(balances)]
        lines += [f"account {hledger_account(account)}" for account in sorted({account for account, _ in balances})]
        # hledger checks assertions by day and then in the order of the file, so these come after everything.
        lines += ["", f"{last} * Closing balances"]
        lines += [
            f"{_posting(account, code, 0)} = {format_minor(amount, code)} {hledger_commodity(code)}"
            for (account, code), amount in sorted(balances.items())
        ]
        return "\n".join(lines) + "\n"


def _posting(account: str, code: str, amount_minor: int) -> str:
    return f"    {hledger_account(account):<{_WIDTH}}  {format_minor(amount_minor, code)} {hledger_commodity(code)}"


def _sample(code: str) -> str:
    """How hledger is told of a currency and its decimals: `1000.00 USD`, and `1000. JPY` with a mark in any case."""
    return f"1000.{'0' * currency(code).exponent} {hledger_commodity(code)}"
