"""The process's environment. Business settings are elsewhere (`libs.settings`): those change while we run."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final, Literal

from pydantic import Field, SecretStr, ValidationError
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict

from libs.ledger.errors import HoldfastError

PREFIX: Final = "HOLDFAST_"
_RPC_URLS: Final = re.compile(r"HOLDFAST_CHAIN_(\d+)_RPC_URLS")

Address = Literal[
    "database_url", "amqp_url", "stripe_api_key", "stripe_webhook_secret", "stripe_connect_webhook_secret"
]
_EXAMPLES: Final[Mapping[Address, str]] = {
    "database_url": "postgresql://holdfast@localhost:5432/holdfast",
    "amqp_url": "amqp://holdfast:password@localhost:5672/",
    "stripe_api_key": "sk_test_...",
    "stripe_webhook_secret": "whsec_... of the platform's endpoint",
    "stripe_connect_webhook_secret": "whsec_... of the connected accounts' endpoint",
}


class Misconfigured(HoldfastError):
    """The environment lacks something or says something impossible; the text names the variable."""

    code = "misconfigured"


class Config(BaseSettings):
    """One variable each, `HOLDFAST_` in front. What carries a password or a key is kept secret in every printout.

    Only what every process needs has a default; the rest is asked for with `need` by those who need it.
    """

    model_config = SettingsConfigDict(env_prefix=PREFIX, frozen=True, extra="ignore")

    database_url: SecretStr | None = None
    amqp_url: SecretStr | None = None
    stripe_api_key: SecretStr | None = None
    stripe_api_base: str = "https://api.stripe.com"
    stripe_requests_per_second: float = Field(default=25.0, ge=1)  # to an endpoint, as `libs.runtime.calls` has it
    stripe_timeout_seconds: float = Field(default=20.0, gt=0)  # of one call; after that nobody knows what came of it
    stripe_webhook_secret: SecretStr | None = None
    stripe_connect_webhook_secret: SecretStr | None = None
    data_key: SecretStr | None = None  # read with `libs.runtime.data_keys`
    data_key_file: Path | None = None
    audit_signing_key: SecretStr | None = None  # read with `services.audit.transparency.signing_keys`
    audit_signing_key_file: Path | None = None
    http_host: str = "127.0.0.1"
    http_port: int = Field(default=8000, ge=0, le=65535)
    book: int = Field(default=1, ge=1)
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = "INFO"
    # HOLDFAST_CHAIN_<ID>_RPC_URLS, comma-separated, by EIP-155 chain id; node providers put their key into the URL.
    chain_rpc_urls: dict[int, tuple[SecretStr, ...]] = {}

    def need(self, name: Address) -> str:
        """The plain value. Raises `Misconfigured`, which says what to set, where it is missing."""
        secret: SecretStr | None = getattr(self, name)
        if secret is None:
            variable = f"{PREFIX}{name.upper()}"
            raise Misconfigured(f"Set {variable}, for example to {_EXAMPLES[name]}.", variable=variable)
        return secret.get_secret_value()

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],  # noqa: ARG003 - pydantic-settings' signature
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,  # noqa: ARG003 - no .env file: what a process sees is what it is given
        file_secret_settings: PydanticBaseSettingsSource,  # noqa: ARG003 - the same
    ) -> tuple[Any, ...]:
        return init_settings, env_settings, _rpc_urls_from_environment


def load_config(**given: Any) -> Config:
    """The configuration in the environment, with `given` values before it. Raises `Misconfigured`."""
    try:
        return Config(**given)
    except ValidationError as error:
        # The offending value is left out: it may be half of a password.
        faults = [f"{PREFIX}{str(fault['loc'][0]).upper()}: {fault['msg']}" for fault in error.errors()]
        raise Misconfigured(f"The environment is wrong. {'; '.join(faults)}.", variables=faults) from None


def _rpc_urls_from_environment() -> dict[str, Any]:
    found = {
        int(match[1]): tuple(url.strip() for url in value.split(",") if url.strip())
        for name, value in os.environ.items()
        if (match := _RPC_URLS.fullmatch(name))
    }
    return {"chain_rpc_urls": found} if found else {}
