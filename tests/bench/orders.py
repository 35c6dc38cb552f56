"""Orders as they pass through the services, from placing to the payout: real decisions, encoded by the real codecs.

Nothing outside is called and no message travels: each command is given what Stripe and the shop would have said.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, Final
from uuid import UUID

from libs.eventstore.codec import Codec
from libs.eventstore.ledger import Ledger
from libs.eventstore.model import Appended, Change, Meta, Unit, stream_name
from libs.ledger.decider import Decider
from services.escrow.domain import ESCROW, facts
from services.escrow.domain import commands as escrow
from services.escrow.domain.allocation import CommissionTerms, escrow_id_of, release_id_of
from services.escrow.domain.allocation import Line as Share
from services.payment import domain as payments
from services.payment.domain import order as bought
from services.payment.domain import payment, placing, report, webhook
from services.payout_scheduler import domain as payouts
from services.payout_scheduler.domain import hold, payout, seller, transfer

BOOK: Final = 1
SELLERS: Final = 1_000
PAID_EVERY_ORDERS: Final = 1_000
"""After so many orders, every seller who has money is paid."""
_NOON: Final = datetime(2026, 1, 5, 12, tzinfo=UTC)
_PRICE_MINOR: Final = 2_000
_COMMISSION: Final = CommissionTerms(basis_points=2_000, min_minor=0, max_minor=10**9)
_TERMS: Final = escrow.Terms(hold=True, commission=_COMMISSION, inspection_days=7, deliver_by_days=30, hold_days_max=90)
_CODECS: Final = {
    decider.kind: Codec[Any](decider.events)
    for decider in (
        *(payments.PAYMENT, payments.WEBHOOK, ESCROW),
        *(payouts.SELLER, payouts.HOLD, payouts.TRANSFER, payouts.PAYOUT),
    )
}


@dataclass
class Stream:
    """A stream that is being written: its state, and how many events it has."""

    decider: Decider[Any, Any, Any]
    id: UUID
    meta: Meta
    state: Any = None
    version: int = 0

    def __post_init__(self) -> None:
        self.state = self.decider.initial

    def do(self, *commands: Any) -> Unit:
        """One unit with the events that the commands, one after the other, lead to."""
        version, happened = self.version, []
        for command in commands:
            for event in self.decider.decide(command, self.state):
                self.state = self.decider.evolve(self.state, event)
                happened.append(_CODECS[self.decider.kind].encode(event))
        self.version += len(happened)
        return Unit([Change(stream_name(self.decider.kind, self.id), version, happened)], self.meta)


@dataclass
class Marketplace:
    """What a shop sells, `orders` of it to start with."""

    orders: int
    _owed_minor: dict[str, int] = field(default_factory=lambda: defaultdict(int))

    def units(self) -> Iterator[Sequence[Unit]]:
        """Units in the order in which they must be stored, by steps: no two of a step are of the same stream."""
        yield from _registered()
        for first in range(0, self.orders, PAID_EVERY_ORDERS):
            numbers = range(first, min(first + PAID_EVERY_ORDERS, self.orders))
            yield from map(list, zip(*map(self._order, numbers), strict=True))
            yield from map(list, zip(*self._payday(f"2026-{first:08}"), strict=True))

    def _order(self, number: int) -> list[Unit]:
        name, of = f"order-{number}", f"seller-{number % SELLERS}"
        meta = Meta("/holdfast/bench", None, name, f"1-{number}")
        paid = Stream(payments.PAYMENT, bought.payment_id_of(BOOK, name), meta)
        held = Stream(ESCROW, escrow_id_of(BOOK, name), meta)
        captured = report.Capture(charge=f"ch_{number}", amount_minor=_PRICE_MINOR, at=_NOON)
        units = [*_paid(paid, name, of, captured), *_notice(paid, f"evt_{number}"), _held(held, paid, of, captured)]
        [allocation] = held.state.held.allocations
        net_minor = allocation.gross_minor - allocation.commission_minor
        self._owed_minor[of] += net_minor
        waiting = hold.Held(allocation_id=allocation.allocation_id, seller=of, net_minor=net_minor)
        opened = hold.OpenHold(escrow_id=held.id, order_id=name, currency="USD", held=(waiting,), at=_NOON)
        units.append(Stream(payouts.HOLD, held.id, meta).do(opened))
        units += _released(held)
        return [*units, *_transferred(held, net_minor, captured.charge)]

    def _payday(self, slot: str) -> list[list[Unit]]:
        """Each seller's units, all of the same number."""
        due, self._owed_minor = self._owed_minor, defaultdict(int)
        return [_payout(of, amount_minor, slot) for of, amount_minor in due.items()]


