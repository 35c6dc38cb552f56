"""The files that configure PostgreSQL and RabbitMQ in containers, tried on the servers that run here."""

from __future__ import annotations

import asyncio
import json
import os
import re
import subprocess
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import asyncpg
import pytest

from libs.devstack import postgres_wheel
from libs.devstack.postgres import Postgres, running_postgres
from libs.devstack.rabbitmq import RabbitMQ
from libs.eventstore.pool import open_pool
from services.migrations import migrate_all

_INFRA = Path(__file__).parents[3] / "infra"
_SERVICES = ("payment", "escrow", "payout_scheduler", "audit", "settings")
_CONTAINER_ONLY = {"listen_addresses"}


def _settings() -> dict[str, Any]:
    lines = (_INFRA / "postgres/holdfast.conf").read_text().splitlines()
    found = [re.match(r"(\w+) = '?([^']*)'?$", line) for line in lines if line and not line.startswith("#")]
    return {match[1]: match[2] for match in found if match and match[1] not in _CONTAINER_ONLY}


def _make_logins(server: Postgres) -> None:
    address = urlsplit(server.url)
    binaries = postgres_wheel.binaries(server.version)
    subprocess.run(
        ["sh", _INFRA / "postgres/logins.sh"],
        check=True,
        env={f"{service.upper()}_DB_PASSWORD": f"{service}'s password" for service in _SERVICES}
        | {"PATH": f"{binaries}:{os.environ['PATH']}", "POSTGRES_USER": "postgres", "POSTGRES_DB": "postgres"}
        | {"PGHOST": str(address.hostname), "PGPORT": str(address.port)},
    )


@pytest.mark.parametrize("version", [16, 18])
async def test_postgres_takes_our_settings_and_a_service_can_act_as_itself_alone(version: int) -> None:
    settings = _settings()
    assert settings["synchronous_commit"] == "on"
    async with running_postgres(version, **settings) as server:
        _make_logins(server)
        await migrate_all(server.url)
        for service in _SERVICES:
            url = server.url.replace("postgres@", f"{service}@", 1)
            async with open_pool(url, service) as pool:
                assert await pool.fetchval("select current_user") == f"holdfast_{service}"
                assert await pool.fetchval("select count(*) from checkpoints") == 0
            another = next(other for other in _SERVICES if other != service)
            with pytest.raises(asyncpg.InsufficientPrivilegeError):
                await asyncpg.connect(url, server_settings={"role": f"holdfast_{another}"})
            connection = await asyncpg.connect(url)
            with pytest.raises(asyncpg.InsufficientPrivilegeError):
                await connection.fetch("select * from ledger.events")
            await connection.close()


async def test_rabbitmq_takes_our_policies_and_applies_them(rabbitmq_server: RabbitMQ, amqp_url: str) -> None:
    vhost = amqp_url.rpartition("/")[2]
    definitions = json.loads((_INFRA / "rabbitmq/definitions.json").read_text())
    for policy in definitions["policies"]:
        policy["vhost"] = vhost
    await rabbitmq_server.manage("POST", "/api/definitions", definitions)
    for queue in ("payment.orders", "payment.dead"):
        arguments = {"durable": True, "arguments": {"x-queue-type": "quorum"}}
        await rabbitmq_server.manage("PUT", f"/api/queues/{vhost}/{queue}", arguments)
    assert await _policy_of(rabbitmq_server, vhost, "payment.orders") == "holdfast-consumers"
    assert await _policy_of(rabbitmq_server, vhost, "payment.dead") is None


async def _policy_of(broker: RabbitMQ, vhost: str, queue: str) -> str | None:
    """The management plugin describes a queue fully only once its statistics have come in."""
    async with asyncio.timeout(30):
        while True:
            described = await broker.manage("GET", f"/api/queues/{vhost}/{queue}")
            assert isinstance(described, dict)
            if "policy" in described:
                policy: str | None = described["policy"]
                return policy
            await asyncio.sleep(0.2)
