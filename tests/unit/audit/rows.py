"""Events as PostgreSQL writes them for `services.audit.proofs.written`."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any, Final

from libs.eventstore.leaves import microseconds
from libs.eventstore.model import Recorded

FOREVER: Final = datetime.max  # how the driver shows PostgreSQL's infinity  # noqa: DTZ901
_MICROSECONDS_FROM_1970_TO_2000: Final = 946_684_800_000_000


def sent(moment: datetime) -> bytes:
    """`timestamptz_send`."""
    since_2000 = 2**63 - 1 if moment == FOREVER else microseconds(moment) - _MICROSECONDS_FROM_1970_TO_2000
    return since_2000.to_bytes(8, "big", signed=True)


def array(elements: Iterable[object]) -> str:
    """`array_out`; `test_arrays_are_written_as_by_postgresql` compares them."""
    return "{" + ",".join(map(_element, elements)) + "}"


def _element(value: object) -> str:
    if value is None:
        return "NULL"
    if isinstance(value, list):
        return array(value)
    text = str(value)
    if text and text.upper() != "NULL" and not set(text) & set('{}",\\ \t\n\r\v\f'):
        return text
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


def row(event: Recorded) -> Sequence[Any]:
    """An event as the statement `written` returns it."""
    return (
        event.position,
        sent(event.recorded_at),
        event.leaf,
        event.stream,
        str(event.version),
        event.type,
        str(event.schema_version),
        sent(event.effective_at),
        event.correlation_id,
        event.causation_id,
        event.actor,
        event.reason,
        array(event.accounts),
        array(event.currencies),
        array(event.amounts),
        event.data,
    )
