"""Stripe's idempotency cache (https://docs.stripe.com/api/idempotent_requests).

A key belongs to an account. The outcome of a call that began is remembered, errors too, for 24 hours of the twin's
clock; a call that was refused before it began leaves nothing behind.
"""

from collections import deque
from dataclasses import dataclass

from libs.devstack.stripe_twin.errors import idempotency_key_in_use, idempotency_key_reused

KEPT_SECONDS = 24 * 3_600
KEY_LENGTH_MOST = 255

CacheKey = tuple[str, str]


@dataclass(slots=True)
class Outcome:
    status: int
    body: bytes
    request_id: str


@dataclass(slots=True)
class _Entry:
    fingerprint: tuple[str, bytes]
    begun_at: int
    outcome: Outcome | None = None


class IdempotencyCache:
    def __init__(self) -> None:
        self._entries: dict[CacheKey, _Entry] = {}
        self._oldest: deque[tuple[int, CacheKey]] = deque()

    def __len__(self) -> int:
        return len(self._entries)

    def outcome_of(self, key: CacheKey, fingerprint: tuple[str, bytes], now: int) -> Outcome | None:
        """The remembered outcome, or None if the key is free.

        Raises the refusal of a key that is used with other parameters, or whose call is still running.
        """
        self._forget(now)
        entry = self._entries.get(key)
        if entry is None:
            return None
        if entry.fingerprint != fingerprint:
            raise idempotency_key_reused(key[1])
        if entry.outcome is None:
            raise idempotency_key_in_use(key[1])
        return entry.outcome

    def begin(self, key: CacheKey, fingerprint: tuple[str, bytes], now: int) -> None:
        self._entries[key] = _Entry(fingerprint, now)
        self._oldest.append((now, key))

    def finish(self, key: CacheKey, outcome: Outcome) -> None:
        # the key may have been forgotten while its call ran: the clock can leap a day in the meantime
        if entry := self._entries.get(key):
            entry.outcome = outcome

    def abandon(self, key: CacheKey) -> None:
        """Its call was turned away after all: nothing is remembered."""
        self._entries.pop(key, None)

    def _forget(self, now: int) -> None:
        while self._oldest and self._oldest[0][0] <= now - KEPT_SECONDS:
            begun_at, key = self._oldest.popleft()
            if (entry := self._entries.get(key)) and entry.begun_at == begun_at:
                del self._entries[key]
