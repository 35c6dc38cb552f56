"""`holdfast audit check-proof`: for somebody who has files and a public key, and nothing else of ours."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console

from libs.transparency.check import Checked, check
from libs.transparency.proof import Inclusion
from services.audit.cli.console import Json, end
from services.audit.cli.evidence import Keys, given_keys, given_text, refusals

Files = Annotated[list[Path], typer.Argument(metavar="FILE...", help="Proofs, as `holdfast audit prove` writes them.")]
Kept = Annotated[Path | None, typer.Option(help="A head that you kept; the proofs must be of the same history.")]


def add(app: typer.Typer) -> None:
    @app.command("check-proof")
    def check_proof_command(*, files: Files, key: Keys, head: Kept = None, as_json: Json = False) -> None:
        """Check proofs offline: no database, no environment, only these files and the log's public key.

        Says what was proven, or the first thing that is wrong, and then exits with 1.
        """
        with refusals():
            kept = given_text(head) if head else None
            found = check({str(file): given_text(file) for file in files}, given_keys(key), kept)
        end(
            True, {"ok": True, "proven": [_plain(each) for each in found]}, as_json, lambda out: _show(out, found, head)
        )


def _show(out: Console, found: Sequence[Checked], kept: Path | None) -> None:
    for each in found:
        out.print(each.sentence, markup=False, soft_wrap=True)
    if kept:
        out.print(f"All of it is of one history with the head in {kept}.", markup=False, soft_wrap=True)


def _plain(checked: Checked) -> dict[str, Any]:
    event = json.loads(checked.proof.entry.to_json()) if isinstance(checked.proof, Inclusion) else None
    return {
        "sentence": checked.sentence,
        "heads": [{"origin": head.origin, "size": head.size, "root": head.root.hex()} for head in checked.heads],
        "keys": [key.text for key in checked.signers],
        "event": event,
    }
