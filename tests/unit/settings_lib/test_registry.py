from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from libs.ledger.errors import NotFound, Rejected
from libs.ledger.money import CURRENCIES
from libs.settings import registry
from libs.settings.registry import SETTINGS, Setting


@pytest.mark.parametrize("setting", SETTINGS.values(), ids=SETTINGS)
def test_every_default_survives_the_way_to_json_and_back(setting: Setting[Any]) -> None:
    assert setting.parse(setting.dump(setting.default)) == setting.default
    assert setting.key.startswith(setting.category.removesuffix("s"))
    assert setting.json_schema


def test_the_defaults_are_those_of_the_design() -> None:
    assert {key: setting.dump(setting.default) for key, setting in SETTINGS.items()} == {
        "escrow.enabled": True,
        "escrow.inspection_days": 7,
        "escrow.deliver_by_days": 30,
        "escrow.hold_days_max": 90,
        "commission.card": {"basis_points": 2000, "min_minor": 100, "max_minor": 50000},
        "payment.amount_min": 500,
        "payment.amount_max": 1000000,
        "payment.daily_limit": 5000000,
        "payment.monthly_limit": 20000000,
        "payment.daily_count_max": 20,
        "payment.expire_hours": 24,
        "payment.statement_descriptor": "",
        "risk.fraud_warning": "freeze",
        "refund.window_days": 30,
        "chargeback.borne_by": "seller",
        "payout.frequency": "weekly",
        "payout.minimum": 1000,
        "payout.attempts_max": 3,
        "job.batch_size": 50,
    }


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("escrow.enabled", "yes"),
        ("escrow.enabled", 1),
        ("escrow.inspection_days", "7"),
        ("escrow.inspection_days", 7.0),
        ("escrow.inspection_days", True),
        ("escrow.inspection_days", -1),
        ("escrow.inspection_days", None),
        ("payout.frequency", "hourly"),
        ("commission.card", {"basis_points": 2000, "min_minor": 100}),
        ("commission.card", {"basis_points": 10001, "min_minor": 0, "max_minor": 0}),
        ("commission.card", {"basis_points": 1, "min_minor": 2, "max_minor": 1}),
        ("commission.card", {"basis_points": 1, "min_minor": 1, "max_minor": 1, "minimum": 5}),
    ],
)
def test_a_value_of_another_type_or_out_of_range_is_refused(key: str, value: Any) -> None:
    with pytest.raises(Rejected, match=key.replace(".", r"\.")) as refused:
        registry.find(key).parse(value)
    assert refused.value.code == "bad_setting"


def test_zero_is_a_value_and_not_the_absence_of_one() -> None:
    assert registry.ESCROW_INSPECTION_DAYS.parse(0) == 0


def test_an_unknown_key_is_not_found() -> None:
    with pytest.raises(NotFound) as refused:
        registry.find("escrow.colour")
    assert refused.value.code == "unknown_setting"


def test_the_streams_of_settings_differ_by_key_and_book() -> None:
    assert len({registry.setting_id(book, key) for book in (1, 2) for key in SETTINGS}) == 2 * len(SETTINGS)


@pytest.mark.parametrize(
    ("nominal", "code", "expected"),
    [(500, "USD", 500), (500, "EUR", 500), (500, "JPY", 5), (501, "JPY", 6), (500, "KWD", 5000), (0, "JPY", 0)],
)
def test_an_amount_means_the_same_number_of_units_in_every_currency(nominal: int, code: str, expected: int) -> None:
    assert registry.amount_in(nominal, code) == expected


@given(st.integers(0, 10**15), st.sampled_from(sorted(CURRENCIES)))
def test_an_amount_is_never_rounded_down(nominal: int, code: str) -> None:
    unit = 10 ** CURRENCIES[code].exponent
    amount = registry.amount_in(nominal, code)
    assert (amount - 1) * 100 < nominal * unit <= amount * 100


@given(currency=st.sampled_from(sorted(CURRENCIES)), amount_minor=st.integers(1, 10**20))
def test_a_nominal_amount_is_never_less_and_at_most_a_hundredth_more(currency: str, amount_minor: int) -> None:
    nominal_minor = registry.nominal_of(amount_minor, currency)
    hundredth_minor = max(1, 10 ** CURRENCIES[currency].exponent // 100)
    assert 0 <= registry.amount_in(nominal_minor, currency) - amount_minor < hundredth_minor


def test_nominal_amounts_of_currencies_with_other_decimals() -> None:
    nominal = [registry.nominal_of(*each) for each in ((5, "JPY"), (5_000, "KWD"), (5_001, "KWD"), (500, "EUR"))]
    assert nominal == [500, 500, 501, 500]
