"""Released money that comes back from its seller, whatever has become of its transfer."""

from __future__ import annotations

import asyncio
import random

import pytest

from contracts.events.base import Message
from contracts.events.payouts import TransferNetted, TransferReversed
from libs.devstack.stripe_twin.faults import FaultKind
from libs.ledger.journal import Postings, entry
from tests.integration.payout_scheduler.desk import Desk, now
from tests.integration.payout_scheduler.test_unknown import SILENCES, dies_at_work, resolve

SWIFT: list[FaultKind] = ["error_500_after_effect", "error_500", "error_503"]  # no waiting for an answer
STARTED = ["ReversalRequested", "ReversalStarted"]
BACK = [*STARTED, "TransferReversed", "ReversalTold"]


def _debt(amount_minor: int) -> Postings:
    """What a seller who was paid long ago owes for a refund."""
    return entry("USD", debit={"receivable:seller:anna": amount_minor}, credit={"refunds:payable": amount_minor})


async def _told(desk: Desk) -> list[tuple[int, int]]:
    """Amount and what is short of each clawback, as others hear it."""
    heard = await desk.announced(TransferReversed)
    return [(each.amount_minor, each.short_minor) for each in heard if isinstance(each, TransferReversed)]


async def _agree(desk: Desk, seller: str = "anna") -> None:
    """By our books and by Stripe's, the seller has there what we owe them; nothing was lost on the way."""
    connected = await desk.balance(f"stripe:connected:{seller}")
    assert connected == -await desk.balance(f"seller:{seller}:available")
    account = desk.twin.world.accounts.get("platform", (await desk.seller(seller))["account_id"])
    assert sum(amount for _, _, amount in desk.twin.world.books.of(account.id)) == connected
    assert desk.twin.world.books.conserved()


async def test_what_was_transferred_is_reversed_and_told_once(desk: Desk) -> None:
    await desk.ready()
    await desk.release("A-1", "anna", 10_000)
    message = await desk.claw_back("A-1", "anna", 4_000)
    await desk.receive(message)
    await desk.work()
    assert await desk.events_of("reversal") == BACK
    assert await _told(desk) == [(4_000, 0)]
    assert desk.twin_reversed() == 4_000
    assert await desk.balance("stripe:platform") == 5_000
    [clawback] = await desk.clawbacks(seller="anna", status="done")
    assert (clawback["reversed_minor"], clawback["left_minor"], clawback["receivable_minor"]) == (4_000, 0, 0)
    assert await desk.work_left() == []
    await _agree(desk)


async def test_the_newest_transfer_is_reversed_first_and_none_beyond_what_it_brought(desk: Desk) -> None:
    await desk.ready()
    charge = await desk.charge("A-1", 10_000)
    await desk.release("A-1", "anna", 4_000, charge=charge)
    await desk.release("A-1", "anna", 6_000, charge=charge, part=2)
    for amount in (3_000, 4_000):
        await desk.claw_back("A-1", "anna", amount)
        await desk.work()
    first, second = desk.twin.world.transfers
    assert (first.amount_reversed_minor, second.amount_reversed_minor) == (1_600, 5_400)
    assert await _told(desk) == [(3_000, 0), (4_000, 0)]
    await _agree(desk)


async def test_clawbacks_at_once_never_take_more_than_a_transfer_brought(desk: Desk) -> None:
    await desk.ready()
    await desk.release("A-1", "anna", 10_000)
    for amount in (2_000, 3_000, 4_000):
        await desk.claw_back("A-1", "anna", amount)
    await desk.work()
    assert sorted(await _told(desk)) == [(2_000, 0), (3_000, 0), (4_000, 0)]
    assert desk.twin_reversed() == 9_000
    await _agree(desk)


