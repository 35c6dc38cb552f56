"""Whatever happens to an order in whatever sequence, every minor unit of it is somewhere, and where we say it is."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from uuid import UUID

from hypothesis import given, settings
from hypothesis import strategies as st

from libs.eventstore.codec import Codec
from libs.eventstore.model import Recorded
from libs.ledger import chart, journal
from libs.ledger.errors import Rejected
from libs.ledger.personal import with_texts
from services.escrow.domain import ESCROW, UPCASTS
from services.escrow.domain import events as e
from services.escrow.domain.allocation import CommissionTerms, Line
from services.escrow.domain.commands import Command, HearFact, Refund
from services.escrow.domain.state import State
from tests.unit.escrow.given import (
    BANK,
    HOLD,
    NOON,
    TERMS,
    cancelled,
    charged_back,
    closed,
    delivered,
    disputed,
    hear,
    refund,
    release,
    release_now,
    settle,
    unfreeze,
    warned,
)

SELLERS = ("anna", "bert", "carl")
TOTAL_MINOR = 13_000 + 997 + 90
LINES = (
    Line(seller="anna", amount_minor=12_500, shipping_minor=500),
    Line(seller="bert", amount_minor=997),
    Line(seller="carl", amount_minor=90),  # all of it is commission, by the floor
)
THREE = replace(HOLD, amount_minor=TOTAL_MINOR, lines=LINES)
COMMISSIONS = st.sampled_from([(2_000, 100, 50_000), (2_000, 0, 30), (0, 0, 0), (10_000, 0, 10**6), (333, 1, 400)])

DAYS = st.integers(-1, 60)
SELLER = st.sampled_from([None, *SELLERS])
AMOUNT = st.one_of(st.none(), st.integers(1, 1_500), st.integers(1, 14_000))
BANKS = st.sampled_from([BANK, UUID(int=100)])
BORNE = st.sampled_from(["seller", "platform"])
FACTS = st.one_of(
    st.builds(delivered, DAYS, SELLER),
    st.builds(disputed, DAYS, SELLER),
    st.builds(cancelled, DAYS),
    st.builds(warned, DAYS),
    st.builds(
        charged_back,
        DAYS,
        st.integers(1, TOTAL_MINOR),
        stage=st.sampled_from(["inquiry", "chargeback"]),
        chargeback_id=BANKS,
        borne_by=BORNE,
    ),
    st.builds(
        closed,
        st.sampled_from(["won", "lost", "withdrawn"]),
        DAYS,
        st.integers(0, TOTAL_MINOR),
        chargeback_id=BANKS,
        borne_by=BORNE,
    ),
)
CLAIM = st.tuples(st.sampled_from(SELLERS), st.integers(1, 12_000))
"""A payout takes so much of what a seller is owed, behind the escrow's back."""
SETTLE = st.integers(0, 3)
"""The transfer of one of the claw-backs under way is reversed."""
COMMANDS = st.one_of(
    FACTS.map(hear),
    st.builds(release, DAYS),
    st.builds(release_now, DAYS, SELLER, AMOUNT),
    st.builds(refund, DAYS, SELLER, AMOUNT),
    st.builds(unfreeze, DAYS),
)
STEPS = st.lists(st.one_of(COMMANDS, COMMANDS, CLAIM, SETTLE), max_size=25)
CODEC = Codec(ESCROW.events, UPCASTS)


