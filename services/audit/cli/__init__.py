"""`holdfast audit`: proofs and reports for a person at a terminal or a script. One module a command.

Exit code 1 when anything does not hold.
"""

from __future__ import annotations

from collections.abc import Callable

import typer

from services.audit.cli import replay, trial_balance, verify
from services.audit.proofs.replay import ReadModels


def audit_app(read_models: Callable[[], ReadModels]) -> typer.Typer:
    """The commands. `read_models` gives every service's projections, which this service must not import."""
    app = typer.Typer(help="Prove the books: hashes, balances, read models.", no_args_is_help=True)
    verify.add(app)
    replay.add(app, read_models)
    trial_balance.add(app)
    return app
