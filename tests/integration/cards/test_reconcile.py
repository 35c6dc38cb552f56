"""`holdfast job reconcile` in a market: what Stripe says of its accounts against the ledger, both ways."""

from __future__ import annotations

import asyncio
import csv
from collections.abc import AsyncIterator, Mapping, Sequence
from datetime import timedelta
from io import StringIO
from typing import Any

import httpx
import pytest

from libs.devstack.stripe_twin.books import BANKS, BUYERS, PLATFORM, Place
from libs.devstack.stripe_twin.config import DAY_SECONDS, TwinConfig
from libs.devstack.stripe_twin.objects.balance_transaction import BalanceTransaction, TransactionType
from services.embedded.assembly import run_job
from tests.integration.cards.laws import check_proofs
from tests.integration.cards.market import Market, open_market

CONFIG = TwinConfig(ticking=False, settlement_seconds=0, payout_return_seconds=DAY_SECONDS, seed=1)
"""The fee is Stripe's list price: 2.9 % + 30."""


@pytest.fixture
async def market(database_url: str) -> AsyncIterator[Market]:
    async with open_market(database_url, config=CONFIG) as market:
        yield market


async def reconciled(market: Market, *, after_hours: int = 2) -> list[Mapping[str, Any]]:
    """Run it once nothing counts as just happened; the summaries of payment and payout_scheduler."""
    await market.later(hours=after_hours)
    return await market.job("reconcile")


async def newest(market: Market, path: str = "/reconciliations") -> dict[str, Any]:
    [item, *_] = (await market.get(path))["items"]
    report: dict[str, Any] = await market.get(f"{path}/{item['reconciliation_id']}")
    return report


def told(report: Mapping[str, Any]) -> Sequence[tuple[str, str, int, int]]:
    """Status, why and both amounts of everything that a report names."""
    return sorted(
        (each["status"], each["why"], each["at_processor_minor"], each["in_ledger_minor"])
        for each in report["findings"]
    )


def at_stripe(market: Market, owner: str = PLATFORM, currency: str = "usd") -> int:
    of = market.twin.world.books.of(owner)
    return sum(amount for bucket, code, amount in of if code == currency and bucket != "in_transit")


def post_by_hand(market: Market, kind: TransactionType, amount: int) -> str:
    """Somebody does something in Stripe's Dashboard; the object's id."""
    world, here = market.twin.world, Place(PLATFORM, "available")
    line = world.post(PLATFORM, kind, amount, "usd", world.new_id("po" if kind == "payout" else "ch"))
    whence, where = (BUYERS, here) if amount > 0 else (here, BANKS)
    world.books.move("charge", whence, where, abs(amount), "usd")
    return line.source


def line_of(market: Market, source: str) -> BalanceTransaction:
    [line] = market.twin.world.balance_transactions.where(PLATFORM, "source", source)
    return line


async def adjust(market: Market, key: str | None = None, **changes: Any) -> httpx.Response:
    body = {
        "account": "revenue:commission",
        "counter_account": "stripe:platform",
        "currency": "USD",
        "amount_minor": 100,
        "reason": "swept to our bank",
    }
    return await market.post("/reconciliations/adjustments", body | changes, key)


async def test_a_clean_day_agrees_to_the_cent_and_books_each_fee_once(market: Market) -> None:
    await market.sellers("ann", "bob")
    await market.release("o1", ("ann", 10_000), ("bob", 5_000))
    await market.payday()
    await market.buy("o2", ("ann", 20_000))
    payment, payouts = await reconciled(market)
    fees = 465 + 610  # 2.9 % + 30 of 15,000 and of 20,000
    assert payment == {"done": 4, "left": 0, "expected": 0, "fees_minor": {"USD": fees}}
    assert payouts == {"done": 6, "left": 0, "expected": 0, "fees_minor": {}}
    balances = await market.balances()
    assert balances["stripe:platform"] == at_stripe(market)
    assert balances["expense:processor_fees"] == fees
    report = await newest(market)
    assert [(each["status"], each["at_processor_minor"]) for each in report["balances"]] == [
        ("matched", at_stripe(market))
    ]
    assert (await newest(market, "/connect/reconciliations"))["balances_matched"] == 2
    [again, _] = await reconciled(market)
    assert (again["left"], again["fees_minor"]) == (0, {})
    assert (await market.balances())["expense:processor_fees"] == fees


