"""What the day came to: balances by account, the proofs, and the figures as JSON."""

from __future__ import annotations

import json
import time
from collections import Counter
from typing import Any

from rich.console import Console
from rich.table import Table

from libs.eventstore.ledger import Ledger, open_ledger
from libs.ledger.errors import HoldfastError
from libs.ledger.money import format_minor
from services.audit.proofs.replay import Replay, replay
from services.audit.proofs.verify import Verification, verify
from services.audit.reports.trial_balance import TrialBalance, trial_balance
from services.demo.plan import CURRENCY, Plan
from services.embedded.assembly import read_models
from services.embedded.devstack import Devstack

_NEXT = """
[bold]Where to look next[/bold]
  make run                              the same, and it stays up: HTTP at http://127.0.0.1:8000/docs
  HOLDFAST_DATABASE_URL=... make demo   keeps what the day made in your own PostgreSQL, so that you can ask it:
  holdfast audit verify                 recompute every hash and every balance
  holdfast audit trial-balance          every account, debit and credit
  holdfast audit replay                 rebuild balances and read models from the events and compare
  holdfast dead list                    messages that nobody could handle
"""


async def conclude(console: Console, stack: Devstack, plan: Plan, told: Counter[str], started: float) -> None:
    """Print the result. Raises `HoldfastError` (`demo_failed`) if a proof fails or the day did not end as planned."""
    async with open_ledger(stack.config.need("database_url"), "audit", book=stack.config.book) as ledger:
        balance = await trial_balance(ledger)
        verified = await verify(ledger)
        replayed = await replay(ledger, read_models())
        moved, events = await _moved(ledger)
    _print_balances(console, balance)
    _print_proofs(console, verified, replayed)
    console.print(_NEXT, highlight=False, soft_wrap=True)
    figures: dict[str, Any] = {
        "orders": len(plan.orders),
        "messages_told": told.total(),
        "payments_declined": len({order.placed.order_id for order in plan.orders if order.fate == "declined"}),
        "captured_minor": moved["PaymentCaptured"],
        "released_minor": moved["AllocationReleased"],
        "paid_out_minor": moved["PayoutPaid"],
        "refunded_minor": moved["RefundSucceeded"],
        "commission_minor": sum(line.credit_minor for line in balance.lines if line.account == "revenue:commission"),
        "payouts_failed": events["PayoutFailed"],
        "payouts_paid": events["PayoutPaid"],
        "orders_rejected": events["OrderRejected"],
        "trial_balance_minor": sum(total.difference_minor for total in balance.totals),
        "replay": "equal" if replayed.equal else "different",
        "verify": "ok" if verified.ok else "broken",
        "seconds": round(time.monotonic() - started, 1),
    }
    console.print(json.dumps(figures), soft_wrap=True, highlight=False, markup=False)
    if not (verified.ok and replayed.equal and balance.balanced):
        raise HoldfastError("A proof failed; see above.", code="demo_failed")


async def _moved(ledger: Ledger) -> tuple[Counter[str], Counter[str]]:
    """By type of event: the money it moved (the debits, minor units), and how many there are."""
    moved: Counter[str] = Counter()
    events: Counter[str] = Counter()
    position = 0
    while True:
        found, through = await ledger.feed.read(position)
        if through == position:
            return moved, events
        position = through
        for event in found:
            events[event.type] += 1
            moved[event.type] += sum(amount for amount in event.amounts if amount > 0)


def _print_balances(console: Console, balance: TrialBalance) -> None:
    table = Table("account", "kind", title=f"Balances by account, {CURRENCY}", title_justify="left")
    table.add_column("debit", justify="right")
    table.add_column("credit", justify="right")
    for line in balance.lines:
        sides = (_money(line.debit_minor), _money(line.credit_minor))
        table.add_row(line.account, line.kind, *sides)
    table.add_section()
    for total in balance.totals:
        table.add_row("total", "", _money(total.debit_minor), _money(total.credit_minor), style="bold")
    console.print(table)


def _money(amount_minor: int) -> str:
    return format_minor(amount_minor, CURRENCY) if amount_minor else ""


def _print_proofs(console: Console, verified: Verification, replayed: Replay) -> None:
    found = "[green]ok[/green]" if verified.ok else f"[red]{verified.faults[0]}[/red]"
    console.print(f"verify  {found}: {verified.position} events in {verified.block} blocks, head {verified.head[:16]}")
    compared = sum(comparison.rows for comparison in replayed.comparisons)
    equal = "[green]equal[/green]" if replayed.equal else "[red]different[/red]"
    console.print(f"replay  {equal}: {compared} rows of {len(replayed.comparisons)} tables rebuilt from the events")
