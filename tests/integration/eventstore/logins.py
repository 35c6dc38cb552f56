"""Logins of the services, as infra/postgres/logins.sh makes them: each may act in its service's role and no other."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Final
from urllib.parse import urlsplit, urlunsplit

import asyncpg

from libs.eventstore.ledger import Ledger

KINDS: Final = {
    "payment": {"payment", "spending", "webhook", "processor_fee", "reconciliation", "adjustment"},
    "escrow": {"escrow"},
    "payout_scheduler": {
        *("seller", "hold", "transfer", "reversal", "payout", "connect_webhook", "connect_reconciliation"),
    },
    "settings": {"setting"},
    "audit": {"period"},
    "forgetter": {"personal"},
}
"""Which kinds of stream each role may write."""

SERVICES: Final = tuple(KINDS)[:-1]
"""The roles that have a schema of their own."""

LEDGER_TABLES: Final = ("books", "events", "balances", "keys", "blocks", "chart", "writers")

Open = Callable[[str], AbstractAsyncContextManager[Ledger]]
"""Opens the ledger as a service does: by its own login, then in its role."""


@asynccontextmanager
async def logins(server_url: str, database_url: str) -> AsyncIterator[dict[str, str]]:
    """By role, the URL of a login of its own."""
    owner = await asyncpg.connect(server_url)
    names = {role: f"{role}_{os.getpid()}" for role in KINDS}
    try:
        for role, login in names.items():
            await owner.execute(f"create role {login} login noinherit password 'secret' in role holdfast_{role}")
        yield {role: _as(login, database_url) for role, login in names.items()}
    finally:
        for login in names.values():
            await owner.execute(f"drop role if exists {login}")
        await owner.close()


def _as(login: str, url: str) -> str:
    parts = urlsplit(url)
    return urlunsplit(parts._replace(netloc=f"{login}:secret@{parts.netloc.rpartition('@')[2]}"))
