"""What the world hears of a changed setting: the change, not where it was made from."""

from __future__ import annotations

from contracts.events.base import Message
from contracts.events.settings import SettingChanged as Announced
from libs.ledger.decider import Event
from libs.ledger.personal import SEALED
from services.settings.domain import SettingChanged


def announce(event: Event) -> Message | None:
    """The public message of an event, or None. Others keep messages: reason, IP and user agent stay in the log."""
    match event:
        case SettingChanged():
            return Announced(
                key=event.key,
                old=event.old,
                new=event.new,
                changed_by=event.actor,
                reason=SEALED,
                changed_at=event.at,
            )
        case _:
            return None
