"""hledger and beancount, as anybody installs them, recompute our trial balance to the cent and to the wei."""

from __future__ import annotations

import csv
import json
import subprocess
from collections import defaultdict
from collections.abc import AsyncIterator, Callable, Mapping
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from beancount import loader
from beancount.core import realization
from beancount.core.data import Open, Transaction

from libs.eventstore.ledger import Ledger
from libs.ledger.errors import Rejected
from libs.ledger.journal import transfer
from libs.ledger.money import parse_minor
from services.audit.export.extent import Extent, extent
from services.audit.export.files import Format
from services.audit.export.folder import export
from services.audit.export.names import account_of_beancount, account_of_hledger, currency_of_beancount, text_of
from tests.conftest import Databases
from tests.integration.audit.export_book import ODD, WEI, Balances, happened, marketplace, ours, write
from tests.integration.audit.forgery import forge

FORMATS = (Format.HLEDGER, Format.BEANCOUNT)


@pytest.fixture(scope="module")
async def shop(databases: Databases) -> AsyncIterator[Ledger]:
    async with marketplace(databases) as ledger:
        yield ledger


@pytest.fixture(scope="module")
async def journals(shop: Ledger, tmp_path_factory: pytest.TempPathFactory) -> Mapping[Format, Path]:
    """The whole book, to be read only."""
    return await exported(shop, tmp_path_factory.mktemp("journals"))


async def exported(ledger: Ledger, folder: Path, part: Extent | None = None) -> dict[Format, Path]:
    await export(ledger, folder, part or await extent(ledger), FORMATS)
    return {Format.HLEDGER: folder / "journal.hledger", Format.BEANCOUNT: folder / "journal.beancount"}


def hledger(journal: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["hledger", "-f", str(journal), *arguments],
        env={"PATH": "/usr/local/bin:/usr/bin:/bin", "LANG": "C.UTF-8"},
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )


def hledger_complains(journal: Path) -> str:
    done = hledger(journal, "check", "--strict")
    assert bool(done.returncode) == bool(done.stderr)
    return done.stderr


def beancount_complains(journal: Path) -> str:
    _, errors, _ = loader.load_file(str(journal))
    return "\n".join(error.message for error in errors)


COMPLAINTS: dict[Format, Callable[[Path], str]] = {
    Format.HLEDGER: hledger_complains,
    Format.BEANCOUNT: beancount_complains,
}


def hledger_balances(journal: Path) -> Balances:
    done = hledger(journal, "balance", "--no-total", "--flat", "--layout=bare", "-O", "csv")
    assert done.returncode == 0, done.stderr
    return {
        (account_of_hledger(row["account"]), row["commodity"]): parse_minor(row["balance"], row["commodity"])
        for row in csv.DictReader(done.stdout.splitlines())
    }


def beancount_balances(journal: Path) -> Balances:
    entries, errors, _ = loader.load_file(str(journal))
    assert not errors
    balances: Balances = {}
    tree = realization.realize(entries)  # type: ignore[no-untyped-call] # beancount leaves it untyped
    for node in realization.iter_children(tree, leaf_only=True):  # type: ignore[no-untyped-call] # the same
        for position in node.balance:
            code = currency_of_beancount(position.units.currency)
            balances[account_of_beancount(node.account), code] = parse_minor(str(position.units.number), code)
    return balances


async def test_both_tools_come_to_our_trial_balance(shop: Ledger, journals: Mapping[Format, Path]) -> None:
    expected = await ours(shop)
    assert expected["chain:1:escrow", "ETH@1"] == WEI > 2**64
    assert len(expected) == 26
    for format_, journal in journals.items():
        assert COMPLAINTS[format_](journal) == ""
    assert hledger_balances(journals[Format.HLEDGER]) == expected
    assert beancount_balances(journals[Format.BEANCOUNT]) == expected


@pytest.mark.parametrize(("first", "last"), [(1, 9), (5, 18), (18, 22)])
async def test_a_journal_of_a_range_ends_with_the_trial_balance_of_its_last_position(
    shop: Ledger, tmp_path: Path, first: int, last: int
) -> None:
    journals = await exported(shop, tmp_path, await extent(shop, first, last))
    for format_, journal in journals.items():
        assert COMPLAINTS[format_](journal) == ""
    expected = await ours(shop, last)
    assert hledger_balances(journals[Format.HLEDGER]) == expected
    assert beancount_balances(journals[Format.BEANCOUNT]) == expected


@pytest.mark.parametrize("format_", FORMATS)
@pytest.mark.parametrize(
    ("true", "false"),
    [
        ("1234.56", "1234.57"),
        ("3000000000.123456789012345678", "3000000000.123456789012345679"),
        ("5000 ", "5001 "),
        ("0.000001", "0.000002"),
    ],
)
def test_a_tampered_journal_is_refused_by_the_tool(
    journals: Mapping[Format, Path], tmp_path: Path, format_: Format, true: str, false: str
) -> None:
    journal = tmp_path / journals[format_].name
    text = journals[format_].read_text()
    journal.write_text(text.replace(true, false, 2))  # both lines: the transaction still balances
    assert "balance" in COMPLAINTS[format_](journal).lower()


