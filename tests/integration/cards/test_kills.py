"""Whatever dies, and whenever: every effect happens once, resumed at once or when Stripe has forgotten the keys."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from functools import partial
from typing import Any, Final

import pytest

from libs.devstack.stripe_twin.faults import FaultKind
from libs.devstack.stripe_twin.summary import summary
from services.payment import work as buyers_work
from services.payout_scheduler import work as sellers_work
from tests.conftest import Databases
from tests.integration.cards.deaths import MOMENTS, Deaths, Moment
from tests.integration.cards.laws import check_laws, check_proofs, work_left
from tests.integration.cards.market import Market, open_market

AT_ONCE: Final = {"seconds": 20.0}
KEYS_FORGOTTEN: Final = {"hours": 25.0}
LOST: Final[FaultKind] = "error_500_after_effect"
SELLERS: Final = ("ann", "bob", "cid")
KINDS: Final = {
    value
    for module in (buyers_work, sellers_work)
    for name, value in vars(module).items()
    if name.partition("_")[0]
    in ("CREATE", "RESOLVE", "CANCEL", "RETURN", "SEND", "ACCEPT", "REVERSE", "SUBMIT", "HANDLE")
    and isinstance(value, str)
}
"""Every kind of work there is: a new one fails this test until the story has it."""

Step = Callable[[Market], Awaitable[object]]


async def _escrow(market: Market, order: str, what: str, **body: Any) -> None:
    escrow_id = (await market.escrow(order))["escrow_id"]
    answer = await market.post(f"/escrows/{escrow_id}/{what}", {"reason": "asked for", **body})
    answer.raise_for_status()


async def _chargeback(market: Market, order: str, what: str, **body: Any) -> None:
    shown = await market.payment(order)
    chargeback_id = shown["chargebacks"][0]["chargeback_id"]
    answer = await market.post(f"/payments/{shown['payment_id']}/chargebacks/{chargeback_id}/{what}", body)
    answer.raise_for_status()


async def _contest(market: Market, order: str) -> None:
    await market.twin.open_dispute(await market.intent(order))
    await market.settle()


async def _webhooks(market: Market, *, lost: bool) -> None:
    market.webhooks_lost = lost


async def _pay_out(market: Market, seller: str) -> None:
    (await market.post("/payouts", {"seller": seller})).raise_for_status()


def _evidence(text: str, *, submit: bool) -> Mapping[str, Any]:
    return {"texts": {"uncategorized_text": text}, "submit": submit}


async def _onboard(market: Market, name: str) -> None:
    await market.twin.complete_account(await market.account(name))
    await market.settle()


STORY: Final[tuple[Step, ...]] = (
    lambda market: market.place("float", ("nobody", 500_000)),
    lambda market: market.pay("float"),
    *(partial(Market.register, name=name) for name in SELLERS),
    *(partial(_onboard, name=name) for name in SELLERS),
    lambda market: market.place("o1", ("ann", 10_000), ("bob", 5_000)),
    lambda market: market.twin.fault("payment_intents.create", LOST),
    lambda market: market.place("o2", ("ann", 20_000)),
    lambda market: market.place("o3", ("ann", 30_000)),
    lambda market: market.cancel("o3"),
    lambda market: market.pay("o1", "pm_card_chargeDeclined"),
    lambda market: market.pay("o1"),
    lambda market: market.pay("o2", "pm_card_pendingRefund"),
    lambda market: _escrow(market, "o1", "releases"),
    lambda market: market.twin.fault("transfers.create", LOST),
    lambda market: _escrow(market, "o2", "releases"),
    lambda market: _escrow(market, "o1", "refunds"),
    lambda market: market.twin.fault("transfers.reversals.create", LOST),
    lambda market: market.twin.fault("refunds.create", LOST),
    lambda market: _webhooks(market, lost=True),  # else they tell of the refund before anybody has to ask
    lambda market: _escrow(market, "o2", "refunds", seller="ann", amount_minor=5_000),
    lambda market: _webhooks(market, lost=False),
    lambda market: market.later(days=6),
    lambda market: _pay_out(market, "ann"),
    lambda market: market.place("o4", ("cid", 40_000)),
    lambda market: market.pay("o4"),
    lambda market: _escrow(market, "o4", "releases"),
    lambda market: market.twin.fault("payouts.create", LOST),
    lambda market: _pay_out(market, "cid"),
    lambda market: market.later(days=3),
    lambda market: market.place("o5", ("bob", 50_000)),
    lambda market: market.pay("o5"),
    lambda market: _contest(market, "o5"),
    lambda market: _chargeback(market, "o5", "evidence", **_evidence("a receipt", submit=False)),
    lambda market: market.twin.fault("disputes.update", LOST),
    lambda market: _chargeback(market, "o5", "evidence", **_evidence("winning_evidence", submit=True)),
    lambda market: market.place("o6", ("bob", 60_000)),
    lambda market: market.pay("o6"),
    lambda market: _contest(market, "o6"),
    lambda market: _chargeback(market, "o6", "accept"),
)


async def _told(market: Market, deaths: Deaths | None, pause: Mapping[str, float]) -> dict[str, Any]:
    """Tell the story; whenever somebody died, go on after that pause. What Stripe and the ledger have in the end."""
    for step in STORY:
        await step(market)
        while True:
            await market.later(**AT_ONCE)
            if deaths is None or not deaths.take_news():
                break
            await market.later(**pause)
    assert await work_left(market) == []
    await check_laws(market)
    stripe = summary(market.twin.world)
    return {
        "ledger": await market.balances(),
        "money": stripe["currencies"],
        "objects": {kind: count for kind, count in stripe["counts"].items() if kind != "events"},
        "refunds": {order: (await market.payment(order))["status"] for order in ("o1", "o2", "o5", "o6")},
    }


@pytest.fixture(scope="module")
async def unharmed(databases: Databases) -> AsyncIterator[dict[str, Any]]:
    """How the story ends when nobody dies."""
    url = await databases.create()
    async with open_market(url) as market:
        yield await _told(market, None, {})
    await databases.drop(url)


@pytest.mark.parametrize("pause", [AT_ONCE, KEYS_FORGOTTEN], ids=["resumed at once", "resumed 25 hours later"])
@pytest.mark.parametrize("moment", MOMENTS)
async def test_every_effect_happens_once_whoever_dies(
    database_url: str,
    unharmed: dict[str, Any],
    monkeypatch: pytest.MonkeyPatch,
    moment: Moment,
    pause: Mapping[str, float],
) -> None:
    deaths = Deaths(moment)
    async with open_market(database_url) as market:
        deaths.reap(monkeypatch)
        assert await _told(market, deaths, pause) == unharmed
        await check_proofs(database_url)
    without_calls = {buyers_work.RETURN_ALLOWANCE} if moment != "after recording" else set()
    assert {kind for kind, _ in deaths.killed} == KINDS - without_calls
