"""What an owner of the database can do to a book, with the triggers out of the way."""

from __future__ import annotations

from datetime import datetime

from libs.eventstore.leaves import block_hash, leaf_of_recorded
from libs.eventstore.ledger import Ledger
from libs.eventstore.store import SQL, recorded

COLUMNS = (
    "stream, version, type, schema_version, recorded_at, effective_at, correlation_id, causation_id, actor, reason,"
    " accounts, currencies, amounts, data, leaf"
)


async def forge(owner: Ledger, *statements: str) -> None:
    """Run statements while no trigger fires; all of them or none."""
    async with owner.pool.acquire() as connection, connection.transaction():
        await connection.execute("set local session_replication_role = replica")
        for statement in statements:
            await connection.execute(statement)


async def mend_leaf(owner: Ledger, position: int) -> None:
    """Give a forged event the hash that its fields have now."""
    [row] = await owner.pool.fetch(SQL.read, 1, position - 1, position, None)
    await forge(
        owner,
        rf"update ledger.events set leaf = '\x{leaf_of_recorded(recorded(row)).hex()}' where position = {position}",
    )


async def mend_chain(owner: Ledger) -> None:
    """Seal every block anew over the events as they are, up to the head of the book: a chain without contradiction."""
    head = bytes(32)
    for block, first, last, sealed_at in await owner.pool.fetch(
        "select block, first_position, last_position, sealed_at from ledger.blocks order by block"
    ):
        for position in range(first, last + 1):
            await mend_leaf(owner, position)
        head = await _sealed(owner, head, block, first, last, sealed_at)
    await forge(owner, rf"update ledger.books set head = '\x{head.hex()}'")


async def _sealed(owner: Ledger, head: bytes, block: int, first: int, last: int, sealed_at: datetime) -> bytes:
    rows = await owner.pool.fetch(
        "select leaf from ledger.events where position between $1 and $2 order by position", first, last
    )
    leaves = [row["leaf"] for row in rows]
    digest = block_hash(head, book=1, block=block, first_position=first, sealed_at=sealed_at, leaves=leaves)
    await forge(
        owner,
        rf"update ledger.blocks set previous = '\x{head.hex()}', hash = '\x{digest.hex()}' where block = {block}",
    )
    return digest


def move(position: int, to: int) -> str:
    return f"update ledger.events set position = {to} where position = {position}"


def copy(position: int, to: int) -> str:
    """Put a copy of an event, as another version of its stream, at a position."""
    copied = COLUMNS.replace("version, type", "version + 90, type")
    return (
        f"insert into ledger.events (book, position, {COLUMNS})"
        f" select book, {to}, {copied} from ledger.events where position = {position}"
    )
