from __future__ import annotations

import pytest

from libs.ledger.errors import Unavailable
from libs.runtime.calls import Calls
from libs.runtime.outcomes import Refused, TurnedAway, Unknown, verdict


class _Failure(Exception):
    def __init__(self, status: int | None, code: str | None = None) -> None:
        super().__init__()
        self.http_status = status
        self.code = code
        self.user_message = "because"


class _KeyReused(_Failure):
    pass


def _calls() -> Calls:
    return Calls(_Failure, key_reused=_KeyReused)


@pytest.mark.parametrize(
    ("failure", "outcome", "answered"),
    [
        (_Failure(None), Unknown, False),
        (_Failure(409), Unknown, False),
        (_KeyReused(409), Unknown, False),
        (_KeyReused(400), Unknown, True),
        (_Failure(500), Unknown, True),
        (_Failure(503), Unknown, True),
        (_Failure(401), TurnedAway, None),
        (_Failure(403), TurnedAway, None),
        (_Failure(429), TurnedAway, None),
        (_Failure(400), Refused, None),
        (_Failure(402, "card_declined"), Refused, None),
        (_Failure(404), Refused, None),
    ],
    ids=lambda value: f"{type(value).__name__} {value.http_status}" if isinstance(value, _Failure) else None,
)
async def test_an_error_says_what_is_known_of_the_effect(
    failure: _Failure, outcome: type[Exception], answered: bool | None
) -> None:
    with pytest.raises(outcome) as raised:
        async with _calls():
            raise failure
    assert getattr(raised.value, "answered", None) is answered
    assert raised.value.__cause__ is failure


def test_a_refusal_has_the_processors_code_and_what_may_succeed_later_is_unavailable() -> None:
    assert verdict("no", status=402, code="card_declined").code == "card_declined"
    assert verdict("no", status=400).code == "refused"
    assert verdict("no", status=400).text == "Stripe says: no"
    assert verdict("lost", status=None).text == "Stripe did not answer: lost"
    assert isinstance(verdict("slower", status=429), Unavailable)


async def test_a_defect_of_ours_is_no_outcome() -> None:
    with pytest.raises(TypeError):
        async with _calls():
            raise TypeError
