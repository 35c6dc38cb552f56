"""The master key of personal texts for every test that runs a service."""

from __future__ import annotations

from base64 import b64encode
from typing import Final

from pydantic import SecretStr

from libs.runtime.config import Config, load_config

MASTER: Final = bytes(range(32))
DATA_KEY: Final = b64encode(MASTER).decode()


def config(**given: object) -> Config:
    """A configuration with the key."""
    return load_config(data_key=SecretStr(DATA_KEY), **given)
