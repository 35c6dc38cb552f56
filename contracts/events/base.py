"""What every message has in common."""

from __future__ import annotations

from typing import Annotated, ClassVar

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

OrderId = Annotated[str, StringConstraints(min_length=1, max_length=64)]
"""A shop's order number, any text of 1 to 64 characters."""

Party = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_.@-]{1,64}$")]
"""A seller's or buyer's id at the shop; part of account names, hence the few characters."""

CurrencyCode = Annotated[str, StringConstraints(pattern=r"^[A-Z]{3}$|^[A-Z0-9]{2,10}@[0-9]{1,20}$")]
"""ISO 4217 (`USD`) or an asset on a chain (`USDC@8453`)."""

Amount = Annotated[int, Field(strict=True, gt=0)]
"""Minor units, a whole number above zero; floats and strings are refused."""

AmountOrZero = Annotated[int, Field(strict=True, ge=0)]
"""Minor units, zero allowed."""


def schema_url(type_: str) -> str:
    """The CloudEvents `dataschema` of a type and the `$id` of its JSON Schema: a name, nobody answers there."""
    return f"https://holdfast.example/schemas/{type_}.json"


class Part(BaseModel):
    """A piece of a message."""

    model_config = ConfigDict(frozen=True, extra="ignore")


class Message(Part):
    """Something that happened, past tense. A version is never changed, only followed by the next one.

    Readers ignore fields they do not know. No client secret and no personal data travels in a message.
    """

    type: ClassVar[str]
    """CloudEvents type and routing key, such as `payment.captured.v1`."""

    @property
    def subject(self) -> str:
        """CloudEvents subject: the order where there is one, else the aggregate."""
        raise NotImplementedError
