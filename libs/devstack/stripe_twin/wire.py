"""Bytes in, bytes out: Stripe's form encoding, JSON answers, and ASGI without a framework around it."""

from collections.abc import Awaitable, Callable, Mapping, MutableMapping
from typing import Any
from urllib.parse import parse_qsl

import orjson

from libs.devstack.stripe_twin.errors import invalid

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]


def decode_form(encoded: bytes) -> dict[str, Any]:
    """`a[b][0]=x` becomes `{"a": {"b": {"0": "x"}}}`; every leaf stays text.

    Whether numbered keys are a list is left to the checks in `params`, which know the declared type:
    `metadata[0]` is a mapping whatever it looks like.
    """
    if not encoded:
        return {}
    tree: dict[str, Any] = {}
    for name, value in parse_qsl(encoded.decode(), keep_blank_values=True):
        if "[" not in name:
            tree[name] = value
        else:
            _plant(tree, name, value)
    return tree


def _plant(tree: dict[str, Any], name: str, value: str) -> None:
    head, *rest = name.replace("]", "").split("[")
    branch = tree
    for step, following in zip([head, *rest], rest, strict=False):
        branch = branch.setdefault(step or str(len(branch)), {})
        if not isinstance(branch, dict):
            raise invalid(
                f"Invalid parameter encoding: {name} is both a value and a mapping at {following}", param=head
            )
    branch[rest[-1] or str(len(branch))] = value


def to_json(value: Any) -> bytes:
    return orjson.dumps(value, option=orjson.OPT_NON_STR_KEYS)


def header_map(scope: Scope) -> dict[str, str]:
    return {name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]}


async def read_body(receive: Receive) -> bytes:
    message = await receive()
    body: bytes = message.get("body", b"")
    while message.get("more_body"):
        message = await receive()
        body += message.get("body", b"")
    return body


async def send_json(send: Send, status: int, body: bytes, headers: Mapping[str, str]) -> None:
    await send_bytes(send, status, body, {**headers, "content-type": "application/json"})


async def send_bytes(send: Send, status: int, body: bytes, headers: Mapping[str, str]) -> None:
    raw = [(name.encode("latin-1"), value.encode("latin-1")) for name, value in headers.items()]
    raw.append((b"content-length", str(len(body)).encode()))
    await send({"type": "http.response.start", "status": status, "headers": raw})
    await send({"type": "http.response.body", "body": body})
