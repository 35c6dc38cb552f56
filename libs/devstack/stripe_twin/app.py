"""The ASGI app: who calls which call, checked, performed once per key, answered."""

import asyncio
import logging
from dataclasses import dataclass

import orjson

from libs.devstack.stripe_twin import page, params, shapes
from libs.devstack.stripe_twin.auth import caller
from libs.devstack.stripe_twin.calls import ROUTES
from libs.devstack.stripe_twin.control import Control
from libs.devstack.stripe_twin.errors import (
    StripeRefusal,
    forbidden,
    invalid,
    rate_limited,
    server_error,
    unknown_address,
    unmodelled,
)
from libs.devstack.stripe_twin.expand import expand
from libs.devstack.stripe_twin.faults import Fault, FaultKind
from libs.devstack.stripe_twin.idempotency import KEY_LENGTH_MOST, CacheKey, IdempotencyCache, Outcome
from libs.devstack.stripe_twin.limits import RateLimits
from libs.devstack.stripe_twin.locks import ObjectLocks, touched
from libs.devstack.stripe_twin.passing import catch_up
from libs.devstack.stripe_twin.routing import Call, Route, Router
from libs.devstack.stripe_twin.tables import Record
from libs.devstack.stripe_twin.webhooks import Courier
from libs.devstack.stripe_twin.wire import (
    Receive,
    Scope,
    Send,
    decode_form,
    header_map,
    read_body,
    send_bytes,
    send_json,
    to_json,
)
from libs.devstack.stripe_twin.world import API_VERSION, World

_log = logging.getLogger(__name__)
_TURNED_AWAY: dict[FaultKind, StripeRefusal] = {
    "rate_limit_429": rate_limited(),
    "lock_timeout_429": rate_limited("lock_timeout"),
    "error_503": server_error(503),
}


@dataclass(frozen=True, slots=True)
class _Request:
    route: Route
    call: Call
    id: str
    idempotency_key: str | None
    cache_key: CacheKey | None
    fingerprint: tuple[str, bytes]


