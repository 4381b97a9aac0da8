"""The engine that is set runs every plan that asks for none of its own."""

from __future__ import annotations

import os
from importlib.util import find_spec

import polars as pl
import pytest

from purchase_pred.errors import ConfigError
from purchase_pred.execution.engines import polars_engine

AFFINITY = "POLARS_ENGINE_AFFINITY"


@pytest.mark.parametrize("engine", ["streaming", "in-memory"])
def test_an_engine_holds_for_the_work_and_not_beyond(engine) -> None:
    before = os.environ.get(AFFINITY)
    with polars_engine(engine):
        assert os.environ[AFFINITY] == engine
    assert os.environ.get(AFFINITY) == before


def test_auto_keeps_the_engine_that_polars_is_set_to() -> None:
    with pl.Config(engine_affinity="in-memory"), polars_engine("auto"):
        assert os.environ[AFFINITY] == "in-memory"


@pytest.mark.skipif(find_spec("cudf_polars") is not None, reason="the GPU engine is installed")
def test_an_engine_that_is_not_installed_is_refused_before_anything_is_made() -> None:
    with pytest.raises(ConfigError, match="cudf_polars"), polars_engine("gpu"):
        pytest.fail("the work must not begin")
