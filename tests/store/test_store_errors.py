"""What can be wrong with a store is told in one sentence."""

from __future__ import annotations

import socket
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest

from purchase_pred.errors import ConfigError, MissingExtraError, WorkspaceError
from purchase_pred.pipeline.engine.workspace import Workspace
from purchase_pred.pipeline.store import bucket
from purchase_pred.pipeline.store.address import StoreAddress, store_address
from purchase_pred.pipeline.store.bucket import Bucket
from purchase_pred.pipeline.store.copy import opened

if find_spec("boto3") is None or find_spec("moto") is None:
    pytest.skip("needs the extra s3, and moto[server]", allow_module_level=True)

SHOP = StoreAddress("shops", "may")


def test_a_bucket_that_is_not_there_is_named() -> None:
    with pytest.raises(ConfigError, match=r"s3://nowhere/may: there is no bucket nowhere; make it, or name another"):
        Bucket(StoreAddress("nowhere", "may"))


def test_missing_credentials_are_told_with_where_they_come_from(monkeypatch, tmp_path) -> None:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.delenv(name)
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "none"))
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "none"))
    with pytest.raises(ConfigError, match="no credentials were found; set AWS_ACCESS_KEY_ID and"):
        Bucket(SHOP)


def test_a_store_that_cannot_be_reached_is_told(monkeypatch) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:1")
    with pytest.raises(WorkspaceError, match=r"cannot be worked with \(EndpointConnectionError\); AWS_ENDPOINT_URL"):
        Bucket(SHOP)


def test_a_store_that_says_nothing_is_told_within_30_seconds(monkeypatch) -> None:
    greeting = bucket.GREETING
    assert (max(greeting["connect_timeout"], greeting["read_timeout"]) + 2) * greeting["retries"][
        "total_max_attempts"
    ] < 30
    monkeypatch.setitem(greeting, "read_timeout", 0.1)
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen()
        monkeypatch.setenv("AWS_ENDPOINT_URL", f"http://127.0.0.1:{silent.getsockname()[1]}")
        with pytest.raises(WorkspaceError, match=r"cannot be worked with \(ReadTimeoutError\)"):
            Bucket(SHOP)


def test_without_the_extra_the_command_that_installs_it_is_told(monkeypatch) -> None:
    monkeypatch.setitem(sys.modules, "boto3", None)
    with pytest.raises(MissingExtraError, match=r"needs boto3, .*pip install 'purchase-pred\[s3\]'"):
        Bucket(SHOP)


@pytest.mark.parametrize("text", ["s3://", "s3://key:secret@shops/may", "s3://shops/../may", "s3://a"])
def test_what_is_no_address_is_told_without_repeating_it(text) -> None:
    with pytest.raises(ConfigError, match="an address on a store is s3://BUCKET/PREFIX") as failed:
        store_address(Path(text))
    assert "secret" not in str(failed.value)


def test_a_folder_stays_a_folder(tmp_path) -> None:
    workspace = Workspace(tmp_path / "s3")
    assert opened(workspace) is workspace
    assert store_address(Path("./s3")) is None


def test_copies_of_two_stores_and_of_two_addresses_lie_apart(monkeypatch) -> None:
    here = {StoreAddress("shops", prefix).folder() for prefix in ("", "may", "may/1")}
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://other")
    assert len(here | {SHOP.folder()}) == 4
