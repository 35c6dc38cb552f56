"""An event: a snapshot of an object, taken when something happened to it."""

from dataclasses import dataclass
from typing import Any, ClassVar

import orjson

from libs.devstack.stripe_twin.tables import Json, Record


@dataclass(kw_only=True)
class Event(Record):
    KIND: ClassVar[str] = "event"
    type: str
    snapshot: bytes
    account: str | None
    """The connected account it happened to; None for the platform."""
    api_version: str
    request_id: str | None
    idempotency_key: str | None
    pending_webhooks: int
    previous: dict[str, Any] | None = None

    def render(self) -> Json:
        changed = {"previous_attributes": self.previous} if self.previous else {}
        scope = {"account": self.account} if self.account else {}
        return scope | {
            "id": self.id,
            "object": "event",
            "api_version": self.api_version,
            "created": self.created,
            "data": {"object": orjson.Fragment(self.snapshot)} | changed,
            "livemode": False,
            "pending_webhooks": self.pending_webhooks,
            "request": {"id": self.request_id, "idempotency_key": self.idempotency_key},
            "type": self.type,
        }
