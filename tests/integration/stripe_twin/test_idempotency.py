"""Idempotency keys, as https://docs.stripe.com/api/idempotent_requests says."""

import asyncio

import httpx
import pytest
import stripe

from libs.devstack.stripe_twin import Twin
from tests.integration.stripe_twin.desk import DAY_SECONDS, Desk

_INTENT: dict[str, str] = {"amount": "1000", "currency": "usd"}


async def _post(
    twin: Twin, key: str, form: dict[str, str] | None = None, path: str = "payment_intents"
) -> httpx.Response:
    headers = {"authorization": "Bearer sk_test_twin", "idempotency-key": key}
    async with httpx.AsyncClient() as http:
        return await http.post(f"{twin.url}/v1/{path}", data=form or _INTENT, headers=headers)


async def test_the_same_key_replays_the_first_answer(twin: Twin, desk: Desk) -> None:
    first, second = await _post(twin, "k1"), await _post(twin, "k1")
    assert first.content == second.content
    assert "idempotent-replayed" not in first.headers
    assert second.headers["idempotent-replayed"] == "true"
    assert second.headers["original-request"] == first.headers["request-id"]
    assert len((await desk.api.v1.payment_intents.list_async()).data) == 1


async def test_the_replay_is_the_first_answer_even_if_the_object_has_changed(twin: Twin) -> None:
    first = await _post(twin, "k1")
    await twin.confirm(first.json()["id"])
    assert (await _post(twin, "k1")).json()["status"] == "requires_payment_method"


async def test_the_same_key_with_other_parameters_is_refused(desk: Desk) -> None:
    create = desk.api.v1.payment_intents.create_async
    await create({"amount": 1_000, "currency": "usd"}, {"idempotency_key": "k1"})
    with pytest.raises(stripe.IdempotencyError, match="same parameters"):
        await create({"amount": 1_001, "currency": "usd"}, {"idempotency_key": "k1"})
    with pytest.raises(stripe.IdempotencyError):
        await desk.api.v1.accounts.create_async({"type": "express"}, {"idempotency_key": "k1"})


async def test_keys_of_different_accounts_do_not_meet(desk: Desk) -> None:
    first, second = await desk.funded_seller(), await desk.funded_seller()
    payouts = [
        await desk.api.v1.payouts.create_async(
            {"amount": 100, "currency": "usd"}, {"stripe_account": seller.id, "idempotency_key": "po:1"}
        )
        for seller in (first, second)
    ]
    assert payouts[0].id != payouts[1].id


async def test_the_refusal_of_a_begun_call_is_replayed_too(twin: Twin, desk: Desk) -> None:
    seller = await desk.seller()
    form = {"amount": "500", "currency": "usd", "destination": seller.id}
    first = await _post(twin, "tr:1", form, "transfers")
    assert first.json()["error"]["code"] == "balance_insufficient"
    await twin.confirm((await desk.intent(10_000)).id, "pm_card_bypassPending")
    again = await _post(twin, "tr:1", form, "transfers")
    assert (again.status_code, again.content) == (400, first.content)
    assert again.headers["idempotent-replayed"] == "true"
    assert (await _post(twin, "tr:2", form, "transfers")).status_code == 200


async def test_a_malformed_call_leaves_its_key_free(twin: Twin) -> None:
    refused = await _post(twin, "k1", {"amount": "ten", "currency": "usd"})
    assert refused.status_code == 400
    assert (await _post(twin, "k1")).status_code == 200


async def test_a_key_has_at_most_255_characters(twin: Twin) -> None:
    assert (await _post(twin, "k" * 255)).status_code == 200
    assert (await _post(twin, "k" * 256)).status_code == 400


async def test_a_key_whose_call_still_runs_is_in_use(twin: Twin) -> None:
    await twin.fault("payment_intents.create", "slow", seconds=0.3)
    running = asyncio.create_task(_post(twin, "k1"))
    await asyncio.sleep(0.1)
    meanwhile = await _post(twin, "k1")
    assert (meanwhile.status_code, meanwhile.json()["error"]["code"]) == (409, "idempotency_key_in_use")
    assert (await running).status_code == 200
    assert (await _post(twin, "k1")).headers["idempotent-replayed"] == "true"


async def test_a_key_is_forgotten_after_a_day_of_the_twins_clock(twin: Twin) -> None:
    first = await _post(twin, "k1")
    await twin.advance(DAY_SECONDS - 1)
    assert (await _post(twin, "k1")).json()["id"] == first.json()["id"]
    await twin.advance(1)
    assert (await _post(twin, "k1")).json()["id"] != first.json()["id"]


async def test_the_sdks_own_retries_create_one_object(twin: Twin) -> None:
    await twin.fault("payment_intents.create", "lock_timeout_429", count=2)
    async with Desk.sdk(twin.url, max_network_retries=3) as api:
        await api.v1.payment_intents.create_async({"amount": 1_000, "currency": "usd"})
        assert len((await api.v1.payment_intents.list_async()).data) == 1
