"""Events as they were stored in earlier versions, brought up to the present one."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

from libs.ledger.personal import of_order, plain_json

Data = dict[str, Any]
_AUTHORS: Final = ("opened_by", "cancelled_by", "confirmed_by")


def _text(data: Data, name: str, order_id: str) -> Data:
    """Version 1 held what people typed as it was."""
    if data[name] is None:
        return data
    [author] = [data[each] for each in _AUTHORS if each in data]
    return data | {name: plain_json(data[name], author, of_order(order_id))}


def _reason(data: Data) -> Data:
    return _text(data, "reason", data["order_id"])


def _proof(data: Data) -> Data:
    return _text(data, "proof", data["order_id"])


def _fact(data: Data) -> Data:
    fact = data["fact"]
    return data | {"fact": _text(fact, "reason" if "reason" in fact else "proof", data["order_id"])}


UPCASTS: Final[Mapping[tuple[str, int], Callable[[Data], Data]]] = {
    ("FactNoted", 1): _fact,
    ("FactRefused", 1): _fact,
    ("DeliveryConfirmed", 1): _proof,
    ("DisputeOpened", 1): _reason,
    ("EscrowRefunded", 1): _reason,
}
