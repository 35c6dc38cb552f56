"""A verification goes on where another ended, and believes only what it finds there again."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from uuid import uuid4

import pytest

from libs.eventstore.ledger import Ledger
from libs.eventstore.model import Change, NewEvent, Unit
from libs.ledger.errors import Rejected
from services.audit.proofs import keeper
from services.audit.proofs.chain import Block
from services.audit.proofs.progress import Step
from services.audit.proofs.verify import verify
from tests.integration.audit.forgery import forge
from tests.integration.eventstore.units import META, NOON, capture, unit


def content(file: Path) -> str:
    return file.read_text()


def overwrite(file: Path, text: str) -> None:
    file.write_text(text)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "kept.json"


async def test_only_what_came_since_is_walked(written: Ledger, ledger: Ledger, file: Path) -> None:
    first = await verify(ledger, resume=file)
    assert (first.ok, first.after) == (True, 0)
    await written.store.append([unit(capture(7), capture(8))])
    told: list[Step] = []
    second = await verify(ledger, resume=file, progress=told.append)
    assert (second.ok, second.after, second.position) == (True, 10, 12)
    assert [step.done for step in told if step.what == "chain"] == [12]
    await forge(written, "update ledger.events set actor = 'x' where position = 4")
    assert (await verify(ledger, resume=file)).ok, "what was verified before is not read again"
    assert [fault.position for fault in (await verify(ledger)).faults] == [4]
    assert sorted(file.parent.iterdir()) == [file], "written whole, nothing left beside it"


async def test_balances_are_those_of_the_whole_book(written: Ledger, ledger: Ledger, file: Path) -> None:
    await verify(ledger, resume=file)
    await written.store.append([unit(capture(7))])
    await written.pool.execute("update ledger.balances set amount = amount - 7 where account = 'stripe:platform'")
    [fault] = (await verify(ledger, resume=file)).faults
    assert fault.text == "stripe:platform stands at 600 USD minor units, its postings come to 607."


async def test_an_interrupted_walk_goes_on_from_its_last_block(
    owner: Ledger, ledger: Ledger, file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for _ in range(4):
        await owner.store.append([unit(capture()) for _ in range(700)])
    monkeypatch.setattr(keeper, "KEEP_EVERY_SECONDS", 0.0)

    def interrupt(step: Step) -> None:
        if step.done > 1400:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        await verify(ledger, resume=file, progress=interrupt)
    found = await verify(ledger, resume=file)
    assert (found.ok, found.after, found.position) == (True, 1400, 2800)


async def test_an_empty_book_is_kept_too(owner: Ledger, ledger: Ledger, file: Path) -> None:
    assert (await verify(ledger, resume=file)).ok
    await owner.store.append([unit(capture())])
    assert (await verify(ledger, resume=file)).ok


async def test_a_fault_leaves_the_file_as_it_was(written: Ledger, ledger: Ledger, file: Path) -> None:
    await verify(ledger, resume=file)
    before = content(file)
    await written.store.append([unit(capture(7))])
    await forge(written, "update ledger.events set actor = 'x' where position = 11")
    assert [fault.position for fault in (await verify(ledger, resume=file)).faults] == [11]
    assert content(file) == before


async def test_a_damaged_file_is_refused(written: Ledger, ledger: Ledger, file: Path) -> None:
    await verify(ledger, resume=file)
    whole = content(file)
    assert "600" in whole
    for damaged in ("", "[]", "{}", '{"sha256": 1}', "\0", whole[:-20], whole.replace("600", "601")):
        overwrite(file, damaged)
        with pytest.raises(Rejected, match=r"kept\.json is not what a verification wrote") as refused:
            await verify(ledger, resume=file)
        assert refused.value.code == "state_damaged"


async def test_a_file_of_another_book_is_refused(written: Ledger, ledger: Ledger, file: Path) -> None:
    await verify(ledger, resume=file)
    await written.pool.execute("insert into ledger.books values (2)")
    other = Ledger(ledger.pool, type(ledger.store)(ledger.pool, 2), ledger.writer, ledger.feed)
    with pytest.raises(Rejected, match="kept of book 1, not of book 2") as refused:
        await verify(other, resume=file)
    assert refused.value.code == "state_of_another_book"


async def test_amounts_beyond_what_json_carries_are_kept_to_the_unit(owner: Ledger, ledger: Ledger, file: Path) -> None:
    await owner.store.append([unit(capture(2**70 + 1))])
    await verify(ledger, resume=file)
    assert ["stripe:platform", "USD", str(2**70 + 1)] in json.loads(content(file))["balances"]
    assert (await verify(ledger, resume=file)).ok


async def test_who_listens_is_told_of_every_leaf_and_when_it_was_recorded(written: Ledger, ledger: Ledger) -> None:
    told: list[tuple[bytes, bytes]] = []

    def listen(block: Block, leaves: Sequence[bytes]) -> None:
        told.extend((leaf, block.sealed) for leaf in leaves)

    await verify(ledger, sealed=listen)
    stored = await written.pool.fetch("select leaf, timestamptz_send(recorded_at) from ledger.events order by position")
    assert told == [tuple(row) for row in stored]


async def test_the_lock_date_is_what_its_last_event_says(written: Ledger, ledger: Ledger, file: Path) -> None:
    stream = f"period-{uuid4()}"

    async def say(version: int, kind: str, closed_before: datetime) -> None:
        event = NewEvent(kind, json.dumps({"closed_before": closed_before.isoformat()}), NOON)
        await written.store.append([Unit([Change(stream, version, [event])], META)])

    november, october = datetime(2026, 11, 1, tzinfo=UTC), datetime(2026, 10, 1, tzinfo=UTC)
    await say(0, "PeriodClosed", november)
    assert await written.pool.fetchval("select closed_before from ledger.books") == november
    assert (await verify(ledger, resume=file)).ok
    await forge(written, "update ledger.books set closed_before = '2026-10-01Z'")
    for resume in (file, None):
        [fault] = (await verify(ledger, resume=resume)).faults
        assert (fault.code, "2026-11-01" in fault.text) == ("lock_date_changed", True)
    await say(1, "PeriodReopened", october)
    assert (await verify(ledger, resume=file)).ok
