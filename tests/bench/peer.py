"""One small domain twice, as each library would have it: an escrow that is opened and then released."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final
from urllib.parse import urlsplit
from uuid import UUID

from eventsourcing.application import Application
from eventsourcing.domain import Aggregate, event

from libs.ledger import chart
from libs.ledger.decider import Decider, Event
from libs.ledger.journal import Postings, entry, transfer

SECTION_EVENTS: Final = 1_000


class Escrow(Aggregate):
    """Theirs: an aggregate as the library's tutorial writes them."""

    @event("Opened")
    def __init__(self, order_id: str, seller: str, amount_minor: int) -> None:
        self.order_id = order_id
        self.seller = seller
        self.amount_minor = amount_minor
        self.released_minor = 0

    @event("Released")
    def release(self, gross_minor: int, commission_minor: int) -> None:
        self.released_minor += gross_minor - commission_minor


class Peer(Application[UUID]):
    """Their application. Its log's sections are as long as our slices; the default of ten would read far slower."""

    log_section_size = SECTION_EVENTS


def peer_at(url: str) -> Peer:
    """Configured as the library's documentation says, without snapshots, and with the option that made it fastest."""
    server = urlsplit(url)
    return Peer(
        {
            "PERSISTENCE_MODULE": "eventsourcing.postgres",
            "POSTGRES_DBNAME": server.path.removeprefix("/"),
            "POSTGRES_HOST": server.hostname or "",
            "POSTGRES_PORT": str(server.port),
            "POSTGRES_USER": server.username or "",
            "POSTGRES_ENABLE_DB_FUNCTIONS": "y",  # twice its default's speed for single events
            "POSTGRES_PASSWORD": server.password or "unasked",  # it wants one where the server asks for none
        }
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Opened(Event):
    """Ours carries its journal entry, which theirs does not have."""

    order_id: str
    seller: str
    amount_minor: int

    def postings(self) -> Postings:
        return transfer("USD", self.amount_minor, debit=chart.STRIPE_PLATFORM, credit=chart.ESCROW_HELD)


@dataclass(frozen=True, slots=True, kw_only=True)
class Released(Event):
    seller: str
    gross_minor: int
    commission_minor: int

    def postings(self) -> Postings:
        credit = {
            chart.seller_available(self.seller): self.gross_minor - self.commission_minor,
            chart.REVENUE_COMMISSION: self.commission_minor,
        }
        return entry("USD", debit={chart.ESCROW_HELD: self.gross_minor}, credit=credit)


@dataclass(frozen=True, slots=True)
class State:
    seller: str = ""
    released_minor: int = 0


Change = Opened | Released


def _decide(command: Change, _state: State) -> tuple[Change, ...]:
    return (command,)


def _evolve(state: State, happened: Change) -> State:
    match happened:
        case Opened(seller=seller):
            return State(seller)
        case Released(gross_minor=gross_minor, commission_minor=commission_minor):
            return replace(state, released_minor=state.released_minor + gross_minor - commission_minor)


ESCROW: Final = Decider[Change, State, Change]("escrow", State(), _decide, _evolve, (Opened, Released))
