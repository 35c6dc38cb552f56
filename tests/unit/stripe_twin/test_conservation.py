"""Whatever is called in whatever order, money is moved and never made, and nobody goes below what Stripe allows."""

from collections.abc import Callable
from typing import Any

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from libs.devstack.stripe_twin import charging, onboarding
from libs.devstack.stripe_twin.books import PLATFORM, Place
from libs.devstack.stripe_twin.calls import ROUTES
from libs.devstack.stripe_twin.config import DAY_SECONDS, TwinConfig
from libs.devstack.stripe_twin.errors import StripeRefusal
from libs.devstack.stripe_twin.passing import advance, catch_up
from libs.devstack.stripe_twin.routing import Answer, Call
from libs.devstack.stripe_twin.summary import summary
from libs.devstack.stripe_twin.tables import Record
from libs.devstack.stripe_twin.world import World

_HANDLERS = {route.name: route.handler for route in ROUTES}
_CARDS = ["pm_card_visa"] * 4 + ["pm_card_chargeDeclined", "pm_card_threeDSecure2Required", "pm_card_bypassPending"]
# mostly small beside a payment, so that calls often succeed and their limits are met after several
_parts = st.one_of(st.integers(1, 2_000), st.integers(-5, 12_000))
_which = st.integers(0, 50)


class Market(RuleBasedStateMachine):
    @initialize(wait=st.booleans(), delay=st.sampled_from([0, 2 * DAY_SECONDS]))
    def open(self, *, wait: bool, delay: int) -> None:
        config = TwinConfig(start=1_000_000, ticking=False, settlement_seconds=delay, refunds_wait_for_funds=wait)
        self.world = World(config)
        for bank in ("000123456789", "000111111116"):
            account = self.call("accounts.create", type="express", capabilities={"transfers": {"requested": True}})
            assert isinstance(account, dict)
            onboarding.complete(self.world, self.world.account(account["id"]), bank)
        for amount_minor in (5_000, 8_000):
            self.pay(amount_minor, "pm_card_visa")

    def call(self, name: str, *ids: str, owner: str = PLATFORM, **params: Any) -> Answer | None:
        return self.attempt(lambda: _HANDLERS[name](self.world, Call(owner=owner, params=params, ids=ids)))

    def attempt(self, action: Callable[[], Answer]) -> Answer | None:
        """Do it, or find that Stripe refuses: both are fine, as long as the invariants hold."""
        try:
            return action()
        except StripeRefusal:
            return None
        finally:
            catch_up(self.world)

    def pick(self, table: Any, which: int) -> str:
        ids = [record.id for record in table]
        return str(ids[which % len(ids)]) if ids else "none"

    @rule(amount=st.integers(40, 12_000), card=st.sampled_from(_CARDS))
    def pay(self, amount: int, card: str) -> None:
        self.call(
            "payment_intents.create",
            amount=amount, currency="usd", confirm=True, payment_method=card, use_stripe_sdk=True,
        )  # fmt: skip

    @rule(which=_which, succeeds=st.booleans())
    def authenticate(self, which: int, *, succeeds: bool) -> None:
        intent = self.world.payment_intents.find(self.pick(self.world.payment_intents, which))
        if intent:
            self.attempt(lambda: charging.authenticate(self.world, intent, succeeds=succeeds))

    @rule(which=_which)
    def cancel(self, which: int) -> None:
        self.call("payment_intents.cancel", self.pick(self.world.payment_intents, which))

    @rule(which=_which, amount=_parts)
    def refund(self, which: int, amount: int) -> None:
        self.call("refunds.create", charge=self.pick(self.world.charges, which), amount=amount)

    @rule(which=_which, seller=_which, amount=_parts, bound=st.booleans())
    def transfer(self, which: int, seller: int, amount: int, *, bound: bool) -> None:
        source = {"source_transaction": self.pick(self.world.charges, which)} if bound else {}
        destination = self.pick(self.world.accounts, seller)
        self.call("transfers.create", amount=amount, currency="usd", destination=destination, **source)

    @rule(which=_which, amount=_parts)
    def reverse(self, which: int, amount: int) -> None:
        self.call("transfers.reversals.create", self.pick(self.world.transfers, which), amount=amount)

    @rule(seller=_which, amount=_parts)
    def pay_out(self, seller: int, amount: int) -> None:
        owner = self.pick(self.world.accounts, seller)
        self.call("payouts.create", owner=owner, amount=amount, currency="usd")

    @rule(which=_which)
    def cancel_payout(self, which: int) -> None:
        payout = self.world.payouts.find(self.pick(self.world.payouts, which))
        if payout:
            self.call("payouts.cancel", payout.id, owner=payout.owner)

    @rule(seller=_which)
    def give_new_bank(self, seller: int) -> None:
        owner = self.pick(self.world.accounts, seller)
        self.call("accounts.external_accounts.create", owner, external_account="btok_us_verified")

    @rule(seconds=st.sampled_from([0, 3_600, DAY_SECONDS, 3 * DAY_SECONDS]))
    def wait(self, seconds: int) -> None:
        advance(self.world, seconds)

    @invariant()
    def money_is_conserved(self) -> None:
        assert self.world.books.conserved()

    @invariant()
    def lines_sum_to_balances(self) -> None:
        for owner in self.owners():
            lines = self.world.balance_transactions.all(owner)
            held = [self.world.books.balance(Place(owner, bucket), "usd") for bucket in ("available", "pending")]
            assert [sum(line.net_minor for line in lines if line.available is flag) for flag in (True, False)] == held

    @invariant()
    def sellers_never_owe(self) -> None:
        for owner in self.owners()[1:]:
            for bucket, _, amount_minor in self.world.books.of(owner):
                assert amount_minor >= 0, f"{owner} has {amount_minor} {bucket}"

    @invariant()
    def the_platform_owes_at_most_fees_and_what_was_refunded_after_it_was_transferred(self) -> None:
        total = self.world.books.total
        held = sum(amount_minor for _, _, amount_minor in self.world.books.of(PLATFORM))
        assert held >= -total("fee", "usd") - total("refund", "usd")
        if self.world.config.refunds_wait_for_funds:
            assert held >= -total("fee", "usd")

    @invariant()
    def no_charge_gives_more_than_it_took(self) -> None:
        for charge in self.world.charges:
            assert charge.refundable_minor >= 0
            if charge.payment_intent:
                bound = [t for t in self.world.transfers if t.source_transaction == charge.id]
                assert sum(t.reversible_minor for t in bound) == charge.amount_transferred_minor <= charge.amount_minor

    @invariant()
    def the_summary_agrees_with_the_objects(self) -> None:
        totals = summary(self.world)["currencies"].get("usd")
        if totals:
            assert totals["transferred"] == sum(transfer.amount_minor for transfer in self.world.transfers)
            assert totals["reversed"] == sum(reversal.amount_minor for reversal in self.world.reversals)
            paid = (payout.amount_minor for payout in self.world.payouts if payout.status == "paid")
            assert totals["paid_out"] == sum(paid)

    def owners(self) -> list[str]:
        records: list[Record] = list(self.world.accounts)
        return [PLATFORM, *(record.id for record in records)]


TestMarket = Market.TestCase
TestMarket.settings = settings(max_examples=100, stateful_step_count=60, deadline=None)
