"""The house's habits that a machine can see: small files, and the same file names in every service."""

from __future__ import annotations

from pathlib import Path

import pytest

_REPOSITORY = Path(__file__).parents[2]
_LINES_MAX = 400
_NO_SERVICES = {"embedded", "demo", "__pycache__"}
_SERVICES = sorted(
    folder for folder in (_REPOSITORY / "services").iterdir() if folder.is_dir() and folder.name not in _NO_SERVICES
)
_EVERY_SERVICE_HAS = {"__init__", "service", "README"}
# Each a module, or a package of that name once it has outgrown one.
_A_SERVICE_MAY_HAVE = {"domain", "announce", "work", "handlers", "views", "http", "jobs", "gateway", "performances"}
_AUDIT_ALSO_HAS = {"proofs", "reports", "export", "transparency", "cli"}
_NO_MODULES = {"sql", "__pycache__"}


def _sources() -> list[Path]:
    folders = ("libs", "services", "contracts", "tests")
    return [path for folder in folders for path in (_REPOSITORY / folder).rglob("*") if path.suffix in {".py", ".sql"}]


def test_no_source_file_is_longer_than_four_hundred_lines() -> None:
    lengths = {str(path.relative_to(_REPOSITORY)): len(path.read_text().splitlines()) for path in _sources()}
    assert lengths, "no sources found"
    assert {name: lines for name, lines in lengths.items() if lines > _LINES_MAX} == {}


@pytest.mark.parametrize("service", _SERVICES, ids=lambda folder: folder.name)
def test_a_service_has_the_files_that_every_service_has_and_no_others(service: Path) -> None:
    found = {path.stem for path in service.iterdir()} - _NO_MODULES
    allowed = _EVERY_SERVICE_HAS | _A_SERVICE_MAY_HAVE | (_AUDIT_ALSO_HAS if service.name == "audit" else set())
    assert found >= _EVERY_SERVICE_HAS
    assert found <= allowed


def test_every_package_stands_on_a_floor() -> None:
    rules = (_REPOSITORY / "pyproject.toml").read_text()
    packages = [
        f"{parent}.{path.stem}"
        for parent in ("services", "libs", "contracts")
        for path in (_REPOSITORY / parent).iterdir()
        if path.name != "__pycache__" and not path.name.startswith("__init__") and _is_python(path)
    ]
    floors = rules[rules.index('id = "floors"') : rules.index('id = "independence"')]
    assert [package for package in packages if package not in floors] == []


def _is_python(path: Path) -> bool:
    return path.suffix == ".py" or (path / "__init__.py").exists()
