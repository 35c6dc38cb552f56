"""Stripe's form encoding, against the SDK's own encoder."""

from typing import Any
from urllib.parse import urlencode

import pytest
from hypothesis import given
from hypothesis import strategies as st
from stripe._encode import _api_encode

from libs.devstack.stripe_twin.errors import StripeRefusal
from libs.devstack.stripe_twin.wire import decode_form

_names = st.text(st.characters(exclude_characters="[]&=", exclude_categories=["Cs"]), min_size=1, max_size=8)
_trees = st.dictionaries(
    _names,
    st.recursive(
        st.text(st.characters(exclude_categories=["Cs"]), max_size=8),
        lambda inner: st.dictionaries(_names, inner, min_size=1, max_size=3) | st.lists(inner, min_size=1, max_size=3),
        max_leaves=6,
    ),
    max_size=4,
)


def _numbered(value: Any) -> Any:
    if isinstance(value, list):
        return {str(place): _numbered(item) for place, item in enumerate(value)}
    return {name: _numbered(item) for name, item in value.items()} if isinstance(value, dict) else value


@given(_trees)
def test_what_the_sdk_encodes_is_decoded_again(tree: dict[str, Any]) -> None:
    assert decode_form(urlencode(list(_api_encode(tree))).encode()) == _numbered(tree)


def test_unnumbered_list_items_are_numbered() -> None:
    assert decode_form(b"expand[]=a&expand[]=b") == {"expand": {"0": "a", "1": "b"}}


def test_a_name_cannot_be_both_a_value_and_a_mapping() -> None:
    with pytest.raises(StripeRefusal):
        decode_form(b"metadata=a&metadata[b]=c")
