from __future__ import annotations

import pytest
from prometheus_client import CollectorRegistry

from contracts.events.orders import OrderCancelled
from libs.ledger.errors import Rejected
from libs.messaging.envelope import Envelope
from libs.messaging.route import ORDERS, Route
from libs.runtime.telemetry import Telemetry

_MESSAGE = OrderCancelled(order_id="A1", cancelled_by="buyer", reason="late")


async def _good(_message: object, _envelope: object) -> None:
    return


async def _refusing(_message: object, _envelope: object) -> None:
    raise Rejected("No.", code="too_late")


async def _broken(_message: object, _envelope: object) -> None:
    raise ZeroDivisionError


@pytest.mark.parametrize(
    ("handler", "outcome", "error"),
    [(_good, "done", None), (_refusing, "too_late", Rejected), (_broken, "failed", ZeroDivisionError)],
)
async def test_a_handling_is_counted_by_its_outcome_and_its_error_passes(
    handler: object, outcome: str, error: type[Exception] | None
) -> None:
    telemetry = Telemetry(CollectorRegistry())
    route = telemetry.counted(Route("q.orders", ORDERS, ("order.#",), {OrderCancelled: handler}))  # type: ignore[dict-item] # parametrised
    envelope: Envelope = None  # type: ignore[assignment] # these handlers do not look at it
    if error is None:
        await route.handlers[OrderCancelled](_MESSAGE, envelope)
    else:
        with pytest.raises(error):
            await route.handlers[OrderCancelled](_MESSAGE, envelope)
    labels = {"queue": "q.orders", "outcome": outcome}
    assert telemetry.registry.get_sample_value("holdfast_messages_handled_total", labels) == 1
    timed = telemetry.registry.get_sample_value("holdfast_message_handling_seconds_count", {"queue": "q.orders"})
    assert timed == 1
