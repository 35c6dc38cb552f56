"""transfers: the platform's money to a connected account, bound to a charge or from the available balance."""

import stripe.params as sdk

from libs.devstack.stripe_twin.books import PLATFORM, Place
from libs.devstack.stripe_twin.errors import StripeRefusal, forbidden, insufficient_balance, invalid, missing
from libs.devstack.stripe_twin.money import check_positive, currency_of, shown
from libs.devstack.stripe_twin.objects.charge import Charge
from libs.devstack.stripe_twin.objects.transfer import Transfer
from libs.devstack.stripe_twin.routing import Call, Route, lists, models
from libs.devstack.stripe_twin.tables import Json
from libs.devstack.stripe_twin.world import World


def create(world: World, call: Call) -> Transfer:
    if call.owner != PLATFORM:
        raise forbidden("Only a platform can create transfers; leave out the Stripe-Account header.")
    currency = currency_of(call.params["currency"])
    _check_destination(world, call.params["destination"])
    source = _source(world, call, currency)
    amount_minor = _amount(world, call, source, currency)
    transfer = _transfer(world, call, source, amount_minor, currency)
    _move_money(world, transfer)
    if source:
        source.amount_transferred_minor += amount_minor
    world.transfers.add(transfer)
    world.emit("transfer.created", PLATFORM, transfer)
    return transfer


def retrieve(world: World, call: Call) -> Transfer:
    return world.transfers.get(call.owner, call.id)


def list_(world: World, call: Call) -> Json:
    return world.transfers.page(call.owner, call.params).render(call.path)


def _check_destination(world: World, account_id: str) -> None:
    account = world.accounts.find(account_id)
    if account is None or account_id in world.disconnected:
        raise missing("destination", account_id, "destination")
    if account.capability("transfers") != "active":
        message = (
            "Your destination account needs to have at least one of the following capabilities enabled: transfers, "
            "crypto_transfers, legacy_payments"
        )
        raise invalid(message, code="insufficient_capabilities_for_transfer")


def _source(world: World, call: Call, currency: str) -> Charge | None:
    source_id = call.params.get("source_transaction")
    if source_id is None:
        return None
    charge = world.charges.get(PLATFORM, source_id, "source_transaction")
    if charge.status != "succeeded":
        raise invalid(f"Charge {charge.id} was not successful and cannot fund a transfer.", param="source_transaction")
    if charge.currency != currency:
        message = (
            f"The currency of source_transaction's balance transaction ({charge.currency}) must be the same as the "
            f"transfer currency ({currency})"
        )
        raise invalid(message, param="currency")
    return charge


def _amount(world: World, call: Call, source: Charge | None, currency: str) -> int:
    """The amount, checked against its limits: what the charge has left, and funds where they must be available."""
    amount_minor: int | None = call.params.get("amount", source.transferable_minor if source else None)
    if amount_minor is None:
        raise invalid("Missing required param: amount.", param="amount", code="parameter_missing")
    check_positive(amount_minor)
    if source and amount_minor > source.transferable_minor:
        raise _beyond_source(source)
    # a charge that is still pending vouches for its transfers; once settled, its funds may have gone elsewhere
    settled = source is None or source.available_on <= world.clock.now()
    if settled and amount_minor > world.books.balance(Place(PLATFORM, "available"), currency):
        raise insufficient_balance(
            "You have insufficient available funds in your Stripe account. Try adding funds directly to your available "
            "balance by creating Charges using the 4000000000000077 test card."
        )
    return amount_minor


def _beyond_source(source: Charge) -> StripeRefusal:
    whole = shown(source.amount_minor, source.currency)
    used = shown(source.amount_minor - source.transferable_minor, source.currency)
    message = (
        f"Transfers using this transaction as a source must not exceed the source amount of {whole} "
        f"(of which {used} has already been transferred or refunded)"
    )
    return invalid(message, param="amount")


def _transfer(world: World, call: Call, source: Charge | None, amount_minor: int, currency: str) -> Transfer:
    now = world.clock.now()
    transfer_id = world.new_id("tr")
    group = call.params.get("transfer_group")
    if source and group is None:
        # Stripe names a group after the payment where nobody named one
        group = source.transfer_group = source.transfer_group or f"group_{source.payment_intent}"
    return Transfer(
        id=transfer_id,
        owner=PLATFORM,
        created=now,
        amount_minor=amount_minor,
        currency=currency,
        destination=call.params["destination"],
        destination_payment=world.new_id("py"),
        available_on=max(now, source.available_on) if source else now,
        source_transaction=source.id if source else None,
        transfer_group=group,
        description=call.params.get("description"),
        metadata=dict(call.params.get("metadata", {})),
    )


def _move_money(world: World, transfer: Transfer) -> None:
    """Both sides become available together: a transfer inherits the availability of its source."""
    amount_minor, currency, when = transfer.amount_minor, transfer.currency, transfer.available_on
    giver, taker = world.place(PLATFORM, when), world.place(transfer.destination, when)
    world.books.move("transfer", giver, taker, amount_minor, currency)
    line = world.post(PLATFORM, "transfer", -amount_minor, currency, transfer.id, available_on=when)
    transfer.balance_transaction = line.id
    arrived = world.post(
        transfer.destination, "payment", amount_minor, currency, transfer.destination_payment, available_on=when
    )
    world.charges.add(
        Charge(
            id=transfer.destination_payment,
            owner=transfer.destination,
            created=transfer.created,
            amount_minor=amount_minor,
            currency=currency,
            status="succeeded",
            source_transfer=transfer.id,
            balance_transaction=arrived.id,
            available_on=when,
        )
    )


_PATH = "/v1/transfers"
ROUTES = (
    Route(
        "transfers.create", "POST", _PATH, sdk.TransferCreateParams, create,
        models("amount", "currency", "destination", "description", "metadata", "source_transaction", "transfer_group"),
    ),
    Route("transfers.retrieve", "GET", f"{_PATH}/{{transfer}}", sdk.TransferRetrieveParams, retrieve, models()),
    Route(
        "transfers.list", "GET", _PATH, sdk.TransferListParams, list_, lists("created", "destination", "transfer_group")
    ),
)  # fmt: skip
