"""What chaos does follows from its seed, the name and the number of the call, and from nothing else."""

from collections import Counter

import pytest
from pydantic import ValidationError

from libs.devstack.stripe_twin.chaos import Chaos, Lots

_CHAOS = Chaos.evenly(7, 0.7)


def test_the_same_seed_has_the_same_in_store_whatever_comes_in_between() -> None:
    quiet, busy = Lots(_CHAOS), Lots(_CHAOS)
    expected = [quiet.for_call("refunds.create") for _ in range(50)]
    drawn = []
    for number in range(50):
        for _ in range(number % 3):
            busy.for_call("transfers.create")
            busy.for_webhook("refund.created")
        drawn.append(busy.for_call("refunds.create"))
    assert drawn == expected
    assert len(set(expected)) > 4


def test_seeds_and_names_differ() -> None:
    def drawn(seed: int, name: str) -> list[str | None]:
        lots = Lots(Chaos.evenly(seed, 0.7))
        return [lots.for_call(name) for _ in range(50)]

    assert drawn(1, "refunds.create") != drawn(2, "refunds.create")
    assert drawn(1, "refunds.create") != drawn(1, "payouts.create")


def test_the_draws_of_a_seed_stay_the_same_for_ever() -> None:
    lots = Lots(Chaos(seed=1, error_500=0.5, webhook_lost=0.5))
    assert [lots.for_call("refunds.create") for _ in range(6)] == [
        None,
        "error_500",
        "error_500",
        None,
        "error_500",
        None,
    ]
    assert [lots.for_webhook("refund.created") for _ in range(6)] == [None, None, None, None, "lost", "lost"]


def test_each_share_is_met() -> None:
    lots = Lots(Chaos(seed=3, error_500=0.1, timeout_after_effect=0.2, webhook_lost=0.25))
    calls = Counter(lots.for_call("refunds.create") for _ in range(4_000))
    assert calls.keys() == {None, "error_500", "timeout_after_effect"}
    assert calls["error_500"] == pytest.approx(400, abs=80)
    assert calls["timeout_after_effect"] == pytest.approx(800, abs=110)
    webhooks = Counter(lots.for_webhook("refund.created") for _ in range(4_000))
    assert webhooks["lost"] == pytest.approx(1_000, abs=120)


def test_without_chaos_nothing_happens() -> None:
    lots = Lots()
    assert (lots.for_call("refunds.create"), lots.for_webhook("refund.created")) == (None, None)


def test_chaos_begun_anew_counts_anew() -> None:
    lots = Lots(_CHAOS)
    first = [lots.for_call("refunds.create") for _ in range(20)]
    lots.begin(_CHAOS)
    assert [lots.for_call("refunds.create") for _ in range(20)] == first


@pytest.mark.parametrize(
    "shares",
    [{"error_500": 1.1}, {"webhook_lost": -0.1}, {"error_500": 0.6, "error_503": 0.6}, {"earthquake": 0.1}],
    ids=lambda shares: next(iter(shares)),
)
def test_shares_that_cannot_be_are_refused(shares: dict[str, float]) -> None:
    with pytest.raises(ValidationError):
        Chaos.model_validate({"seed": 1} | shares)
