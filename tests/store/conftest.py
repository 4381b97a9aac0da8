"""One store for all tests, and for each a workspace of its own on it."""

from __future__ import annotations

import logging
from functools import cache
from importlib import import_module
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator

from store_server import BUCKET, SECRET, Machine, store


@pytest.fixture(scope="session")
def address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A store that runs."""
    with store(tmp_path_factory.mktemp("store") / "server.log") as running:
        yield running


@pytest.fixture(scope="session")
def described() -> Any:
    """The library's descriptions of services, read once: they take most of the time that it takes to greet a store."""
    return cache(import_module("botocore.loaders").create_loader)


@pytest.fixture(autouse=True)
def client(monkeypatch: pytest.MonkeyPatch, address: str, described: Any) -> Any:
    """Whoever else writes to the store; the environment says where it is."""
    for name, value in {
        "AWS_ENDPOINT_URL": address,
        "AWS_ACCESS_KEY_ID": "AKIANOBODY",
        "AWS_SECRET_ACCESS_KEY": SECRET,
        "AWS_DEFAULT_REGION": "us-east-1",
        "AWS_EC2_METADATA_DISABLED": "true",
    }.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr("botocore.loaders.create_loader", described)
    logging.getLogger("botocore").setLevel(logging.WARNING)
    made = import_module("boto3").client("s3")
    made.create_bucket(Bucket=BUCKET)
    return made


@pytest.fixture
def machines(monkeypatch: pytest.MonkeyPatch, tmp_path, request) -> tuple[Machine, Machine]:
    """Two machines that share a workspace."""
    prefix = f"may/{request.node.name}".replace("[", "-").replace("]", "")
    return tuple(Machine(monkeypatch, tmp_path / name, prefix) for name in ("one", "other"))
