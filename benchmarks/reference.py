"""Write docs/configuration.md and docs/features.md from the settings and the dictionary, so that none of it is typed.

Run `python -m benchmarks.reference` after a setting or a feature has changed.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from purchase_pred.features import describe_features
from purchase_pred.settings import Settings
from purchase_pred.settings.carried import shown
from purchase_pred.settings.loading import flat_settings
from purchase_pred.settings.section import Section

if TYPE_CHECKING:
    from collections.abc import Iterator

DOCS = Path(__file__).parent.parent / "docs"
NOTE = "Written by `python -m benchmarks.reference`; change the program, not this page."

DURATIONS = (
    "A duration is a whole number and a unit, `w`, `d`, `h`, `m` (minutes), `s`, `ms` or `us`, also several in a row\n"
    "(`1d12h`). It is a length: `168h` is `7d` and makes nothing stale, and it is shown by its largest whole unit."
)


def pages() -> dict[Path, str]:
    """Return the pages and what they should hold."""
    return {DOCS / "configuration.md": configuration(), DOCS / "features.md": features()}


def configuration() -> str:
    """Return every setting with its default and its meaning, section by section."""
    parts = ["# Every setting, with its default", NOTE, DURATIONS]
    defaults = flat_settings(Settings())
    for key, section in sections(Settings, ""):
        rows = [
            f"| `{key}.{name}` | {_value(defaults.get(f'{key}.{name}'), field.default)} | {_cell(field.description)} |"
            for name, field in section.model_fields.items()
            if _section(field.annotation) is None
        ]
        parts += [f"## `{key}`\n{_cell(section.__doc__)}"]
        parts += ["\n".join(["| key | default | meaning |", "|---|---|---|", *rows])] if rows else []
    return "\n\n".join(parts) + "\n"


def sections(tree: type[Section], prefix: str) -> Iterator[tuple[str, type[Section]]]:
    """Yield the sections of a tree by their keys, in the order of their declaration."""
    for name, field in tree.model_fields.items():
        section = _section(field.annotation)
        if section is not None:
            yield f"{prefix}{name}", section
            yield from sections(section, f"{prefix}{name}.")


def features() -> str:
    """Return every feature of the defaults, group by group."""
    parts = ["# Every feature, at the defaults", NOTE]
    described = describe_features()
    for group in described["group"].unique(maintain_order=True):
        rows = [
            f"| `{row['name']}` | {_cell(row['definition'])} | {row['entity']} | {row['unit']} | {row['null_rule']} |"
            for row in described.filter(group=group).iter_rows(named=True)
        ]
        head = ["| feature | what it is | of | unit | without an answer |", "|---|---|---|---|---|"]
        parts += [f"## {group}", "\n".join([*head, *rows])]
    return "\n\n".join(parts) + "\n"


def _section(annotation: Any) -> type[Section] | None:
    return annotation if isinstance(annotation, type) and issubclass(annotation, Section) else None


def _value(value: Any, default: Any) -> str:
    if isinstance(default, Mapping) and any(isinstance(row, Section) for row in default.values()):
        return f"{', '.join(default)}: see `purchase-pred config show`"
    return f"`{shown(value)}`"


def _cell(text: str | None) -> str:
    return " ".join((text or "").split()).replace("|", "\\|")


def main() -> None:
    """Write the pages."""
    for path, text in pages().items():
        path.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
