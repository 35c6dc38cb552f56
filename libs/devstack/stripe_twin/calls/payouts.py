"""payouts: an account's available money to its bank, where it arrives or bounces."""

import stripe.params as sdk

from libs.devstack.stripe_twin.banks import payout_bank
from libs.devstack.stripe_twin.books import BANKS, PLATFORM, Place
from libs.devstack.stripe_twin.errors import insufficient_balance, invalid, unmodelled
from libs.devstack.stripe_twin.money import check_positive, currency_of
from libs.devstack.stripe_twin.objects.balance_transaction import BalanceTransaction, TransactionType
from libs.devstack.stripe_twin.objects.bank_account import BankAccount, payout_failure
from libs.devstack.stripe_twin.objects.payout import Payout
from libs.devstack.stripe_twin.onboarding import abilities, announce_change
from libs.devstack.stripe_twin.routing import Call, Route, lists, models
from libs.devstack.stripe_twin.tables import Json, within
from libs.devstack.stripe_twin.world import World


def create(world: World, call: Call) -> Payout:
    currency = currency_of(call.params["currency"])
    amount_minor = call.params["amount"]
    check_positive(amount_minor)
    if call.params.get("method", "standard") != "standard":
        raise unmodelled("instant payouts", "method")
    bank = _destination(world, call, currency)
    _check_funds(world, call.owner, amount_minor, currency)
    now = world.clock.now()
    payout = Payout(
        id=world.new_id("po"),
        owner=call.owner,
        created=now,
        amount_minor=amount_minor,
        currency=currency,
        destination=bank.id,
        arrival_date=now + world.config.payout_arrival_seconds,
        description=call.params.get("description"),
        statement_descriptor=call.params.get("statement_descriptor"),
        metadata=dict(call.params.get("metadata", {})),
    )
    world.books.move("payout", Place(call.owner, "available"), Place(call.owner, "in_transit"), amount_minor, currency)
    payout.balance_transaction = world.post(call.owner, "payout", -amount_minor, currency, payout.id).id
    world.payouts.add(payout)
    world.emit("payout.created", payout.owner, payout)
    submitted_on = min(now + world.config.payout_submit_seconds, payout.arrival_date)
    world.agenda.at(submitted_on, lambda: _submit(world, payout))
    world.agenda.at(payout.arrival_date, lambda: _arrive(world, payout, bank))
    return payout


def retrieve(world: World, call: Call) -> Payout:
    return world.payouts.get(call.owner, call.id)


def list_(world: World, call: Call) -> Json:
    status, arrival = call.params.get("status"), call.params.get("arrival_date")

    def keep(payout: Payout) -> bool:
        return (status is None or payout.status == status) and (arrival is None or within(payout.arrival_date, arrival))

    return world.payouts.page(call.owner, call.params, keep).render(call.path)


def cancel(world: World, call: Call) -> Payout:
    payout = world.payouts.get(call.owner, call.id)
    if payout.status != "pending":
        raise invalid(f"Payouts can only be canceled while pending; {payout.id} is {payout.status}.")
    payout.failure_balance_transaction = _give_back(world, payout, "payout_cancel").id
    payout.status = "canceled"
    world.emit("payout.canceled", payout.owner, payout)
    return payout


def _destination(world: World, call: Call, currency: str) -> BankAccount:
    wanted = call.params.get("destination")
    bank = (
        world.bank_accounts.get(call.owner, wanted, "destination")
        if wanted
        else payout_bank(world, call.owner, currency)
    )
    if bank is None or bank.deleted or bank.currency != currency:
        raise invalid(f"Sorry, you don't have any external accounts in that currency ({currency})", param="currency")
    if not bank.usable:
        message = (
            "The bank account provided cannot be used for payouts, since an earlier payout to it failed. A different "
            "bank account must be used."
        )
        raise invalid(message, code="bank_account_unusable", param="destination")
    if call.owner != PLATFORM and not world.account(call.owner).may_pay_out:
        raise invalid("Payouts have been disabled on the connected account.", code="payouts_not_allowed")
    return bank


def _check_funds(world: World, owner: str, amount_minor: int, currency: str) -> None:
    if amount_minor > world.books.balance(Place(owner, "available"), currency):
        raise insufficient_balance(
            "You have insufficient funds in your Stripe account for this transfer. Your card balance is too low."
        )


def _submit(world: World, payout: Payout) -> None:
    if payout.status == "pending":
        payout.status = "in_transit"
        world.emit("payout.updated", payout.owner, payout, previous={"status": "pending"})


def _arrive(world: World, payout: Payout, bank: BankAccount) -> None:
    if payout.status != "in_transit":
        return
    code, wait_seconds = payout_failure(bank.number), world.config.payout_return_seconds
    if code and not wait_seconds:
        bounce(world, payout, code)
        return
    payout.status = "paid"
    transit = Place(payout.owner, "in_transit")
    world.books.move("payout_paid", transit, BANKS, payout.amount_minor, payout.currency)
    world.emit("payout.paid", payout.owner, payout)
    if code:
        world.agenda.at(world.clock.now() + wait_seconds, lambda: _return(world, payout, code))


def _return(world: World, payout: Payout, code: str) -> None:
    if payout.status == "paid":
        bounce(world, payout, code)


def bounce(world: World, payout: Payout, code: str) -> Payout:
    """The bank sends it back, on arrival or days after it counted as paid."""
    if payout.status not in ("in_transit", "paid"):
        raise invalid(f"Payout {payout.id} is {payout.status}: only one in_transit or paid can bounce.")
    back = _give_back(world, payout, "payout_failure")
    payout.status, payout.failure_code, payout.failure_balance_transaction = "failed", code, back.id
    world.emit("payout.failed", payout.owner, payout)
    _disable(world, world.bank_accounts.get(payout.owner, payout.destination))
    return payout


def _give_back(world: World, payout: Payout, why: TransactionType) -> BalanceTransaction:
    holder = BANKS if payout.status == "paid" else Place(payout.owner, "in_transit")
    available = Place(payout.owner, "available")
    world.books.move("payout_returned", holder, available, payout.amount_minor, payout.currency)
    return world.post(payout.owner, why, payout.amount_minor, payout.currency, payout.id)


def _disable(world: World, bank: BankAccount) -> None:
    """A bank account that bounced a payout gets no more of them, until the seller gives another."""
    if bank.status == "errored":
        return
    account = world.account(bank.account)
    before = abilities(account)
    bank.status = "errored"
    world.emit("account.external_account.updated", account.id, bank, previous={"status": "new"})
    announce_change(world, account, before)


_PATH = "/v1/payouts"
ROUTES = (
    Route(
        "payouts.create", "POST", _PATH, sdk.PayoutCreateParams, create,
        models("amount", "currency", "description", "destination", "metadata", "method", "statement_descriptor"),
    ),
    Route("payouts.retrieve", "GET", f"{_PATH}/{{payout}}", sdk.PayoutRetrieveParams, retrieve, models()),
    Route(
        "payouts.list", "GET", _PATH, sdk.PayoutListParams, list_,
        lists("arrival_date", "created", "destination", "status"),
    ),
    Route("payouts.cancel", "POST", f"{_PATH}/{{payout}}/cancel", sdk.PayoutCancelParams, cancel, models()),
)  # fmt: skip
