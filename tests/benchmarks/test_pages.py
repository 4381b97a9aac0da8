"""Every figure on the pages is one that a command writes there."""

from __future__ import annotations

from importlib import import_module
from pathlib import Path

BENCHMARKS = Path(__file__).parents[2] / "benchmarks"


def test_results_page_is_what_the_results_say() -> None:
    assert (BENCHMARKS / "RESULTS.md").read_text() == import_module("benchmarks.report").page()


def test_figures_of_quality_in_the_readme_are_those_of_the_results(tmp_path: Path) -> None:
    readme = import_module("benchmarks.readme")
    command = "python -m benchmarks.report --quality"
    printed = readme.output_of(command, str(tmp_path))
    assert f"<!-- output of: {command} -->\n```\n{printed}\n```\n<!-- end -->" in readme.README.read_text()
    assert "targets met" in printed
