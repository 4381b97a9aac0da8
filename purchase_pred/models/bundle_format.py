"""What `model.json` and `calibrator.json` of a saved model must hold, by type and range."""

from __future__ import annotations

from datetime import datetime
from itertools import pairwise
from typing import Annotated, Any, Final, Literal, Self

from pydantic import AfterValidator, Field, model_validator

from purchase_pred.durations import parse_duration
from purchase_pred.models.saved_json import Count, Positive, SavedPart
from purchase_pred.names import Level, ModelName, TargetKind
from purchase_pred.settings.training import CalibrationMethod

BUNDLE_VERSION: Final = 2

_PARAMETERS: Final = {"none": 0, "temperature": 1, "platt": 2, "beta": 3}
_SLOPES: Final = {"none": 0, "temperature": 1, "platt": 1, "beta": 2}


def _duration(text: str) -> str:
    parse_duration(text)
    return text


class _Target(SavedPart):
    kind: TargetKind = "purchase"
    value: Literal["revenue"] | None = None
    level: Level
    horizon: Annotated[str, Field(max_length=40), AfterValidator(_duration)]
    sessions: Annotated[int, Field(ge=1)] | None = None
    anchors: Literal["session_close", "in_session", "calendar"]


def _moment(text: str) -> str:
    datetime.fromisoformat(text)
    return text


_Moment = Annotated[str, Field(max_length=40), AfterValidator(_moment)]


class _Training(SavedPart):
    rows: Annotated[int, Field(ge=1)]
    positives: Count
    rounds: Count | None = None
    periods: dict[Literal["train", "val"], list[_Moment]] = Field(default_factory=dict)
    """Of a model saved before models kept them, none."""

    @model_validator(mode="after")
    def _no_more_positives_than_rows(self) -> Self:
        if self.positives > self.rows:
            raise ValueError(f"there cannot be more positives ({self.positives:,}) than rows ({self.rows:,})")
        return self


class _Feature(SavedPart):
    name: Annotated[str, Field(min_length=1)]
    dtype: str
    categories: list[str] | None

    @model_validator(mode="after")
    def _categories_once(self) -> Self:
        if self.categories and len(set(self.categories)) < len(self.categories):
            raise ValueError("a category stands twice")
        return self


class _LearnerState(SavedPart):
    positive_weight: Positive


class _Amounts(SavedPart):
    scale: Positive
    mean: Positive


class BundleDescription(SavedPart):
    """`model.json`: whatever a program relies on; more may stand beside it."""

    bundle_version: Literal[2]
    name: Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]*$", max_length=200)]
    """Goes into file names and pages: nothing that leads elsewhere or means something there."""
    kind: ModelName
    sha256: dict[str, str]
    """File to the hash of its content."""
    learner_state: _LearnerState
    odds_factor: Positive
    versions: dict[str, Annotated[str, Field(pattern=r"^[0-9]{1,9}\.[0-9]{1,9}", max_length=100)]]
    target: _Target
    training: _Training
    settings: dict[str, Any]
    feature_settings: dict[str, Any]
    features: list[_Feature]
    left_out: list[str] = Field(default_factory=list)
    amounts: _Amounts | None = None
    nearer: Annotated[list[Annotated[str, Field(pattern=r"^[0-9]{1,12}(us|ms|s|m|h|d|w)$")]], Field(max_length=50)] = (
        Field(default_factory=list)
    )
    """The shorter horizons, each with a model in a folder of its own."""

    @model_validator(mode="after")
    def _named_by_its_kind(self) -> Self:
        # Reports and tables tell models and baselines by what stands before the first underscore.
        if self.name.split("_", maxsplit=1)[0] != self.kind:
            raise ValueError(f"the name must begin with the kind of the model, {self.kind!r}")
        names = [feature.name for feature in self.features]
        if len(set(names)) < len(names):
            raise ValueError("a feature stands twice")
        return self


class CalibratorDescription(SavedPart):
    """`calibrator.json`: a map that keeps every ranking."""

    method: CalibrationMethod
    parameters: list[float]

    @model_validator(mode="after")
    def _increases(self) -> Self:
        if self.method == "isotonic":
            self._check_isotonic()
        elif len(self.parameters) != _PARAMETERS[self.method]:
            raise ValueError(
                f"{self.method} takes {_PARAMETERS[self.method]} parameters, and there are {len(self.parameters)}"
            )
        elif any(slope <= 0 for slope in self.parameters[: _SLOPES[self.method]]):
            raise ValueError(f"{self.method} needs slopes above 0, and there are {self.parameters}")
        return self

    def _check_isotonic(self) -> None:
        half, odd = divmod(len(self.parameters), 2)
        if odd or not half:
            raise ValueError(f"isotonic takes as many centres as values, and there are {len(self.parameters)} in all")
        for what, numbers in (("centres", self.parameters[:half]), ("values", self.parameters[half:])):
            if any(after <= before for before, after in pairwise(numbers)):
                raise ValueError(f"isotonic needs {what} that increase")