class Books:
    """The ledger as far as it concerns one order, and the stream of its escrow."""

    def __init__(self) -> None:
        self.balances: Counter[str] = Counter({chart.FUNDS_UNALLOCATED: -TOTAL_MINOR})
        self.events: list[e.EscrowEvent] = []
        self.state = State()

    def available_minor(self, seller: str) -> int:
        return -self.balances[chart.seller_available(seller)]

    def do(self, command: Command) -> None:
        """What is refused changes nothing."""
        if isinstance(command, HearFact | Refund):
            available = {seller: self.available_minor(seller) for seller in SELLERS}
            command = replace(command, available_minor=available)
        try:
            events = ESCROW.decide(command, self.state)
        except Rejected:
            return
        for event in events:
            journal.check(event.postings())
            for account, _, amount_minor in event.postings():
                self.balances[account] += amount_minor
            self.state = ESCROW.evolve(self.state, event)
            self.events.append(event)
            assert not isinstance(event, e.HeldEvent) or event.status == self.state.status
            self.check()

    def claim(self, seller: str, wanted_minor: int) -> None:
        taken_minor = min(wanted_minor, self.available_minor(seller))
        self.balances[chart.seller_available(seller)] += taken_minor
        self.balances[chart.PAYOUTS_IN_TRANSIT] -= taken_minor

    def settle(self, number: int) -> None:
        under_way = list(self.state.clawbacks)
        if number < len(under_way):
            self.do(settle(under_way[number]))

    def check(self) -> None:
        """No account is overdrawn that may not be, and the state says where the money is."""
        assert sum(self.balances.values()) == -TOTAL_MINOR
        for account, balance in self.balances.items():
            if account != chart.RECEIVABLE_CHARGEBACKS:  # its debit is the payment service's
                assert balance * (chart.rule(account).sign or balance) >= 0, account
        shares = self.state.shares
        assert -self.balances[chart.ESCROW_HELD] == sum(share.money.held_minor for share in shares.values())
        assert -self.balances[chart.REVENUE_COMMISSION] == sum(share.money.taken_minor for share in shares.values())
        for seller, share in shares.items():
            assert -self.balances[chart.seller_reserved(seller)] == share.reserved_minor
            money = share.money
            assert money.held_minor + money.released_minor + money.refunded_minor == share.allocation.gross_minor
        assert self.to_buyer_minor() == sum(
            share.money.refunded_minor + share.money.clawed_back_minor for share in shares.values()
        )

    def to_buyer_minor(self) -> int:
        """What left for the buyer, paid by the marketplace left out: never more than the gross amount."""
        gone_minor = -self.balances[chart.REFUNDS_PAYABLE] - self.balances[chart.RECEIVABLE_CHARGEBACKS]
        gone_minor -= self.balances[chart.EXPENSE_CHARGEBACKS]
        assert 0 <= gone_minor <= TOTAL_MINOR
        return gone_minor


@given(STEPS, COMMISSIONS, st.booleans(), st.integers(0, 3))
@settings(max_examples=100, deadline=None)
def test_any_sequence_of_what_may_happen_conserves_the_money_and_replays_equal(
    steps: list[Command | tuple[str, int] | int], terms: tuple[int, int, int], hold: bool, before: int
) -> None:
    commission = CommissionTerms(basis_points=terms[0], min_minor=terms[1], max_minor=terms[2])
    opening = replace(THREE, terms=replace(TERMS, commission=commission, hold=hold))
    books = Books()
    for step in [*steps[:before], opening, *steps[before:], opening]:
        match step:
            case int():
                books.settle(step)
            case (seller, amount_minor):
                books.claim(seller, amount_minor)
            case command:
                books.do(command)
    assert books.state.held is not None
    assert ESCROW.fold(map(stored, books.events)) == ESCROW.fold(books.events)


def stored(event: e.EscrowEvent) -> e.EscrowEvent:
    """The event as it comes back from the log."""
    new = CODEC.encode(with_texts(event, lambda _, typed: replace(typed, state="sealed")))
    recorded = Recorded(
        1,
        1,
        "escrow-x",
        1,
        new.type,
        new.schema_version,
        NOON,
        new.effective_at,
        None,
        None,
        "x",
        None,
        (),
        (),
        (),
        new.data,
        b"",
    )
    return with_texts(CODEC.decode(recorded), lambda _, typed: replace(typed, state="plain"))
