"""A day at random: what shops, buyers, banks, sellers and people may do to a market, whatever state it is in.

Whom something happens to is picked from what the twin knows, which is ahead of what we have heard. What we refuse is
refused; nothing may break.
"""

from __future__ import annotations

import random
from collections.abc import Awaitable, Callable, Sequence
from http import HTTPStatus
from typing import Any, Final, TypeVar

from contracts.events.base import Message
from contracts.events.orders import OrderCancelled, OrderDelivered, OrderDisputed
from libs.devstack.stripe_twin.books import PLATFORM
from libs.devstack.stripe_twin.faults import FaultKind
from libs.devstack.stripe_twin.mishaps import Pausable
from libs.devstack.stripe_twin.objects.account import Account
from services.escrow.domain.allocation import escrow_id_of
from services.payment.domain.chargeback_events import chargeback_id_of
from services.payment.domain.order import payment_id_of
from tests.integration.cards.market import Market

SELLERS: Final = ("ann", "bob", "cid", "dot")
CARDS: Final = (
    *("pm_card_visa",) * 8,
    "pm_card_chargeDeclined",
    "pm_card_threeDSecure2Required",
    "pm_card_pendingRefund",
    "pm_card_refundFail",
    "pm_card_createDispute",
    "pm_usBankAccount_success",
)
CALLS: Final = (
    *("accounts.retrieve", "balance.retrieve", "disputes.update", "payment_intents.create", "payment_intents.retrieve"),
    *("payouts.create", "refunds.create", "refunds.list", "transfers.create", "transfers.list"),
    "transfers.reversals.create",
)
TROUBLES: Final[tuple[FaultKind, ...]] = ("error_500", "error_500_after_effect", "error_503", "lock_timeout_429")
RESTRICTIONS: Final[tuple[tuple[Pausable, ...], ...]] = (("transfers",), ("payouts",), ())
GOOD_BANK: Final = "000123456789"

T = TypeVar("T")


