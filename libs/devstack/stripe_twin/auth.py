"""Who calls: the platform or the buyer's browser, for which account."""

from base64 import b64decode
from binascii import Error as BadBase64Error
from collections.abc import Mapping
from dataclasses import dataclass

from libs.devstack.stripe_twin.books import PLATFORM
from libs.devstack.stripe_twin.errors import unauthorized
from libs.devstack.stripe_twin.world import World

_SECRET_KEYS = ("sk_test_", "rk_test_")
_BROWSER_KEY = "pk_test_"


@dataclass(frozen=True, slots=True)
class Caller:
    owner: str
    browser: bool


def caller(world: World, headers: Mapping[str, str], form_key: str | None) -> Caller:
    """Any test key will do; a live one is refused, since nobody should ever send one here."""
    key = form_key or _key(headers.get("authorization", ""))
    if not key:
        raise unauthorized(
            "You did not provide an API key. You need to provide your API key in the Authorization header, using "
            "Bearer auth (e.g. 'Authorization: Bearer YOUR_SECRET_KEY')."
        )
    if not key.startswith((*_SECRET_KEYS, _BROWSER_KEY)):
        raise unauthorized(
            f"Invalid API Key provided: {key[:8]}***. The twin takes test keys (sk_test_..., pk_test_...)."
        )
    return Caller(_owner(world, headers.get("stripe-account")), browser=key.startswith(_BROWSER_KEY))


def _owner(world: World, account_id: str | None) -> str:
    return PLATFORM if account_id is None else world.reachable(account_id).id


def _key(authorization: str) -> str:
    scheme, _, credentials = authorization.partition(" ")
    if scheme.lower() == "bearer":
        return credentials.strip()
    if scheme.lower() == "basic":
        try:
            return b64decode(credentials).decode().partition(":")[0]
        except (BadBase64Error, UnicodeDecodeError):
            return ""
    return ""
