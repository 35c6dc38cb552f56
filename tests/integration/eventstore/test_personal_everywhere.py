"""What people type, looked for in every table of the database while all services run, and after a forgetting."""

from __future__ import annotations

import json
import logging
import os
from base64 import b64decode, b64encode
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from uuid import uuid4

import asyncpg
import pytest
from pydantic import SecretStr

from contracts.events.base import Message
from contracts.events.orders import Buyer, OrderCancelled, OrderDelivered, OrderDisputed, OrderLine, OrderPlaced
from libs.eventstore.ledger import open_ledger
from libs.eventstore.sealing import unwrapped
from libs.ledger.errors import NotFound, Unavailable
from libs.runtime.config import Misconfigured, load_config
from libs.runtime.data_keys import new_data_key
from services.audit.proofs.replay import replay
from services.audit.proofs.verify import verify
from services.embedded.assembly import opened, read_models
from services.embedded.personal import dossier, erase
from tests.data_key import DATA_KEY, MASTER
from tests.e2e.processes import holdfast
from tests.e2e.world import MONDAY, World, embedded_world
from tests.integration.eventstore.complaints import PLAIN, Desk

_DISPUTE = "I live at 5 Elm Street and it never came"
_CANCELLATION = "Mrs Ophelia Marsh has passed away"
_PROOF = "signed by O. Marsh"
_ADDRESS = "5 Elm Street, Salem"
_SALE = "for my sister's wedding"
_BROWSER = "Ophelia's phone"
_TYPED = (_DISPUTE, _CANCELLATION, _PROOF, _ADDRESS, _SALE, _BROWSER)


@pytest.fixture
async def world(database_url: str) -> AsyncIterator[World]:
    async with embedded_world(database_url) as made:
        yield made


def _placed(order_id: str) -> OrderPlaced:
    line = OrderLine(seller="anna", category="toys", amount_minor=5_000, destination=_ADDRESS)
    buyer = Buyer(id="buyer-7", country="US")
    return OrderPlaced(order_id=order_id, buyer=buyer, currency="USD", rail="card", lines=(line,), placed_at=MONDAY)


def _delivered(order_id: str) -> OrderDelivered:
    return OrderDelivered(
        order_id=order_id, confirmation="COURIER_CONFIRMED", confirmed_by="dhl", delivered_at=MONDAY, proof=_PROOF
    )


async def _happen(world: World) -> None:
    """A dispute of a held order, a cancellation by the shop that comes before the money, a setting that is changed."""
    await world.tell(_placed("A-1"), _placed("A-2"))
    early = OrderCancelled(order_id="A-2", cancelled_by="shop", reason=_CANCELLATION)
    await world.pay("A-1")
    await _escrow_becomes(world, "HELD")
    said: list[Message] = [
        _delivered("A-1"),
        OrderDisputed(order_id="A-1", opened_by="buyer-7", reason=_DISPUTE),
        early,
    ]
    await world.tell(*said)
    await _escrow_becomes(world, "DISPUTED")
    change = {"value": 5, "actor": "ada", "reason": _SALE}
    url = f"{world.urls['settings']}/settings/escrow.inspection_days"
    (await world.http.put(url, json=change, headers={"user-agent": _BROWSER})).raise_for_status()

    async def told() -> bool:
        kept = await world.database.fetchval(
            "select count(*) from audit.messages where type in "
            "('escrow.disputed.v1', 'escrow.delivery_confirmed.v1', 'payment.canceled.v1', 'setting.changed.v1')"
        )
        waiting = await world.database.fetchval("select count(*) from messaging.messages")
        return bool(kept == 4 and not waiting)

    await world.until(told)


async def _escrow_becomes(world: World, status: str) -> None:
    async def look() -> bool:
        escrow = await world.escrow("A-1")
        return bool(escrow and escrow["status"] == status)

    await world.until(look)


async def _texts(world: World, order_id: str) -> list[tuple[str, str]]:
    [stream] = await world.database.fetch(
        "select distinct stream from ledger.events where stream like 'escrow-%' and data->>'order_id' = $1",
        order_id,
    )
    said = await world.get("escrow", f"/escrows/{stream['stream'].removeprefix('escrow-')}/texts")
    return [(each["by"], each["text"]) for each in said]


async def _dump(database: asyncpg.Pool) -> str:
    """Every row of every table as text, and what stands in it as bytes once more as characters."""
    tables = await database.fetch(
        "select format('%I.%I', schemaname, tablename) as name from pg_tables "
        "where schemaname not in ('pg_catalog', 'information_schema')"
    )
    rows = [
        row["line"] for each in tables for row in await database.fetch(f"select t::text as line from {each['name']} t")
    ]
    bodies = await database.fetch(
        "select body from messaging.messages union all select body from messaging.dead_letters"
    )
    return "\n".join([*rows, *(row["body"].decode() for row in bodies)])


async def _keys(database: asyncpg.Pool) -> list[bytes]:
    rows = await database.fetch("select subject, wrapped from ledger.subject_keys where wrapped is not null")
    return [key for subject, box in rows if (key := unwrapped(box, [MASTER], 1, subject))]


