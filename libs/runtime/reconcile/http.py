"""Reports over HTTP, as JSON and as CSV."""

from __future__ import annotations

from typing import Annotated, Literal
from uuid import UUID

from fastapi import APIRouter, Header, Query, Response
from fastapi.responses import PlainTextResponse
from pydantic import AwareDatetime, BaseModel

from libs.ledger.reconciled import Balance, FeeSum, Sum, Unread
from libs.ledger.reconciliation import Finding
from libs.runtime.reconcile.reads import Reads, Stored
from libs.runtime.reconcile.text import to_csv


class ReconciliationOut(BaseModel):
    """A run as of `at` over the lines since `since` (null: all), amounts in minor units.

    `left` is what a person should look at: objects that are missing or mismatched, balances that differ, `unread`
    accounts. `expected` differs and may: it is on its way, or an hour has not passed. Balances are those at
    `balances_at`; `balances_matched` more agreed. `fees` were booked by this run.
    """

    reconciliation_id: UUID
    at: AwareDatetime
    since: AwareDatetime | None
    complete: bool
    matched: int
    expected: int
    left: int
    sums: list[Sum]
    balances_at: AwareDatetime
    balances: list[Balance]
    balances_matched: int
    fees: list[FeeSum]
    unread: list[Unread]


class ReconciliationDetailOut(ReconciliationOut):
    """`findings`: what is missing, mismatched or expected, and what agrees by an adjustment alone; `cut` more of them
    are counted in `sums` and not named.
    """

    findings: list[Finding]
    cut: int


class ReconciliationsOut(BaseModel):
    """`next` goes into `after` for the following page; null on the last one."""

    items: list[ReconciliationOut]
    next: int | None


def router(prefix: str, reads: Reads) -> APIRouter:
    routes = APIRouter(prefix=prefix, tags=["reconciliations"])

    @routes.get("")
    async def reconciliations(
        after: Annotated[int | None, Query(ge=1)] = None, limit: Annotated[int, Query(ge=1, le=200)] = 50
    ) -> ReconciliationsOut:
        """Runs, newest first."""
        found = await reads.reports(after=after, limit=limit + 1)
        items = [ReconciliationOut(**_fields(each, ReconciliationOut)) for each in found[:limit]]
        return ReconciliationsOut(items=items, next=found[limit - 1].position if len(found) > limit else None)

    @routes.get(
        "/{reconciliation_id}",
        response_model=ReconciliationDetailOut,
        responses={200: {"content": {"text/csv": {"schema": {"type": "string"}}}}},
    )
    async def reconciliation(
        reconciliation_id: UUID,
        format: Literal["json", "csv"] | None = None,  # noqa: A002 - the parameter's name in the URL
        accept: Annotated[str, Header()] = "",
    ) -> Response | ReconciliationDetailOut:
        """A run; as CSV with `?format=csv` or `Accept: text/csv`."""
        found = await reads.report(reconciliation_id)
        if format == "csv" or (format is None and "text/csv" in accept):
            name = f"reconciliation-{found.report.at:%Y-%m-%d}.csv"
            headers = {"content-disposition": f'attachment; filename="{name}"'}
            return PlainTextResponse(to_csv(found.report), media_type="text/csv", headers=headers)
        return ReconciliationDetailOut(**_fields(found, ReconciliationDetailOut))

    return routes


def _fields(stored: Stored, shape: type[BaseModel]) -> dict[str, object]:
    report = stored.report
    counts = {"matched": report.count("matched"), "expected": report.count("expected"), "left": report.left}
    names = shape.model_fields.keys() - counts.keys() - {"reconciliation_id"}
    return {"reconciliation_id": stored.id, **counts, **{name: getattr(report, name) for name in names}}
