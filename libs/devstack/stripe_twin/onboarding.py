"""A connected account becoming able to receive money, and what the world hears of it."""

from libs.devstack.stripe_twin import banks
from libs.devstack.stripe_twin.banks import BankDetails
from libs.devstack.stripe_twin.objects.account import Account
from libs.devstack.stripe_twin.tables import Json
from libs.devstack.stripe_twin.world import World

_EMBEDDED_MOST = 10


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
    if account_number:
        banks.replace(world, account, BankDetails(number=account_number, country=account.country))
    elif not account.has_usable_bank:
        banks.add(world, account, BankDetails(country=account.country), make_default=True)
    announce_change(world, account, before)
    return account


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
