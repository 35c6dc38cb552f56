"""What the in-process carrier must do beyond what all carriers do."""

from __future__ import annotations

import asyncio

from libs.eventstore.pool import open_pool
from libs.messaging.envelope import Envelope
from libs.messaging.local import LocalCarrier
from libs.messaging.route import ORDERS
from tests.integration.messaging.world import BINDINGS, QUICK, Inbox, LocalWorld, letters_of, order, route, until


async def test_a_killed_consumers_messages_come_to_another_at_once(local: LocalWorld) -> None:
    """A process that dies takes its connection along, and with it its locks: no lease has to run out."""
    held = asyncio.Event()

    async def hold(_: Envelope) -> None:
        held.set()
        await asyncio.Event().wait()

    await local.carrier().publish([order("order-1")], ORDERS)
    inbox = Inbox()
    async with open_pool(local.url, None) as pool:
        first = LocalCarrier(pool, 1, bindings=BINDINGS, patience=QUICK)
        await first.start([route(Inbox(hold))])
        await held.wait()
        second = local.carrier()
        await second.start([route(inbox)])
        await asyncio.sleep(0.3)
        assert inbox.seen == []
        first_tasks = first._tasks
        pool.terminate()
        await inbox.holds("order-1", seconds=5)
        for task in first_tasks:
            task.cancel()


async def test_a_lost_database_connection_loses_nothing(local: LocalWorld) -> None:
    inbox = Inbox()
    carrier = local.carrier()
    await carrier.start([route(inbox)])
    for number in range(20):
        await carrier.publish([order(f"order-{number}")], ORDERS)
        await local.pool.execute(
            "select pg_terminate_backend(pid) from pg_stat_activity"
            " where datname = current_database() and pid <> pg_backend_pid()"
        )
    await until(lambda: set(inbox.seen) == {f"order-{number}" for number in range(20)})


async def test_two_books_in_one_database_do_not_read_each_others_messages(local: LocalWorld) -> None:
    inbox = Inbox()
    other = LocalCarrier(local.pool, 2, bindings=BINDINGS, patience=QUICK)
    carrier = local.carrier()
    await carrier.start([route(inbox)])
    await other.publish([order("theirs")], ORDERS)
    await carrier.publish([order("ours")], ORDERS)
    await inbox.holds("ours")
    await asyncio.sleep(0.2)
    assert inbox.seen == ["ours"]


async def test_a_returned_message_waits_longer_each_time_and_others_pass_it(local: LocalWorld) -> None:
    await local.pool.execute(
        "insert into messaging.messages (book, queue, message_id, body, returns, due_at)"
        " values (1, 'shop.orders', 'late', $1, 5, now() + interval '1 hour')",
        order("late").to_json(),
    )
    inbox = Inbox()
    carrier = local.carrier()
    await carrier.start([route(inbox)])
    await carrier.publish([order("order-1")], ORDERS)
    await inbox.holds("order-1")
    assert inbox.seen == ["order-1"]


async def test_another_process_s_message_is_found_by_polling(local: LocalWorld) -> None:
    inbox = Inbox()
    await local.carrier().start([route(inbox)])
    await asyncio.sleep(0.1)
    await local.inject("shop.orders", order("order-1").to_json(), "x-1")
    await inbox.holds("order-1", seconds=5)


async def test_the_messaging_role_may_do_all_a_carrier_does_and_nothing_else(local: LocalWorld) -> None:
    inbox = Inbox()
    async with open_pool(local.url, "messaging") as pool:
        carrier = LocalCarrier(pool, 1, bindings=BINDINGS, patience=QUICK)
        await carrier.start([route(inbox)])
        await carrier.publish([order("order-1")], ORDERS)
        await inbox.holds("order-1")
        await local.inject("shop.orders", b"nonsense", "broken")
        await letters_of(carrier)
        assert await carrier.dead.drop() == 1
        assert not await pool.fetchval("select has_schema_privilege('ledger', 'usage')")
        await carrier.stop()
