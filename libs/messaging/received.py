"""What a handler takes from an envelope: whose deed it is, and how to do it only once."""

from __future__ import annotations

import json
from hashlib import sha256

from libs.eventstore.model import Key, Meta
from libs.messaging.envelope import Envelope


def meta_of(envelope: Envelope, *, actor: str | None = None) -> Meta:
    """The message as the cause of events. `actor` is who wanted it, where the message says so; else who sent it.

    Without a correlation id the subject (the order) holds everything together. A reason that somebody gave stays out:
    it is free text, and only an event's own fields are sealed (`libs.ledger.personal`).
    """
    return Meta(
        actor=actor or envelope.source,
        correlation_id=envelope.correlationid or envelope.subject,
        causation_id=envelope.id,
    )


def key_of(queue: str, envelope: Envelope) -> Key:
    """A message changes something once in each queue; under its id with other content it is refused (`KeyReused`).

    Ids are unique by source only (CloudEvents 1.0, 3.1): two shops may count from one.
    """
    content = json.dumps([envelope.type, envelope.data], sort_keys=True)
    return Key(f"{queue}:{envelope.source}:{envelope.id}", sha256(content.encode()).digest())
