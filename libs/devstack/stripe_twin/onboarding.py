"""A connected account becoming able to receive money, and what the world hears of it."""

from libs.devstack.stripe_twin import banks
from libs.devstack.stripe_twin.banks import BankDetails
from libs.devstack.stripe_twin.objects.account import Account
from libs.devstack.stripe_twin.tables import Json
from libs.devstack.stripe_twin.world import World

_EMBEDDED_MOST = 10
_PLATFORMS_APPLICATION: Json = {"id": "ca_TwinOfHoldfast", "object": "application", "name": "Holdfast"}


def abilities(account: Account) -> Json:
    """What events are about: compared before and after, these say whether anything changed."""
    return {
        "capabilities": {name: account.capability(name) for name in account.requested},
        "payouts_enabled": account.payouts_enabled,
        "charges_enabled": account.charges_enabled,
        "requirements": account.requirements(),
    }


def announce_change(world: World, account: Account, before: Json) -> None:
    """Tell of each capability that changed, then of the account."""
    banks.refresh(world, account)
    after = abilities(account)
    for name, status in after["capabilities"].items():
        if before["capabilities"].get(name) != status:
            world.emit("capability.updated", account.id, account.render_capability(name))
    changed = {name: before[name] for name in before if before[name] != after[name]}
    world.emit("account.updated", account.id, snapshot(world, account), previous=changed or None)


def complete(world: World, account: Account, account_number: str | None = None) -> Account:
    """What the seller does in Stripe's hosted form: give all that is missing, a bank account included."""
    before = abilities(account)
    account.onboarded = True
    account.asked_for, account.paused = (), frozenset()
    if account_number:
        banks.replace(world, account, BankDetails(number=account_number, country=account.country))
    elif not account.has_usable_bank:
        banks.add(world, account, BankDetails(country=account.country), make_default=True)
    announce_change(world, account, before)
    return account


def restrict(world: World, account: Account, paused: frozenset[str], asked_for: tuple[str, ...]) -> Account:
    """What Stripe does to an account later on: pause capabilities or payouts, ask for more, or lift it all again."""
    before = abilities(account)
    account.paused, account.asked_for = paused, asked_for
    announce_change(world, account, before)
    return account


def deauthorize(world: World, account: Account) -> Json:
    """The seller disconnects the platform, which hears of it and of nothing after."""
    world.emit("account.application.deauthorized", account.id, _PLATFORMS_APPLICATION)
    world.disconnected.add(account.id)
    return _PLATFORMS_APPLICATION


def snapshot(world: World, account: Account) -> Json:
    """The account with its external accounts, which live in a table of their own."""
    known = banks.banks(world, account)
    return account.render() | {
        "external_accounts": {
            "object": "list",
            "data": [bank.render() for bank in known[::-1][:_EMBEDDED_MOST]],
            "has_more": len(known) > _EMBEDDED_MOST,
            "url": f"/v1/accounts/{account.id}/external_accounts",
        }
    }
