"""What features and models carry becomes the default, and what differs is refused with both sides named."""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING

import pytest

from purchase_pred.errors import ConfigError
from purchase_pred.settings import Settings
from purchase_pred.settings.carried import adopted_settings, carried_settings, options_for, restored_settings
from purchase_pred.settings.loading import resolve_settings

if TYPE_CHECKING:
    from pathlib import Path

CUSTOM = [{"name": "searches", "where": "item_id <> 'x'", "count": True, "windows": ["1d"]}]
MADE = Settings.model_validate(
    {"session": {"inactivity_threshold_minutes": 15}, "target": {"horizon": "3d"}, "features": {"custom": CUSTOM}}
)


def test_what_is_carried_comes_back_and_all_else_is_kept():
    asked = Settings.model_validate({"train": {"random_seed": 7}})
    restored = restored_settings(carried_settings(MADE), asked, owner="it")
    assert restored == MADE.model_copy(update={"train": asked.train})


def test_a_value_of_the_user_that_is_the_same_is_no_difference():
    resolved = resolve_settings(assignments=["target.horizon=3d", "train.random_seed=7"])
    adopted = adopted_settings(resolved, carried_settings(MADE), owner="it")
    assert (adopted.target, adopted.features, adopted.train.random_seed) == (MADE.target, MADE.features, 7)


@pytest.mark.parametrize("assignment", ["target.horizon=7d", "features.custom=[]", "anchors.active_within=1d"])
def test_another_value_is_refused_even_if_it_is_the_default(assignment):
    with pytest.raises(ConfigError, match=rf"^it was trained with {assignment.partition('=')[0]} .*, --set gives "):
        adopted_settings(resolve_settings(assignments=[assignment]), carried_settings(MADE), owner="it")


def test_the_file_that_gives_another_value_is_named(tmp_path: Path):
    path = tmp_path / "mine.yaml"
    path.write_text("session:\n  inactivity_threshold_minutes: 20\n")
    with pytest.raises(ConfigError, match=r"minutes 15\.0, .*mine\.yaml:2 gives 20\.0: leave it out"):
        adopted_settings(resolve_settings(files=[path]), carried_settings(MADE), owner="it")


def test_a_setting_that_did_not_exist_then_has_its_default():
    carried = {key: value for key, value in carried_settings(MADE).items() if key != "anchors.active_within"}
    resolved = resolve_settings(assignments=["target.horizon=3d"])
    assert adopted_settings(resolved, carried, owner="it").anchors.active_within is None
    with pytest.raises(ConfigError, match="active_within null, --set gives 2d"):
        adopted_settings(resolve_settings(assignments=["anchors.active_within=2d"]), carried, owner="it")


def test_settings_of_another_version_are_refused_in_words():
    with pytest.raises(ConfigError, match=r"it was made with .* does not take: target\.colour"):
        restored_settings({"target.colour": "red"}, Settings(), owner="it")


def test_the_options_of_a_command_give_the_same_settings_again():
    options = shlex.split(options_for(MADE))
    assert options[::2] == ["--set"] * 3
    assert resolve_settings(assignments=options[1::2]).settings == MADE
