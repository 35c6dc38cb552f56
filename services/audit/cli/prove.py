"""`holdfast audit prove`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from libs.eventstore.ledger import Ledger
from libs.ledger.errors import Rejected
from libs.transparency.checkpoint import Checkpoint
from libs.transparency.proof import Inclusion, Proof
from services.audit.cli.console import Book, Json, run
from services.audit.proofs.progress import Progress
from services.audit.transparency.proving import Prover

Position = Annotated[int | None, typer.Option(min=1, help="Prove that the event at this position is in the log.")]
Size = Annotated[int | None, typer.Option(min=1, help="By the head of so many events instead of the newest.")]
Sizes = Annotated[
    tuple[int, int] | None,
    typer.Option(metavar="A B", help="Prove that the signed head of B events continues that of A."),
]
Out = Annotated[Path | None, typer.Option(help="Write the proof into this file instead of to standard output.")]
Unsigned = Annotated[
    bool, typer.Option("--unsigned", help="Where no signed head covers the position: by a root nobody vouches for.")
]


def add(app: typer.Typer) -> None:
    @app.command("prove")
    def prove_command(
        *,
        position: Position = None,
        size: Size = None,
        consistency: Sizes = None,
        out: Out = None,
        unsigned: Unsigned = False,
        book: Book = None,
        as_json: Json = False,
    ) -> None:
        """Make a proof that `holdfast audit check-proof` checks elsewhere, without us and without a database."""
        if (position is None) == (consistency is None):
            raise Rejected("Say either --position or --consistency.", code="bad_option")

        async def work(ledger: Ledger, _progress: Progress) -> Proof:
            prover = Prover(ledger)
            if position is None:
                return await prover.consistency(*consistency or (0, 0))
            return await prover.inclusion(position, size, unsigned=unsigned)

        _give(run(book, work), out, as_json=as_json)


def _give(proof: Proof, out: Path | None, *, as_json: bool) -> None:
    text = proof.format()
    if out is not None:
        out.write_text(text, newline="")
    if as_json:
        typer.echo(_described(proof, text))
    elif out is None:
        typer.echo(text, nl=False)
    typer.echo(_sentence(proof, out), err=True)


def _sentence(proof: Proof, out: Path | None) -> str:
    where = f" It is in {out}." if out else ""
    size = Checkpoint.parse(proof.heads[-1].text).size
    if not isinstance(proof, Inclusion):
        return f"The log of {size:,} events continues that of {Checkpoint.parse(proof.older.text).size:,}.{where}"
    what = f"Event {proof.entry.position:,} is one of {size:,} events.{where}"
    return (
        what if proof.head.signatures else f"{what} Nothing vouches for that: the root of these events is not signed."
    )


def _described(proof: Proof, text: str) -> str:
    import json  # noqa: PLC0415

    heads = [Checkpoint.parse(note.text) for note in proof.heads]
    report: dict[str, Any] = {
        "signed": all(note.signatures for note in proof.heads),
        "heads": [{"origin": head.origin, "size": head.size, "root": head.root.hex()} for head in heads],
        "path": [each.hex() for each in proof.path],
        "proof": text,
    }
    if isinstance(proof, Inclusion):
        report["event"] = json.loads(proof.entry.to_json())
    return json.dumps(report)