class Walk:
    """One walk through a market. Every step is one of `STEPS`; a picked nobody makes it an empty one."""

    def __init__(self, market: Market, chance: random.Random) -> None:
        self.market = market
        self.chance = chance
        self.orders: list[str] = []
        self.world = market.twin.world

    # -- the shop

    async def place(self) -> None:
        order = f"w{len(self.orders) + 1}"
        self.orders.append(order)
        sellers = self.chance.sample(SELLERS, self.chance.choice((1, 1, 2)))
        lines = [(seller, self.chance.randrange(500, 30_000)) for seller in sellers]
        await self.market.place(order, *lines, buyer=f"buyer-{len(self.orders) // 5}")

    async def deliver(self) -> None:
        await self._tell(
            lambda order: OrderDelivered(
                order_id=order,
                confirmation="BUYER_CONFIRMED",
                confirmed_by="buyer",
                delivered_at=self.market.now,
            )
        )

    async def cancel(self) -> None:
        await self._tell(lambda order: OrderCancelled(order_id=order, cancelled_by="shop", reason="sold out"))

    async def dispute(self) -> None:
        await self._tell(lambda order: OrderDisputed(order_id=order, opened_by="buyer", reason="broken"))

    async def _tell(self, message: Callable[[str], Message]) -> None:
        if order := self._pick(self.orders):
            await self.market.tell(message(order))

    # -- buyers and their banks

    async def pay(self) -> None:
        waiting = [intent for intent in self.world.payment_intents if intent.status == "requires_payment_method"]
        if intent := self._pick(waiting[-8:]):
            await self.market.twin.confirm(intent.id, self.chance.choice(CARDS))

    async def authenticate(self) -> None:
        asked = [intent for intent in self.world.payment_intents if intent.status == "requires_action"]
        if intent := self._pick(asked):
            await self.market.twin.authenticate(intent.id, succeeds=self.chance.random() < 0.8)

    async def contest(self) -> None:
        paid = [
            charge
            for charge in self.world.charges.all(PLATFORM)
            if charge.status == "succeeded" and charge.by_card and not charge.disputed
        ]
        if charge := self._pick(paid[1:]):
            part = self.chance.choice((None, self.chance.randrange(1, charge.amount_minor)))
            await self.market.twin.open_dispute(charge.id, part, inquiry=self.chance.random() < 0.3)

    async def decide(self) -> None:
        if dispute := self._pick([dispute for dispute in self.world.disputes if dispute.is_open]):
            if dispute.is_inquiry and self.chance.random() < 0.5:
                await self.market.twin.escalate_dispute(dispute.id)
            else:
                await self.market.twin.close_dispute(dispute.id, won=self.chance.random() < 0.5)

    async def warn(self) -> None:
        if charge := self._pick([charge for charge in self.world.charges.all(PLATFORM) if charge.by_card][1:]):
            await self.market.twin.warn_of_fraud(charge.id)

    async def send_refund_back(self) -> None:
        refunds = [refund for refund in self.world.refunds.all(PLATFORM) if refund.status != "failed"]
        if refund := self._pick(refunds):
            await self.market.twin.fail_refund(refund.id)

    # -- sellers and their banks

    async def bounce(self) -> None:
        if payout := self._pick([payout for payout in self.world.payouts if payout.status in ("in_transit", "paid")]):
            await self.market.twin.bounce_payout(payout.id, payout.owner)

    async def restrict(self) -> None:
        if account := self._account():
            await self.market.twin.restrict_account(account.id, self.chance.choice(RESTRICTIONS))

    async def renew(self) -> None:
        """A seller gives Stripe all it asks for, another bank account included."""
        if account := self._account():
            await self.market.twin.complete_account(account.id, GOOD_BANK)

    # -- people

    async def release(self) -> None:
        await self._escrow("releases")

    async def refund(self) -> None:
        await self._escrow("refunds")

    async def _escrow(self, what: str) -> None:
        if order := self._pick(self.orders):
            body: dict[str, Any] = {"reason": "asked for"}
            if self.chance.random() < 0.4:
                body |= {"seller": self.chance.choice(SELLERS), "amount_minor": self.chance.randrange(1, 8_000)}
            await self._post(f"/escrows/{escrow_id_of(1, order)}/{what}", body)

    async def unfreeze(self) -> None:
        if warning := self._pick(list(self.world.fraud_warnings)):
            order = self.world.charges.get(PLATFORM, warning.charge).transfer_group or ""
            body = {"cause_id": warning.id, "reason": "looked into"}
            await self._post(f"/escrows/{escrow_id_of(1, order)}/unfreeze", body)

    async def retry_refund(self) -> None:
        if refund := self._pick([refund for refund in self.world.refunds.all(PLATFORM) if refund.status == "failed"]):
            names = refund.metadata
            await self._post(f"/payments/{names['payment_id']}/refunds/{names['refund_id']}/retry", {})

    async def answer_the_bank(self) -> None:
        if dispute := self._pick([dispute for dispute in self.world.disputes if dispute.awaits_answer]):
            payment_id = payment_id_of(1, self.world.charges.get(PLATFORM, dispute.charge).transfer_group or "")
            path = f"/payments/{payment_id}/chargebacks/{chargeback_id_of(payment_id, dispute.id)}"
            texts = {"uncategorized_text": self.chance.choice(("winning_evidence", "losing_evidence", "a receipt"))}
            if self.chance.random() < 0.3:
                await self._post(f"{path}/accept", {})
            else:
                await self._post(f"{path}/evidence", {"texts": texts, "submit": self.chance.random() < 0.7})

    async def pay_out(self) -> None:
        await self._post("/payouts", {"seller": self.chance.choice(SELLERS), "currency": "USD"})

    async def _post(self, path: str, body: dict[str, Any]) -> None:
        answer = await self.market.post(path, body)
        assert answer.status_code != HTTPStatus.INTERNAL_SERVER_ERROR, answer.text

    # -- time and trouble

    async def trouble(self) -> None:
        await self.market.twin.fault(self.chance.choice(CALLS), self.chance.choice(TROUBLES))

    async def lose_webhooks(self) -> None:
        self.market.webhooks_lost = True

    async def sweep(self) -> None:
        self.market.webhooks_lost = False
        await self.market.job("sweep-events")

    async def turn(self) -> None:
        await self.market.turn()

    async def pass_time(self) -> None:
        """Hours or days. What was lost is found first: Stripe's log is looked at for three days back."""
        if self.market.webhooks_lost:
            await self.sweep()
        await self.market.later(hours=self.chance.choice((1, 8, 26, 50)))
        await self.market.turn()

    async def run_jobs(self) -> None:
        for job in ("release-due", "expire-due"):
            await self.market.job(job)

    # -- the end

    async def come_to_rest(self) -> None:
        """Everybody does what others wait for, and time passes."""
        self.market.paused = False
        await self.market.twin.clear_faults()
        await self.sweep()
        for account in self.world.accounts:
            await self.market.twin.complete_account(account.id, GOOD_BANK)
        for dispute in [dispute for dispute in self.world.disputes if dispute.is_open]:
            await self.market.twin.close_dispute(dispute.id, won=self.chance.random() < 0.5)
        for _ in range(8):
            await self.market.later(hours=26)
            await self.market.job("sweep-events")

    def _pick(self, among: Sequence[T]) -> T | None:
        return self.chance.choice(among) if among else None

    def _account(self) -> Account | None:
        return self._pick(list(self.world.accounts))


Step = Callable[[Walk], Awaitable[None]]
STEPS: Final[dict[Step, int]] = {
    Walk.place: 8,
    Walk.pay: 10,
    Walk.authenticate: 2,
    Walk.deliver: 3,
    Walk.cancel: 1,
    Walk.dispute: 1,
    Walk.contest: 1,
    Walk.decide: 2,
    Walk.warn: 1,
    Walk.unfreeze: 1,
    Walk.send_refund_back: 1,
    Walk.retry_refund: 1,
    Walk.release: 10,
    Walk.refund: 6,
    Walk.answer_the_bank: 1,
    Walk.pay_out: 4,
    Walk.bounce: 1,
    Walk.restrict: 1,
    Walk.renew: 2,
    Walk.trouble: 3,
    Walk.lose_webhooks: 1,
    Walk.sweep: 1,
    Walk.turn: 24,
    Walk.pass_time: 2,
    Walk.run_jobs: 1,
}
"""With their weights."""
