"""The bank accounts of connected accounts: how they come, which one payouts go to, and when none can."""

from dataclasses import dataclass
from typing import Any

from libs.devstack.stripe_twin.errors import invalid, unmodelled
from libs.devstack.stripe_twin.objects.account import Account
from libs.devstack.stripe_twin.objects.bank_account import BankAccount
from libs.devstack.stripe_twin.world import World

_TEST_NUMBER = "000123456789"
_TEST_ROUTING_NUMBER = "110000000"


@dataclass(frozen=True, slots=True)
class BankDetails:
    number: str = _TEST_NUMBER
    country: str = "US"
    currency: str | None = None
    routing_number: str | None = None
    holder_name: str | None = None
    holder_type: str | None = None


_TOKENS = {"btok_us_verified": BankDetails(currency="usd", routing_number=_TEST_ROUTING_NUMBER)}
"""Stripe's ready-made bank account tokens."""


def details_of(given: Any) -> BankDetails:
    """Bank details as the `external_account` parameter gives them: a token, or a mapping."""
    if isinstance(given, str):
        if given not in _TOKENS:
            raise invalid(f"No such token: '{given}'", param="external_account", code="resource_missing")
        return _TOKENS[given]
    if given["object"] != "bank_account":
        raise unmodelled("payouts to debit cards", "external_account")
    if given["country"] == "US" and "routing_number" not in given:
        param = "external_account[routing_number]"
        raise invalid(f"Missing required param: {param}.", param=param, code="parameter_missing")
    return BankDetails(
        number=given["account_number"],
        country=given["country"],
        currency=given.get("currency"),
        routing_number=given.get("routing_number"),
        holder_name=given.get("account_holder_name"),
        holder_type=given.get("account_holder_type"),
    )


def banks(world: World, account: Account) -> list[BankAccount]:
    """Oldest first, without those that were replaced."""
    return [bank for bank in world.bank_accounts.all(account.id) if not bank.deleted]


def payout_bank(world: World, account_id: str, currency: str) -> BankAccount | None:
    """Where payouts in this currency go unless told otherwise."""
    there = (bank for bank in world.bank_accounts.all(account_id) if bank.currency == currency and not bank.deleted)
    return next((bank for bank in there if bank.default_for_currency), None)


def add(world: World, account: Account, details: BankDetails, *, make_default: bool) -> BankAccount:
    currency = (details.currency or account.default_currency).lower()
    others = [bank for bank in banks(world, account) if bank.currency == currency]
    # the first of a currency becomes its default, and so does the first after one that bounced
    make_default = make_default or not any(bank.usable for bank in others)
    if make_default:
        for other in others:
            other.default_for_currency = False
    bank = BankAccount(
        id=world.new_id("ba"),
        owner=account.id,
        created=world.clock.now(),
        account=account.id,
        number=details.number,
        country=details.country,
        currency=currency,
        routing_number=details.routing_number,
        holder_name=details.holder_name,
        holder_type=details.holder_type,
        default_for_currency=make_default,
    )
    world.bank_accounts.add(bank)
    refresh(world, account)
    world.emit("account.external_account.created", account.id, bank)
    return bank


def replace(world: World, account: Account, details: BankDetails) -> BankAccount:
    """`external_account` of the account itself: the new default takes the old one's place."""
    old = banks(world, account)
    added = add(world, account, details, make_default=True)
    for bank in old:
        if bank.currency == added.currency:
            bank.deleted = True
            world.emit("account.external_account.deleted", account.id, bank)
    refresh(world, account)
    return added


def refresh(world: World, account: Account) -> None:
    account.has_usable_bank = any(bank.usable and bank.default_for_currency for bank in banks(world, account))
