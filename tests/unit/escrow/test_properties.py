"""Laws of the escrow: facts in any order end the same, and no cent is lost or moved twice."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from libs.ledger import journal
from libs.ledger.errors import Rejected
from services.escrow.domain import events as e
from services.escrow.domain.allocation import CommissionTerms, Line, allocate
from services.escrow.domain.commands import Command, HearFact, ReleaseDue
from services.escrow.domain.escrow import ESCROW
from services.escrow.domain.facts import Delivered, Fact
from services.escrow.domain.state import State
from tests.unit.escrow.given import ESCROW_ID, HOLD, cancelled, day, delivered, disputed, hear

CONFIRMATIONS = st.sampled_from(["BUYER_CONFIRMED", "COURIER_CONFIRMED", "AUTO_CONFIRMED"])
SELLERS = st.sampled_from([None, "anna", "bert", "carl"])  # carl has no part in it
DAYS = st.integers(-2, 4)
DELIVERED: st.SearchStrategy[Delivered] = st.builds(
    lambda on, seller, confirmation: delivered(on, seller, confirmation=confirmation), DAYS, SELLERS, CONFIRMATIONS
)
FACTS: st.SearchStrategy[Fact] = st.one_of(DELIVERED, st.builds(disputed, DAYS, SELLERS), st.builds(cancelled, DAYS))
MESSAGES = st.lists(FACTS.map(hear), max_size=6)
RUNS = st.integers(0, 60).map(lambda number: ReleaseDue(as_of=day(number)))


def _heard(commands: Sequence[Command]) -> list[e.EscrowEvent]:
    """The events of these commands; what is refused is dead-lettered and changes nothing."""
    events: list[e.EscrowEvent] = []
    for command in commands:
        try:
            events += ESCROW.decide(command, ESCROW.fold(events))
        except Rejected as refusal:
            if refusal.code not in {"unknown_seller", "already_released"}:
                raise
    return events


@st.composite
def shuffled(draw: st.DrawFn) -> tuple[list[HearFact], list[Command]]:
    """Some messages, and the same with the capture among them: in another order, some of them more than once."""
    messages = draw(MESSAGES)
    everything: list[Command] = [HOLD, *messages]
    again = draw(st.lists(st.sampled_from(everything), max_size=4))
    return messages, draw(st.permutations([*everything, *again]))


@given(shuffled())
def test_messages_in_any_order_and_number_end_the_same(case: tuple[list[HearFact], list[Command]]) -> None:
    messages, received = case
    in_order = ESCROW.fold(_heard([HOLD, *messages]))
    assert ESCROW.fold(_heard(received)) == in_order
    # and so does what the clock makes of it
    assert _settle(_heard(received)) == _settle(_heard([HOLD, *messages]))


@given(shuffled())
def test_a_message_heard_before_has_nothing_left_to_do(case: tuple[list[HearFact], list[Command]]) -> None:
    _, received = case
    events = _heard(received)
    assert _heard([*received, *received]) == events


def _settle(events: list[e.EscrowEvent]) -> State:
    return ESCROW.fold(ESCROW.decide(ReleaseDue(as_of=day(100)), ESCROW.fold(events)), ESCROW.fold(events))


@given(st.lists(st.one_of(FACTS.map(hear), RUNS, st.just(HOLD)), max_size=15), st.booleans())
def test_at_every_moment_held_released_and_refunded_come_to_what_was_captured(
    commands: list[Command], enabled: bool
) -> None:
    opening = replace(HOLD, terms=replace(HOLD.terms, hold=enabled))
    balances: Counter[str] = Counter()
    state = State()
    for event in _heard([opening if command is HOLD else command for command in commands]):
        journal.check(event.postings())
        for account, _, amount_minor in event.postings():
            balances[account] += amount_minor
        state = ESCROW.evolve(state, event)
        if isinstance(event, e.HeldEvent):
            _conserved(state, event, balances)


def _conserved(state: State, event: e.HeldEvent, balances: Counter[str]) -> None:
    funds = [share.money for share in state.shares.values()]
    held_minor = sum(money.held_minor for money in funds)
    released_minor = sum(money.released_minor for money in funds)
    refunded_minor = sum(money.refunded_minor for money in funds)
    to_sellers_minor = balances["seller:anna:available"] + balances["seller:bert:available"]
    assert held_minor + released_minor + refunded_minor == HOLD.amount_minor
    assert -balances["escrow:held"] == held_minor
    assert -(to_sellers_minor + balances["revenue:commission"]) == released_minor
    assert -balances["refunds:payable"] == refunded_minor
    assert event.status == state.status, "an event carries the status that it leads to"


@given(st.permutations([delivered(1), disputed(2, "anna"), cancelled(3)]))
def test_each_allocation_leaves_the_escrow_once(facts: list[Fact]) -> None:
    runs = [ReleaseDue(as_of=day(number)) for number in (8, 8, 40, 90)]
    events = _heard([HOLD, *map(hear, facts[:2]), *runs, *map(hear, facts[2:]), *runs])
    left: Counter[str] = Counter()
    for event in events:
        if isinstance(event, e.AllocationReleased):
            left[event.seller] += 1
        if isinstance(event, e.EscrowRefunded):
            left.update(event.sellers)
    assert set(left.values()) <= {1}


AMOUNTS = st.integers(1, 10**24)
LINES = st.lists(
    st.builds(Line, seller=st.sampled_from("abcd"), amount_minor=AMOUNTS, shipping_minor=st.integers(0, 10**6)),
    min_size=1,
    max_size=12,
)
COMMISSIONS = st.builds(
    lambda basis_points, floor, more: CommissionTerms(
        basis_points=basis_points, min_minor=floor, max_minor=floor + more
    ),
    st.integers(0, 10_000),
    st.integers(0, 10**6),
    st.integers(0, 10**6),
)


@given(LINES, COMMISSIONS)
def test_allocations_come_to_the_total_and_no_commission_exceeds_its_allocation(
    lines: list[Line], terms: CommissionTerms
) -> None:
    allocations = allocate(ESCROW_ID, lines, terms)
    assert sum(a.gross_minor for a in allocations) == sum(line.amount_minor + line.shipping_minor for line in lines)
    assert len({a.seller for a in allocations}) == len(allocations)
    assert all(0 <= a.commission_minor <= a.gross_minor for a in allocations)
