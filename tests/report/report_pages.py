"""Reports for tests: a model of the synthetic frames, and the log that could stand behind them."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import timedelta
from html.parser import HTMLParser
from typing import TYPE_CHECKING, Any

from frames import START, splits

from purchase_pred.evaluation import evaluate
from purchase_pred.models import FittedModel, train_models
from purchase_pred.report.data import ReportData, ReportSource, report_data
from purchase_pred.report.page import render_report
from purchase_pred.settings import Settings

if TYPE_CHECKING:
    from collections.abc import Mapping

    import polars as pl

SETTINGS = Settings.model_validate(
    {"train": {"threads": 1, "lightgbm": {"max_rounds": 30}, "threshold": {"resamples": 50}}}
)
SOURCE = ReportSource(
    log={
        "events": 54_321, "users": 600, "items": 50, "sessions": 9_000,
        "view": 8_900, "scroll": 4_000, "add_to_cart": 500, "purchase": 300,
        "start": START, "end": START + timedelta(days=20),
    },
    boundaries=[START + timedelta(days=day) for day in (0, 10, 15, 20)],
    purged={"train": 12, "val": 7, "test": 5},
    origin="read from real events in the format table",
    settings={"target.horizon": '"7d"', "train.threshold.rule": '"profit"'},
    fingerprints={"data/raw/clickstream_events.parquet": "397bcf28e525a12a757257ecd88fda16"},
)  # fmt: skip
VOID = {"meta", "link", "input", "br", "use", "path", "rect"}


@dataclass(frozen=True)
class Judged:
    """A model with its frames, its figures, and what its report shows."""

    model: FittedModel
    splits: Mapping[str, pl.DataFrame]
    document: dict[str, Any]
    shown: ReportData

    @property
    def page(self) -> str:
        """The report as HTML."""
        return render_report(self.shown)


class Outline(HTMLParser):
    """Identifiers, references and open elements of a page."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.ids: list[str] = []
        self.references: list[str] = []
        self.unclosed: list[str] = []
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag not in VOID:
            self.unclosed.append(tag)
        for name, value in attrs:
            if name == "id":
                self.ids.append(value or "")
            elif name in {"for", "aria-labelledby", "aria-describedby"}:
                self.references.append(value or "")
            self.references += re.findall(r"url\(#([^)]*)\)", value or "")
            if name in {"href", "src"}:
                assert value is not None
                assert value.startswith(("#", "data:")), f"{tag} loads {value}"
                self.references += [value[1:]] if value.startswith("#") else []

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.handle_starttag(tag, attrs)
        if tag not in VOID:
            self.unclosed.pop()

    def handle_endtag(self, tag: str) -> None:
        if tag not in VOID:
            assert self.unclosed.pop() == tag


def judged(*, settings: Settings = SETTINGS, frames: Mapping[str, pl.DataFrame] | None = None) -> Judged:
    """Return a trained LightGBM model and its report, the logistic baseline beside it."""
    parts = splits(rows=3_000) if frames is None else frames
    chosen = settings.train.model_copy(update={"models": ("logistic", "lightgbm")})
    logistic, model = train_models(parts["train"], parts["val"], settings=settings.model_copy(update={"train": chosen}))
    documents = [evaluate(one, parts, settings=settings, logistic=logistic) for one in (logistic, model)]
    shown = report_data(
        model, parts, documents[1], source=SOURCE, settings=settings, rivals=documents, logistic=logistic
    )
    return Judged(model, parts, documents[1], shown)