async def test_what_a_seller_no_longer_has_is_short_shown_and_brought_back_when_they_have_it(desk: Desk) -> None:
    await desk.ready()
    await desk.release("A-1", "anna", 10_000)
    await desk.by_hand("anna", 5_000)
    await desk.claw_back("A-1", "anna", 9_000)
    await desk.work()
    assert await _told(desk) == [(4_000, 5_000)]
    [clawback] = await desk.clawbacks(status="short")
    assert (clawback["left_minor"], clawback["reversed_minor"]) == (5_000, 4_000)
    assert "sufficient funds" in clawback["reason"]
    assert clawback["retry_at"] is not None

    await desk.release("A-2", "anna", 10_000)
    assert (await desk.payouts_due())["paid_minor"] == {"USD": 4_000}, "what is owed back does not leave"
    await desk.later()
    [clawback] = await desk.clawbacks()
    assert (clawback["status"], clawback["reversed_minor"]) == ("done", 9_000)
    assert await _told(desk) == [(4_000, 5_000)], "told once"
    made = [(reversal.metadata["number"], reversal.amount_minor) for reversal in desk.twin.world.reversals]
    assert made == [("2", 4_000), ("3", 5_000)]


async def test_a_debt_is_netted_out_of_the_next_releases_and_only_the_rest_is_transferred(desk: Desk) -> None:
    await desk.ready()
    await desk.release("A-1", "anna", 10_000)
    await desk.payouts_due()
    await desk.pass_days(3)
    await desk.claw_back("A-1", "anna", 9_000)
    await desk.work()
    assert await _told(desk) == [(0, 0)], "nothing of it is there to bring back"
    assert (await desk.wallet())["owed"] == 9_000
    await desk.release("A-2", "anna", 5_000)
    assert (await desk.events_of("transfer"))[2:] == ["ReceivableNetted"], "nothing is left to transfer"
    await desk.release("A-3", "anna", 10_000)
    assert (await desk.events_of("transfer"))[3:] == ["ReceivableNetted", "TransferRequested", "TransferSettled"]
    heard = await desk.announced(TransferNetted)
    assert [each.amount_minor for each in heard if isinstance(each, TransferNetted)] == [4_500, 4_500]
    wallet = await desk.wallet()
    assert (wallet["available"], "owed" in wallet) == (4_500, False)
    assert await desk.balance("receivable:seller:anna") == 0
    await _agree(desk)


async def test_releases_at_once_pay_a_debt_once(desk: Desk) -> None:
    await desk.ready()
    await desk.post("escrow", now(), _debt(5_000))
    messages = [await desk.announce_release(f"A-{n}", "anna", 4_000, heard=False) for n in range(4)]
    await asyncio.gather(*(desk.receive(message) for message in messages))
    await desk.work()
    heard = await desk.announced(TransferNetted)
    assert sum(each.amount_minor for each in heard if isinstance(each, TransferNetted)) == 5_000
    assert await desk.balance("receivable:seller:anna") == 0
    await _agree(desk)


async def test_payouts_leave_alone_what_is_owed_or_reserved(desk: Desk) -> None:
    await desk.ready()
    await desk.release("A-1", "anna", 10_000)
    await desk.post("escrow", now(), _debt(2_000))
    reserve = {"seller:anna:available": 3_000}
    await desk.post("escrow", now(), entry("USD", debit=reserve, credit={"seller:anna:reserved": 3_000}))
    await desk.announce_release("A-2", "anna", 1_000, heard=False)
    wallet = await desk.wallet()
    assert (wallet["available"], wallet["owed"], wallet["reserved"]) == (6_900, 2_000, 3_000)
    assert (await desk.payouts_due())["paid_minor"] == {"USD": 4_900}


async def test_what_waits_for_its_seller_is_kept_and_the_rest_transferred(desk: Desk) -> None:
    await desk.register()
    await desk.release("A-1", "anna", 10_000)
    await desk.claw_back("A-1", "anna", 4_000)
    await desk.work()
    assert await _told(desk) == [(0, 0)], "nothing is missing: the money is the platform's still"
    [waiting] = (await desk.seller())["waiting"]
    assert (waiting["amount_minor"], waiting["status"]) == (5_000, "requested")
    await desk.onboard()
    assert [transfer.amount_minor for transfer in desk.twin.world.transfers] == [5_000]
    await _agree(desk)


