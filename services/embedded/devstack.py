"""Holdfast with everything it needs on one machine: PostgreSQL, the Stripe twin, and all services in this process."""

from __future__ import annotations

import asyncio
import os
import secrets
from base64 import b64encode
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from typing import Final

from pydantic import SecretStr
from rich.console import Console

from libs.devstack.postgres import running_postgres
from libs.devstack.stripe_twin.config import Endpoint, TwinConfig
from libs.devstack.stripe_twin.server import Twin, running_twin
from libs.runtime.config import Config, load_config
from services.embedded.root import Embedded, embedded
from services.migrations import migrate_all
from services.payment.gateway import NOTICE_TYPES as BUYERS_NOTICES
from services.payout_scheduler.gateway import NOTICE_TYPES as SELLERS_NOTICES

Say = Callable[[str], None]

# Known to everybody, and the same each time: a database that was given keeps its texts from one run to the next.
DEVELOPMENT_DATA_KEY: Final = b64encode(b"development only, 32 bytes long!").decode()


@dataclass(frozen=True, slots=True)
class Devstack:
    """A running Holdfast with the world around it."""

    config: Config
    twin: Twin
    holdfast: Embedded


@asynccontextmanager
async def devstack(say: Say, *, twin: TwinConfig | None = None, http_port: int = 0) -> AsyncIterator[Devstack]:
    """Everything up and ready. Uses HOLDFAST_DATABASE_URL where it is set, else starts a PostgreSQL of its own."""
    async with AsyncExitStack() as stack:
        say("Starting PostgreSQL")
        url = os.environ.get("HOLDFAST_DATABASE_URL") or await _own_database(stack)
        say("Migrating the database")
        await migrate_all(url)
        say("Starting the Stripe twin")
        stripe = await stack.enter_async_context(running_twin(twin))
        config = load_config(
            database_url=SecretStr(url),
            stripe_api_key=SecretStr(f"sk_test_{secrets.token_hex(12)}"),
            stripe_api_base=stripe.url,
            stripe_webhook_secret=SecretStr(f"whsec_{secrets.token_hex(16)}"),
            stripe_connect_webhook_secret=SecretStr(f"whsec_{secrets.token_hex(16)}"),
            data_key=SecretStr(os.environ.get("HOLDFAST_DATA_KEY") or DEVELOPMENT_DATA_KEY),
            http_port=http_port,
        )
        say("Starting the services")
        holdfast = await stack.enter_async_context(embedded(config))
        await stripe.set_webhooks(
            platform=Endpoint(
                f"{holdfast.url}/webhooks/stripe", config.need("stripe_webhook_secret"), tuple(BUYERS_NOTICES)
            ),
            connect=Endpoint(
                f"{holdfast.url}/webhooks/stripe-connect",
                config.need("stripe_connect_webhook_secret"),
                tuple(SELLERS_NOTICES),
            ),
        )
        yield Devstack(config, stripe, holdfast)


async def _own_database(stack: AsyncExitStack) -> str:
    server = await stack.enter_async_context(running_postgres())
    return await server.create_database("holdfast")


async def stay_up(console: Console) -> None:
    """Run the stack until cancelled. Nothing is kept: the twin forgets, so a ledger that remembered would disagree."""
    async with devstack(console.print, http_port=8000) as up:
        console.print(f"\nHoldfast answers at [bold]{up.holdfast.url}[/bold] (try /docs); Ctrl-C stops it.")
        console.print(f"  export HOLDFAST_DATABASE_URL={up.config.need('database_url')}")
        if up.config.data_key is not None:
            console.print(f"  export HOLDFAST_DATA_KEY={up.config.data_key.get_secret_value()}")
        console.print(f"  The Stripe twin answers at {up.twin.url}, with a page to fail and bounce things on")
        await asyncio.Event().wait()
