"""Journals for beancount 2 and 3 (https://beancount.github.io/docs/beancount_language_syntax.html)."""

from __future__ import annotations

from collections import defaultdict
from datetime import date, timedelta
from typing import Final

from libs.ledger.money import currency, format_minor
from services.audit.export.names import beancount_account, beancount_commodity
from services.audit.export.syntax import Transaction, currencies
from services.audit.proofs.book import Balances

_WIDTH: Final = 48


class Beancount:
    def head(self, title: str) -> str:
        return f'option "title" "{title}"\n\n'

    def transaction(self, entry: Transaction) -> str:
        lines = [f'{entry.day} * "{entry.title}" "{entry.note}"']
        lines += [
            f"  {name}: {value}" if isinstance(value, int) else f'  {name}: "{value}"'
            for name, value in entry.tags.items()
        ]
        lines += [
            f"  {beancount_account(account):<{_WIDTH}}  {format_minor(amount, code)} {beancount_commodity(code)}"
            for account, code, amount in entry.postings
        ]
        return "\n".join(lines) + "\n\n"

    def closing(self, first: date, last: date, balances: Balances) -> str:
        lines: list[str] = []
        for code in currencies(balances):
            lines += [
                f"{first} commodity {beancount_commodity(code)}",
                f'  code: "{code}"',
                f"  exponent: {currency(code).exponent}",
            ]
        held = defaultdict(list)
        for account, code in sorted(balances):
            held[account].append(beancount_commodity(code))
        lines += [f"{first} open {beancount_account(account)}  {','.join(codes)}" for account, codes in held.items()]
        # beancount checks an assertion before the day's transactions, and without a tolerance it would let a balance be
        # off by one in its last digit.
        lines += [
            f"{last + timedelta(1)} balance {beancount_account(account):<{_WIDTH}}  "
            f"{format_minor(amount, code)} ~ 0 {beancount_commodity(code)}"
            for (account, code), amount in sorted(balances.items())
        ]
        return "\n".join(lines) + "\n"
