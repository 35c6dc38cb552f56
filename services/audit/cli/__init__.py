"""`holdfast audit`: proofs and reports for a person at a terminal or a script. One module a command.

Exit code 1 when anything does not hold.
"""

from __future__ import annotations

from collections.abc import Callable

import typer

from services.audit.cli import (
    balance_sheet,
    check_book,
    check_proof,
    diff,
    explain,
    export,
    heads,
    keys,
    periods,
    prove,
    replay,
    statement,
    tail,
    trial_balance,
    verify,
)
from services.audit.proofs.replay import ReadModels


def audit_app(read_models: Callable[[], ReadModels]) -> typer.Typer:
    """The commands. `read_models` gives every service's projections, which this service must not import."""
    app = typer.Typer(help="Prove the books, and read them.", no_args_is_help=True)
    verify.add(app)
    replay.add(app, read_models)
    for report in (trial_balance, balance_sheet, statement, explain, diff, tail, export):
        report.add(app)
    periods.add(app)
    for command in (heads, prove, check_proof, check_book, keys):
        command.add(app)
    return app