async def test_what_people_type_is_in_no_table_and_no_log_and_can_be_forgotten(
    world: World, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    caplog.set_level(logging.DEBUG)
    caplog.set_level(logging.DEBUG, logger="httpx")  # which our own configuration, once made, keeps quiet
    await _happen(world)
    dump = await _dump(world.database)
    keys = await _keys(world.database)
    assert len(keys) == 6  # buyer-7, dhl, shop, ada, and two orders
    logs = caplog.text + "".join(capfd.readouterr())
    assert ("DisputeOpened" in dump, "/settings/escrow.inspection_days" in logs) == (
        True,
        True,
    )  # there is something to look through
    secrets = [*_TYPED, DATA_KEY, *(form for key in (*keys, MASTER) for form in (key.hex(), b64encode(key).decode()))]
    assert [secret for secret in secrets if secret in dump or secret in logs] == []
    assert await _texts(world, "A-1") == [("dhl", _PROOF), ("buyer-7", _DISPUTE)]
    assert await _texts(world, "A-2") == [("shop", _CANCELLATION)]

    code, out, err = await world.holdfast("forget", "buyer-7", "--yes", "--json")
    assert code == 0, err
    report = json.loads(out)
    assert (report["orders"], report["living"], report["destroyed"]) == (["A-1", "A-2"], 3, 3)
    assert await _texts(world, "A-1") == [("dhl", "[forgotten]"), ("buyer-7", "[forgotten]")]
    assert await _texts(world, "A-2") == [("shop", "[forgotten]")]
    [changed] = (await world.get("settings", "/settings/escrow.inspection_days"))["history"]
    assert (changed["reason"], changed["user_agent"]) == (_SALE, _BROWSER)

    async with open_ledger(world.environment["HOLDFAST_DATABASE_URL"], "audit") as auditor:
        assert (await verify(auditor)).ok
        replayed = await replay(auditor, read_models())
        assert [each for each in replayed.comparisons if not each.equal] == []
    assert (await world.http.get(f"{world.urls['escrow']}/readyz")).is_success


async def test_forgetting_asks_first_and_can_be_done_twice_and_knows_whom(database_url: str) -> None:
    environment = {"PATH": os.environ["PATH"], "HOLDFAST_DATABASE_URL": database_url}
    async with open_ledger(database_url, None) as ledger:
        desk = Desk(ledger, MASTER)
        await desk.hear(complaint := uuid4(), PLAIN, "buyer-9")
        unasked, _, err = await holdfast(environment, "forget", "buyer-9")  # nobody there to answer
        assert (unasked, "buyer-9: 0 orders, 1 keys" in " ".join(err.split())) == (1, True)
        assert await desk.shown(complaint) == [PLAIN]
        code, out, _ = await holdfast(environment, "forget", "buyer-9", "--yes")
        assert (code, "1 keys destroyed" in out, "backups" in out) == (0, True, True)
        assert await desk.shown(complaint) == ["[forgotten]"]
        again = await dossier(ledger, "buyer-9", lambda _: None)
        assert (again.open, await erase(ledger, again)) == (False, 0)
        assert "was forgotten before" in again.text()
        with pytest.raises(NotFound, match="'buyer-8'"):
            await dossier(ledger, "buyer-8", lambda _: None)


async def test_a_command_puts_everything_under_the_first_key(database_url: str) -> None:
    new = new_data_key()
    environment = {"PATH": os.environ["PATH"], "HOLDFAST_DATABASE_URL": database_url}
    async with open_ledger(database_url, None) as ledger:
        await Desk(ledger, MASTER).hear(complaint := uuid4())
        both = environment | {"HOLDFAST_DATA_KEY": f"{new},{DATA_KEY}"}
        code, out, err = await holdfast(both, "data-key", "rewrap", "--json")
        assert (code, json.loads(out)) == (0, {"rewrapped": 2, "keys": 2}), err
        assert await Desk(ledger, b64decode(new)).shown(complaint) == [PLAIN]


@pytest.mark.parametrize("service", ["escrow", "settings"])
async def test_a_service_that_keeps_texts_does_not_start_without_a_key(database_url: str, service: str) -> None:
    async with AsyncExitStack() as stack:
        with pytest.raises(Misconfigured, match="`holdfast data-key new`"):
            await stack.enter_async_context(opened([service], load_config(database_url=SecretStr(database_url))))


async def test_a_service_with_a_wrong_key_is_not_ready(database_url: str) -> None:
    async with open_ledger(database_url, None) as ledger, AsyncExitStack() as stack:
        await Desk(ledger, b"x" * 32).hear(uuid4())
        given = {"database_url": SecretStr(database_url), "data_key": SecretStr(DATA_KEY)}
        [service] = await stack.enter_async_context(opened(["escrow"], load_config(**given)))
        [ping] = service.pings
        with pytest.raises(Unavailable, match="HOLDFAST_DATA_KEY"):
            await ping.call()
