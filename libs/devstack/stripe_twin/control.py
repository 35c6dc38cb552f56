"""The twin's own controls, under /_twin: what a test, a demo or a developer does that no API caller could.

    GET  /_twin/health
    GET  /_twin/summary                                  totals, balances, counts
    GET  /_twin/clock                                    POST {"advance": seconds} or {"set": unix time}
    GET  /_twin/webhooks                                 PUT  {"platform": {"url", "secret", "events"}, "connect": ..., "extra_copies": n}
    POST /_twin/accounts/{id}/complete                   {"account_number"?}: the seller's hosted onboarding
    POST /_twin/payment_intents/{id}/confirm             {"payment_method"}: the buyer's browser pays
    POST /_twin/payment_intents/{id}/authenticate        {"succeeds"?}: the buyer answers the 3-D Secure challenge
    POST /_twin/events/{id}/resend                       deliver once more

and those of `mishaps` (disputes, fraud warnings, refunds and payouts sent back, accounts restricted or disconnected),
of `breaking` (faults, chaos) and of `overview` (all objects). The page at / shows and offers all of them.

The two addresses that Stripe gives to people (account links, 3-D Secure redirects) also answer GET.
"""  # noqa: E501  a table of addresses

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any
from urllib.parse import parse_qsl

import orjson
from pydantic import ValidationError

from libs.devstack.stripe_twin import charging, onboarding
from libs.devstack.stripe_twin.books import PLATFORM
from libs.devstack.stripe_twin.breaking import BREAKING
from libs.devstack.stripe_twin.calls import payment_intents
from libs.devstack.stripe_twin.config import Endpoint
from libs.devstack.stripe_twin.errors import StripeRefusal, missing
from libs.devstack.stripe_twin.mishaps import MISHAPS, Mishap
from libs.devstack.stripe_twin.objects.payment_intent import PaymentIntent
from libs.devstack.stripe_twin.orders import Order
from libs.devstack.stripe_twin.overview import Look, objects
from libs.devstack.stripe_twin.passing import advance, catch_up
from libs.devstack.stripe_twin.routing import Call
from libs.devstack.stripe_twin.summary import summary
from libs.devstack.stripe_twin.tables import Json
from libs.devstack.stripe_twin.webhooks import Courier
from libs.devstack.stripe_twin.wire import to_json
from libs.devstack.stripe_twin.world import World


class _MoveClock(Order):
    advance: int | None = None
    set: int | None = None


class _EndpointOrder(Order):
    url: str
    secret: str
    events: tuple[str, ...] = ("*",)


class _SetWebhooks(Order):
    platform: _EndpointOrder | None = None
    connect: _EndpointOrder | None = None
    extra_copies: int | None = None


class _Complete(Order):
    account_number: str | None = None


class _Pay(Order):
    payment_method: str


class _Authenticate(Order):
    succeeds: bool = True


_Handler = Callable[["Control", str, Any], Json]


class Control:
    def __init__(self, world: World, courier: Courier) -> None:
        self.world = world
        self._courier = courier

    def answer(self, method: str, path: str, query: bytes, body: bytes) -> tuple[int, bytes]:
        """Status and JSON body. Refusals have the form of Stripe's, for one way of reading both."""
        steps = path.removeprefix("/_twin/").split("/")
        address = (method, "/".join([steps[0], *steps[2:]]))
        handler, model = CONTROLS.get(address, (None, Order))
        if handler is None:
            return 404, to_json(
                {"error": {"message": f"The twin has no control {method} {path}.", "type": "twin_error"}}
            )
        try:
            order = model.model_validate(orjson.loads(body) if body else dict(parse_qsl(query.decode())))
            answer = handler(self, steps[1] if len(steps) > 1 else "", order)
        except StripeRefusal as refusal:
            return refusal.status, to_json(refusal.body())
        except (ValidationError, ValueError) as error:
            return 400, to_json({"error": {"message": str(error), "type": "twin_error"}})
        finally:
            catch_up(self.world)
        return 200, to_json(answer)

    def health(self, _id: str, _order: Order) -> Json:
        return {"status": "ok"}

    def summary(self, _id: str, _order: Order) -> Json:
        return summary(self.world) | {"webhooks": self._courier.state()}

    def clock(self, _id: str, _order: Order) -> Json:
        return {"now": self.world.clock.now()}

    def move_clock(self, _id: str, order: _MoveClock) -> Json:
        if (order.advance is None) == (order.set is None):
            raise ValueError('Say either {"advance": seconds} or {"set": unix time}.')
        seconds = order.advance if order.set is None else order.set - self.world.clock.now()
        if seconds is None or seconds < 0:
            raise ValueError("The twin's clock only moves forwards; start a new twin for an earlier time.")
        return {"now": advance(self.world, seconds)}

    def webhooks(self, _id: str, _order: Order) -> Json:
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

    def complete_account(self, account_id: str, order: _Complete) -> Json:
        account = self.world.account(account_id)
        onboarding.complete(self.world, account, order.account_number)
        return onboarding.snapshot(self.world, account)

    def pay(self, intent_id: str, order: _Pay) -> Json:
        intent = self._intent(intent_id)
        call = Call(
            owner=intent.owner,
            params={"payment_method": order.payment_method, "use_stripe_sdk": True},
            ids=(intent_id,),
            browser=True,
            client_secret=intent.client_secret,
        )
        return payment_intents.confirm(self.world, call).render()

    def authenticate(self, intent_id: str, order: _Authenticate) -> Json:
        return charging.authenticate(self.world, self._intent(intent_id), succeeds=order.succeeds).render()

    def resend(self, event_id: str, _order: Order) -> Json:
        event = self.world.events.find(event_id)
        if event is None:
            raise missing("event", event_id, "id")
        self._courier.send(event)
        return event.render()

    def _intent(self, intent_id: str) -> PaymentIntent:
        intent = self.world.payment_intents.find(intent_id)
        return intent or self.world.payment_intents.get(PLATFORM, intent_id)


def _on_world(mishap: Mishap) -> _Handler:
    return lambda control, object_id, order: mishap(control.world, object_id, order)


CONTROLS: Mapping[tuple[str, str], tuple[_Handler, type[Order]]] = {
    ("GET", "health"): (Control.health, Order),
    ("GET", "summary"): (Control.summary, Order),
    ("GET", "clock"): (Control.clock, Order),
    ("POST", "clock"): (Control.move_clock, _MoveClock),
    ("GET", "webhooks"): (Control.webhooks, Order),
    ("PUT", "webhooks"): (Control.set_webhooks, _SetWebhooks),
    ("POST", "accounts/complete"): (Control.complete_account, _Complete),
    ("GET", "accounts/complete"): (Control.complete_account, _Complete),
    ("POST", "payment_intents/confirm"): (Control.pay, _Pay),
    ("POST", "payment_intents/authenticate"): (Control.authenticate, _Authenticate),
    ("GET", "payment_intents/authenticate"): (Control.authenticate, _Authenticate),
    ("POST", "events/resend"): (Control.resend, Order),
    ("GET", "objects"): (_on_world(objects), Look),
    **{address: (_on_world(act), order) for address, (act, order) in {**MISHAPS, **BREAKING}.items()},
}
"""By method and address without the id: what is done, and what its body (or query) may say."""
