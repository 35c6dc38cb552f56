"""A notice from Stripe about a connected account: kept when it comes, done when its object has been read again."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import Enum
from typing import Final
from uuid import NAMESPACE_OID, UUID, uuid5

from libs.ledger.decider import Decider, Event


def webhook_id(book: int, notice_id: str) -> UUID:
    """The stream of a notice, from Stripe's id of it."""
    return uuid5(NAMESPACE_OID, f"holdfast/connect_webhook/{book}/{notice_id}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Notice:
    """What is kept of a notice: which object of which account to read again. What it says may be out of date, and
    about an account it says more of a person than we may keep.
    """

    notice_id: str
    type: str
    account_id: str
    object_id: str
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class WebhookReceived(Event):
    """`at` is when Stripe says it happened."""

    notice: Notice


@dataclass(frozen=True, slots=True, kw_only=True)
class WebhookHandled(Event):
    """Its object was read again; what that changed stands beside this in the same unit."""

    notice_id: str


WebhookEvent = WebhookReceived | WebhookHandled


@dataclass(frozen=True, slots=True)
class Receive:
    notice: Notice


@dataclass(frozen=True, slots=True)
class Handle:
    notice_id: str
    at: datetime


class WebhookState(Enum):
    NEW = "new"
    RECEIVED = "received"
    HANDLED = "handled"


def decide(command: Receive | Handle, state: WebhookState) -> Sequence[WebhookEvent]:
    match command, state:
        case Receive(notice), WebhookState.NEW:
            return (WebhookReceived(at=notice.at, notice=notice),)
        case Handle(notice_id, at), WebhookState.RECEIVED:
            return (WebhookHandled(at=at, notice_id=notice_id),)
        case _:
            return ()


def evolve(_state: WebhookState, event: WebhookEvent) -> WebhookState:
    return WebhookState.RECEIVED if isinstance(event, WebhookReceived) else WebhookState.HANDLED


WEBHOOK: Final = Decider[Receive | Handle, WebhookState, WebhookEvent](
    "connect_webhook", WebhookState.NEW, decide, evolve, (WebhookReceived, WebhookHandled)
)
