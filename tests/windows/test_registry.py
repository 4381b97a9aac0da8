"""The registry of aggregates: every kind once, and known wherever kinds are told apart."""

from __future__ import annotations

import pytest

from purchase_pred import windows
from purchase_pred.settings.features import CustomFeature
from purchase_pred.windows.registry import KINDS

EXAMPLES = {"nothing": True, "column": "price", "k": 2, "half_life": "1d"}


def test_every_public_factory_is_a_kind_and_every_kind_a_public_factory():
    factories = set(windows.__all__) - {"Aggregate", "window_features"}
    assert set(KINDS) == factories


@pytest.mark.parametrize("name", KINDS)
def test_a_kind_is_declared_under_its_own_name(name):
    kind = KINDS[name]
    given = [EXAMPLES[kind.takes]] if kind.takes in {"column", "half_life"} else []
    assert kind.factory("feature", *given).kind == name


@pytest.mark.parametrize("name", KINDS)
def test_a_kind_can_be_chosen_as_a_custom_feature(name):
    assert CustomFeature(name="feature", **{name: EXAMPLES[KINDS[name].takes]}).kind == name