@pytest.mark.parametrize("format_", FORMATS)
def test_a_transaction_taken_out_of_a_journal_is_missed_by_the_tool(
    journals: Mapping[Format, Path], tmp_path: Path, format_: Format
) -> None:
    journal = tmp_path / journals[format_].name
    head, *transactions = journals[format_].read_text().split("\n\n")
    journal.write_text("\n\n".join([head, *transactions[:6], *transactions[7:]]))
    assert "balance" in COMPLAINTS[format_](journal).lower()


async def test_live_balances_that_do_not_follow_from_the_events_are_refused_by_the_tools(
    owner: Ledger, ledger: Ledger, tmp_path: Path
) -> None:
    await write(owner)
    await owner.pool.execute("update ledger.balances set amount = amount + 1 where account = 'stripe:platform'")
    for format_, journal in (await exported(ledger, tmp_path)).items():
        assert "stripe:platform" in COMPLAINTS[format_](journal).lower()


async def test_every_transaction_says_which_event_it_is(shop: Ledger, journals: Mapping[Format, Path]) -> None:
    stored = await shop.pool.fetch(
        "select position::text, type, stream, correlation_id, effective_at::date as day from ledger.events"
        " where cardinality(accounts) > 0 order by events.position"
    )
    expected = [tuple(row) for row in stored]
    assert len(expected) == 20
    assert any(row[3] == ODD for row in expected)
    assert told_by_hledger(journals[Format.HLEDGER]) == expected
    assert told_by_beancount(journals[Format.BEANCOUNT]) == expected


Told = tuple[str, str, str, str | None, date]


def told_by_hledger(journal: Path) -> list[Told]:
    told: list[Told] = []
    for entry in json.loads(hledger(journal, "print", "-O", "json").stdout):
        tags: dict[str, str] = dict(entry["ttags"])
        if tags:  # the closing balances have none
            kind, _, stream = entry["tdescription"].partition(" | ")
            told.append(_told(tags["position"], kind, stream, tags.get("correlation_id"), entry["tdate"]))
    return sorted(told, key=lambda each: int(each[0]))


def told_by_beancount(journal: Path) -> list[Told]:
    entries, _, _ = loader.load_file(str(journal))
    told = [
        _told(str(entry.meta["position"]), entry.payee, entry.narration, entry.meta.get("correlation_id"), entry.date)
        for entry in entries
        if isinstance(entry, Transaction)
    ]
    return sorted(told, key=lambda each: int(each[0]))


def _told(position: str, kind: Any, stream: Any, correlation_id: str | None, day: Any) -> Told:
    correlation = None if correlation_id is None else text_of(correlation_id)
    return position, text_of(kind), text_of(stream), correlation, date.fromisoformat(str(day))


def test_amounts_are_written_in_major_units_to_the_last_digit(journals: Mapping[Format, Path]) -> None:
    entries, _, _ = loader.load_file(str(journals[Format.BEANCOUNT]))
    exponents: defaultdict[str, set[int]] = defaultdict(set)
    for entry in entries:
        if isinstance(entry, Transaction):
            for posting in entry.postings:
                assert posting.units is not None
                assert isinstance(posting.units.number, Decimal)
                exponents[posting.units.currency].add(-int(posting.units.number.as_tuple().exponent))
    assert exponents == {"USD": {2}, "JPY": {0}, "KWD": {3}, "USDC.8453": {6}, "ETH.1": {18}}


def test_accounts_are_opened_on_the_first_day_for_the_currencies_they_held(journals: Mapping[Format, Path]) -> None:
    entries, _, _ = loader.load_file(str(journals[Format.BEANCOUNT]))
    opened = {entry.account: (entry.date, entry.currencies) for entry in entries if isinstance(entry, Open)}
    assert opened["Assets:Stripe:Platform"] == (date(2026, 9, 23), ["JPY", "KWD", "USD"])


async def test_wei_beyond_what_beancount_computes_with_are_still_exact_in_hledger(
    owner: Ledger, ledger: Ledger, tmp_path: Path
) -> None:
    huge = 10**36 + 7
    deposit = transfer("ETH@1", huge, debit="chain:1:escrow", credit="funds:unallocated")
    await owner.store.append([happened("DepositFinalized", deposit)])
    journal = (await exported(ledger, tmp_path))[Format.HLEDGER]
    assert hledger_complains(journal) == ""
    assert hledger_balances(journal)["chain:1:escrow", "ETH@1"] == huge


async def test_an_empty_book_is_a_journal_that_both_tools_take(ledger: Ledger, tmp_path: Path) -> None:
    journals = await exported(ledger, tmp_path)
    for format_, journal in journals.items():
        assert COMPLAINTS[format_](journal) == ""
    assert hledger_balances(journals[Format.HLEDGER]) == {}


async def test_an_account_that_the_chart_has_lost_is_named(written: Ledger, ledger: Ledger, tmp_path: Path) -> None:
    await forge(written, "update ledger.events set accounts[1] = 'cash:drawer' where position = 3")
    with pytest.raises(Rejected, match="'cash:drawer' is not in the chart"):
        await exported(ledger, tmp_path)
