"""Whatever is called in whatever order, money is moved and never made, and nobody goes below what Stripe allows."""

from collections.abc import Callable
from typing import Any

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from libs.devstack.stripe_twin import charging, disputing, onboarding, refunding
from libs.devstack.stripe_twin.books import PLATFORM, Place
from libs.devstack.stripe_twin.calls import ROUTES, payouts
from libs.devstack.stripe_twin.config import DAY_SECONDS, TwinConfig
from libs.devstack.stripe_twin.errors import StripeRefusal
from libs.devstack.stripe_twin.passing import advance, catch_up
from libs.devstack.stripe_twin.routing import Answer, Call
from libs.devstack.stripe_twin.summary import summary
from libs.devstack.stripe_twin.tables import R, Record, Table
from libs.devstack.stripe_twin.world import World

_HANDLERS = {route.name: route.handler for route in ROUTES}
_CARDS = ["pm_card_visa"] * 6 + [
    "pm_card_chargeDeclined", "pm_card_threeDSecure2Required", "pm_card_bypassPending", "pm_card_createDispute",
    "pm_card_createDisputeInquiry", "pm_card_createIssuerFraudRecord", "pm_card_pendingRefund", "pm_card_refundFail",
    "pm_usBankAccount_success", "pm_usBankAccount_insufficientFunds", "pm_usBankAccount_dispute",
]  # fmt: skip
_TEXTS = ["winning_evidence", "losing_evidence", "escalate_inquiry_evidence", "The parcel was delivered."]
_ACCEPTED = {"customer_acceptance": {"type": "offline"}}
# mostly small beside a payment, so that calls often succeed and their limits are met after several
_parts = st.one_of(st.integers(1, 2_000), st.integers(-5, 12_000))
_which = st.integers(0, 50)


