"""Accounts and currencies under names that hledger and beancount take, and back.

Every mapping is reversible, and no two names meet: `tests/unit/audit/test_export_names.py`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import lru_cache
from typing import Final
from urllib.parse import quote, unquote

from libs.ledger import chart

ROOTS: Final[Mapping[chart.Kind, str]] = {
    "asset": "assets",
    "liability": "liabilities",
    "income": "income",
    "expense": "expenses",
}
"""The first part of an account's name in a journal, by kind; both tools know an account's type by it."""

_VERBATIM: Final = "X-x"  # nothing else gives a hyphen and a small letter
_ESCAPED: Final = re.compile("--|-[0-9A-F]{2}")
_KEPT: Final = "/:@+="  # besides letters, digits and `_.-~`: what neither tool reads anything into
_IS_PLAIN: Final = re.compile(r"[A-Za-z0-9_.~/:@+=-]*").fullmatch


@lru_cache(maxsize=65_536)
def hledger_account(account: str) -> str:
    """`seller:ada:available` -> `liabilities:seller:ada:available`. Raises `Rejected` (`unknown_account`).

    The chart's names are letters, digits and `_.@-`, all of which hledger takes as they are.
    """
    return f"{ROOTS[chart.rule(account).kind]}:{account}"


def account_of_hledger(name: str) -> str:
    """The reverse of `hledger_account`."""
    return name.partition(":")[2]


def hledger_commodity(code: str) -> str:
    """`USD` -> `USD`, `USDC@8453` -> `"USDC@8453"`: hledger quotes all but letters."""
    return code if code.isalpha() else f'"{code}"'


def currency_of_hledger(commodity: str) -> str:
    """The reverse of `hledger_commodity`."""
    return commodity.strip('"')


@lru_cache(maxsize=65_536)
def beancount_account(account: str) -> str:
    """`seller:ada_b:available` -> `Liabilities:Seller:Ada-5Fb:Available`. Raises `Rejected` (`unknown_account`).

    A part begins with a capital or a digit and goes on with letters, digits and hyphens. So a hyphen is doubled, any
    other sign becomes a hyphen and two hexadecimal digits, and a small first letter becomes a capital; a part that
    begins otherwise is put behind `X-x`.
    """
    root = ROOTS[chart.rule(account).kind]
    return ":".join([root.capitalize(), *map(_part, account.split(":"))])


def account_of_beancount(name: str) -> str:
    """The reverse of `beancount_account`."""
    return ":".join(map(_part_back, name.split(":")[1:]))


def _part(name: str) -> str:
    escaped = re.sub(r"[^A-Za-z0-9]", lambda sign: "--" if sign[0] == "-" else f"-{ord(sign[0]):02X}", name)
    if re.match("[a-z0-9]", name):
        return escaped[0].upper() + escaped[1:]
    return _VERBATIM + escaped


def _part_back(part: str) -> str:
    name = part.removeprefix(_VERBATIM) if part.startswith(_VERBATIM) else part[0].lower() + part[1:]
    return _ESCAPED.sub(lambda escape: "-" if escape[0] == "--" else chr(int(escape[0][1:], 16)), name)


@lru_cache(maxsize=1_024)
def beancount_commodity(code: str) -> str:
    """`USD` -> `USD`, `USDC@8453` -> `USDC.8453`, `stETH@1` -> `X-_73_74ETH.1`.

    A currency begins with a capital, goes on with capitals, digits and `'._-`, and ends with a capital or a digit. So
    the @ before a chain's id becomes a full stop, anything else that is neither capital nor digit an underscore and
    two hexadecimal digits, and what then does not begin with a capital is put behind `X-`.
    """
    escaped = re.sub(r"@$|[^A-Z0-9@]", lambda sign: f"_{ord(sign[0]):02X}", code).replace("@", ".")
    return escaped if re.match("[A-Z]", escaped) else f"X-{escaped}"


def currency_of_beancount(commodity: str) -> str:
    """The reverse of `beancount_commodity`."""
    plain = commodity.removeprefix("X-").replace(".", "@")
    return re.sub("_([0-9A-F]{2})", lambda escape: chr(int(escape[1], 16)), plain)


def written(text: str) -> str:
    """Other text (an event's type, stream, ids), percent-encoded where a tool might read something into it."""
    return text if _IS_PLAIN(text) else quote(text, safe=_KEPT)


def text_of(written_text: str) -> str:
    """The reverse of `written`."""
    return unquote(written_text)
