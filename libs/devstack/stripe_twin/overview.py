"""The twin's objects at a glance, whoever they belong to, newest first.

GET  /_twin/objects?kind=charges&limit=20            without `kind`: that many of each kind
"""

from collections.abc import Mapping
from typing import Annotated, Any, Literal, get_args

from pydantic import Field

from libs.devstack.stripe_twin.orders import Order
from libs.devstack.stripe_twin.tables import Json, Table
from libs.devstack.stripe_twin.world import World

Kind = Literal[
    "accounts", "payment_intents", "charges", "refunds", "disputes", "fraud_warnings", "transfers", "reversals",
    "payouts", "balance_transactions", "events",
]  # fmt: skip
KINDS: tuple[Kind, ...] = get_args(Kind)


class Look(Order):
    kind: Kind | None = None
    limit: Annotated[int, Field(ge=1, le=1_000)] = 20


def objects(world: World, _id: str, order: Look) -> Json:
    """Per kind, how many there are in all, and each object as Stripe shows it beside the account it belongs to."""
    kinds: Mapping[Kind, Table[Any]] = {kind: getattr(world, kind) for kind in KINDS}
    asked = [order.kind] if order.kind else KINDS
    return {kind: _newest(world, kinds[kind], order.limit) for kind in asked}


def _newest(world: World, table: Table[Any], limit: int) -> Json:
    shown = [
        {"owner": row.owner, "disconnected": row.id in world.disconnected, "object": row.render()}
        for row in table.newest(limit)
    ]
    return {"total": len(table), "objects": shown}
