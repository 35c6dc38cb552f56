"""`holdfast demo`, run as a newcomer runs it."""

from __future__ import annotations

import json
import os

from tests.e2e.processes import holdfast


async def test_the_demo_ends_proven_and_can_be_examined_afterwards(database_url: str) -> None:
    environment = {"PATH": os.environ["PATH"], "HOLDFAST_DATABASE_URL": database_url}
    code, out, err = await holdfast(environment, "demo")
    assert code == 0, out + err
    figures = json.loads(out.splitlines()[-1])
    assert figures["orders"] >= 200
    assert (figures["trial_balance_minor"], figures["replay"], figures["verify"]) == (0, "equal", "ok")
    assert figures["captured_minor"] == figures["released_minor"] + figures["refunded_minor"]
    assert 0 < figures["paid_out_minor"] <= figures["released_minor"] - figures["commission_minor"]
    assert figures["payouts_failed"] >= 1
    assert figures["orders_rejected"] == 3  # two over the limit, one changed after it was placed
    assert figures["messages_told"] > figures["orders"] + 180  # the repeated ones, the deliveries, the cancellations

    code, out, err = await holdfast(environment, "audit", "trial-balance", "--json")
    assert code == 0, err
    balances = {line["account"]: line["credit_minor"] for line in json.loads(out)["lines"]}
    assert balances["revenue:commission"] == figures["commission_minor"]

    code, out, err = await holdfast(environment, "demo")
    assert code == 1
    assert "book_not_empty" in err
