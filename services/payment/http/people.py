"""What a person asks for over HTTP: done once under an `Idempotency-Key`, whatever becomes of the answer."""

from __future__ import annotations

from hashlib import sha256
from typing import Annotated, Final

from fastapi import Header, Request

from libs.eventstore.model import Key, Meta

ACTOR: Final = "api"
IdempotencyKey = Annotated[str, Header(min_length=1, max_length=255)]


async def key_of(request: Request, idempotency_key: str) -> Key:
    """The same key with another path or body is refused (`KeyReused`)."""
    request_line = f"{request.method} {request.url.path}\n".encode()
    return Key(f"http:{idempotency_key}", sha256(request_line + await request.body()).digest())


def meta_of(request: Request) -> Meta:
    return Meta(ACTOR, correlation_id=getattr(request.state, "correlation_id", None))
