"""What a notebook imports: every name is there, learners come when they are needed, a workspace opens as one object."""

from __future__ import annotations

import subprocess
import sys
from datetime import timedelta

import pytest

import purchase_pred as pp
from purchase_pred import errors


@pytest.mark.parametrize("name", pp.__all__)
def test_every_exported_name_is_there(name):
    assert getattr(pp, name) is not None


def test_every_error_is_exported():
    public = {name for name, one in vars(errors).items() if isinstance(one, type) and issubclass(one, Exception)}
    assert public <= set(pp.__all__)


def test_a_name_that_is_none_is_no_attribute():
    with pytest.raises(AttributeError, match="no attribute 'trian_models'"):
        _ = pp.trian_models


def test_learners_are_imported_when_a_function_first_needs_them():
    code = "import sys, purchase_pred; print({'lightgbm', 'xgboost', 'sklearn'} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"


def test_an_empty_workspace_has_the_default_settings_and_no_frames(tmp_path):
    workspace = pp.load_workspace(tmp_path)
    assert workspace.settings == pp.load_settings()
    assert (workspace.events, workspace.features, workspace.models) == (None, {}, ())
    with pytest.raises(pp.InputError, match="holds no model"):
        workspace.model()


def test_a_folder_that_is_missing_is_named_with_the_command_that_makes_it(tmp_path):
    with pytest.raises(pp.InputError, match="no such folder; `purchase-pred run all"):
        pp.load_workspace(tmp_path / "missing")


def test_overrides_go_before_files(tmp_path):
    (tmp_path / "mine.yaml").write_text("target: {level: user, horizon: 3d}\n")
    settings = pp.load_settings(tmp_path / "mine.yaml", overrides={"target.horizon": "1d"})
    assert (settings.target.level, settings.target.horizon) == ("user", timedelta(days=1))
    with pytest.raises(pp.ConfigError, match=r"overrides: unknown key 'target.horizn'; did you mean 'target.horizon'"):
        pp.load_settings(overrides={"target.horizn": "1d"})
