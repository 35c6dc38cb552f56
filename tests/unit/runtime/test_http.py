from __future__ import annotations

from collections.abc import AsyncIterator

import httpx
import pytest
from fastapi import APIRouter, Request
from prometheus_client import CollectorRegistry
from pydantic import BaseModel
from structlog.testing import capture_logs

from libs.ledger.errors import (
    Conflict,
    Corrupt,
    HoldfastError,
    KeyReused,
    NotFound,
    Overdrawn,
    Rejected,
    Unavailable,
    Undecodable,
)
from libs.runtime.http import create_app
from libs.runtime.telemetry import Telemetry

_ERRORS: dict[str, tuple[HoldfastError, int]] = {
    "rejected": (Rejected("No.", code="unknown_currency"), 422),
    "not_found": (NotFound("No such payment."), 404),
    "undecodable": (Undecodable("Not JSON."), 400),
    "signature": (Rejected("The signature is wrong.", code="bad_signature"), 400),
    "conflict": (Conflict("Somebody was faster."), 409),
    "overdrawn": (Overdrawn("Too little.", account="escrow:1", balance_minor=5), 409),
    "reused": (KeyReused("Another request."), 422),
    "unavailable": (Unavailable("The database does not answer."), 503),
    "corrupt": (Corrupt("History contradicts itself."), 500),
}


class Order(BaseModel):
    amount_minor: int


def _router() -> APIRouter:
    router = APIRouter()

    @router.get("/errors/{name}")
    async def error(name: str) -> None:
        raise _ERRORS[name][0]

    @router.get("/defects")
    async def defect() -> None:
        raise ZeroDivisionError("our inside")

    @router.post("/orders")
    async def order(order: Order) -> Order:
        return order

    @router.get("/me")
    async def me(request: Request) -> str:
        return str(request.state.correlation_id)

    return router


@pytest.fixture
async def client() -> AsyncIterator[httpx.AsyncClient]:
    app = create_app("test", [_router()], Telemetry(CollectorRegistry()), lambda: "made-here")
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://test") as client:
        yield client


@pytest.mark.parametrize("name", _ERRORS)
async def test_every_error_has_its_status_and_its_code(client: httpx.AsyncClient, name: str) -> None:
    error, status = _ERRORS[name]
    answer = await client.get(f"/errors/{name}")
    assert answer.status_code == status
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json() | error.fields == answer.json()
    assert (answer.json()["type"], answer.json()["detail"]) == (f"urn:holdfast:{error.code}", error.text)


async def test_what_may_succeed_later_says_when_to_come_back(client: httpx.AsyncClient) -> None:
    assert (await client.get("/errors/unavailable")).headers["retry-after"] == "1"


async def test_a_wrong_body_says_where_it_is_wrong(client: httpx.AsyncClient) -> None:
    answer = await client.post("/orders", json={"amount_minor": "much"})
    assert (answer.status_code, answer.json()["code"]) == (422, "invalid_request")
    assert answer.json()["errors"][0]["at"] == "body.amount_minor"


@pytest.mark.parametrize(("method", "path", "status"), [("GET", "/nowhere", 404), ("DELETE", "/orders", 405)])
async def test_what_no_route_serves_is_a_problem_too(
    client: httpx.AsyncClient, method: str, path: str, status: int
) -> None:
    answer = await client.request(method, path)
    assert (answer.status_code, answer.headers["content-type"]) == (status, "application/problem+json")


async def test_a_defect_shows_the_log_everything_and_the_caller_nothing(client: httpx.AsyncClient) -> None:
    with capture_logs() as logs:
        answer = await client.get("/defects")
    assert (answer.status_code, answer.json()["code"]) == (500, "internal")
    assert "our inside" not in answer.text
    assert answer.headers["x-correlation-id"] == "made-here"
    assert [line["log_level"] for line in logs] == ["error"]


@pytest.mark.parametrize(
    ("given", "used"),
    [("order-7:a.b", "order-7:a.b"), ("", "made-here"), ("x" * 129, "made-here"), ("a b", "made-here")],
)
async def test_a_plausible_correlation_id_is_kept_and_any_other_replaced(
    client: httpx.AsyncClient, given: str, used: str
) -> None:
    answer = await client.get("/me", headers={"x-correlation-id": given})
    assert (answer.json(), answer.headers["x-correlation-id"]) == (used, used)


async def test_requests_are_counted_by_template_not_by_path(client: httpx.AsyncClient) -> None:
    await client.get("/errors/conflict")
    await client.get("/nowhere/123")
    metrics = (await client.get("/metrics")).text
    assert 'holdfast_http_requests_total{method="GET",route="/errors/{name}",status="409"} 1.0' in metrics
    assert 'route="(none)",status="404"' in metrics
    assert "123" not in metrics
