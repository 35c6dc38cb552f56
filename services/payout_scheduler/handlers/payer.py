"""Deciding how much a seller can be paid now, and claiming it. Jobs and people start payouts through here alone."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final, Protocol

from libs.eventstore.execute import Executor, Step
from libs.eventstore.model import Key, Meta
from libs.eventstore.store import Store
from libs.ledger import chart
from libs.ledger.errors import Overdrawn, Rejected
from libs.ledger.money import format_minor
from libs.settings import registry
from libs.settings.live import LiveSettings
from services.payout_scheduler.domain.amounts import payable_step_minor
from services.payout_scheduler.domain.payout import PAYOUT, Claim, StartPayout, payout_id
from services.payout_scheduler.domain.seller import SellerState, seller_id
from services.payout_scheduler.handlers.bank import Bank

JOB: Final = "payouts-due"


@dataclass(frozen=True, slots=True)
class UnderWay:
    """A seller's claimed and not yet paid money, the part of it that Stripe may not know of, and what is to be brought
    back from their balance at Stripe.
    """

    in_transit_minor: int
    unsubmitted_minor: int
    reversing_minor: int


@dataclass(frozen=True, slots=True)
class Due:
    """A seller with money in a currency whose slot is open."""

    seller: str
    currency: str
    balance_minor: int
    account_id: str
    slot: str


class Claimed(Protocol):
    async def under_way(self, seller: str, currency: str) -> UnderWay: ...


class Payer:
    """Raises what `Executor.run` raises, and what the bank raises."""

    def __init__(self, executor: Executor, store: Store, claimed: Claimed, bank: Bank, settings: LiveSettings) -> None:
        self._executor = executor
        self._store = store
        self._claimed = claimed
        self._bank = bank
        self._settings = settings

    async def pay_slot(self, due: Due, as_of: datetime) -> Claim | None:
        """Start the payout of a slot; None when too little can be paid now, or somebody else was first."""
        least_minor = self.minimum_minor(due.currency)
        if due.balance_minor < least_minor:
            return None  # without asking Stripe: most balances of most hours
        claim = self._claim(due.seller, due.account_id, due.currency, due.slot)
        amount_minor = await self.payable_minor(claim)
        return (
            await self._start(replace(claim, amount_minor=amount_minor), as_of) if amount_minor >= least_minor else None
        )

    async def pay_again(self, failed: Claim, as_of: datetime) -> Claim | None:
        """Start the next attempt at a failed payout; None when its money is not there now, or somebody else was first.

        At most what failed: money that has come since belongs to its own slot.
        """
        amount_minor = min(failed.amount_minor, await self.payable_minor(failed))
        if amount_minor < min(failed.amount_minor, self.minimum_minor(failed.currency)):
            return None
        return await self._start(replace(failed, amount_minor=amount_minor, attempt=failed.attempt + 1), as_of)

    async def pay_on_demand(
        self, state: SellerState, currency: str, amount_minor: int | None, key: Key, meta: Meta, at: datetime
    ) -> Claim:
        """Start a payout that somebody asked for, all that can be paid unless they say how much. The key is its slot.

        Asked again with the same key, it is the same payout. Raises `Rejected` (`seller_not_ready`, `below_minimum`,
        `not_payable`), `KeyReused`, and `Overdrawn` when the money was claimed meanwhile.
        """
        seller, account_id = state.seller or "", state.account_id or ""
        claim = self._claim(seller, account_id, currency, key.value)
        if await self._store.find(key):
            return claim
        if not state.readiness.ready:
            raise Rejected(
                f"Stripe cannot pay {seller} yet; GET /sellers/{seller} tells what it still asks for.",
                code="seller_not_ready",
            )
        payable_minor = await self.payable_minor(claim)
        wanted_minor = payable_minor if amount_minor is None else amount_minor
        if wanted_minor > payable_minor:
            raise Rejected(
                f"{format_minor(payable_minor, currency)} {currency} can be paid out now; ask for less, or later.",
                code="not_payable",
                payable_minor=payable_minor,
            )
        if wanted_minor % (step_minor := payable_step_minor(currency)):
            raise Rejected(
                f"Stripe pays out {currency} in whole units only; ask for a multiple of {step_minor}.",
                code="not_whole",
                step_minor=step_minor,
            )
        if wanted_minor < (least_minor := self.minimum_minor(currency)):
            raise Rejected(
                f"A payout is {format_minor(least_minor, currency)} {currency} at least; the balance is carried over.",
                code="below_minimum",
                minimum_minor=least_minor,
                payable_minor=payable_minor,
            )
        claim = replace(claim, amount_minor=wanted_minor)
        await self._executor.run(Step(PAYOUT, claim.payout_id, StartPayout(claim=claim, at=at)), meta=meta, key=key)
        return claim

    async def payable_minor(self, claim: Claim) -> int:
        """What we owe the seller, what was transferred for them, what Stripe can pay out now: the least of these.

        Money in payouts under way is still in the seller's Stripe balance by our books, and by Stripe's too as long as
        it has not heard of the payout. Money that the seller owes us, that is reserved, or that is to be brought back,
        is there as well and must not leave.
        """
        seller, currency = claim.seller, claim.currency
        available = -await self._store.balance(chart.seller_available(seller), currency)
        reserved = -await self._store.balance(chart.seller_reserved(seller), currency)
        owed = await self._store.balance(chart.receivable_seller(seller), currency)
        connected = await self._store.balance(chart.stripe_connected(seller), currency)
        under_way = await self._claimed.under_way(seller, currency)
        transferred = connected - under_way.in_transit_minor - under_way.reversing_minor - reserved
        ours = min(available - owed, transferred)
        if ours <= 0:
            return 0
        at_stripe = await self._bank.available_minor(claim.account_id, currency)
        payable = max(0, min(ours, at_stripe - under_way.unsubmitted_minor - under_way.reversing_minor))
        return payable - payable % payable_step_minor(currency)

    def minimum_minor(self, currency: str) -> int:
        """Below this a balance is carried over. Zero still means: nothing is not paid."""
        return max(1, registry.amount_in(self._settings.get(registry.PAYOUT_MINIMUM), currency))

    async def _start(self, claim: Claim, as_of: datetime) -> Claim | None:
        meta = Meta(JOB, f"due at {as_of.isoformat()}", correlation_id=str(claim.payout_id))
        try:
            done = await self._executor.run(
                Step(PAYOUT, claim.payout_id, StartPayout(claim=claim, at=as_of)), meta=meta
            )
        except Overdrawn:
            return None  # another payout claimed the money after we had looked
        return claim if done.events else None

    def _claim(self, seller: str, account_id: str, currency: str, slot: str) -> Claim:
        return Claim(
            payout_id=payout_id(seller_id(self._store.book, seller), currency, slot),
            seller=seller,
            account_id=account_id,
            currency=currency,
            amount_minor=0,
            slot=slot,
        )
