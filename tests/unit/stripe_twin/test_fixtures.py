"""Both checks that are built from the SDK, of requests and of answers, against everything that Stripe publishes."""

from collections.abc import Iterator
from typing import Any, get_args

import pytest
from pydantic import ValidationError

from libs.devstack.stripe_twin import params
from libs.devstack.stripe_twin.shapes import WrongShapeError, check_answer
from tests.unit.stripe_twin.fixtures import FIXTURES, NEWER, OLDER, UNDECLARED, declared, params_types, resource_class

_DECLARED = sorted(FIXTURES.keys() - UNDECLARED)
_WHOLE = [name for name in _DECLARED if not name.startswith("deleted_")]
_WRITTEN = [name for name in _WHOLE if params_types(name)]
_OTHER_WORDS = {"subscription": {"billing_cycle_anchor"}}
"""Read as a time, written as a word."""


def test_all_of_stripes_published_objects_are_there() -> None:
    assert (len(FIXTURES), len(_DECLARED), len(_DECLARED) - len(NEWER) - len(OLDER)) == (176, 173, 164)
    assert len(_WRITTEN) == 93


@pytest.mark.parametrize("name", _DECLARED)
def test_a_published_object_is_accepted_as_an_answer(name: str) -> None:
    check_answer(declared(name))


@pytest.mark.parametrize("name", [*sorted(UNDECLARED), *NEWER, *OLDER])
def test_what_the_sdk_does_not_declare_that_way_is_refused(name: str) -> None:
    with pytest.raises(WrongShapeError):
        check_answer(FIXTURES[name])


@pytest.mark.parametrize("name", _DECLARED)
def test_a_published_object_with_something_unknown_or_mistyped_is_refused(name: str) -> None:
    for change in ({"colour": "red"}, *_mistyped(declared(name))):
        with pytest.raises(WrongShapeError):
            check_answer(declared(name) | change)


@pytest.mark.parametrize("name", _WHOLE)
def test_a_published_object_lacks_nothing_that_the_sdk_requires(name: str) -> None:
    hints = vars(resource_class(name))["__annotations__"]
    for key in sorted(declared(name).keys() - {"object"}):
        hint = hints.get(key) or hints[f"{key}_"]
        without = {other: value for other, value in declared(name).items() if other != key}
        if type(None) in get_args(hint):
            check_answer(without)
        else:
            with pytest.raises(WrongShapeError, match=key):
                check_answer(without)


@pytest.mark.parametrize("name", _WRITTEN)
def test_what_stripe_shows_of_an_object_may_be_said_of_it(name: str) -> None:
    for kind in params_types(name):
        form = {key: _form(value) for key, value in _said(name, kind)}
        assert _complaints(kind, form) == set()


@pytest.mark.parametrize("name", _WRITTEN)
def test_what_is_said_otherwise_is_refused(name: str) -> None:
    for kind in params_types(name):
        assert _complaints(kind, {"colour": "red"}) == {"colour"}
        for key, value in _said(name, kind):
            if isinstance(value, bool | int):
                assert _complaints(kind, {key: "twelve"}) == {key}
            assert _complaints(kind, {key: {"0": {"colour": "red"}}}) == {key}


def _mistyped(shown: dict[str, Any]) -> Iterator[dict[str, Any]]:
    for key, value in shown.items():
        if key in {"object", "deleted"}:
            continue
        if isinstance(value, bool | int):
            yield {key: str(value)}
        elif isinstance(value, str):
            yield {key: 1}
        elif isinstance(value, list | dict):
            yield {key: 1.5}


def _said(name: str, kind: type) -> list[tuple[str, Any]]:
    """The plain values that have the same name as a parameter."""
    shown = declared(name).items()
    plain = [(key, value) for key, value in shown if isinstance(value, str | int) and value != ""]
    return [(key, value) for key, value in plain if key in _names(kind) - _OTHER_WORDS.get(name, set())]


def _names(kind: type) -> set[str]:
    return set(kind.__annotations__)


def _form(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _complaints(kind: type, form: dict[str, Any]) -> set[str]:
    """The parameters complained about, other than those that this form does not mention at all."""
    try:
        params.adapter(kind).validate_python(form)
    except ValidationError as error:
        return {str(found["loc"][0]) for found in error.errors() if found["type"] != "missing"} & form.keys()
    return set()
