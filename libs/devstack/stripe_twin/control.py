"""The twin's own controls, under /_twin: what a test, a demo or a developer does that no API caller could.

    GET  /_twin/health
    GET  /_twin/summary                                  totals, balances, counts
    GET  /_twin/clock                                    POST {"advance": seconds} or {"set": unix time}
    GET  /_twin/webhooks                                 PUT  {"platform": {"url", "secret", "events"}, "connect": ..., "extra_copies": n}
    GET  /_twin/faults                                   POST {"call", "kind", "count", "seconds"}; DELETE clears
    POST /_twin/accounts/{id}/complete                   {"account_number"?}: the seller's hosted onboarding
    POST /_twin/payment_intents/{id}/confirm             {"payment_method"}: the buyer's browser pays
    POST /_twin/payment_intents/{id}/authenticate        {"succeeds"?}: the buyer answers the 3-D Secure challenge
    POST /_twin/events/{id}/resend                       deliver once more

The two addresses that Stripe gives to people (account links, 3-D Secure redirects) also answer GET.
"""  # noqa: E501  a table of addresses

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

import orjson
from pydantic import BaseModel, ConfigDict, ValidationError

from libs.devstack.stripe_twin import charging, onboarding
from libs.devstack.stripe_twin.books import PLATFORM
from libs.devstack.stripe_twin.calls import payment_intents
from libs.devstack.stripe_twin.config import Endpoint
from libs.devstack.stripe_twin.errors import StripeRefusal, missing
from libs.devstack.stripe_twin.objects.payment_intent import PaymentIntent
from libs.devstack.stripe_twin.passing import advance, catch_up
from libs.devstack.stripe_twin.routing import Call
from libs.devstack.stripe_twin.summary import summary
from libs.devstack.stripe_twin.tables import Json
from libs.devstack.stripe_twin.webhooks import Courier
from libs.devstack.stripe_twin.wire import to_json
from libs.devstack.stripe_twin.world import World


class _Order(BaseModel):
    model_config = ConfigDict(extra="forbid")


class _MoveClock(_Order):
    advance: int | None = None
    set: int | None = None


class _EndpointOrder(_Order):
    url: str
    secret: str
    events: tuple[str, ...] = ("*",)


class _SetWebhooks(_Order):
    platform: _EndpointOrder | None = None
    connect: _EndpointOrder | None = None
    extra_copies: int | None = None


class _AddFault(_Order):
    call: str
    kind: str
    count: int = 1
    seconds: float = 0.0


class _Complete(_Order):
    account_number: str | None = None


class _Pay(_Order):
    payment_method: str


class _Authenticate(_Order):
    succeeds: bool = True


_Handler = Callable[["Control", str, Any], Json]


