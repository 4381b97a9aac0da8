"""Limits of a YAML text: its length, its nodes and its levels, aliases counted as what they stand for."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import yaml

from purchase_pred.errors import ConfigError

MOST_CHARACTERS: Final = 250_000
"""Length of a text; the longest file that is shipped takes a twentieth of it."""
MOST_NODES: Final = 10_000
"""Keys, values, lists and mappings."""
MOST_LEVELS: Final = 40
"""Lists and mappings within one another."""


class YamlLimitError(ConfigError):
    """A YAML text holds more than any settings do."""


@dataclass
class _Extent:
    """How many nodes a node stands for, and how many levels."""

    anchor: str | None = None
    nodes: int = 1
    levels: int = 0

    def take(self, part: _Extent) -> None:
        """Count a node that stands in this one."""
        self.nodes += part.nodes
        self.levels = max(self.levels, part.levels + 1)


def check_yaml_limits(text: str, /) -> None:
    """Raise unless a YAML text is of a size that settings have; nothing of it is built.

    A few lines of aliases of aliases can stand for more values than any memory holds, and a text of brackets for more
    levels than any program descends. An alias that stands in what it names is refused: it has no end.

    Raises
    ------
    YamlLimitError
        The text is beyond one of the limits; says which, and what was found where that is known.
    yaml.YAMLError
        The text is no YAML.

    Examples
    --------
    >>> check_yaml_limits("windows: [1d, 7d]")
    >>> check_yaml_limits("a: &a [*a]")
    Traceback (most recent call last):
    purchase_pred.settings.yaml_limits.YamlLimitError: the alias *a stands in what it names, which would have no end
    """
    if len(text) > MOST_CHARACTERS:
        raise YamlLimitError(
            f"settings may have at most {MOST_CHARACTERS:,} characters, and these have more: divide the file, or leave "
            "out what is not needed"
        )
    whole, named = [_Extent(nodes=0)], dict[str, _Extent]()
    for event in yaml.parse(text, Loader=yaml.SafeLoader):
        if isinstance(event, yaml.CollectionStartEvent):
            whole.append(_Extent(event.anchor))
        elif isinstance(event, yaml.CollectionEndEvent):
            part = whole.pop()
            named |= {part.anchor: part} if part.anchor else {}
            whole[-1].take(part)
        elif isinstance(event, yaml.ScalarEvent):
            named |= {event.anchor: _Extent()} if event.anchor else {}
            whole[-1].take(_Extent())
        elif isinstance(event, yaml.AliasEvent):
            _check_ends(event.anchor, whole)
            # One that names nothing is the parser's to refuse: it knows the line.
            whole[-1].take(named.get(event.anchor, _Extent()))
        _check_extent(len(whole) - 1 + whole[-1].levels, whole[-1].nodes)


def _check_ends(alias: str, whole: list[_Extent]) -> None:
    if any(one.anchor == alias for one in whole):
        raise YamlLimitError(f"the alias *{alias} stands in what it names, which would have no end")


def _check_extent(levels: int, nodes: int) -> None:
    if nodes > MOST_NODES:
        raise YamlLimitError(
            f"settings may hold at most {MOST_NODES:,} keys and values, an alias (*name) counted as all it stands for, "
            f"and these hold at least {nodes:,}: write out what is meant"
        )
    if levels > MOST_LEVELS:
        raise YamlLimitError(
            f"settings may have at most {MOST_LEVELS} lists and mappings within one another, and these have at least "
            f"{levels}: close the brackets, or indent less"
        )
