"""`holdfast audit keys`: the keys that sign heads."""

from __future__ import annotations

import os
import secrets
from pathlib import Path
from typing import Annotated

import typer

from libs.ledger.errors import Rejected
from libs.runtime.config import load_config
from libs.transparency.keys import KEY_BYTES, SignerKey, check_name, signer_keys
from services.audit.cli.console import Book, Json, end
from services.audit.cli.evidence import refusals
from services.audit.transparency.signing_keys import FILE_VARIABLE, log_name, private_text, signing_keys

Name = Annotated[str, typer.Option(help="Your ledger's name to the world, like ledger.example.com; the book is added.")]
Out = Annotated[Path, typer.Option(help="The file to write, which must not exist; its owner alone may read it.")]
KeyFile = Annotated[Path | None, typer.Option(help="A file of signing keys, instead of those in the environment.")]


def add(app: typer.Typer) -> None:
    keys = typer.Typer(help="The keys that sign the log's heads.", no_args_is_help=True)
    keys.command("new")(_new)
    keys.command("show")(_show)
    app.add_typer(keys, name="keys")


def _new(*, name: Name, out: Out, book: Book = None, as_json: Json = False) -> None:
    """Make a signing key, and print the verifier key to give to the world."""
    with refusals():
        check_name(name)
    key = SignerKey(log_name(name, book or load_config().book), secrets.token_bytes(KEY_BYTES))
    _write(out, f"{key.text}\n")
    report = {"verifier_key": key.verifier.text, "file": str(out)}
    typer.echo(f"The signing key is in {out}; set {FILE_VARIABLE} to it. Publish this one:", err=True)
    end(True, report, as_json, lambda console: console.print(key.verifier.text, markup=False, soft_wrap=True))


def _show(*, file: KeyFile = None, as_json: Json = False) -> None:
    """Print the verifier keys of the signing keys in use, or in a file."""
    with refusals():
        keys = signer_keys(private_text(file)) if file else signing_keys(load_config())
    verifiers = [key.verifier.text for key in keys]
    if not verifiers:
        raise Rejected(f"No signing key is set; make one with `keys new` and set {FILE_VARIABLE}.", code="no_key")
    end(
        True, {"verifier_keys": verifiers}, as_json, lambda console: console.print("\n".join(verifiers), soft_wrap=True)
    )


def _write(path: Path, text: str) -> None:
    """Private from its first moment, and never over a key that may be in use."""
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except OSError as error:
        raise Rejected(f"{path} cannot be written: {error.strerror}.", code="unwritable") from None
    with os.fdopen(descriptor, "w") as file:
        file.write(text)
