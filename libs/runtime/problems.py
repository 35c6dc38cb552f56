"""The error tree as RFC 9457 problem details. The one place where an error gets an HTTP status."""

from __future__ import annotations

from collections.abc import Mapping
from http import HTTPStatus
from typing import Any, Final

import structlog
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException

from libs.ledger.errors import (
    Conflict,
    HoldfastError,
    KeyReused,
    NotFound,
    Overdrawn,
    Rejected,
    Unavailable,
    Undecodable,
)

log = structlog.get_logger(__name__)

_BY_CLASS: Final[Mapping[type[HoldfastError], int]] = {
    NotFound: 404,
    Undecodable: 400,
    Rejected: 422,
    KeyReused: 422,  # draft-ietf-httpapi-idempotency-key-header, section 2.7
    Conflict: 409,
    Overdrawn: 409,
    Unavailable: 503,
}
_BY_CODE: Final[Mapping[str, int]] = {
    "bad_signature": 400,  # what Stripe's documentation tells endpoints to answer
    "version_mismatch": 412,  # RFC 9110, section 13.1.1
}
_RETRY_AFTER_SECONDS: Final = 1


def status_of(error: HoldfastError) -> int:
    """The HTTP status of an error: by its code where that has one, else by the nearest class. 500 means our fault."""
    if error.code in _BY_CODE:
        return _BY_CODE[error.code]
    return next((_BY_CLASS[kind] for kind in type(error).__mro__ if kind in _BY_CLASS), 500)


def problem(status: int, code: str, detail: str | None = None, **fields: Any) -> JSONResponse:
    """`type` is a URN of the stable code, so that a client may switch on it; `code` repeats it in plain."""
    content = {"type": f"urn:holdfast:{code}", "title": HTTPStatus(status).phrase, "status": status, "code": code}
    headers = {"retry-after": str(_RETRY_AFTER_SECONDS)} if status == HTTPStatus.SERVICE_UNAVAILABLE else None
    details = {"detail": detail} if detail else {}
    return JSONResponse(
        _plain(fields) | content | details, status, headers=headers, media_type="application/problem+json"
    )


def defect() -> JSONResponse:
    """The answer to what nobody foresaw. The caller learns nothing of our inside."""
    return problem(500, "internal", "This is our fault. The correlation id in the header finds it in our logs.")


def install_problems(app: FastAPI) -> None:
    """Answer every error that the application knows with problem details; the rest is the middleware's (`defect`)."""
    app.add_exception_handler(HoldfastError, _refusal)
    app.add_exception_handler(RequestValidationError, _invalid)
    app.add_exception_handler(HTTPException, _http)


async def _refusal(_request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, HoldfastError)  # noqa: S101 - Starlette hands over what was registered
    status = status_of(error)
    if status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        log.warning("a request failed", code=error.code, error=error.text)
    return problem(status, error.code, error.text, **error.fields)


async def _invalid(_request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, RequestValidationError)  # noqa: S101 - as above
    faults = [{"at": ".".join(map(str, fault["loc"])), "message": fault["msg"]} for fault in error.errors()]
    return problem(422, "invalid_request", "The request does not have the form it must have.", errors=faults)


async def _http(_request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, HTTPException)  # noqa: S101 - as above
    code = HTTPStatus(error.status_code).phrase.lower().replace(" ", "_")
    answer = problem(error.status_code, code, str(error.detail))
    answer.headers.update(error.headers or {})
    return answer


def _plain(fields: Mapping[str, Any]) -> dict[str, Any]:
    simple = str | int | bool | None
    return {name: value if isinstance(value, simple | list) else str(value) for name, value in fields.items()}
