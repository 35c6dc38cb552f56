"""Money as integers in a currency's minor unit. No floats and no decimals anywhere behind this door."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Context, Decimal, Inexact, InvalidOperation
from types import MappingProxyType
from typing import Final, Literal

from libs.ledger.errors import Rejected

BASIS_POINTS: Final = 10_000
_EXACT: Final = Context(prec=60, traps=[InvalidOperation, Inexact])  # the default of 28 digits would round wei


@dataclass(frozen=True, slots=True)
class Currency:
    """A currency or on-chain asset; `exponent` is the number of decimals of its minor unit (ISO 4217)."""

    code: str
    exponent: int
    kind: Literal["fiat", "token"] = "fiat"


# ISO 4217's exponents of the currencies that a card processor settles in; assets are `{symbol}@{chain id}`.
_ZERO_DECIMALS = "BIF CLP DJF GNF JPY KMF KRW MGA PYG RWF UGX VND VUV XAF XOF XPF"
_TWO_DECIMALS = (
    "AED AUD BGN BRL CAD CHF CNY CZK DKK EUR GBP HKD HUF ILS INR MXN MYR NOK NZD PLN RON SEK SGD THB USD ZAR"
)
_THREE_DECIMALS = "BHD JOD KWD OMR TND"

CURRENCIES: Final[Mapping[str, Currency]] = MappingProxyType(
    {
        code: Currency(code, exponent)
        for exponent, codes in ((0, _ZERO_DECIMALS), (2, _TWO_DECIMALS), (3, _THREE_DECIMALS))
        for code in codes.split()
    }
    | {"ETH@1": Currency("ETH@1", 18, "token"), "USDC@8453": Currency("USDC@8453", 6, "token")}
)


def currency(code: str) -> Currency:
    """The registered currency of that code; raises `Rejected` (`unknown_currency`) for any other."""
    try:
        return CURRENCIES[code]
    except KeyError:
        raise Rejected(
            f"{code!r} is not a currency Holdfast knows; use an ISO 4217 code (USD) or an asset id (USDC@8453).",
            code="unknown_currency",
            currency=code,
        ) from None


def parse_minor(text: str, code: str) -> int:
    """`"12.34"` USD -> 1234. Refuses (`bad_amount`) what is not a number or has more decimals than the currency."""
    exponent = currency(code).exponent
    try:
        scaled = Decimal(text).scaleb(exponent, _EXACT)
    except (InvalidOperation, Inexact):
        raise Rejected(f"{text!r} is not an amount.", code="bad_amount", amount=text) from None
    if not scaled.is_finite() or scaled != scaled.to_integral_value():
        raise Rejected(f"{text} has more decimals than {code} has ({exponent}).", code="bad_amount", amount=text)
    return int(scaled)


def format_minor(amount_minor: int, code: str) -> str:
    """1234 USD -> `"12.34"`; the reverse of `parse_minor`."""
    exponent = currency(code).exponent
    sign = "-" if amount_minor < 0 else ""
    digits = str(abs(amount_minor)).rjust(exponent + 1, "0")
    return f"{sign}{digits[:-exponent]}.{digits[-exponent:]}" if exponent else f"{sign}{digits}"


def split(total_minor: int, weights: Sequence[int]) -> list[int]:
    """Share `total_minor` by `weights` with the largest-remainder (Hamilton) method: shares sum to the total.

    Of equal remainders the earlier share gets the unit, so the result does not depend on chance.
    """
    whole = sum(weights)
    if whole <= 0 or min(weights) < 0 or total_minor < 0:
        raise Rejected("A split takes a total and weights of zero or more, one of them above zero.", code="bad_split")
    shares = [total_minor * weight // whole for weight in weights]
    by_remainder = sorted(range(len(weights)), key=lambda i: -(total_minor * weights[i] % whole))
    for i in by_remainder[: total_minor - sum(shares)]:
        shares[i] += 1
    return shares


def portion(amount_minor: int, basis_points: int) -> int:
    """`basis_points` of an amount, half a unit rounded up (commissions are never negative)."""
    return (amount_minor * basis_points * 2 + BASIS_POINTS) // (2 * BASIS_POINTS)
