"""Named SQL: a `.sql` file holds statements, each under a line `-- name: something`."""

from __future__ import annotations

import re
from pathlib import Path
from types import SimpleNamespace


def load(path: Path) -> SimpleNamespace:
    """The statements of a file as attributes, `queries.load(...).claim`. Parameters are PostgreSQL's own `$1`."""
    _, *pieces = re.split(r"^-- name: (\w+)$", path.read_text(), flags=re.MULTILINE)
    return SimpleNamespace(**{name: text.strip() for name, text in zip(pieces[::2], pieces[1::2], strict=True)})