async def test_what_only_stripe_has_is_missing_until_somebody_explains_it(market: Market) -> None:
    await market.buy("o1", ("ann", 10_000))
    charge, sweep = post_by_hand(market, "charge", 700), post_by_hand(market, "payout", -5_000)
    [payment, _] = await reconciled(market)
    assert (payment["done"], payment["left"]) == (2, 3)  # two objects, and the balance that they change
    report = await newest(market)
    assert {each["source"] for each in report["findings"]} == {charge, sweep}
    assert told(report) == [("missing", "not_in_ledger", -5_000, 0), ("missing", "not_in_ledger", 700, 0)]
    [balance] = report["balances"]
    assert balance["status"] == "mismatched"
    assert balance["at_processor_minor"] - balance["in_ledger_minor"] == -4_300
    assert balance["unexplained_minor"] == 0

    for hours in (30, 2):  # the second of these reads lines from a time on that is after both
        [payment, _] = await reconciled(market, after_hours=hours)
        assert payment["left"] == 3
    assert (await adjust(market, amount_minor=5_000, reference=sweep)).status_code == 201
    sides = {"account": "stripe:platform", "counter_account": "revenue:commission"}
    assert (await adjust(market, **sides, amount_minor=700, reference=charge)).status_code == 201
    [payment, payouts] = await reconciled(market)
    assert (payment["left"], payouts["left"]) == (0, 0)
    assert told(await newest(market)) == [("matched", "adjusted", -5_000, -5_000), ("matched", "adjusted", 700, 700)]
    assert (await market.balances())["stripe:platform"] == at_stripe(market)


async def test_what_only_we_have_and_what_differs_is_told_with_both_amounts(market: Market) -> None:
    for order_id in ("o1", "o2", "o3"):
        await market.buy(order_id, ("ann", 10_000))
    lost, less, other = [(await market.payment(order_id))["charge"] for order_id in ("o1", "o2", "o3")]
    lines, gone = market.twin.world.balance_transactions, line_of(market, lost)
    for filed in lines._lists.values():  # Stripe never loses a line, so the twin has no control for it
        filed[:] = [line for line in filed if line is not gone]
    line_of(market, less).amount_minor = 9_000
    line_of(market, other).currency = "eur"
    await reconciled(market)
    report = await newest(market)
    assert {each["about"] for each in report["findings"] if each["source"] in {lost, less, other}} == {"o1", "o2", "o3"}
    found = {(each["source"], each["currency"]): each for each in report["findings"]}
    assert found[lost, "USD"]["status"] == "missing"
    assert found[lost, "USD"]["why"] == "not_at_processor"
    assert [found[less, "USD"][side] for side in ("at_processor_minor", "in_ledger_minor")] == [9_000, 10_000]
    assert found[less, "USD"]["status"] == "mismatched"
    assert [found[other, code]["status"] for code in ("EUR", "USD")] == ["mismatched", "mismatched"]
    assert [found[other, code]["at_processor_minor"] for code in ("EUR", "USD")] == [10_000, 0]
    await reconciled(market)
    assert len((await newest(market))["findings"]) == len(report["findings"])  # for as long as nobody does anything


async def test_a_refund_is_on_its_way_then_there_and_one_that_comes_back_agrees(market: Market) -> None:
    await market.buy("o1", ("ann", 10_000), card="pm_card_pendingRefund")
    await market.cancel("o1")
    [payment, _] = await reconciled(market)
    assert (payment["left"], payment["expected"]) == (0, 1)
    assert told(await newest(market)) == [("expected", "under_way", -10_000, 0)]
    assert [each["status"] for each in (await newest(market))["balances"]] == ["expected"]
    await market.buy("o2", ("ann", 10_000), card="pm_card_refundFail")
    await market.cancel("o2")
    await market.later(days=6)
    [payment, _] = await reconciled(market)
    assert (payment["left"], payment["expected"]) == (0, 0)
    assert (await market.balances())["refunds:payable"] == -10_000
    assert (await market.balances())["stripe:platform"] == at_stripe(market)


