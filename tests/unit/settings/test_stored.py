"""Changes as version 1 stored them are read for ever."""

from __future__ import annotations

from datetime import UTC, datetime

from libs.eventstore.codec import Codec
from libs.eventstore.model import Recorded
from libs.ledger.personal import FreeText
from services.settings.domain import SETTING, UPCASTS

NOON = datetime(2026, 11, 2, 12, tzinfo=UTC)
DATA = (
    '{"key":"escrow.enabled","old":true,"new":false,"actor":"ada","reason":"a sale","ip":"10.0.0.9","user_agent":null}'
)


def test_what_was_stored_in_plain_is_read_as_texts_of_its_actor() -> None:
    stored = Recorded(
        1, 1, "setting-x", 1, "SettingChanged", 1, NOON, NOON, None, None, "ada", None, (), (), (), DATA, b""
    )
    event = Codec(SETTING.events, UPCASTS).decode(stored)
    assert (event.reason, event.ip, event.user_agent) == (
        FreeText("a sale", ("ada",)),
        FreeText("10.0.0.9", ("ada",)),
        None,
    )
