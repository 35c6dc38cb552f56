"""Anything may happen to anybody in any order, calls fail, news get lost and processes die: in the end it adds up."""

from __future__ import annotations

import asyncio
import random
from collections import Counter
from collections.abc import Coroutine
from contextlib import AsyncExitStack
from typing import Any, ClassVar, Final, TypeVar

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, rule, run_state_machine_as_test

from libs.devstack.stripe_twin.books import PLATFORM
from tests.conftest import Databases
from tests.integration.cards.deaths import Accidents
from tests.integration.cards.laws import check_laws, check_proofs, check_reconciled, work_left
from tests.integration.cards.market import Market, open_market
from tests.integration.cards.walk import SELLERS, STEPS, Walk

WALKS: Final = 4
STEPS_A_WALK: Final = 500
DIES_ONE_IN: Final = 60
REFUSED_FOR_GOOD: Final = {"already_released", "charged_back"}
"""Why a shop's message may end among the dead letters here."""

T = TypeVar("T")


class Walks(RuleBasedStateMachine):
    """Hypothesis picks the seed and says how long; a failure prints both, and `Phase.generate` alone keeps it short."""

    databases: ClassVar[Databases]
    patch: ClassVar[pytest.MonkeyPatch]

    @initialize(seed=st.integers(0, 2**32 - 1))
    def begin(self, seed: int) -> None:
        print(f"walk of seed {seed}")  # noqa: T201 - shown when it fails
        self.chance = random.Random(seed)  # noqa: S311 - to be repeated
        self.loop, self.stack = asyncio.new_event_loop(), AsyncExitStack()
        self.steps, self.weights = zip(*STEPS.items(), strict=True)
        self.accidents = Accidents(self.chance, DIES_ONE_IN)
        self.walk = self._run(self._opened())
        self.accidents.reap(self.patch)

    @rule()
    def step(self) -> None:
        [step] = self.chance.choices(self.steps, self.weights)
        self._run(step(self.walk))

    def teardown(self) -> None:
        if not hasattr(self, "walk"):
            return
        try:
            self._run(self._ended())
        finally:
            self.patch.undo()
            self._run(self.stack.aclose())
            self._run(self.databases.drop(self.url))
            self.loop.close()

    async def _opened(self) -> Walk:
        self.url = await self.databases.create()
        market = await self.stack.enter_async_context(open_market(self.url, shuffle=self.chance))
        await market.buy("its-own", ("nobody", 1_000_000))
        await market.sellers(*SELLERS)
        market.paused = True
        return Walk(market, self.chance)

    async def _ended(self) -> None:
        self.accidents.over = True
        await self.walk.come_to_rest()
        await assert_nothing_twice(self.walk.market)
        await assert_nothing_forgotten(self.walk.market)
        await check_laws(self.walk.market)
        await check_proofs(self.url)

    def _run(self, doing: Coroutine[Any, Any, T]) -> T:
        return self.loop.run_until_complete(doing)


async def assert_nothing_twice(market: Market) -> None:
    """No two objects at Stripe carry the same name of ours."""
    world = market.twin.world
    named: Counter[tuple[Any, ...]] = Counter()
    for intent in world.payment_intents:
        if intent.status == "succeeded":
            named["intent", intent.metadata["payment_id"]] += 1
    for refund in world.refunds.all(PLATFORM):
        named["refund", refund.metadata["refund_id"], refund.metadata.get("attempt", "1")] += 1
    for thing in (*world.transfers, *world.reversals, *world.payouts):
        named[tuple(sorted(thing.metadata.items()))] += 1
    assert {name: times for name, times in named.items() if times > 1} == {}


async def assert_nothing_forgotten(market: Market) -> None:
    """No work is left, and whoever reconciles misses nothing."""
    assert await work_left(market) == []
    assert {parcel.death.code for parcel in market.bus.dead if parcel.death} <= REFUSED_FOR_GOOD
    await check_reconciled(market)


def test_random_walks_end_reconciled(databases: Databases, monkeypatch: pytest.MonkeyPatch) -> None:
    Walks.databases, Walks.patch = databases, monkeypatch
    run_state_machine_as_test(
        Walks,
        settings=settings(
            max_examples=WALKS,
            stateful_step_count=STEPS_A_WALK,
            derandomize=True,
            deadline=None,
            phases=[Phase.generate],
            database=None,
            suppress_health_check=list(HealthCheck),
        ),
    )
