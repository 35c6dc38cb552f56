"""A processor's notice: kept when it comes, done when its object has been read again. It may come twice, and late."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import Enum
from typing import Final
from uuid import NAMESPACE_OID, UUID, uuid5

from libs.ledger.decider import Decider, Event


def webhook_id_of(book: int, notice_id: str) -> UUID:
    """The stream of a notice, from the processor's id of it."""
    return uuid5(NAMESPACE_OID, f"holdfast/webhook/{book}/{notice_id}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Notice:
    """What is kept of a notice: which object to read again, never what it said about it, which may be out of date.

    `payment_id` is None where only the object read again will tell: a dispute does not bear our names.
    """

    notice_id: str
    type: str
    at: datetime
    object_id: str
    payment_id: UUID | None = None
    refund_id: UUID | None = None
    correlation_id: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class WebhookReceived(Event):
    """`at` is when the processor says it happened."""

    notice_id: str
    notice_type: str
    object_id: str
    payment_id: UUID | None
    refund_id: UUID | None


@dataclass(frozen=True, slots=True, kw_only=True)
class WebhookHandled(Event):
    """Its object was read again; what that changed stands beside this in the same unit."""

    notice_id: str


@dataclass(frozen=True, slots=True)
class Receive:
    notice: Notice


@dataclass(frozen=True, slots=True)
class Handle:
    notice_id: str
    at: datetime


class State(Enum):
    NEW = "new"
    RECEIVED = "received"
    HANDLED = "handled"


def decide(command: Receive | Handle, state: State) -> Sequence[WebhookReceived | WebhookHandled]:
    match command, state:
        case Receive(notice), State.NEW:
            return [
                WebhookReceived(
                    at=notice.at,
                    notice_id=notice.notice_id,
                    notice_type=notice.type,
                    object_id=notice.object_id,
                    payment_id=notice.payment_id,
                    refund_id=notice.refund_id,
                )
            ]
        case Handle(notice_id, at), State.RECEIVED:
            return [WebhookHandled(at=at, notice_id=notice_id)]
        case _:
            return ()


def evolve(_state: State, event: WebhookReceived | WebhookHandled) -> State:
    return State.RECEIVED if isinstance(event, WebhookReceived) else State.HANDLED


WEBHOOK: Final = Decider[Receive | Handle, State, WebhookReceived | WebhookHandled](
    "webhook", State.NEW, decide, evolve, (WebhookReceived, WebhookHandled)
)
