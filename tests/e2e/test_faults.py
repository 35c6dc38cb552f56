"""Processes die, servers go away: nothing is lost, nothing happens twice, and nobody has to lend a hand."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from libs.devstack.postgres import running_postgres
from libs.devstack.rabbitmq import running_rabbitmq
from services.migrations import migrate_all
from tests.e2e.laws import assert_conserved, assert_proven
from tests.e2e.traffic import SELLERS, Traffic, assert_each_cent_moved_once
from tests.e2e.world import SERVICES, distributed_world

ORDERS = 500
OUTAGE_SECONDS = 10.0


async def _finish(traffic: Traffic) -> None:
    await traffic.pay_out()
    await assert_each_cent_moved_once(traffic.world, traffic)
    held = await assert_conserved(traffic.world)
    assert {account for account, minor in held.items() if minor} == {"stripe:platform", "revenue:commission"}
    await assert_proven(traffic.world)


@pytest.mark.timeout(600)
async def test_500_orders_survive_every_service_being_killed_in_turn(
    database_url: str, amqp_url: str, tmp_path: Path
) -> None:
    async with distributed_world(database_url, amqp_url, tmp_path) as world:
        await world.sellers(*SELLERS)
        traffic = Traffic(world, ORDERS)
        flowing = asyncio.create_task(traffic.flow())
        kills = 0
        while not flowing.done() or kills < len(SERVICES):
            process = world.processes[SERVICES[kills % len(SERVICES)]]
            await asyncio.sleep(0.5)
            await process.kill()
            await asyncio.sleep(0.2)
            await process.start()
            await process.ready()
            kills += 1
        await flowing
        releasing = asyncio.create_task(traffic.release())
        for name in ("payout_scheduler", "escrow"):
            await asyncio.sleep(1.0)
            await world.processes[name].kill()
            await world.processes[name].start()
            await world.processes[name].ready()
        await releasing
        await _finish(traffic)


@pytest.mark.timeout(600)
async def test_an_outage_of_broker_or_database_in_the_middle_loses_nothing(tmp_path: Path) -> None:
    async with running_postgres() as postgres, running_rabbitmq() as rabbitmq:
        database_url = await postgres.create_database("holdfast")
        await migrate_all(database_url)
        async with distributed_world(database_url, rabbitmq.url, tmp_path) as world:
            await world.sellers(*SELLERS)
            traffic = Traffic(world, 200)
            flowing = asyncio.create_task(traffic.flow())
            await asyncio.sleep(6)  # RabbitMQ 3.10 may not recover quorum queues that are younger than a few seconds
            for server in (rabbitmq, postgres):
                await server.stop()
                await asyncio.sleep(OUTAGE_SECONDS)
                await server.start()
                await asyncio.sleep(1)
            await flowing
            await traffic.release()
            await _finish(traffic)
