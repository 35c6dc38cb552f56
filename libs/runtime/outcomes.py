"""What a call to a card processor may come to besides its answer: a definite no, a closed door, or not knowing.

The rules are those of Stripe's HTTP API (https://docs.stripe.com/error-low-level).
"""

from __future__ import annotations

from http import HTTPStatus
from typing import Final

from libs.ledger.errors import Rejected, Unavailable

_AT_THE_DOOR: Final = {HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN, HTTPStatus.TOO_MANY_REQUESTS}


class Refused(Rejected):
    """The processor said no for good, and the call had no effect."""


class TurnedAway(Unavailable):
    """The processor did not even begin: too many calls, or our credentials. The same call may succeed later."""

    code = "turned_away"


class Unknown(Unavailable):
    """The call may have had its effect. `answered`: the processor itself failed, and repeats so under this key."""

    code = "outcome_unknown"

    def __init__(self, text: str, *, answered: bool = False) -> None:
        super().__init__(text)
        self.answered = answered


def verdict(
    message: str, *, status: int | None, code: str | None = None, key_reused: bool = False
) -> Refused | TurnedAway | Unknown:
    """What an error says about the effect, from its HTTP status (None: no answer came) and the processor's code.

    `key_reused`: the idempotency key was used with other parameters, by an older release of ours; what that call did
    must be looked up.
    """
    if status is None:
        return Unknown(f"Stripe did not answer: {message}")
    text = f"Stripe says: {message}"
    if status == HTTPStatus.CONFLICT:  # the same key's call is still running
        return Unknown(text)
    if key_reused or status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        return Unknown(text, answered=True)
    if status in _AT_THE_DOOR:  # nothing is remembered under the key
        return TurnedAway(text)
    return Refused(text, code=code or "refused")
