"""transfers.reversals: money back from a connected account, as far as it still has it."""

import stripe.params as sdk

from libs.devstack.stripe_twin.books import PLATFORM
from libs.devstack.stripe_twin.errors import insufficient_balance, invalid, missing
from libs.devstack.stripe_twin.money import check_positive, shown
from libs.devstack.stripe_twin.objects.refund import Refund
from libs.devstack.stripe_twin.objects.transfer import Reversal, Transfer
from libs.devstack.stripe_twin.routing import Call, Route, lists, models
from libs.devstack.stripe_twin.tables import Json
from libs.devstack.stripe_twin.world import World


def create(world: World, call: Call) -> Reversal:
    transfer = world.transfers.get(call.owner, call.id)
    amount_minor = call.params.get("amount", transfer.reversible_minor)
    _check(world, transfer, amount_minor)
    reversal = _move_money(world, transfer, amount_minor, dict(call.params.get("metadata", {})))
    transfer.reversals.append(reversal)
    if transfer.source_transaction:
        world.charges.get(PLATFORM, transfer.source_transaction).amount_transferred_minor -= amount_minor
    world.reversals.add(reversal)
    world.emit("transfer.reversed", PLATFORM, transfer)
    return reversal


def retrieve(world: World, call: Call) -> Reversal:
    transfer_id, reversal_id = call.ids
    reversal = world.reversals.get(call.owner, reversal_id)
    if reversal.transfer != transfer_id:
        raise missing("transfer_reversal", reversal_id, "id")
    return reversal


def list_(world: World, call: Call) -> Json:
    transfer = world.transfers.get(call.owner, call.id)
    return world.reversals.page(call.owner, {**call.params, "transfer": transfer.id}).render(call.path)


def _check(world: World, transfer: Transfer, amount_minor: int) -> None:
    if transfer.reversible_minor == 0:
        raise invalid(f"Transfer {transfer.id} is already fully reversed.", code="transfer_already_reversed")
    check_positive(amount_minor)
    left_minor = transfer.reversible_minor
    if amount_minor > left_minor:
        asked, left = shown(amount_minor, transfer.currency), shown(left_minor, transfer.currency)
        raise invalid(
            f"Reversal amount ({asked}) is greater than unreversed amount on transfer ({left})", param="amount"
        )
    holder = world.place(transfer.destination, transfer.available_on)
    if amount_minor > world.books.balance(holder, transfer.currency):
        # the connected account has paid the money out in the meantime
        raise insufficient_balance(
            "The recipient of this transfer does not have sufficient funds in their Stripe balance to reverse this "
            "amount."
        )


def _move_money(world: World, transfer: Transfer, amount_minor: int, metadata: dict[str, str]) -> Reversal:
    currency, when = transfer.currency, transfer.available_on
    reversal_id, refund_id = world.new_id("trr"), world.new_id("pyr")
    giver, taker = world.place(transfer.destination, when), world.place(PLATFORM, when)
    world.books.move("reversal", giver, taker, amount_minor, currency)
    line = world.post(PLATFORM, "transfer_refund", amount_minor, currency, reversal_id, available_on=when)
    taken = world.post(transfer.destination, "payment_refund", -amount_minor, currency, refund_id, available_on=when)
    payment = world.charges.get(transfer.destination, transfer.destination_payment)
    payment.amount_refunded_minor += amount_minor
    world.refunds.add(
        Refund(
            id=refund_id,
            owner=transfer.destination,
            created=world.clock.now(),
            amount_minor=amount_minor,
            currency=currency,
            charge=payment.id,
            payment_intent=None,
            payment_method=None,
            status="succeeded",
            balance_transaction=taken.id,
        )
    )
    return Reversal(
        id=reversal_id,
        owner=PLATFORM,
        created=world.clock.now(),
        transfer=transfer.id,
        amount_minor=amount_minor,
        currency=currency,
        balance_transaction=line.id,
        destination_payment_refund=refund_id,
        metadata=metadata,
    )


_PATH = "/v1/transfers/{transfer}/reversals"
ROUTES = (
    Route(
        "transfers.reversals.create", "POST", _PATH, sdk.TransferReversalCreateParams, create,
        models("amount", "metadata"),
    ),
    Route(
        "transfers.reversals.retrieve", "GET", f"{_PATH}/{{id}}", sdk.TransferReversalRetrieveParams, retrieve, models()
    ),
    Route("transfers.reversals.list", "GET", _PATH, sdk.TransferReversalListParams, list_, lists()),
)  # fmt: skip
