"""Dead letters: looked at, replayed and dropped, the same on both carriers."""

from __future__ import annotations

import pytest

from libs.ledger.errors import Rejected
from libs.messaging.carrier import Carrier
from libs.messaging.envelope import Envelope
from tests.integration.messaging.world import Inbox, World, letters_of, order, route, until_ready


class Ward:
    """Two queues whose handlers refuse everything until they are healed."""

    def __init__(self, world: World) -> None:
        self.carrier: Carrier = world.carrier()
        self.healed = False
        self.shop, self.other = Inbox(self._refuse), Inbox(self._refuse)

    async def _refuse(self, _: Envelope) -> None:
        if not self.healed:
            raise Rejected("Not today.", code="not_today")

    async def open(self) -> None:
        await self.carrier.start([route(self.shop), route(self.other, "other.orders")])
        await until_ready(self.carrier)


@pytest.fixture
async def ward(world: World) -> Ward:
    """Holds each of two orders once for every queue."""
    made = Ward(world)
    await made.open()
    await made.carrier.publish([order("order-1"), order("order-2")], "orders")
    await letters_of(made.carrier, 4)
    return made


async def test_letters_are_listed_by_queue_and_id_and_stay_where_they_are(ward: Ward) -> None:
    dead = ward.carrier.dead
    for _ in range(2):
        letters = await dead.letters()
        assert sorted(letter.queue for letter in letters) == ["other.orders"] * 2 + ["shop.orders"] * 2
        assert {(letter.code, letter.reason, letter.type) for letter in letters} == {
            ("not_today", "Not today.", "order.placed.v1")
        }
    assert [letter.queue for letter in await dead.letters(queue="shop.orders")] == ["shop.orders"] * 2
    one = letters[0].id
    assert [letter.id for letter in await dead.letters(id=one)] == [one, one]
    assert len(await dead.letters(queue="shop.orders", id=one)) == 1
    assert len(await dead.letters(limit=3)) == 3
    assert await dead.letters(queue="shop.nowhere") == []
    assert await dead.letters(queue="nowhere.orders") == []


async def test_a_replayed_letter_goes_to_the_queue_it_died_in_and_to_no_other(ward: Ward) -> None:
    ward.healed = True
    assert await ward.carrier.dead.replay(queue="shop.orders") == 2
    await ward.shop.holds("order-1", "order-2")
    assert ward.other.seen == []
    assert {letter.queue for letter in await ward.carrier.dead.letters()} == {"other.orders"}


async def test_everything_can_be_replayed_at_once(ward: Ward) -> None:
    ward.healed = True
    assert await ward.carrier.dead.replay() == 4
    await ward.shop.holds("order-1", "order-2")
    await ward.other.holds("order-1", "order-2")
    assert await ward.carrier.dead.letters() == []
    assert await ward.carrier.dead.replay() == 0


async def test_a_letter_that_is_replayed_without_a_cure_dies_again_and_is_there_again(ward: Ward) -> None:
    [before] = await ward.carrier.dead.letters(queue="shop.orders", id=(await ward.carrier.dead.letters())[0].id)
    assert await ward.carrier.dead.replay(queue="shop.orders", id=before.id) == 1
    await letters_of(ward.carrier, 4)
    [after] = await ward.carrier.dead.letters(queue="shop.orders", id=before.id)
    assert (after.code, after.body) == (before.code, before.body)
    assert after.died_at is not None
    assert before.died_at is not None
    assert after.died_at > before.died_at


async def test_a_dropped_letter_is_gone_and_the_others_are_not(ward: Ward) -> None:
    chosen = (await ward.carrier.dead.letters(queue="shop.orders"))[0]
    assert await ward.carrier.dead.drop(queue="shop.orders", id=chosen.id) == 1
    left = await ward.carrier.dead.letters()
    assert len(left) == 3
    assert ("shop.orders", chosen.id) not in {(letter.queue, letter.id) for letter in left}
    assert await ward.carrier.dead.drop(id="no-such-id") == 0
