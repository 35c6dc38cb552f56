"""What a piece of work says, whatever it is about."""

from __future__ import annotations

from libs.eventstore.model import Meta
from libs.eventstore.worklist import Item
from services.payment import work


def repeats(item: Item) -> bool:
    """Whether the call may have been made before."""
    return item.attempts > 1 or item.kind in work.RESOLVE_KINDS


def meta_of(item: Item, *, correlation_id: str | None = None) -> Meta:
    """The work as the cause of events; `correlation_id` where the work itself has none."""
    return Meta(
        "payment",
        correlation_id=item.data["correlation_id"] or correlation_id,
        causation_id=item.data["causation_id"],
    )
