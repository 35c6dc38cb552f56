"""The page at `/`: hand-written files, served as they are. All it knows and does goes through the controls."""

from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import NamedTuple

_FOLDER = Path(__file__).with_name("page_files")
_FILES = {
    "/": ("index.html", "text/html; charset=utf-8"),
    "/_twin/page.css": ("page.css", "text/css; charset=utf-8"),
    "/_twin/page.js": ("page.js", "text/javascript; charset=utf-8"),
}
_HEADERS = {
    # what buyers and sellers typed is shown here: nothing of it may ever run
    "content-security-policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src data:; "
        "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    ),
    "x-content-type-options": "nosniff",
    "cache-control": "no-store",
}


class Asset(NamedTuple):
    content: bytes
    headers: Mapping[str, str]


def asset(path: str) -> Asset | None:
    """The file behind an address, or None for those of Stripe's API and of the controls."""
    return _read(*_FILES[path]) if path in _FILES else None


@cache
def _read(name: str, kind: str) -> Asset:
    return Asset((_FOLDER / name).read_bytes(), {**_HEADERS, "content-type": kind})
