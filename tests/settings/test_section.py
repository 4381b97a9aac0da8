"""Values of the settings: durations are lengths, however they are written, and what makes no sense is refused."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from purchase_pred.durations import duration_name, parse_duration
from purchase_pred.errors import ConfigError
from purchase_pred.settings import Settings
from purchase_pred.settings.carried import adopted_settings, carried_settings, differing_settings
from purchase_pred.settings.features import FeatureSettings, SplitSettings, TargetSettings
from purchase_pred.settings.loading import flat_settings, resolve_settings

LONGER_THAN_ZERO = st.timedeltas(timedelta(microseconds=1), timedelta(days=365_250))
IN_HOURS = {
    "ingest": {"outlier_distance": "8760h"},
    "split": {"align": "24h", "embargo": "2880m"},
    "anchors": {"every": "720h", "active_within": "2w"},
    "target": {"horizon": "168h"},
    "features": {
        "windows": ["24h", "1w"],
        "availability_lag": "60m",
        "custom": [{"name": "a", "decayed_count": "24h"}],
    },
}
IN_DAYS = {
    "ingest": {"outlier_distance": "365d"},
    "split": {"align": "1d", "embargo": "2d"},
    "anchors": {"every": "30d", "active_within": "14d"},
    "target": {"horizon": "7d"},
    "features": {"windows": ["1d", "7d"], "availability_lag": "1h", "custom": [{"name": "a", "decayed_count": "1d"}]},
}


@given(length=st.timedeltas(timedelta(), timedelta(days=365_250)))
def test_the_name_of_a_duration_is_read_back(length: timedelta) -> None:
    assert parse_duration(duration_name(length)) == length


@given(length=LONGER_THAN_ZERO, lag=st.timedeltas(timedelta(), timedelta(days=365_250)))
def test_settings_come_back_from_what_is_kept_of_them(length: timedelta, lag: timedelta) -> None:
    settings = Settings.model_validate(
        {
            "split": {"align": length, "embargo": lag},
            "anchors": {"active_within": length},
            "target": {"horizon": duration_name(length)},
            "features": {"windows": (length, "7d"), "availability_lag": lag},
        }
    )
    kept = settings.model_dump(mode="json")
    assert kept["target"]["horizon"] == kept["anchors"]["active_within"] == duration_name(length)
    assert Settings.model_validate(kept) == settings


def test_a_duration_is_a_length_however_it_is_written() -> None:
    hours, days = Settings.model_validate(IN_HOURS), Settings.model_validate(IN_DAYS)
    assert hours.target.horizon == timedelta(days=7)
    assert hours == days
    assert flat_settings(hours) == flat_settings(days)
    assert flat_settings(hours)["features.windows"] == ["1d", "7d"]


def test_the_same_length_is_no_difference_to_what_a_model_carries() -> None:
    resolved = resolve_settings(assignments=["target.horizon=168h"])
    assert adopted_settings(resolved, {"target.horizon": "7d"}, owner="it") == Settings()
    assert adopted_settings(resolve_settings(), {"target.horizon": "168h"}, owner="it") == Settings()
    assert not differing_settings(resolved.settings, Settings())
    assert carried_settings(resolved.settings)["target.horizon"] == "7d"
    with pytest.raises(ConfigError, match=r"it was trained with target\.horizon 7d, --set gives 1d: leave it out"):
        adopted_settings(resolve_settings(assignments=["target.horizon=24h"]), {"target.horizon": "168h"}, owner="it")


def test_a_window_that_stands_twice_is_one() -> None:
    assert FeatureSettings.model_validate({"windows": ["24h", "7d", "1d"]}).windows == (
        timedelta(days=1),
        timedelta(days=7),
    )


def test_exact_boundaries_and_no_limit_stay_what_they_are() -> None:
    settings = Settings.model_validate({"split": {"align": "none"}, "ingest": {"outlier_distance": None}})
    assert (settings.split.align, settings.ingest.outlier_distance) == ("none", None)
    assert Settings.model_validate(settings.model_dump(mode="json")) == settings


@pytest.mark.parametrize("given", [7, True, "soon", "P7D", ["7d"], None])
def test_what_is_no_duration_is_refused(given: Any) -> None:
    with pytest.raises(ValueError, match="a duration is a whole number and a unit"):
        TargetSettings(horizon=given)


@pytest.mark.parametrize("given", ["0s", timedelta(seconds=-1)])
def test_a_horizon_must_be_longer_than_zero(given: Any) -> None:
    with pytest.raises(ValueError, match="longer than zero"):
        TargetSettings(horizon=given)


def test_an_embargo_may_be_zero_and_not_negative() -> None:
    assert SplitSettings(embargo=timedelta()).model_dump(mode="json")["embargo"] == "0s"
    with pytest.raises(ValueError, match="must not be negative"):
        SplitSettings(embargo=timedelta(days=-1))


def test_the_schema_for_editors_shows_durations_as_they_are_written() -> None:
    shown = Settings.model_json_schema()["$defs"]
    horizon, windows = shown["TargetSettings"]["properties"]["horizon"], shown["FeatureSettings"]["properties"]
    assert (horizon["type"], horizon["default"]) == ("string", "7d")
    assert windows["windows"]["default"] == ["1d", "7d", "30d"]


@pytest.mark.parametrize(
    ("assignment", "message"),
    [
        ("dataset.start_date=2024-13-45", "month value is outside expected range of 1-12, found '2024-13-45'"),
        ("anchors.start=2024-02-30", "day value is outside expected range, found '2024-02-30'"),
        ("dataset.start_date=20240801", "a date is written 2024-08-01, found 20240801"),
        ("dataset.start_date=9999-12-31", "must lie within 1970-01-01 and 2199-12-31, found 9999-12-31"),
        ("dataset.num_days=1000000", "less than or equal to 36525"),
        ("target.horizon=30", "a duration is a whole number and a unit, .* found 30"),
        ("target.horizon=.inf", "a duration is a whole number and a unit, .* found inf"),
        ("target.horizon=999999999d", r"at most 365250 days \(a thousand years\), found 999999999d"),
        ("target.horizon=99999999999999d", "at most 365250 days"),
        ("target.sessions=99999999999999999999", "less than or equal to 1000000"),
        ("split.align=30", ": a duration is a whole number and a unit, .* found 30$"),
        ("split.align=0d", ": the duration must be longer than zero, found '0d'$"),
        ("split.embargo=5", "a duration is a whole number and a unit, .* found 5"),
        ("features.windows=[]", r": at least one window such as 7d is needed, found \[\]"),
        ("features.windows=[30]", ".0: a duration is a whole number and a unit, .* found 30$"),
        ("features.custom=[{name: a, count: true, windows: []}]", "at least one window"),
        ("session.inactivity_threshold_minutes=.inf", "finite number, found inf"),
        ("session.inactivity_threshold_minutes=1e300", "less than or equal to 525600"),
        ("train.threshold.profit.true_positive=-.inf", "finite number, found -inf"),
        ("train.sampling.negatives_per_positive=.inf", "finite number, found inf"),
        ("dataset.num_users=true", ": a number is asked for, found true"),
        ("dataset.personas.buyer.share=false", "a number is asked for, found false"),
        ("session.inactivity_threshold_minutes=true", "a number is asked for, found true"),
        ("target.sessions=true", "a number is asked for, found true"),
    ],
)
def test_a_value_that_makes_no_sense_is_one_sentence(assignment: str, message: str) -> None:
    with pytest.raises(ConfigError, match=f"^--set: {assignment.partition('=')[0]}.*{message}") as raised:
        resolve_settings(assignments=[assignment])

    assert "\n" not in str(raised.value)


def test_true_and_false_stay_what_a_switch_takes() -> None:
    chosen = resolve_settings(assignments=["features.custom=[{name: a, count: true, where: price > 3}]"]).settings

    assert chosen.features.custom[0].count is True
