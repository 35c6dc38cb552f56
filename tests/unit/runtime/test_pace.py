"""How requests leave: so many a second to an endpoint, so many at once, and again when they were too many."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable

import pytest

from libs.runtime.calls import Answer, Pace, endpoint_of

URL = "https://api.stripe.com/v1/payment_intents"
OK: Answer = (b"{}", 200, {})
TOO_MANY: Answer = (b'{"error": {"type": "rate_limit_error"}}', 429, {})
LOCKED: Answer = (b'{"error": {"code": "lock_timeout"}}', 429, {})


def _answers(*answers: Answer) -> Callable[[], Awaitable[Answer]]:
    rest = iter(answers)

    async def request() -> Answer:
        return next(rest)

    return request


@pytest.mark.parametrize(
    ("path", "endpoint"),
    [
        ("/v1/payment_intents", "POST /v1/payment_intents"),
        ("/v1/payment_intents/pi_3Mtw", "POST /v1/payment_intents/*"),
        ("/v1/payment_intents/pi_3Mtw/cancel?x=1", "POST /v1/payment_intents/*/cancel"),
        ("/v1/payment_intents/search?query=a1", "POST /v1/payment_intents/search"),
        ("/v1/transfers/tr_1/reversals/trr_2", "POST /v1/transfers/*/reversals/*"),
    ],
)
def test_an_endpoint_is_the_path_without_ids(path: str, endpoint: str) -> None:
    assert endpoint_of("post", f"https://api.stripe.com{path}") == endpoint


async def test_an_endpoint_gets_so_many_a_second_and_another_has_its_own() -> None:
    pace = Pace(requests_per_second=20)

    async def seconds_of(url: str, count: int) -> float:
        started = time.perf_counter()
        await asyncio.gather(*(pace.send("post", url, _answers(OK)) for _ in range(count)))
        return time.perf_counter() - started

    one, other = await asyncio.gather(seconds_of(URL, 26), seconds_of(f"{URL}/search", 20))
    assert one >= 5 / 20, "a bucket of twenty, and the others at their rate"
    assert other < one


async def test_so_many_run_at_once_and_no_more() -> None:
    pace, running, most = Pace(requests_per_second=1_000, at_once_max=3), 0, 0

    async def request() -> Answer:
        nonlocal running, most
        running += 1
        most = max(most, running)
        await asyncio.sleep(0)
        running -= 1
        return OK

    await asyncio.gather(*(pace.send("get", URL, request) for _ in range(20)))
    assert most == 3


async def test_who_waits_for_one_endpoint_keeps_no_slot_from_another() -> None:
    pace = Pace(requests_per_second=1, at_once_max=1)
    waiting = [asyncio.create_task(pace.send("post", URL, _answers(OK))) for _ in range(3)]
    await asyncio.sleep(0)
    async with asyncio.timeout(0.5):
        assert await pace.send("get", f"{URL}/search", _answers(OK)) == OK
    for task in waiting:
        task.cancel()


async def test_one_that_hangs_lets_the_others_pass_and_a_cancelled_one_makes_room() -> None:
    pace = Pace(at_once_max=2)

    async def hang() -> Answer:
        await asyncio.Event().wait()
        raise AssertionError

    hanging = [asyncio.create_task(pace.send("get", URL, hang)) for _ in range(3)]
    await asyncio.sleep(0)
    for number in (0, 2):
        hanging[number].cancel()
    await asyncio.wait([hanging[0], hanging[2]])
    async with asyncio.timeout(1):
        assert await pace.send("get", URL, _answers(OK)) == OK
    assert not hanging[1].done()
    hanging[1].cancel()


@pytest.mark.parametrize("busy", [TOO_MANY, LOCKED], ids=["rate", "lock"])
async def test_what_was_turned_away_for_being_too_much_is_sent_again(busy: Answer) -> None:
    assert await Pace().send("post", URL, _answers(busy, OK)) == OK


async def test_a_lock_is_waited_for_less_than_a_rate() -> None:
    started = time.perf_counter()
    await Pace().send("post", URL, _answers(LOCKED, LOCKED, OK))
    assert time.perf_counter() - started < 0.5


@pytest.mark.parametrize("busy", [TOO_MANY, LOCKED], ids=["rate", "lock"])
async def test_in_vain_the_caller_sees_what_was_answered_last(busy: Answer) -> None:
    assert await Pace(attempts_max=1).send("post", URL, _answers(busy)) == busy


@pytest.mark.parametrize("status", [200, 400, 402, 409, 500, 503])
async def test_any_other_answer_is_the_callers_at_once(status: int) -> None:
    answer: Answer = (b"", status, {})
    assert await Pace().send("post", URL, _answers(answer)) == answer
