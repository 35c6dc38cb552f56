"""The error tree. Every refusal is a sentence with fields and a stable `code`; the HTTP layer maps the tree once."""

from __future__ import annotations

from typing import Any


class HoldfastError(Exception):
    """Base of everything Holdfast refuses or cannot do now.

    `code` is stable and meant for machines, the text for people, `fields` say what was concerned.
    """

    code: str = "error"

    def __init__(self, text: str, *, code: str | None = None, **fields: Any) -> None:
        super().__init__(text)
        self.text = text
        self.fields = fields
        if code is not None:
            self.code = code


class Rejected(HoldfastError):
    """The request can never succeed as it stands: a business rule or its form refuses it."""

    code = "rejected"


class NotFound(Rejected):
    """What the request names does not exist."""

    code = "not_found"


class Conflict(HoldfastError):
    """Somebody else changed the stream first. Load again, decide again."""

    code = "conflict"


class Overdrawn(HoldfastError):
    """A posting would take an account past zero that may not go there."""

    code = "overdrawn"


class KeyReused(HoldfastError):
    """An idempotency key came back with another request behind it."""

    code = "key_reused"


class Unavailable(HoldfastError):
    """The database, the broker or a provider does not answer now. The same request may succeed later."""

    code = "unavailable"


class Undecodable(Rejected):
    """Bytes that are not what their type says they are."""

    code = "undecodable"


class Corrupt(HoldfastError):
    """Stored history contradicts itself. Nobody may write until a person has looked."""

    code = "corrupt"
