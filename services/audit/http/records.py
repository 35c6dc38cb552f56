"""What happened and what was told: events and messages, as they are stored."""

from __future__ import annotations

import json
from typing import Annotated

from fastapi import APIRouter, Query
from pydantic import AwareDatetime, BaseModel, JsonValue

from libs.eventstore.ledger import Ledger
from libs.eventstore.model import Recorded
from services.audit.reports.plain import plain
from services.audit.reports.tail import Filter, following
from services.audit.views.messages import Kept, Views

Limit = Annotated[int, Query(ge=1, le=1_000)]
Names = Annotated[list[str], Query(description="May be repeated.")]
Wait = Annotated[
    float, Query(ge=0, le=30, description="Where there is no such event yet, wait so long for the first one.")
]


class MessageOut(BaseModel):
    """A message as it was announced, and when it reached the audit."""

    id: str
    type: str
    subject: str
    position: int | None
    received_at: AwareDatetime
    envelope: JsonValue


class PostingOut(BaseModel):
    """One side of a journal entry: debit positive, credit negative, minor units; beyond 2^53 a string of digits."""

    account: str
    currency: str
    amount_minor: int | str


class EventOut(BaseModel):
    """A stored event with everything that its hash covers; `leaf` is that hash."""

    position: int
    stream: str
    version: int
    type: str
    schema_version: int
    recorded_at: AwareDatetime
    effective_at: AwareDatetime
    correlation_id: str | None
    causation_id: str | None
    actor: str
    reason: str | None
    postings: list[PostingOut]
    data: JsonValue
    leaf: str


def router(ledger: Ledger, views: Views) -> APIRouter:
    routes = APIRouter()

    @routes.get("/messages")
    async def messages(subject: str | None = None, after: str | None = None, limit: Limit = 100) -> list[MessageOut]:
        """What was told to the world, of one order or setting or of all, after the message with that id."""
        return [_message(kept) for kept in await views.messages(subject, after, limit)]

    @routes.get("/events")
    async def events(
        stream: str | None = None,
        kind: Names = [],  # noqa: B006 - FastAPI copies defaults
        type_: Annotated[Names, Query(alias="type")] = [],  # noqa: B006 - as above
        account: str | None = None,
        actor: str | None = None,
        after: Annotated[int, Query(ge=0)] = 0,
        limit: Limit = 100,
        wait_seconds: Wait = 0,
    ) -> list[EventOut]:
        """The events after a position that pass the filters, oldest first.

        To follow the log, ask with `wait_seconds` for what is after the last event received: a long poll, so that the
        place in the log is the client's and any instance can answer.
        """
        only = Filter(kinds=kind, stream=stream, types=type_, account=account, actor=actor)
        return [_event(event) for event in await following(ledger, only, after, limit, wait_seconds=wait_seconds)]

    return routes


def _message(kept: Kept) -> MessageOut:
    return MessageOut(
        id=kept.id,
        type=kept.type,
        subject=kept.subject,
        position=kept.position,
        received_at=kept.received_at,
        envelope=json.loads(kept.body),
    )


def _event(event: Recorded) -> EventOut:
    return EventOut(
        position=event.position,
        stream=event.stream,
        version=event.version,
        type=event.type,
        schema_version=event.schema_version,
        recorded_at=event.recorded_at,
        effective_at=event.effective_at,
        correlation_id=event.correlation_id,
        causation_id=event.causation_id,
        actor=event.actor,
        reason=event.reason,
        postings=[PostingOut(**plain(posting._asdict())) for posting in event.postings],
        data=json.loads(event.data),
        leaf=event.leaf.hex(),
    )
