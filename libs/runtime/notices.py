"""A processor's notice (webhook) as far as we trust it: something happened to an object, which is then read again."""

from __future__ import annotations

from pydantic import BaseModel, ValidationError

from libs.ledger.errors import Rejected


class NoticeObject(BaseModel):
    """The object of a notice. A balance has no id."""

    id: str = ""
    metadata: dict[str, str] | None = None


class NoticeData(BaseModel):
    object: NoticeObject


class NoticeBody(BaseModel):
    """The little that we take from an event of Stripe's. `account` is the connected account, `created` Unix time."""

    id: str
    type: str
    created: int
    data: NoticeData
    account: str | None = None


def read_body(body: bytes) -> NoticeBody:
    """Of a body whose signature was found good. Raises `Rejected` (`bad_notice`)."""
    try:
        return NoticeBody.model_validate_json(body)
    except ValidationError as error:
        raise Rejected("The body is signed, but not an event as Stripe sends them.", code="bad_notice") from error


def bad_signature(variable: str) -> Rejected:
    """`variable` is the one in the environment that holds the endpoint's secret."""
    return Rejected(f"The signature does not fit the body; check {variable} and the clock.", code="bad_signature")
