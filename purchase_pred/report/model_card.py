"""The model card: what the model is for, what it was made of, and where it ends."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from purchase_pred.evaluation.red_flags import FEW_POSITIVES
from purchase_pred.report.markup import bullets, paragraph, section
from purchase_pred.report.words import (
    counted,
    duration,
    heading,
    moment_of_prediction,
    outcome,
    percent,
    subject,
)

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from purchase_pred.report.data import ReportData

_USES: Final[Mapping[str, str]] = {
    "session_close": "reminders after a visit, such as an abandoned-cart e-mail",
    "in_session": "help while somebody is in the shop, such as a nudge or a free delivery offered in time",
    "calendar": "campaigns at fixed dates, such as a weekly list of customers to write to",
}
_COUNTED: Final[Mapping[str, str]] = {
    "purchase": "A purchase later than {horizon} after the prediction counts as none, and one purchase counts for each "
    "of the predictions before it.",
    "churn": "Whoever comes back later than {horizon} after the prediction counts as gone, and any event counts as "
    "coming back, a single view too.",
}


def model_card(data: ReportData, /) -> str:
    """Return the section with intended use, data and limits."""
    return section(
        "card",
        "Model card",
        "<h3>Intended use</h3>",
        *(paragraph(text) for text in _use(data)),
        "<h3>What it was made of</h3>",
        paragraph(_making(data)),
        "<h3>Limits</h3>",
        bullets(_limits(data)),
    )


def _use(data: ReportData) -> Iterator[str]:
    target = data.document["target"]
    yield (
        f"To rank, {moment_of_prediction(target)}, by how likely it is that {outcome(target)}. Each score is about "
        f"{subject(target)}. Made for {_USES[target['anchors']]}."
    )
    yield (
        "Not made for decisions about people that matter beyond a shop window: credit, prices per person, employment, "
        f"insurance. A score says how likely a {data.words.one} is, not that approaching somebody would cause or "
        "prevent one; that only an experiment with a control group can tell."
    )


def _making(data: ReportData) -> str:
    training, log = data.training, data.source.log
    rounds = f", {training['rounds']:,} trees" if training.get("rounds") else ""
    fitted = training.get("rows_fitted", training["rows"])
    kept = "" if fitted == training["rows"] else f" ({fitted:,} after drawing negatives)"
    return (
        f"{heading(data.document['model'])}{rounds}, learnt from {training['rows']:,} rows{kept} with "
        f"{training['positives']:,} {data.words.many}, each described by {data.importance.height} features as they "
        f"were known strictly before the prediction.{_left_out(data.left_out)} The log was {data.source.origin}, "
        f"{log['start']:%B %Y} to {log['end']:%B %Y}. The earlier part of validation told when to stop, the later part "
        f"calibrated and chose the threshold; test was looked at once.{_refit(training)} Beside what users did, no "
        "personal attribute is used."
    )


def _refit(training: Mapping[str, Any]) -> str:
    if "refit" not in training:
        return ""
    rows = f"{training['refit']['rows_fitted']:,} rows of training and validation together"
    return f" Then it was fitted once more, on {rows}; figures of validation are those of the first fit."


def _left_out(names: Sequence[str]) -> str:
    if not names:
        return ""
    return f" Left out by train.leave_out: {counted(len(names), 'feature')} ({', '.join(names)})."


def _limits(data: ReportData) -> Iterator[str]:
    document = data.document
    test, target = document["splits"]["test"], document["target"]
    words = data.words
    span = data.source.boundaries[-1] - data.source.boundaries[-2]
    judged = (
        f"{span.days} days" if data.date is None else f"predictions of one date, {data.date.day} {data.date:%B %Y},"
    )
    yield f"Judged on {judged} of one log. Other seasons, shops and campaigns may differ."
    if test["positives"] < FEW_POSITIVES:
        yield (
            f"Test holds only {test['positives']:,} {words.many}: every figure here would be somewhat different on "
            "another sample."
        )
    for row in data.flags.filter("flagged").iter_rows(named=True):
        yield f"Red flag raised ({row['check'].replace('_', ' ')}, {row['subject']}): {row['meaning']}."
    yield _COUNTED[target.get("kind", "purchase")].format(horizon=duration(target["horizon"]))
    yield (
        f"It knows nothing of what the log does not hold: stock, advertising, other shops. The share of {words.many} "
        f"in training was {percent(document['splits']['train']['prevalence'])}; judge and train again when that moves."
    )
