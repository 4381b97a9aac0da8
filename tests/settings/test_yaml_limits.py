"""A YAML text that would fill the memory or the stack ends at a limit, with one sentence."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import pytest
import yaml

from purchase_pred.errors import ConfigError
from purchase_pred.settings.loading import resolve_settings
from purchase_pred.settings.yaml_files import SHIPPED_FILES, parse_value, shipped_config_files
from purchase_pred.settings.yaml_limits import MOST_CHARACTERS, MOST_LEVELS, MOST_NODES, check_yaml_limits

if TYPE_CHECKING:
    from pathlib import Path


def doubling(anchors: int, *, form: str) -> str:
    """Return keys of which each stands for twice the one before."""
    lines = [f"k0: &a0 {form.format(1, 2)}"]
    lines += [f"k{n}: &a{n} {form.format(f'*a{n - 1}', f'*a{n - 1}')}" for n in range(1, anchors)]
    return "\n".join(lines) + "\n"


BOMBS = {
    "lists of aliases": (doubling(60, form="[{}, {}]").replace("[1, 2]", "[x, y]"), "at most 10,000 keys and values"),
    "mappings of aliases": (doubling(60, form="{{l: {}, r: {}}}"), "at most 10,000 keys and values"),
    "merged mappings": (
        "k0: &a0 {x: 1}\n" + "".join(f"k{n}: &a{n} {{<<: [*a{n - 1}, *a{n - 1}]}}\n" for n in range(1, 40)),
        "at most",
    ),
    "a chain of aliases": (
        "k0: &a0 [x]\n" + "".join(f"k{n}: &a{n} [*a{n - 1}]\n" for n in range(1, 1_000)),
        "at most 40 lists and mappings within one another",
    ),
    "a list that holds itself": ("features: &a [*a]\n", "no end"),
    "a mapping that holds itself": ("features: &a {b: {c: *a}}\n", "no end"),
    "open brackets": ("features: " + "[" * 100_000, "at most 40 lists"),
    "nested mappings": ("features: " + "{a: " * 5_000, "at most 40 lists"),
    "deep indentation": ("".join(" " * n + f"k{n}:\n" for n in range(500)), "at most 40 lists"),
    "a long text": ("# " + "x" * MOST_CHARACTERS, "at most 250,000 characters"),
    "many values": ("a: [" + "1," * (MOST_NODES + 10) + "]", "at most 10,000 keys and values"),
}


@pytest.mark.parametrize("name", BOMBS)
def test_a_file_beyond_a_limit_is_one_sentence_with_its_name(tmp_path: Path, name: str) -> None:
    text, message = BOMBS[name]
    path = tmp_path / "bomb.yaml"
    path.write_text(text, encoding="utf-8")
    started = time.perf_counter()

    with pytest.raises(ConfigError, match=message) as told:
        resolve_settings(files=[path])

    assert str(told.value).startswith(f"{path}: ")
    assert "\n" not in str(told.value)
    assert time.perf_counter() - started < 10


def test_an_endless_file_is_read_no_farther_than_the_limit(tmp_path: Path) -> None:
    path = tmp_path / "large.yaml"
    with path.open("wb") as file:
        file.truncate(50_000_000_000)

    with pytest.raises(ConfigError, match="at most 250,000 characters"):
        resolve_settings(files=[path])


def test_an_assigned_value_beyond_a_limit_names_the_option() -> None:
    with pytest.raises(ConfigError, match=r"^--set features\.windows: settings may have at most 40 lists"):
        resolve_settings(assignments=["features.windows=" + "[" * 1_000])


def test_a_value_of_the_environment_beyond_a_limit_names_the_variable(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PURCHASE_PRED_FEATURES__WINDOWS", "[" * 1_000)

    with pytest.raises(ConfigError, match=r"PURCHASE_PRED_FEATURES__WINDOWS.*: settings may have at most 40 lists"):
        resolve_settings()


def test_the_last_level_and_the_last_node_are_allowed() -> None:
    check_yaml_limits("[" * MOST_LEVELS + "]" * MOST_LEVELS)
    with pytest.raises(ConfigError):
        check_yaml_limits("[" * (MOST_LEVELS + 1) + "]" * (MOST_LEVELS + 1))
    check_yaml_limits("[" + "1," * (MOST_NODES - 1) + "]")
    with pytest.raises(ConfigError):
        check_yaml_limits("[" + "1," * MOST_NODES + "]")


def test_aliases_within_the_limits_stand_for_what_they_name() -> None:
    assert parse_value("{a: &w [1d, 7d], b: *w, c: [*w, *w]}")["c"] == [["1d", "7d"], ["1d", "7d"]]


def test_an_alias_of_nothing_is_the_parser_s_to_refuse() -> None:
    with pytest.raises(yaml.YAMLError, match="undefined alias"):
        parse_value("[*nothing]")


def test_the_shipped_files_are_far_from_the_limits() -> None:
    for path in shipped_config_files():
        assert len(path.read_text(encoding="utf-8")) < MOST_CHARACTERS / 10
    assert len(SHIPPED_FILES) == 4