async def test_what_is_clawed_back_whole_before_it_moved_is_withdrawn(desk: Desk) -> None:
    await desk.register()
    await desk.release("A-1", "anna", 10_000)
    await desk.claw_back("A-1", "anna", 9_000)
    await desk.work()
    assert await desk.events_of("transfer") == ["TransferRequested", "TransferKeptBack", "TransferWithdrawn"]
    assert (await desk.seller())["waiting"] == []
    assert await desk.work_left() == []
    await desk.onboard()
    assert desk.transfers_made() == 0
    assert await _told(desk) == [(0, 0)]


@pytest.mark.parametrize("hours", [0, 25])
@pytest.mark.parametrize("net", [4_000, 9_000])
async def test_what_moved_although_it_was_to_be_kept_is_reversed(desk: Desk, net: int, hours: int) -> None:
    await desk.ready()
    await desk.twin.fault("transfers.create", "timeout_after_effect")
    await desk.release("A-1", "anna", 10_000)
    await desk.claw_back("A-1", "anna", net)
    await desk.work()
    assert (await _told(desk), desk.twin_reversed()) == ([(0, 0)], 0)
    await desk.twin.advance(hours * 3_600)
    await resolve(desk)
    assert (desk.transfers_made(), desk.twin_reversed()) == (1, net)
    assert await _told(desk) == [(0, 0)]
    await _agree(desk)


async def test_a_call_that_was_never_made_is_not_made_for_what_was_clawed_back(desk: Desk) -> None:
    """The answer was lost before the effect, and nothing is left to transfer when we ask."""
    await desk.ready()
    await desk.twin.fault("transfers.create", "timeout_before_effect")
    await desk.release("A-1", "anna", 10_000)
    await desk.claw_back("A-1", "anna", 9_000)
    await desk.work()
    await resolve(desk)
    assert (await desk.events_of("transfer"))[-1] == "TransferWithdrawn"
    assert (desk.transfers_made(), await desk.work_left()) == (0, [])


async def test_a_clawback_that_overtakes_its_release_waits_for_it(desk: Desk) -> None:
    """Taken from another order's transfer meanwhile, its own would follow and could not: its charge is refunded."""
    await desk.ready()
    await desk.release("A-0", "anna", 10_000)
    release = await desk.announce_release("A-1", "anna", 10_000, heard=False)
    await desk.claw_back("A-1", "anna", 9_000)
    await desk.work()
    assert (await _told(desk), desk.twin_reversed()) == ([], 0)
    [clawback] = await desk.clawbacks(status="open")
    assert clawback["left_minor"] == 9_000
    await desk.receive(release)
    for _ in range(2):  # both are due at once: whichever comes second looks again
        await desk.later()
    assert len(await _told(desk)) == 1
    first, *_ = desk.twin.world.transfers
    assert first.amount_reversed_minor == 0
    await _agree(desk)


@pytest.mark.parametrize("hours", [0, 25])
@pytest.mark.parametrize("fault", SILENCES)
async def test_a_reversal_of_unknown_outcome_is_resolved_to_one(desk: Desk, fault: FaultKind, hours: int) -> None:
    await desk.ready()
    await desk.release("A-1", "anna", 10_000)
    await desk.twin.fault("transfers.reversals.create", fault)
    await desk.claw_back("A-1", "anna", 4_000)
    await desk.work()
    assert await desk.events_of("reversal") == [*STARTED, "ReversalOutcomeUnknown"]
    assert [each["status"] for each in await desk.clawbacks()] == ["unknown"]
    await desk.twin.advance(hours * 3_600)
    assert (await resolve(desk))["left"] == 0
    assert await desk.events_of("reversal") == [*STARTED, "ReversalOutcomeUnknown", "TransferReversed", "ReversalTold"]
    assert ([reversal.amount_minor for reversal in desk.twin.world.reversals], await _told(desk)) == (
        [4_000],
        [(4_000, 0)],
    )
    await _agree(desk)


