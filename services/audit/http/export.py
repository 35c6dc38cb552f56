"""Exports over HTTP: each file as it is read from the log, none of it kept here."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import Annotated, Final, Literal

from fastapi import APIRouter, Query
from fastapi.responses import StreamingResponse

from libs.eventstore.ledger import Ledger
from services.audit.export.extent import extent
from services.audit.export.files import CONTENTS
from services.audit.export.pieces import Piece
from services.audit.proofs.progress import quiet
from services.audit.reports.moments import point_of

MEDIA_TYPES: Final = {
    "csv": "text/csv; charset=utf-8; header=present",
    "parquet": "application/vnd.apache.parquet",
    "hledger": "text/plain; charset=utf-8",
    "beancount": "text/plain; charset=utf-8",
}
File = Literal[
    "events.parquet",
    "postings.parquet",
    "blocks.parquet",
    "events.csv",
    "postings.csv",
    "blocks.csv",
    "journal.hledger",
    "journal.beancount",
]
When = Annotated[str | None, Query(description="A position, or a time; of a day `from` is the start and `to` the end.")]


def router(ledger: Ledger) -> APIRouter:
    routes = APIRouter()

    @routes.get("/export/{file}", response_class=StreamingResponse)
    async def exported(
        file: File, start: Annotated[When, Query(alias="from")] = None, end: Annotated[When, Query(alias="to")] = None
    ) -> StreamingResponse:
        """A table or a journal of what was recorded from one point to another, both included.

        The answer has no length: one that breaks off was not whole. `holdfast audit export` also writes a manifest.
        """
        first = None if start is None else point_of(start, ends=False)
        part = await extent(ledger, first, None if end is None else point_of(end))
        pieces = CONTENTS[file](ledger, part, quiet)
        name = f"book-{part.book}-{part.first}-{part.last}-{file}"
        return StreamingResponse(
            _bytes(pieces),
            media_type=MEDIA_TYPES[file.partition(".")[2]],
            headers={"content-disposition": f'attachment; filename="{name}"'},
        )

    return routes


async def _bytes(pieces: AsyncGenerator[Piece, None]) -> AsyncGenerator[bytes, None]:
    async with aclosing(pieces):  # at once, also when the client has gone
        async for piece in pieces:
            if piece.data:
                yield piece.data
