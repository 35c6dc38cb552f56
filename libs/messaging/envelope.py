"""CloudEvents 1.0, structured JSON: what travels.

JSON goes through pydantic's parser and not through orjson, which reads a whole number beyond 64 bits as a float: an
amount in a token's smallest unit (10^18 to the token) would lose its last digits without a word.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Any, Final, Literal

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, StringConstraints, ValidationError
from pydantic_core import to_json

from contracts.events.base import Message, schema_url
from contracts.events.catalog import BY_TYPE
from libs.ledger.errors import Undecodable

CONTENT_TYPE: Final = "application/cloudevents+json"
_NUL: Final = b"\\u0000"


@dataclass(frozen=True, slots=True)
class Envelope:
    """One message. `id` is the event's id; `book` and `position` say where it stands in the ledger."""

    id: str
    type: str
    source: str
    subject: str
    time: datetime
    data: Mapping[str, Any]
    dataschema: str | None = None
    correlationid: str | None = None
    causationid: str | None = None
    book: int | None = None
    position: int | None = None
    traceparent: str | None = None

    def to_json(self) -> bytes:
        """The message's body, `CONTENT_TYPE`."""
        return to_json({"specversion": "1.0", "datacontenttype": "application/json"} | _attributes(self))


# An AMQP message id, like a routing key, has room for 255 bytes.
_Name = Annotated[str, StringConstraints(min_length=1, max_length=200)]
_Text = Annotated[str, StringConstraints(min_length=1)]


class _Wire(BaseModel):
    model_config = ConfigDict(strict=True, extra="ignore")

    specversion: Literal["1.0"]
    datacontenttype: Literal["application/json"] = "application/json"
    id: _Name
    type: _Name
    source: _Text
    subject: _Text
    time: AwareDatetime
    data: dict[str, Any]
    dataschema: str | None = None
    correlationid: str | None = None
    causationid: str | None = None
    book: Annotated[int, Field(ge=1)] | None = None
    position: Annotated[int, Field(ge=1)] | None = None
    traceparent: str | None = None


def from_json(body: bytes) -> Envelope:
    """The envelope in a message's body; attributes we do not know are ignored.

    Raises `Undecodable`, which names what is missing or wrong.
    """
    # PostgreSQL stores no NUL, so this message could be retried for ever. JSON allows it only as this escape.
    if _NUL in body:
        raise Undecodable("The message contains a NUL character (\\u0000), which cannot be stored; send it without.")
    try:
        attributes = dict(_Wire.model_validate_json(body))
    except ValidationError as error:
        raise Undecodable(
            f"This is not a CloudEvents 1.0 message in structured JSON: {_faults(error)}. "
            f"Send it as {CONTENT_TYPE} with specversion, id, source, type, subject, time and data."
        ) from None
    del attributes["specversion"], attributes["datacontenttype"]
    return Envelope(**attributes)


def wrap(
    message: Message,
    *,
    id: str,  # noqa: A002 - CloudEvents calls it so
    source: str,
    time: datetime,
    correlationid: str | None = None,
    causationid: str | None = None,
    book: int | None = None,
    position: int | None = None,
    traceparent: str | None = None,
) -> Envelope:
    """A message ready to travel. `time` is when it happened for the business; `source` says who tells it."""
    return Envelope(
        id=id,
        type=message.type,
        source=source,
        subject=message.subject,
        time=time,
        data=message.model_dump(mode="json"),
        dataschema=schema_url(message.type),
        correlationid=correlationid,
        causationid=causationid,
        book=book,
        position=position,
        traceparent=traceparent,
    )


def model_of(envelope: Envelope) -> type[Message]:
    """The model of the message inside. Raises `Undecodable` with code `unknown_message_type`."""
    model = BY_TYPE.get(envelope.type)
    if model is None:
        raise Undecodable(
            f"Nobody here knows messages of type {envelope.type!r}; see contracts/events for those that travel.",
            code="unknown_message_type",
            type=envelope.type,
        )
    return model


def decode(envelope: Envelope) -> Message:
    """The message inside. Raises `Undecodable`: `unknown_message_type`, or `undecodable` with the fields at fault."""
    model = model_of(envelope)
    try:
        # Strict, and as JSON: a number is then no date, and 100.0 no amount.
        return model.model_validate_json(to_json(envelope.data), strict=True)
    except ValidationError as error:
        raise Undecodable(f"The data of this {envelope.type} is wrong: {_faults(error)}.", type=envelope.type) from None


def _attributes(envelope: Envelope) -> dict[str, Any]:
    values = ((name, getattr(envelope, name)) for name in Envelope.__slots__)
    return {name: value for name, value in values if value is not None}


def _faults(error: ValidationError) -> str:
    # Without the values at fault: they may be personal, and a reason ends up in logs and headers.
    faults = error.errors(include_url=False, include_context=False, include_input=False)
    return "; ".join(f"{'.'.join(map(str, fault['loc'])) or 'body'}: {fault['msg']}" for fault in faults[:10])
