"""What pages, tests and docstrings cite is there."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PATH = re.compile(r"(?<![\w/.])(?:docs|tests|purchase_pred|cli|benchmarks|configs|examples)/[\w/.-]*\w")
LINK = re.compile(r"\]\((?!https?:|#)([^)#]+)")
PROOF = re.compile(r"`(tests/[\w/]+\.py)::(test_\w+)`")
PAGES = sorted([ROOT / "README.md", *ROOT.glob("docs/*.md"), ROOT / "benchmarks/README.md"])
SOURCES = sorted(path for room in ("purchase_pred", "cli", "tests") for path in ROOT.glob(f"{room}/**/*.py"))


@pytest.mark.parametrize("page", PAGES, ids=lambda path: str(path.relative_to(ROOT)))
def test_a_page_names_files_that_are_there(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    cited = {name for name in PATH.findall(text) if "NAME" not in name}  # a walk's file that is yet to be made
    assert sorted(name for name in cited if not (ROOT / name).exists()) == []
    assert sorted(name for name in LINK.findall(text) if not (page.parent / name).exists()) == []


def test_every_promise_has_a_test_that_exists() -> None:
    lines = [line for line in (ROOT / "docs/guarantees.md").read_text(encoding="utf-8").splitlines() if "|" in line]
    promises = [line for line in lines if not line.startswith(("| promise", "|---"))]
    named = [PROOF.search(line) for line in promises]
    assert len(promises) > 20
    assert [line for line, proof in zip(promises, named, strict=True) if proof is None] == []
    proofs = [(proof[1], proof[2]) for proof in named if proof]
    assert [one for one in proofs if f"def {one[1]}(" not in (ROOT / one[0]).read_text(encoding="utf-8")] == []


def test_pages_that_sources_cite_are_there() -> None:
    cited = {
        (name, str(path.relative_to(ROOT)))
        for path in SOURCES
        for name in PATH.findall(path.read_text(encoding="utf-8"))
        if name.endswith(".md")
    }
    assert cited
    assert sorted(one for one in cited if not (ROOT / one[0]).exists()) == []
