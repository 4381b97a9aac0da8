"""The lock files hold what pyproject.toml asks for, each with its hashes, and name no place to fetch it from."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
EXTRAS = PROJECT["optional-dependencies"]
LOCKS = {
    "test": ("test", "tune"),
    "dask": ("test", "tune", "dask"),
    "s3": ("test", "tune", "s3", "test-s3"),
    "mlflow": ("test", "tune", "mlflow"),
}


def locked(name: str) -> dict[str, list[tuple[Requirement, int]]]:
    """Return each package of a lock file, with the number of its hashes; some come once for each Python."""
    text = re.sub(r"^\s*#.*\n", "", (ROOT / f"locks/{name}.txt").read_text(), flags=re.MULTILINE)
    entries: dict[str, list[tuple[Requirement, int]]] = {}
    for entry in re.sub(r"\\\n", " ", text).splitlines():
        requirement, *hashes = entry.split("--hash=sha256:")
        entries.setdefault(canonicalize_name(Requirement(requirement).name), []).append(
            (Requirement(requirement), sum(re.fullmatch("[0-9a-f]{64} *", one) is not None for one in hashes))
        )
    return entries


@pytest.mark.parametrize("name", LOCKS)
def test_what_the_project_asks_for_is_locked_at_a_version_that_it_allows(name: str) -> None:
    asked = [*PROJECT["dependencies"], *(one for extra in LOCKS[name] for one in EXTRAS[extra])]
    wanted = [Requirement(one) for one in asked if not one.startswith("purchase-pred")]
    entries = locked(name)
    for requirement in wanted:
        versions = [one.specifier for one, _ in entries[canonicalize_name(requirement.name)]]
        assert all(requirement.specifier.contains(str(version).removeprefix("==")) for version in versions)


@pytest.mark.parametrize("name", LOCKS)
def test_every_locked_package_has_hashes_and_no_place(name: str) -> None:
    entries = locked(name)
    assert len(entries) > 50
    assert [package for package, found in entries.items() if not all(hashes for _, hashes in found)] == []
    assert "://" not in (ROOT / f"locks/{name}.txt").read_text()


@pytest.mark.parametrize("name", ["dask", "mlflow"])
def test_with_an_extra_all_else_has_the_same_version(name: str) -> None:
    both = {package: found for package, found in locked("test").items() if found}
    assert {package: str(found) for package, found in both.items()} == {
        package: str(found) for package, found in locked(name).items() if package in both
    }
