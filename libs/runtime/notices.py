"""A processor's notice (webhook) as far as we trust it: something happened to an object, which is then read again."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from hashlib import sha256
from typing import Annotated, Final, TypeVar

from fastapi import APIRouter, Header, Request
from pydantic import BaseModel, ValidationError

from libs.eventstore.model import Key
from libs.ledger.errors import Rejected

Kept = TypeVar("Kept")
Read = Callable[[bytes, str | None], Kept | None]
"""Reads a raw body and its signature; None for what does not concern the service."""


THIN: Final = "v2.core.event"
TYPES_MAX: Final = 20
"""So many types one question to Stripe's log of events may name (https://docs.stripe.com/api/events/list)."""


class NoticeHead(BaseModel):
    """What every event of Stripe's has, whatever it is about."""

    id: str
    type: str
    object: str = "event"


class NoticeObject(BaseModel):
    id: str
    metadata: dict[str, str] | None = None


class NoticeData(BaseModel):
    object: NoticeObject


class NoticeBody(NoticeHead):
    """The little that we take from an event. `account` is the connected account, `created` Unix time."""

    created: int
    data: NoticeData
    account: str | None = None


class AcceptedOut(BaseModel):
    """`kept` is false for a notice that does not concern us."""

    kept: bool


@dataclass(frozen=True, slots=True)
class NoticeReader:
    """Reads the notices of one endpoint. `verify` is the SDK's and raises `forged`, which only the gateways import;
    `variable` is the one in the environment that holds the endpoint's `secrets`.
    """

    types: AbstractSet[str]
    verify: Callable[[bytes, str | None, str], object]
    forged: type[Exception]
    variable: str
    secrets: Sequence[str]

    def read(self, body: bytes, signature: str | None) -> NoticeBody | None:
        """The notice in a raw body, None if it is of another type, which may have any form (a balance has no id).

        Raises `Rejected` with code `bad_signature`, `bad_notice` for what is signed and yet no event, or `thin_notice`.
        """
        if not any(self._signed(body, signature, secret) for secret in self.secrets):
            raise Rejected(
                f"The signature does not fit the body; check {self.variable} and the clock.", code="bad_signature"
            )
        try:
            head = NoticeHead.model_validate_json(body)
            if head.object == THIN:
                raise Rejected(
                    "This is a thin event, which does not say whose object it is about. Set the endpoint at Stripe to "
                    "snapshot payloads.",
                    code="thin_notice",
                )
            if head.type not in self.types:
                return None
            return NoticeBody.model_validate_json(body)
        except ValidationError as error:
            raise Rejected("The body is signed, but not an event as Stripe sends them.", code="bad_notice") from error

    def _signed(self, body: bytes, signature: str | None, secret: str) -> bool:
        try:
            self.verify(body, signature, secret)
        except (self.forged, UnicodeDecodeError):
            return False
        return True


def secrets_in(text: str) -> tuple[str, ...]:
    """The secrets in a variable, comma-separated: while one replaces another, either may have signed."""
    return tuple(secret.strip() for secret in text.split(",") if secret.strip())


def by_twenty(types: AbstractSet[str]) -> Sequence[list[str]]:
    """Types in portions for which Stripe's log of events can be asked at a time."""
    ordered = sorted(types)
    return [ordered[start : start + TYPES_MAX] for start in range(0, len(ordered), TYPES_MAX)]


def key_of(notice_id: str, notice_type: str) -> Key:
    """The key under which a notice is stored once. Not over its whole body: Stripe counts its deliveries in there."""
    return Key(f"stripe:{notice_id}", sha256(notice_type.encode()).digest())


def router(path: str, read: Read[Kept], keep: Callable[[Kept], Awaitable[object]]) -> APIRouter:
    """An endpoint for notices."""
    routes = APIRouter(tags=["webhooks"])

    @routes.post(path, responses={400: {"description": "The signature is wrong."}})
    async def webhook(request: Request, stripe_signature: Annotated[str | None, Header()] = None) -> AcceptedOut:
        """Answered once the notice is stored: what it tells is looked at afterwards."""
        notice = read(await request.body(), stripe_signature)
        if notice is not None:
            await keep(notice)
        return AcceptedOut(kept=notice is not None)

    return routes
