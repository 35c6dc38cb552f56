"""`/settings`: what is set, who set it, and setting it."""

from __future__ import annotations

import re
from hashlib import sha256
from http import HTTPStatus
from typing import Annotated, Any

from fastapi import APIRouter, Header, HTTPException, Request, Response
from pydantic import AwareDatetime, BaseModel, Field, JsonValue

from libs.eventstore.model import Key
from libs.ledger.errors import Rejected
from services.settings.domain import SettingChanged
from services.settings.handlers import Author, Handlers
from services.settings.views import Present, Views


class SettingOut(BaseModel):
    """A setting and its value now. `version` is the number of its changes, which `If-Match` takes as `"3"`."""

    key: str
    value: JsonValue
    default: JsonValue
    version: int
    category: str
    label: str
    description: str
    public: bool
    editable: bool
    json_schema: dict[str, Any]


class ChangeOut(BaseModel):
    """One change of a setting. A text in brackets, `[forgotten]`, was erased."""

    version: int
    old: JsonValue
    new: JsonValue
    actor: str
    reason: str
    ip: str | None
    user_agent: str | None
    changed_at: AwareDatetime


class HistoryOut(SettingOut):
    """A setting with all its changes, newest first."""

    history: list[ChangeOut]


class ChangeIn(BaseModel):
    """A new value, who gives it, and why."""

    value: JsonValue
    actor: Annotated[str, Field(min_length=1, max_length=128)]
    reason: Annotated[str, Field(min_length=1, max_length=500)]


def router(handlers: Handlers, views: Views) -> APIRouter:
    routes = APIRouter(prefix="/settings", tags=["settings"])

    @routes.get("")
    async def settings(*, public: bool = False) -> list[SettingOut]:
        """Every setting; with `?public=true` those that may be shown to anybody."""
        return [SettingOut(**_fields(present)) for present in await views.all(public_only=public)]

    @routes.get("/{key}")
    async def setting(key: str, response: Response) -> HistoryOut:
        """A setting with its history."""
        present = await views.one(key)
        response.headers["etag"] = f'"{present.version}"'
        return HistoryOut(**_fields(present), history=_history(present))

    @routes.put("/{key}", responses={412: {"description": "Somebody else changed it since `If-Match` was read."}})
    async def change(
        key: str,
        change: ChangeIn,
        request: Request,
        response: Response,
        if_match: Annotated[str | None, Header()] = None,
        idempotency_key: Annotated[str | None, Header(max_length=255)] = None,
    ) -> SettingOut:
        """Give a setting a value. With `If-Match` only if nobody else changed it since."""
        author = Author(
            change.actor,
            change.reason,
            request.client and request.client.host,
            request.headers.get("user-agent"),
            getattr(request.state, "correlation_id", None),
        )
        once = Key(f"http:{idempotency_key}", _fingerprint(key, await request.body())) if idempotency_key else None
        try:
            await handlers.change(key, change.value, author, expected_version=_version(if_match), key=once)
        except Rejected as refused:
            if refused.code == "version_mismatch":  # RFC 9110, section 13.1.1
                raise HTTPException(HTTPStatus.PRECONDITION_FAILED, refused.text) from refused
            raise
        present = await views.one(key)
        response.headers["etag"] = f'"{present.version}"'
        return SettingOut(**_fields(present))

    return routes


def _fingerprint(key: str, body: bytes) -> bytes:
    return sha256(f"PUT /settings/{key}\n".encode() + body).digest()


def _version(if_match: str | None) -> int | None:
    if if_match is None or if_match.strip() == "*":
        return None
    tag = re.fullmatch(r'"(\d{1,18})"', if_match.strip())
    if tag is None:
        raise Rejected(f'If-Match takes the ETag of an earlier answer, like "3", not {if_match}.', code="bad_if_match")
    return int(tag[1])


def _fields(present: Present) -> dict[str, Any]:
    setting = present.setting
    return {
        "key": setting.key,
        "value": present.value,
        "default": setting.dump(setting.default),
        "version": present.version,
        "category": setting.category,
        "label": setting.label,
        "description": setting.description,
        "public": setting.public,
        "editable": setting.editable,
        "json_schema": setting.json_schema,
    }


def _history(present: Present) -> list[ChangeOut]:
    return [_change(version, event) for version, event in enumerate(present.history, 1)][::-1]


def _change(version: int, event: SettingChanged) -> ChangeOut:
    return ChangeOut(
        version=version,
        old=event.old,
        new=event.new,
        actor=event.actor,
        reason=event.reason.shown,
        ip=event.ip and event.ip.shown,
        user_agent=event.user_agent and event.user_agent.shown,
        changed_at=event.at,
    )
