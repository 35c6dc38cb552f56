"""The audit's side of a growing book."""

from __future__ import annotations

import pytest

from libs.eventstore.ledger import Ledger
from libs.eventstore.projector import Projector
from services.audit.transparency import tree
from services.audit.transparency.heads import Signer
from tests.integration.audit.transparency.book import (
    KEY,
    Book,
    Clock,
)


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def grower(ledger: Ledger) -> Projector:
    return Projector(ledger.pool, ledger.feed, tree.projection())


@pytest.fixture
def signer(ledger: Ledger, clock: Clock) -> Signer:
    return Signer(ledger, [KEY], clock)


@pytest.fixture
def book(owner: Ledger, grower: Projector) -> Book:
    return Book(owner, grower)
