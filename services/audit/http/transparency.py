"""The log for outsiders: signed heads, proofs and keys, in the text forms that `holdfast audit check-proof` reads."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated

from fastapi import APIRouter, Query
from fastapi.responses import PlainTextResponse
from pydantic import AwareDatetime, BaseModel

from libs.eventstore.ledger import Ledger
from libs.ledger.errors import NotFound
from libs.transparency.keys import VerifierKey
from services.audit.transparency.heads import Head, Heads
from services.audit.transparency.proving import Prover

Count = Annotated[int, Query(ge=1, lt=1 << 63)]
Size = Annotated[
    int | None, Query(ge=1, lt=1 << 63, description="The head of so many events, the newest unless given.")
]


class HeadOut(BaseModel):
    """A signed head; `checkpoint` is what to keep, `root` is in hex."""

    size: int
    root: str
    signed_at: AwareDatetime
    checkpoint: str


class KeysOut(BaseModel):
    """The verifier keys of those that sign now. Do not take them from here alone: keep them from another source."""

    keys: list[str]


def router(ledger: Ledger, keys: Sequence[VerifierKey]) -> APIRouter:
    routes = APIRouter()
    heads, prover = Heads(ledger), Prover(ledger)

    @routes.get("/heads")
    async def signed_heads(
        after: Annotated[int, Query(ge=0, lt=1 << 63)] = 0, limit: Annotated[int, Query(ge=1, le=1_000)] = 100
    ) -> list[HeadOut]:
        """Signed heads of more than `after` events, smallest first."""
        return [_head(head) for head in await heads.after(after, limit)]

    @routes.get("/heads/latest", response_class=PlainTextResponse)
    async def latest() -> str:
        """The newest signed head, a C2SP tlog-checkpoint."""
        head = await heads.newest()
        if head is None:
            why = "the first is signed within a minute" if keys else "no signing key is configured"
            raise NotFound(f"No head was signed yet; {why}.", code="no_head")
        return head.note

    @routes.get("/proofs/inclusion", response_class=PlainTextResponse)
    async def inclusion(position: Count, size: Size = None) -> str:
        """That an event is in the log: a C2SP tlog-proof, with the event in its `extra` line."""
        return (await prover.inclusion(position, size)).format()

    @routes.get("/proofs/consistency", response_class=PlainTextResponse)
    async def consistency(older: Annotated[int, Query(alias="from", ge=1, lt=1 << 63)], to: Count) -> str:
        """That the head of `to` events continues the head of `from` events."""
        return (await prover.consistency(older, to)).format()

    @routes.get("/keys")
    async def verifier_keys() -> KeysOut:
        """Whom to ask for when checking signatures."""
        return KeysOut(keys=[key.text for key in keys])

    return routes


def _head(head: Head) -> HeadOut:
    return HeadOut(size=head.size, root=head.root.hex(), signed_at=head.signed_at, checkpoint=head.note)