class StripeTwinApp:
    """Stripe's API under /v1, and the twin's own controls under /_twin."""

    def __init__(self, world: World, courier: Courier) -> None:
        self._world = world
        self._router = Router(ROUTES)
        self._cache = IdempotencyCache()
        self._limits = RateLimits(world.config.requests_per_second, world.config.requests_per_second_in_all)
        self._locks = ObjectLocks(world.config.lock_wait_seconds)
        self._control = Control(world, courier)
        world.listeners = courier.listeners
        world.announce = courier.announce
        courier.lots = world.lots

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            raise RuntimeError(f"The Stripe twin speaks HTTP only, not {scope['type']}: serve it with lifespan off.")
        body = await read_body(receive)
        if scope["method"] == "GET" and (asset := page.asset(scope["path"])):
            await send_bytes(send, 200, asset.content, asset.headers)
        elif scope["path"].startswith("/_twin/"):
            status, answer = self._control.answer(scope["method"], scope["path"], scope["query_string"], body)
            await send_json(send, status, answer, {})
        else:
            await self._api(scope, body, receive, send)

    async def _api(self, scope: Scope, body: bytes, receive: Receive, send: Send) -> None:
        """Refusals before the call takes effect leave no trace; otherwise its key remembers how it ended."""
        request_id = self._world.new_id("req")
        try:
            request = self._prepare(scope, body, request_id)
            known = self._known_outcome(request)
            fault = None if known else self._fault(request.route.name)
            if fault and fault.kind in _TURNED_AWAY:
                raise _TURNED_AWAY[fault.kind]
            if fault and fault.kind == "timeout_before_effect":
                await _never_answer(receive)
                return
            outcome = known or await self._perform(request, fault)
        except StripeRefusal as refusal:
            headers = {"request-id": request_id, "stripe-version": API_VERSION} | refusal.headers
            await send_json(send, refusal.status, to_json(refusal.body()), headers)
            return
        if fault and fault.kind == "timeout_after_effect":
            await _never_answer(receive)
            return
        await send_json(send, outcome.status, outcome.body, _headers(request, outcome, replayed=known is not None))

    def _prepare(self, scope: Scope, body: bytes, request_id: str) -> _Request:
        path, method, headers = scope["path"], scope["method"], header_map(scope)
        encoded = scope["query_string"] if method == "GET" else body
        found = self._router.find(method, path)
        if found is None:
            raise unknown_address(method, path)
        route, ids = found
        self._limits.admit(route.name)
        form = decode_form(encoded)
        extra = {name: form.pop(name, None) for name in route.extra_params}
        who = caller(self._world, headers, extra.get("key"))
        if who.browser and not route.browser:
            raise forbidden("This API call cannot be made with a publishable API key. Please use a secret API key.")
        checked = params.check(route.params, form)
        if unmodelled_names := sorted(checked.keys() - route.models):
            raise unmodelled(f"the parameter {unmodelled_names[0]} of {route.name}", unmodelled_names[0])
        key = headers.get("idempotency-key") if method == "POST" else None
        if key and len(key) > KEY_LENGTH_MOST:
            raise invalid(f"Idempotency keys can have up to {KEY_LENGTH_MOST} characters; this one has {len(key)}.")
        call = Call(
            owner=who.owner,
            params=checked,
            ids=ids,
            path=path,
            browser=who.browser,
            client_secret=extra.get("client_secret"),
            base_url=f"http://{headers.get('host', 'localhost')}",
        )
        return _Request(route, call, request_id, key, (who.owner, key) if key else None, (path, body))

    def _known_outcome(self, request: _Request) -> Outcome | None:
        if request.cache_key is None:
            return None
        return self._cache.outcome_of(request.cache_key, request.fingerprint, self._world.clock.now())

    def _fault(self, name: str) -> Fault | None:
        """What somebody ordered for this call, else what chaos has for it."""
        if ordered := self._world.faults.take(name):
            return ordered
        kind = self._world.lots.for_call(name)
        return Fault(kind) if kind else None

    async def _perform(self, request: _Request, fault: Fault | None) -> Outcome:
        if request.cache_key:
            self._cache.begin(request.cache_key, request.fingerprint, self._world.clock.now())
        try:
            async with self._locks.held(touched(request.route, request.call)):
                slowness = self._world.config.latency_seconds + (fault.seconds if fault else 0)
                if slowness:
                    await asyncio.sleep(slowness)
                status, body = self._execute(request, fault)
        except StripeRefusal:  # of the lock: the call never began
            if request.cache_key:
                self._cache.abandon(request.cache_key)
            raise
        outcome = Outcome(status, body, request.id)
        if request.cache_key:
            self._cache.finish(request.cache_key, outcome)
        self._world.request_id = self._world.idempotency_key = None
        catch_up(self._world)
        return outcome

    def _execute(self, request: _Request, fault: Fault | None) -> tuple[int, bytes]:
        self._world.request_id, self._world.idempotency_key = request.id, request.idempotency_key
        try:
            return self._outcome(request, fault)
        except Exception:  # noqa: BLE001  as at Stripe, a bug in one call is a 500 and the server lives on
            _log.exception("The Stripe twin failed on %s; this is a bug of the twin", request.route.name)
            return 500, to_json(server_error().body())

    def _outcome(self, request: _Request, fault: Fault | None) -> tuple[int, bytes]:
        try:
            if fault and fault.kind == "error_500":
                raise server_error()
            body = self._answer(request)
            if fault and fault.kind == "error_500_after_effect":
                raise server_error()
        except StripeRefusal as refusal:
            return refusal.status, self._checked(to_json(refusal.body()))
        return 200, body

    def _answer(self, request: _Request) -> bytes:
        answer = request.route.handler(self._world, request.call)
        shown = answer.render() if isinstance(answer, Record) else answer
        if paths := request.call.params.get("expand"):
            shown = expand(self._world, shown, paths)
        return self._checked(to_json(shown))

    def _checked(self, body: bytes) -> bytes:
        if self._world.config.check_responses:
            shapes.check_answer(orjson.loads(body))
        return body


def _headers(request: _Request, outcome: Outcome, *, replayed: bool) -> dict[str, str]:
    headers = {"request-id": request.id, "stripe-version": API_VERSION}
    if request.idempotency_key:
        headers["idempotency-key"] = request.idempotency_key
    if replayed:
        headers |= {"idempotent-replayed": "true", "original-request": outcome.request_id}
    return headers


async def _never_answer(receive: Receive) -> None:
    """Keep the line open until the client gives up: how long a timeout takes is the client's business."""
    while (await receive())["type"] != "http.disconnect":
        pass
