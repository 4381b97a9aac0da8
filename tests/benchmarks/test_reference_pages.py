"""The reference pages hold what the program has."""

from __future__ import annotations

import pytest

from benchmarks.reference import pages

PAGES = pages()


@pytest.mark.parametrize("path", PAGES, ids=lambda path: path.name)
def test_a_reference_page_is_current(path) -> None:
    assert path.read_text(encoding="utf-8") == PAGES[path], "run python -m benchmarks.reference"
