"""docker-compose.yml: every service waits for the migration, reports its health and acts as itself."""

from __future__ import annotations

import json
import re
import tomllib
from pathlib import Path
from typing import Any

import pytest
import yaml

from libs.messaging.topology import BINDINGS, dead_queues
from libs.runtime.config import PREFIX, Config

_REPOSITORY = Path(__file__).parents[2]
_COMPOSE: dict[str, Any] = yaml.safe_load((_REPOSITORY / "docker-compose.yml").read_text())
_SERVICES = ["payment", "escrow", "payout-scheduler", "audit", "settings"]
_ONE_SHOT = ["migrate", "broker-policies"]
_OTHERS = ["postgres", "rabbitmq", "stripe-twin"]


def _container(name: str) -> dict[str, Any]:
    container: dict[str, Any] = _COMPOSE["services"][name]
    return container


def test_the_set_is_complete() -> None:
    assert sorted(_COMPOSE["services"]) == sorted(_SERVICES + _ONE_SHOT + _OTHERS)
    assert _container("postgres")["image"] == "postgres:18"
    assert _container("rabbitmq")["image"] == "rabbitmq:4-management"


@pytest.mark.parametrize("name", _SERVICES + _OTHERS)
def test_whatever_stays_up_reports_its_health(name: str) -> None:
    assert _container(name)["healthcheck"]["test"][0] == "CMD"


@pytest.mark.parametrize("name", _SERVICES)
def test_a_service_is_healthy_when_it_is_ready(name: str) -> None:
    assert "/readyz" in " ".join(_container(name)["healthcheck"]["test"])


@pytest.mark.parametrize("name", _SERVICES)
@pytest.mark.parametrize("step", _ONE_SHOT)
def test_a_service_waits_until_the_one_time_steps_are_done(name: str, step: str) -> None:
    assert _container(name)["depends_on"][step] == {"condition": "service_completed_successfully"}
    assert _container(step)["restart"] == "no"


@pytest.mark.parametrize("name", _SERVICES)
def test_a_service_has_its_own_image_its_own_login_and_serves_itself(name: str) -> None:
    container = _container(name)
    package = name.replace("-", "_")
    assert container["build"]["args"] == {"EXTRA": name}
    assert container["command"] == ["serve", package]
    assert container["environment"]["HOLDFAST_DATABASE_URL"].startswith(f"postgresql://{package}:")
    assert (_REPOSITORY / "services" / package).is_dir()


@pytest.mark.parametrize("name", [*_SERVICES, "migrate", "stripe-twin"])
def test_only_settings_that_exist_are_set(name: str) -> None:
    known = {f"{PREFIX}{field.upper()}" for field in Config.model_fields}
    assert set(_container(name)["environment"]) <= known


def test_every_image_is_built_with_an_extra_that_exists() -> None:
    extras = tomllib.loads((_REPOSITORY / "pyproject.toml").read_text())["project"]["optional-dependencies"]
    built = {service["build"]["args"]["EXTRA"] for service in _COMPOSE["services"].values() if "build" in service}
    assert built <= set(extras)


def test_no_secret_is_fixed_in_the_file() -> None:
    secret = re.compile(r"PASS|SECRET|API_KEY|_URL$")
    for name, container in _COMPOSE["services"].items():
        for variable, value in container.get("environment", {}).items():
            if secret.search(variable):
                assert "${" in value, f"{name}: {variable}"


def test_every_mounted_file_exists() -> None:
    mounts = [mount for service in _COMPOSE["services"].values() for mount in service.get("volumes", [])]
    files = [mount.split(":")[0] for mount in mounts if mount.startswith("./")]
    assert files
    assert [file for file in files if not (_REPOSITORY / file).is_file()] == []


def test_the_delivery_limit_holds_for_every_consumer_and_no_dead_queue() -> None:
    [policy] = json.loads((_REPOSITORY / "infra/rabbitmq/definitions.json").read_text())["policies"]
    consumers = {binding.queue for binding in BINDINGS}
    assert {queue for queue in consumers if re.search(policy["pattern"], queue)} == consumers
    assert [queue for queue in dead_queues(BINDINGS) if re.search(policy["pattern"], queue)] == []
