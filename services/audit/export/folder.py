"""An export on disk: whole, or visibly not."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Sequence
from contextlib import aclosing, contextmanager
from dataclasses import asdict, dataclass
from hashlib import sha256
from importlib.metadata import version
from pathlib import Path
from typing import Any, Final

from libs.eventstore.ledger import Ledger
from libs.ledger.errors import Rejected
from services.audit.export.extent import Extent
from services.audit.export.files import CONTENTS, FILES, Format
from services.audit.proofs.progress import Meter, Progress, quiet

MANIFEST: Final = "manifest.json"
_PARTIAL: Final = ".partial"


@dataclass(frozen=True, slots=True)
class File:
    """One file of an export. `rows` of a journal are its transactions."""

    name: str
    rows: int
    size_bytes: int
    sha256: str


@dataclass(frozen=True, slots=True)
class Manifest:
    """What an export holds. `head` is the hash of the block `last_block`, as `holdfast audit verify` gives it."""

    holdfast: str
    book: int
    first_position: int
    last_position: int
    events: int
    first_block: int
    last_block: int
    head: str
    files: Sequence[File]

    def json(self) -> dict[str, Any]:
        return asdict(self)


async def export(
    ledger: Ledger,
    folder: Path,
    extent: Extent,
    formats: Sequence[Format],
    *,
    force: bool = False,
    progress: Progress = quiet,
) -> Manifest:
    """Write an extent in these formats. The manifest comes last: a folder without one holds no whole export.

    Raises `Rejected` (`folder_not_empty` unless `force`, `folder_unusable`), and what the contents raise.
    """
    with _usable(folder):
        _prepare(folder, force=force)
        names = [name for each in dict.fromkeys(formats) for name in FILES[each]]
        files = [await _written(ledger, folder / name, extent, progress) for name in names]
        manifest = Manifest(
            version("holdfast"),
            extent.book,
            extent.first,
            extent.last,
            extent.events,
            extent.blocks.start,
            extent.last_block,
            extent.head.hex(),
            files,
        )
        with _renamed_when_whole(folder / MANIFEST) as file:
            file.write(json.dumps(manifest.json(), indent=2).encode() + b"\n")
    return manifest


@contextmanager
def _usable(folder: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise Rejected(
            f"The export into {folder} failed: {error.strerror or error}. Name a folder with room that can be written.",
            code="folder_unusable",
        ) from error


def _prepare(folder: Path, *, force: bool) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    if any(folder.iterdir()) and not force:
        raise Rejected(
            f"{folder} is not empty; name another folder, or replace the export in it with --force.",
            code="folder_not_empty",
        )
    # The manifest goes first, lest it vouch for files that are about to change.
    for name in (MANIFEST, *CONTENTS):
        (folder / name).unlink(missing_ok=True)
        (folder / (name + _PARTIAL)).unlink(missing_ok=True)


async def _written(ledger: Ledger, path: Path, extent: Extent, progress: Progress) -> File:
    meter = Meter(path.name, extent.events, progress)
    digest = sha256()
    rows = size_bytes = 0
    with _renamed_when_whole(path) as file:
        async with aclosing(CONTENTS[path.name](ledger, extent, progress)) as pieces:
            async for piece in pieces:
                file.write(piece.data)
                digest.update(piece.data)
                rows += piece.rows
                size_bytes += len(piece.data)
                meter.reached(piece.read)
    return File(path.name, rows, size_bytes, digest.hexdigest())


@contextmanager
def _renamed_when_whole(path: Path) -> Iterator[Any]:
    """A file under another name until all of it is on disk."""
    partial = path.with_name(path.name + _PARTIAL)
    with partial.open("wb") as file:
        yield file
        file.flush()
        os.fsync(file.fileno())
    partial.rename(path)