async def test_disputes_agree_won_and_lost_and_their_fee_is_booked_once(market: Market) -> None:
    for order_id in ("won", "lost"):
        await market.buy(order_id, ("ann", 10_000))
    disputes = [await market.twin.open_dispute(await market.intent(order_id)) for order_id in ("won", "lost")]
    await market.settle()
    assert [each["left"] for each in await reconciled(market)] == [0, 0]
    for dispute, won in zip(disputes, (True, False), strict=True):
        await market.twin.close_dispute(dispute["id"], won=won)
    await market.settle()
    assert [each["left"] for each in await reconciled(market)] == [0, 0]
    balances = await market.balances()
    assert balances["stripe:platform"] == at_stripe(market)
    assert balances["expense:processor_fees"] == 2 * 320
    assert balances["expense:chargebacks"] == 2 * 1_500


async def test_a_payout_is_on_its_way_then_there_and_one_that_bounces_agrees(market: Market) -> None:
    await market.sellers("ann")
    await market.sellers("bob", bank="000111111113")
    await market.release("o1", ("ann", 10_000), ("bob", 5_000))
    await market.later(days=7 - market.now.weekday())
    await market.job("payouts-due")
    [_, payouts] = await reconciled(market)
    assert (payouts["left"], payouts["expected"]) == (0, 2)
    report = await newest(market, "/connect/reconciliations")
    assert told(report) == [("expected", "under_way", -8_000, 0), ("expected", "under_way", -4_000, 0)]
    assert [each["status"] for each in report["balances"]] == ["expected", "expected"]
    await market.later(days=2)
    assert [each["expected"] for each in await reconciled(market)] == [0, 0]
    await market.later(days=1)
    [payment, payouts] = await reconciled(market)
    assert (payment["left"], payouts["left"], payouts["expected"]) == (0, 0, 0)
    balances = await market.balances()
    assert balances["stripe:connected:bob"] == 4_000 == at_stripe(market, await market.account("bob"))
    assert "stripe:connected:ann" not in balances


async def test_what_goes_back_from_a_seller_agrees_on_both_accounts(market: Market) -> None:
    await market.sellers("ann")
    await market.release("o1", ("ann", 10_000))
    transfer = next(iter(market.twin.world.transfers))
    escrow = await market.escrow("o1")
    asked = {"seller": "ann", "amount_minor": 5_000, "reason": "half of it was broken"}
    assert (await market.post(f"/escrows/{escrow['escrow_id']}/refunds", asked)).is_success
    await market.settle()
    assert len(transfer.reversals) == 1
    assert [(each["left"], each["expected"]) for each in await reconciled(market)] == [(0, 0), (0, 0)]
    assert (await newest(market, "/connect/reconciliations"))["balances_matched"] == 1


async def test_what_happened_within_the_hour_may_be_unheard_of_and_later_may_not(market: Market) -> None:
    await market.place("o1", ("ann", 10_000))
    market.webhooks_lost = True
    await market.pay("o1")
    [payment, _] = await market.job("reconcile")
    assert (payment["left"], payment["expected"]) == (0, 1)
    assert told(await newest(market)) == [("expected", "just_now", 10_000, 0)]
    [payment, _] = await reconciled(market)
    assert (payment["left"], payment["expected"]) == (2, 0)
    [late] = [each for each in market.twin.world.events if each.type == "payment_intent.succeeded"]
    await market.tell_webhook(late)
    await market.settle()
    [payment, _] = await reconciled(market)
    assert (payment["left"], payment["expected"]) == (0, 0)


async def test_two_runs_at_once_book_each_fee_once(market: Market, database_url: str) -> None:
    for number in range(6):
        await market.buy(f"o{number}", ("ann", 10_000))
    await market.later(hours=2)
    services = list(market.services.values())
    found = await asyncio.gather(*(run_job(services, "reconcile", market.now, lambda _line: None) for _ in range(2)))
    await market.settle()
    assert sum(payment["fees_minor"].get("USD", 0) for payment, _ in found) == 6 * 320
    assert [payment["left"] for payment, _ in found] == [0, 0]
    assert (await market.balances())["expense:processor_fees"] == 6 * 320
    await check_proofs(database_url)