class Market(RuleBasedStateMachine):
    @initialize(
        wait=st.booleans(), delay=st.sampled_from([0, 2 * DAY_SECONDS]), payout_return=st.sampled_from([0, DAY_SECONDS])
    )
    def open(self, *, wait: bool, delay: int, payout_return: int) -> None:
        config = TwinConfig(
            start=1_000_000,
            ticking=False,
            settlement_seconds=delay,
            refunds_wait_for_funds=wait,
            payout_return_seconds=payout_return,
        )
        self.world = World(config)
        for bank in ("000123456789", "000111111116"):
            account = self.call("accounts.create", type="express", capabilities={"transfers": {"requested": True}})
            assert isinstance(account, dict)
            onboarding.complete(self.world, self.world.account(account["id"]), bank)
        for amount_minor in (5_000, 8_000):
            self.pay(amount_minor, "pm_card_visa")
        # sellers that have something to pay out, so that what happens to payouts happens often
        for seller in (0, 1):
            self.transfer(seller, seller, 3_000, bound=True)
        advance(self.world, 3 * DAY_SECONDS)
        for seller in (0, 1):
            self.pay_out(seller, 1_000)

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

    def pick(self, table: Table[R], which: int) -> str:
        record = self.found(table, which)
        return record.id if record else "none"

    def found(self, table: Table[R], which: int) -> R | None:
        records = list(table)
        return records[which % len(records)] if records else None

    @rule(amount=st.integers(40, 12_000), card=st.sampled_from(_CARDS))
    def pay(self, amount: int, card: str) -> None:
        self.call(
            "payment_intents.create",
            amount=amount, currency="usd", confirm=True, payment_method=card, use_stripe_sdk=True,
            mandate_data=_ACCEPTED,
        )  # fmt: skip

    @rule(which=_which, succeeds=st.booleans())
    def authenticate(self, which: int, *, succeeds: bool) -> None:
        if intent := self.found(self.world.payment_intents, which):
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
        if payout := self.found(self.world.payouts, which):
            self.call("payouts.cancel", payout.id, owner=payout.owner)

    @rule(seller=_which)
    def give_new_bank(self, seller: int) -> None:
        owner = self.pick(self.world.accounts, seller)
        self.call("accounts.external_accounts.create", owner, external_account="btok_us_verified")

    @rule(which=_which, amount=st.one_of(st.none(), _parts), inquiry=st.booleans())
    def contest(self, which: int, amount: int | None, *, inquiry: bool) -> None:
        if charge := self.found(self.world.charges, which):
            self.attempt(lambda: disputing.open_dispute(self.world, charge, amount, inquiry=inquiry))

    @rule(which=_which, text=st.sampled_from(_TEXTS), submit=st.booleans())
    def answer(self, which: int, text: str, *, submit: bool) -> None:
        dispute = self.pick(self.world.disputes, which)
        self.call("disputes.update", dispute, evidence={"uncategorized_text": text}, submit=submit)

    @rule(which=_which)
    def accept(self, which: int) -> None:
        self.call("disputes.close", self.pick(self.world.disputes, which))

    @rule(which=_which, won=st.booleans())
    def decide(self, which: int, *, won: bool) -> None:
        if dispute := self.found(self.world.disputes, which):
            self.attempt(lambda: disputing.decide(self.world, dispute, won=won))

    @rule(which=_which)
    def escalate(self, which: int) -> None:
        if dispute := self.found(self.world.disputes, which):
            self.attempt(lambda: disputing.escalate(self.world, dispute))

    @rule(which=_which)
    def fail_refund(self, which: int) -> None:
        if refund := self.found(self.world.refunds, which):
            self.attempt(lambda: refunding.fail(self.world, refund, "declined"))

    @rule(which=_which)
    def bounce(self, which: int) -> None:
        if payout := self.found(self.world.payouts, which):
            self.attempt(lambda: payouts.bounce(self.world, payout, "account_closed"))

    @rule(seconds=st.sampled_from([0, 3_600, DAY_SECONDS, 3 * DAY_SECONDS, 9 * DAY_SECONDS]))
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
    def the_platform_owes_at_most_what_banks_took_and_what_it_refunded_after_it_was_transferred(self) -> None:
        total = self.world.books.total
        held = sum(amount_minor for _, _, amount_minor in self.world.books.of(PLATFORM))
        taken = total("fee", "usd") + total("dispute", "usd") + total("dispute_fee", "usd")
        assert held >= -taken - total("refund", "usd")
        if self.world.config.refunds_wait_for_funds:
            assert held >= -taken

    @invariant()
    def a_dispute_took_its_amount_and_fee_unless_it_was_won_or_asked_only(self) -> None:
        fee_minor = self.world.config.dispute_fee_minor
        for dispute in self.world.disputes:
            taken_minor = -sum(line.net_minor for line in dispute.lines)
            expected = {True: dispute.amount_minor + fee_minor, False: 0 if dispute.is_inquiry else fee_minor}
            assert taken_minor == expected[dispute.holds_money], dispute
        for charge in self.world.charges:
            disputes = self.world.disputes.where(charge.owner, "charge", charge.id)
            assert charge.disputed == bool(disputes)
            assert sum(d.amount_minor for d in disputes if d.holds_money) <= charge.amount_minor

    @invariant()
    def a_charge_counts_the_refunds_that_stand(self) -> None:
        for charge in self.world.charges:
            refunds = self.world.refunds.where(charge.owner, "charge", charge.id)
            stand = [refund for refund in refunds if refund.status != "failed"]
            assert charge.amount_refunded_minor == sum(r.amount_minor for r in stand if r.balance_transaction)
            assert charge.amount_refunding_minor == sum(r.amount_minor for r in stand if not r.balance_transaction)

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
            refunds = (refund for refund in self.world.refunds if refund.payment_intent and refund.status != "failed")
            assert totals["refunded"] == sum(refund.amount_minor for refund in refunds if refund.balance_transaction)
            held = (dispute.amount_minor for dispute in self.world.disputes if dispute.holds_money)
            assert totals["disputed"] == sum(held)

    def owners(self) -> list[str]:
        records: list[Record] = list(self.world.accounts)
        return [PLATFORM, *(record.id for record in records)]


TestMarket = Market.TestCase
TestMarket.settings = settings(max_examples=100, stateful_step_count=60, deadline=None)
