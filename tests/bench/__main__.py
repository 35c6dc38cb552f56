"""`python -m tests.bench [NAME]`: run the benchmarks, print JSON lines, keep them in RESULTS.md."""

from __future__ import annotations

import asyncio
import gc
import importlib
import os
import platform
import sys
from datetime import UTC, datetime
from pathlib import Path

import uvloop

from tests.bench.harness import Result

_HERE = Path(__file__).parent
_RESULTS = _HERE / "RESULTS.md"


def _names() -> list[str]:
    return sorted(path.stem.removeprefix("bench_") for path in _HERE.glob("bench_*.py"))


def _keep(results: list[Result]) -> None:
    """Replace what was kept of the same benchmarks, keep the rest."""
    kept: dict[str, str] = {}
    if _RESULTS.exists():
        rows = [line for line in _RESULTS.read_text().splitlines() if line.startswith("| `")]
        kept = {row.split("`")[1]: row for row in rows}
    machine = f"{platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}"
    for r in results:
        limit, ratio = (f"{r.limit:,.0f}", f"{r.ratio:.2f}") if r.limit and r.ratio else ("", "")
        more = ", ".join(f"{name} {value}" for name, value in r.more.items())
        date = datetime.now(UTC).date()
        kept[r.bench] = f"| `{r.bench}` | {r.value:,.1f} {r.unit} | {limit} | {ratio} | {more} | {date}, {machine} |"
    head = [
        "# Last results of `make bench`",
        "",
        "Ratios are measured in one run, in turns; absolute figures vary.",
        "",
    ]
    table = ["| bench | value | limit | ratio | more | when, where |", "|---|---|---|---|---|---|"]
    _RESULTS.write_text("\n".join([*head, *table, *(kept[name] for name in sorted(kept))]) + "\n")


async def _run(names: list[str]) -> None:
    for name in names:
        print(f"running {name} ...", file=sys.stderr, flush=True)
        results: list[Result] = await importlib.import_module(f"tests.bench.bench_{name}").run()
        for result in results:
            print(result.line(), flush=True)
        _keep(results)


def main() -> None:
    chosen = sys.argv[1:] or _names()
    unknown = set(chosen) - set(_names())
    if unknown:
        sys.exit(f"There is no benchmark named {', '.join(unknown)}; there are: {', '.join(_names())}.")
    gc.freeze()  # as `services.cli` does
    gc.set_threshold(50_000, 20, 20)
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:  # as every process of ours runs
        runner.run(_run(chosen))


if __name__ == "__main__":
    main()