async def test_a_run_as_of_an_earlier_time_sees_what_was_then(market: Market) -> None:
    await market.buy("o1", ("ann", 10_000))
    await market.later(days=1)
    then = market.now
    await market.later(days=2)
    await market.buy("o2", ("ann", 20_000))
    await market.later(days=1)
    [payment, _] = await run_job(list(market.services.values()), "reconcile", then, lambda _line: None)
    assert (payment["done"], payment["left"], payment["fees_minor"]) == (2, 0, {"USD": 320})
    [balance] = (await newest(market))["balances"]
    assert (balance["at_processor_minor"], balance["in_ledger_minor"]) == (10_000 - 320, 10_000 - 320)


async def test_adjustments_are_refused_where_they_must_be_and_made_once(market: Market) -> None:
    for changes, code in (
        ({"account": "seller:ann:available"}, "adjustment_account"),
        ({"counter_account": "escrow:held"}, "adjustment_account"),
        ({"account": "stripe:platform"}, "adjustment_account"),
        ({"account": "expense:lunch"}, "unknown_account"),
        ({"currency": "XXX"}, "unknown_currency"),
    ):
        refused = await adjust(market, **changes)
        assert (refused.status_code, refused.json()["code"]) == (422, code)
    made = await adjust(market, "once", actor="ada")
    again = await adjust(market, "once", actor="ada")
    assert made.json() == again.json()
    assert (made.json()["reason"], await market.balances()) == (
        "swept to our bank",
        {"revenue:commission": 100, "stripe:platform": -100},
    )
    other = await adjust(market, "once", amount_minor=200)
    assert (other.status_code, other.json()["code"]) == (422, "key_reused")
    await market.database.execute("update ledger.books set closed_before = $1", market.now)
    late = await adjust(market, at=(market.now - timedelta(days=40)).isoformat())
    assert (late.status_code, late.json()["code"]) == (422, "period_closed")
    data = await market.database.fetchval("select data::text from ledger.events where type = 'AdjustmentMade'")
    assert "swept" not in data


async def test_an_accountant_reads_a_run_as_csv(market: Market) -> None:
    await market.buy("o1", ("ann", 10_000))
    sweep = post_by_hand(market, "payout", -5_000)
    await reconciled(market)
    report = await newest(market)
    path = f"/reconciliations/{report['reconciliation_id']}"
    plain = await market.http.get(path, params={"format": "csv"})
    asked = await market.http.get(path, headers={"accept": "text/csv"})
    assert plain.text == asked.text
    assert plain.headers["content-type"].startswith("text/csv")
    rows = list(csv.DictReader(StringIO(plain.text)))
    [line] = [row for row in rows if row["section"] == "object"]
    assert (line["object"], line["at_processor"], line["in_ledger"], line["difference"]) == (
        sweep,
        "-50.00",
        "0.00",
        "-50.00",
    )
    assert [row["difference"] for row in rows if row["section"] == "balance"] == ["-50.00"]
    missing = await market.http.get("/reconciliations/00000000-0000-0000-0000-000000000000")
    assert (missing.status_code, missing.json()["code"]) == (404, "unknown_reconciliation")
    await reconciled(market)
    page = await market.get("/reconciliations", limit=1)
    assert len(page["items"]) == 1
    assert [each["at"] for each in (await market.get("/reconciliations", after=page["next"]))["items"]] == [
        report["at"]
    ]


async def test_a_long_statement_is_read_page_by_page(market: Market) -> None:
    for _ in range(120):
        post_by_hand(market, "charge", 700)
    await market.later(hours=2)
    lines: list[str] = []
    [payment, _] = await run_job(list(market.services.values()), "reconcile", market.now, lines.append)
    assert payment["left"] == 121
    assert [line.partition(", back")[0] for line in lines] == [
        "stripe:platform: 100 lines",
        "stripe:platform: 120 lines",
    ]


async def test_an_account_that_cannot_be_read_fails_the_run_and_is_read_from_there_again(market: Market) -> None:
    await market.buy("o1", ("ann", 10_000))
    await market.later(hours=2)
    await market.twin.fault("balance_transactions.list", "error_503", count=50)
    [payment, _] = await market.job("reconcile")
    assert (payment["done"], payment["left"]) == (0, 1)
    assert (await newest(market))["unread"] == [{"account": "stripe:platform", "since": None}]
    await market.twin.clear_faults()
    [payment, _] = await reconciled(market, after_hours=50)
    assert (payment["done"], payment["left"]) == (2, 0)
