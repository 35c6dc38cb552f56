"""Keep secrets out of what is written down, whoever hands them to the log."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Final

HIDDEN: Final = "[redacted]"

_SECRET_NAMES: Final = re.compile(
    r"secret|password|passwd|authorization|api_?key|signing_?key|signature|cookie|token$", re.IGNORECASE
)
_SECRET_VALUES: Final = re.compile(
    r"""
      (?P<client>\b\w+_secret_)\w+                  # Stripe's client secrets: pi_..._secret_...
    | (?P<stripe>\b(?:sk|rk|whsec)_)\w+             # keys and webhook secrets: sk_test_..., rk_live_..., whsec_...
    | (?P<signer>\bPRIVATE\+KEY\+)\S+               # what signs the audit's heads
    | (?P<url>://[^/\s:@]*:)[^/\s@]+(?=@)           # the password in a URL
    | (?P<bearer>\b(?:bearer|basic)\s+)\S+          # an HTTP authorization
    """,
    re.VERBOSE | re.IGNORECASE,
)


def redact(value: Any, name: str = "") -> Any:
    """The same value without what must not be logged, judged by its name and by what it looks like."""
    if _SECRET_NAMES.search(name) and value is not None:
        return HIDDEN
    if isinstance(value, str):
        return _SECRET_VALUES.sub(lambda match: f"{next(filter(None, match.groups()))}{HIDDEN}", value)
    if isinstance(value, Mapping):
        return {key: redact(item, str(key)) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [redact(item) for item in value]
    return value
