"""The import rules hold, and each would catch a violation: for every rule one is planted in a copy of the tree."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

import pytest

_REPOSITORY = Path(__file__).parents[2]
_LINTER = Path(sys.executable).with_name("lint-imports")


class Plant(NamedTuple):
    """`line`, added to the module `where`, offends `contract`; `exists` are modules that must be there for it."""

    contract: str
    where: str
    line: str
    exists: tuple[str, ...] = ()


_PLANTS = [
    # Floors, from the top; one for each edge that must not be climbed or crossed.
    Plant("floors", "services.demo", "import services.cli"),
    Plant("floors", "services.embedded.planted", "import services.demo", exists=("services.demo",)),
    Plant("floors", "services.escrow.jobs", "import services.embedded"),
    Plant("floors", "libs.devstack.planted", "import services.migrations"),
    Plant("floors", "libs.runtime.planted", "import libs.devstack.ports"),
    Plant("floors", "libs.devstack.planted", "import libs.runtime.config"),
    Plant("floors", "libs.messaging.planted", "import libs.runtime.config"),
    Plant("floors", "libs.settings.planted", "import libs.messaging.route"),
    Plant("floors", "libs.messaging.planted", "import libs.settings"),
    Plant("floors", "libs.eventstore.planted", "import libs.messaging.route"),
    Plant("floors", "libs.ledger.planted", "import libs.eventstore.model"),
    Plant("floors", "contracts.events.planted", "import libs.ledger.money"),
    Plant("floors", "libs.ledger.planted", "import contracts.events"),
    Plant("independence", "services.escrow.handlers", "import services.payment.planted", ("services.payment.planted",)),
    Plant("devstack", "services.escrow.jobs", "import libs.devstack.ports"),
    Plant("inside", "services.payment.http", "from services.payment import service", ("services.payment.service",)),
    Plant("inside", "services.payment.http", "from services.payment import gateway", ("services.payment.gateway",)),
    Plant("inside", "services.escrow.jobs", "from services.escrow import http", ("services.escrow.http",)),
    Plant("inside", "services.escrow.views", "from services.escrow import http", ("services.escrow.http",)),
    Plant("inside", "services.escrow.handlers", "from services.escrow import views", ("services.escrow.views",)),
    Plant("inside", "services.escrow.handlers", "from services.escrow import announce", ("services.escrow.announce",)),
    Plant("inside", "services.escrow.domain", "from services.escrow import handlers", ("services.escrow.handlers",)),
    Plant("inside", "services.escrow.utilities", "ANYTHING = 1"),
    Plant("pure", "libs.ledger.planted", "import asyncpg"),
    Plant("pure", "services.payment.domain", "import pydantic"),
    Plant("pure", "services.payment.domain", "import libs.eventstore.model"),
    Plant("pure", "services.payout_scheduler.domain.planted", "import services.payout_scheduler.announce"),
    Plant("inside", "services.escrow.announce", "from services.escrow import work", ("services.escrow.work",)),
    Plant("stripe", "services.payment.handlers", "import stripe"),
    Plant("stripe", "services.escrow.gateway", "from stripe import StripeClient"),
    Plant("stripe", "libs.devstack.planted", "import stripe"),
    Plant("web3", "services.payment.gateway", "import web3"),
]


def _lint(tree: Path, *options: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [_LINTER, "--no-cache", "--no-logo", *options],
        cwd=tree,
        env={"PATH": "", "COLUMNS": "1000"},
        capture_output=True,
        text=True,
        check=False,
    )


def _module_file(tree: Path, module: str) -> Path:
    as_package = tree / module.replace(".", "/") / "__init__.py"
    return as_package if as_package.exists() else tree / f"{module.replace('.', '/')}.py"


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """A copy of what is linted."""
    for folder in ("services", "libs", "contracts", "tests/architecture"):
        ignored = shutil.ignore_patterns("__pycache__", "*.json", "*.sql")
        shutil.copytree(_REPOSITORY / folder, tmp_path / folder, ignore=ignored)
    shutil.copy(_REPOSITORY / "tests/__init__.py", tmp_path / "tests")
    shutil.copy(_REPOSITORY / "pyproject.toml", tmp_path)
    return tmp_path


def test_the_tree_keeps_every_import_rule() -> None:
    done = _lint(_REPOSITORY)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("plant", _PLANTS, ids=lambda plant: f"{plant.contract}-{plant.where}-{plant.line.split()[1]}")
def test_a_planted_violation_is_caught_and_named(plant: Plant, tree: Path) -> None:
    for module in plant.exists:
        _module_file(tree, module).touch()
    before = _lint(tree, "--contract", plant.contract)
    assert before.returncode == 0, before.stdout + before.stderr
    with _module_file(tree, plant.where).open("a") as source:
        source.write(f"\n{plant.line}\n")
    after = _lint(tree, "--contract", plant.contract)
    assert after.returncode == 1, after.stdout + after.stderr
    assert plant.where in after.stdout