def _registered() -> Iterator[list[Unit]]:
    opened = seller.Readiness(transfers_active=True, payouts_enabled=True)
    streams = [
        (name, Stream(payouts.SELLER, seller.seller_id(BOOK, name), Meta("/shop", None, name)))
        for name in (f"seller-{number}" for number in range(SELLERS))
    ]
    yield [stream.do(seller.RegisterSeller(seller=name, country="DE", at=_NOON)) for name, stream in streams]
    yield [
        stream.do(seller.NoteAccount(account_id=f"acct_{name}", readiness=opened, at=_NOON, opened=True))
        for name, stream in streams
    ]


def _paid(stream: Stream, name: str, of: str, captured: report.Capture) -> list[Unit]:
    order = bought.Order(
        order_id=name,
        buyer=bought.Buyer(id=f"buyer-{name}", country="DE"),
        currency="USD",
        rail="card",
        lines=(bought.Line(seller=of, category="books", amount_minor=_PRICE_MINOR),),
    )
    limits = bought.Limits(amount_min_minor=1, amount_max_minor=10**9)
    intent = report.IntentReport(intent_id=f"pi_{name}", created_at=_NOON, status="waiting")
    settled = report.IntentReport(intent_id=f"pi_{name}", created_at=_NOON, status="succeeded", captured=captured)
    return [
        stream.do(placing.PlaceOrder(at=_NOON, payment_id=stream.id, order=order, limits=limits)),
        stream.do(payment.RecordIntent(at=_NOON, payment_id=stream.id, report=intent)),
        stream.do(payment.RecordIntent(at=_NOON, payment_id=stream.id, report=settled)),
    ]


def _notice(paid: Stream, notice_id: str) -> list[Unit]:
    notice = webhook.Notice(
        notice_id=notice_id,
        type="payment_intent.succeeded",
        at=_NOON,
        object_id=paid.state.intent_id,
        payment_id=paid.id,
    )
    stream = Stream(payments.WEBHOOK, webhook.webhook_id_of(BOOK, notice_id), paid.meta)
    return [stream.do(webhook.Receive(notice)), stream.do(webhook.Handle(notice_id, _NOON))]


def _held(stream: Stream, paid: Stream, of: str, captured: report.Capture) -> Unit:
    return stream.do(
        escrow.HoldFunds(
            at=_NOON,
            escrow_id=stream.id,
            order_id=paid.state.order.order_id,
            payment_id=paid.id,
            currency="USD",
            amount_minor=captured.amount_minor,
            charge=captured.charge,
            lines=(Share(seller=of, amount_minor=captured.amount_minor),),
            terms=_TERMS,
        )
    )


def _released(stream: Stream) -> list[Unit]:
    arrived = facts.Delivered(at=_NOON, confirmation="COURIER_CONFIRMED", confirmed_by="courier")
    heard = escrow.HearFact(escrow_id=stream.id, order_id=stream.state.held.order_id, fact=arrived)
    return [stream.do(heard), stream.do(escrow.ReleaseDue(as_of=_NOON + timedelta(days=8)))]


def _transferred(held: Stream, net_minor: int, charge: str) -> list[Unit]:
    [allocation] = held.state.held.allocations
    release = transfer.Release(
        release_id=release_id_of(allocation.allocation_id, 1),
        allocation_id=allocation.allocation_id,
        escrow_id=held.id,
        order_id=held.state.held.order_id,
        seller=allocation.seller,
        currency="USD",
        amount_minor=net_minor,
        charge=charge,
    )
    stream = Stream(payouts.TRANSFER, release.transfer_id, held.meta)
    return [
        stream.do(transfer.RequestTransfer(release=release, at=_NOON)),
        stream.do(transfer.NoteTransferSettled(stripe_transfer=f"tr_{charge}", amount_minor=net_minor, at=_NOON)),
    ]


def _payout(of: str, amount_minor: int, slot: str) -> list[Unit]:
    claim = payout.Claim(
        payout_id=payout.payout_id(seller.seller_id(BOOK, of), "USD", slot),
        seller=of,
        account_id=f"acct_{of}",
        currency="USD",
        amount_minor=amount_minor,
        slot=slot,
    )
    stream = Stream(payouts.PAYOUT, claim.payout_id, Meta("/holdfast/payouts-due", None, of))
    return [
        stream.do(payout.StartPayout(claim=claim, at=_NOON)),
        stream.do(payout.NotePayoutSubmitted(attempt=1, stripe_payout=f"po_{of}_{slot}", at=_NOON)),
        stream.do(payout.NotePayoutPaid(attempt=1, stripe_payout=f"po_{of}_{slot}", at=_NOON)),
    ]


async def trade(ledger: Ledger, orders: int) -> int:
    """Let a marketplace write its orders into an empty book; the number of events."""
    for step in Marketplace(orders).units():
        outcomes = await ledger.store.append(step)
        assert all(isinstance(outcome, Appended) for outcome in outcomes)
    return await ledger.feed.head()
