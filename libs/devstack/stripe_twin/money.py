"""What Stripe demands of an amount (https://docs.stripe.com/currencies). All amounts are in minor units."""

from libs.devstack.stripe_twin.errors import invalid

AMOUNT_MOST_MINOR = 99_999_999
_CHARGE_LEAST_MINOR = {
    "usd": 50, "aed": 200, "aud": 50, "brl": 50, "cad": 50, "chf": 50, "czk": 1500, "dkk": 250, "eur": 50, "gbp": 30,
    "hkd": 400, "huf": 17500, "inr": 50, "jpy": 50, "mxn": 1000, "myr": 200, "nok": 300, "nzd": 50, "pln": 200,
    "ron": 200, "sek": 300, "sgd": 50, "thb": 1000,
}  # fmt: skip
_OTHER_CURRENCIES = frozenset(
    {
        "bhd",
        "bif",
        "clp",
        "djf",
        "gnf",
        "jod",
        "kmf",
        "krw",
        "kwd",
        "mga",
        "omr",
        "pyg",
        "rwf",
        "tnd",
        "ugx",
        "vnd",
        "vuv",
        "xaf",
        "xof",
        "xpf",
        "ars",
        "bgn",
        "cop",
        "egp",
        "idr",
        "ils",
        "kes",
        "mad",
        "ngn",
        "pen",
        "php",
        "pkr",
        "qar",
        "sar",
        "try",
        "twd",
        "uah",
        "uyu",
        "zar",
    }
)
_ZERO_DECIMAL = frozenset(
    {"bif", "clp", "djf", "gnf", "jpy", "kmf", "krw", "mga", "pyg", "rwf", "vnd", "vuv", "xaf", "xof", "xpf"}
)
_THREE_DECIMAL = frozenset({"bhd", "jod", "kwd", "omr", "tnd"})


def currency_of(text: str) -> str:
    """The lower-case code, or Stripe's refusal of one that it does not support."""
    code = text.lower()
    if code not in _CHARGE_LEAST_MINOR and code not in _OTHER_CURRENCIES:
        raise invalid(f"Invalid currency: {text}. Stripe does not currently support this currency.", param="currency")
    return code


def shown(amount_minor: int, currency: str) -> str:
    if currency in _ZERO_DECIMAL:
        return f"{amount_minor} {currency}"
    digits = 3 if currency in _THREE_DECIMAL else 2
    whole, part = divmod(amount_minor, 10**digits)
    return f"{whole:,}.{part:0{digits}} {currency}"


def check_positive(amount_minor: int) -> None:
    if amount_minor < 1:
        raise invalid(
            "This value must be greater than or equal to 1.", param="amount", code="parameter_invalid_integer"
        )


def check_charge_amount(amount_minor: int, currency: str) -> None:
    check_positive(amount_minor)
    least = _CHARGE_LEAST_MINOR.get(currency, 1)
    if amount_minor < least:
        raise invalid(f"Amount must be at least {shown(least, currency)}", param="amount", code="amount_too_small")
    if amount_minor > AMOUNT_MOST_MINOR:
        message = f"Amount must be no more than {shown(AMOUNT_MOST_MINOR, currency)}"
        raise invalid(message, param="amount", code="amount_too_large")
    if currency in _THREE_DECIMAL and amount_minor % 10:
        raise invalid("The last digit of an amount in a three-decimal currency must be 0.", param="amount")