class Control:
    def __init__(self, world: World, courier: Courier) -> None:
        self._world = world
        self._courier = courier

    def answer(self, method: str, path: str, body: bytes) -> tuple[int, bytes]:
        """Status and JSON body. Refusals have the form of Stripe's, for one way of reading both."""
        steps = path.removeprefix("/_twin/").split("/")
        address = (method, "/".join([steps[0], *steps[2:]]))
        handler, model = _HANDLERS.get(address, (None, _Order))
        if handler is None:
            return 404, to_json(
                {"error": {"message": f"The twin has no control {method} {path}.", "type": "twin_error"}}
            )
        try:
            order = model.model_validate(orjson.loads(body) if body else {})
            answer = handler(self, steps[1] if len(steps) > 1 else "", order)
        except StripeRefusal as refusal:
            return refusal.status, to_json(refusal.body())
        except (ValidationError, ValueError) as error:
            return 400, to_json({"error": {"message": str(error), "type": "twin_error"}})
        finally:
            catch_up(self._world)
        return 200, to_json(answer)

    def health(self, _id: str, _order: _Order) -> Json:
        return {"status": "ok"}

    def summary(self, _id: str, _order: _Order) -> Json:
        return summary(self._world) | {"webhooks": self._courier.state()}

    def clock(self, _id: str, _order: _Order) -> Json:
        return {"now": self._world.clock.now()}

    def move_clock(self, _id: str, order: _MoveClock) -> Json:
        if (order.advance is None) == (order.set is None):
            raise ValueError('Say either {"advance": seconds} or {"set": unix time}.')
        seconds = order.advance if order.set is None else order.set - self._world.clock.now()
        if seconds is None or seconds < 0:
            raise ValueError("The twin's clock only moves forwards; start a new twin for an earlier time.")
        return {"now": advance(self._world, seconds)}

    def webhooks(self, _id: str, _order: _Order) -> Json:
        return self._courier.state()

    def set_webhooks(self, _id: str, order: _SetWebhooks) -> Json:
        """What is not mentioned stays; an endpoint set to null is removed."""
        changes: dict[str, Any] = {}
        for name in order.model_fields_set:
            value = getattr(order, name)
            changes[name] = (
                Endpoint(value.url, value.secret, value.events) if isinstance(value, _EndpointOrder) else value
            )
        self._courier.settings = replace(self._courier.settings, **changes)
        return self._courier.state()

    def faults(self, _id: str, _order: _Order) -> Json:
        return dict(self._world.faults.waiting())

    def add_fault(self, _id: str, order: _AddFault) -> Json:
        self._world.faults.add(order.call, order.kind, order.count, order.seconds)
        return dict(self._world.faults.waiting())

    def clear_faults(self, _id: str, _order: _Order) -> Json:
        self._world.faults.clear()
        return {}

    def complete_account(self, account_id: str, order: _Complete) -> Json:
        account = self._world.account(account_id)
        onboarding.complete(self._world, account, order.account_number)
        return onboarding.snapshot(self._world, account)

    def pay(self, intent_id: str, order: _Pay) -> Json:
        intent = self._intent(intent_id)
        call = Call(
            owner=intent.owner,
            params={"payment_method": order.payment_method, "use_stripe_sdk": True},
            ids=(intent_id,),
            browser=True,
            client_secret=intent.client_secret,
        )
        return payment_intents.confirm(self._world, call).render()

    def authenticate(self, intent_id: str, order: _Authenticate) -> Json:
        return charging.authenticate(self._world, self._intent(intent_id), succeeds=order.succeeds).render()

    def resend(self, event_id: str, _order: _Order) -> Json:
        event = self._world.events.find(event_id)
        if event is None:
            raise missing("event", event_id, "id")
        self._courier.announce(event)
        return event.render()

    def _intent(self, intent_id: str) -> PaymentIntent:
        intent = self._world.payment_intents.find(intent_id)
        return intent or self._world.payment_intents.get(PLATFORM, intent_id)


_HANDLERS: Mapping[tuple[str, str], tuple[_Handler, type[_Order]]] = {
    ("GET", "health"): (Control.health, _Order),
    ("GET", "summary"): (Control.summary, _Order),
    ("GET", "clock"): (Control.clock, _Order),
    ("POST", "clock"): (Control.move_clock, _MoveClock),
    ("GET", "webhooks"): (Control.webhooks, _Order),
    ("PUT", "webhooks"): (Control.set_webhooks, _SetWebhooks),
    ("GET", "faults"): (Control.faults, _Order),
    ("POST", "faults"): (Control.add_fault, _AddFault),
    ("DELETE", "faults"): (Control.clear_faults, _Order),
    ("POST", "accounts/complete"): (Control.complete_account, _Complete),
    ("GET", "accounts/complete"): (Control.complete_account, _Complete),
    ("POST", "payment_intents/confirm"): (Control.pay, _Pay),
    ("POST", "payment_intents/authenticate"): (Control.authenticate, _Authenticate),
    ("GET", "payment_intents/authenticate"): (Control.authenticate, _Authenticate),
    ("POST", "events/resend"): (Control.resend, _Order),
}
