from __future__ import annotations

import os

import pytest

from libs.runtime.config import Config, Misconfigured, load_config


@pytest.fixture(autouse=True)
def empty_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in list(os.environ):
        if name.startswith("HOLDFAST_"):
            monkeypatch.delenv(name)


def test_what_every_process_needs_has_a_default() -> None:
    config = load_config()
    assert (config.http_host, config.book, config.log_level) == ("127.0.0.1", 1, "INFO")


def test_the_environment_is_read_with_its_prefix(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOLDFAST_DATABASE_URL", "postgresql://u:hidden@db/holdfast")
    monkeypatch.setenv("HOLDFAST_HTTP_PORT", "9001")
    config = load_config()
    assert config.need("database_url") == "postgresql://u:hidden@db/holdfast"
    assert config.http_port == 9001


def test_what_is_given_goes_before_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOLDFAST_BOOK", "7")
    assert load_config(book=9).book == 9


def test_a_missing_address_is_named_with_an_example() -> None:
    with pytest.raises(Misconfigured, match=r"Set HOLDFAST_AMQP_URL, for example to amqp://"):
        load_config().need("amqp_url")


def test_an_impossible_value_names_its_variable_and_keeps_the_value_to_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOLDFAST_HTTP_PORT", "hunter2")
    with pytest.raises(Misconfigured, match="HOLDFAST_HTTP_PORT") as caught:
        load_config()
    assert "hunter2" not in str(caught.value)
    assert caught.value.__cause__ is None


def test_secrets_do_not_show_when_printed() -> None:
    config = Config.model_validate(
        {
            "database_url": "postgresql://u:hidden@db/x",
            "stripe_api_key": "hidden",
            "chain_rpc_urls": {1: ["https://hidden"]},
        }
    )
    assert "hidden" not in repr(config)
    assert "hidden" not in config.model_dump_json()


def test_chains_are_found_by_their_id(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOLDFAST_CHAIN_8453_RPC_URLS", "https://one, https://two")
    urls = load_config().chain_rpc_urls
    assert {chain: [url.get_secret_value() for url in given] for chain, given in urls.items()} == {
        8453: ["https://one", "https://two"]
    }