@pytest.mark.parametrize("days", [0, 2])
async def test_a_worker_that_dies_between_call_and_record_reverses_once(desk: Desk, days: int) -> None:
    await desk.ready()
    await desk.release("A-1", "anna", 10_000)
    await desk.claw_back("A-1", "anna", 4_000)
    await desk.worker().drain(now())
    await dies_at_work(desk)
    assert (desk.twin_reversed(), await desk.events_of("reversal")) == (4_000, STARTED)
    await desk.twin.advance(days * 86_400)
    await desk.later()
    assert (desk.twin_reversed(), await desk.events_of("reversal")) == (4_000, BACK)
    await _agree(desk)


async def test_of_a_seller_who_disconnected_is_brought_back_what_stripe_lets_us(desk: Desk) -> None:
    await desk.ready()
    await desk.release("A-1", "anna", 10_000)
    await desk.twin.deauthorize((await desk.seller())["account_id"])
    await desk.claw_back("A-1", "anna", 9_000)
    await desk.work()
    assert await _told(desk) == [(9_000, 0)]


async def test_a_seller_who_disconnected_and_has_too_little_is_short(desk: Desk) -> None:
    """Nobody can look any more at what they have, and the buyer must not wait for that."""
    await desk.ready()
    await desk.release("A-1", "anna", 10_000)
    await desk.by_hand("anna", 5_000)
    await desk.twin.deauthorize((await desk.seller())["account_id"])
    await desk.claw_back("A-1", "anna", 9_000)
    await desk.work()
    assert await _told(desk) == [(0, 9_000)]


async def test_clawbacks_are_listed_newest_first_page_by_page(desk: Desk) -> None:
    await desk.ready()
    await desk.release("A-1", "anna", 10_000)
    for amount in (1_000, 2_000, 3_000):
        await desk.claw_back("A-1", "anna", amount)
    page = await desk.get("/clawbacks", seller="anna", limit=2)
    assert [each["amount_minor"] for each in page["items"]] == [3_000, 2_000]
    rest = await desk.get("/clawbacks", limit=2, after=page["next"])
    assert ([each["amount_minor"] for each in rest["items"]], rest["next"]) == ([1_000], None)
    assert await desk.clawbacks(seller="bert") == []


@pytest.mark.parametrize("seed", range(2))
async def test_in_whatever_order_messages_come_everything_is_where_it_belongs(desk: Desk, seed: int) -> None:
    """Per seller: what was released is available, or was clawed back from there, or pays what they owe."""
    chance = random.Random(seed)  # noqa: S311 - an order, not a secret
    await desk.ready()
    await desk.post("escrow", now(), _debt(2_500))
    messages: list[Message] = []
    for number in range(4):
        messages.append(await desk.announce_release(f"A-{number}", "anna", 4_000, heard=False))
        if number % 2:
            messages.append(await desk.claw_back(f"A-{number}", "anna", chance.choice([1_000, 3_600]), heard=False))
    messages += chance.sample(messages, 3)
    chance.shuffle(messages)
    for each in messages:
        if chance.random() < 0.3:
            await desk.twin.fault("*", chance.choice(SWIFT))
        await desk.receive(each)
        if chance.random() < 0.5:
            await desk.work()
    for _ in range(4):
        await desk.twin.clear_faults()
        await desk.twin.advance(90_000)
        await desk.later()
    await _agree(desk)
    assert [each["status"] for each in await desk.clawbacks()] == ["done", "done"]
    assert len(await _told(desk)) == 2
    released, clawed = 4 * 3_600, sum(each["net_minor"] for each in await desk.clawbacks())
    available, owed = (await desk.wallet())["available"], await desk.balance("receivable:seller:anna")
    assert available - owed == released - clawed - 2_500
    assert await desk.work_left() == []
