"""Feature groups: what one group reads of another is declared, and checked when the dictionary is put together."""

from __future__ import annotations

import polars as pl
import pytest

from purchase_pred.errors import SchemaError
from purchase_pred.features.group import Derived, FeatureGroup, check_groups
from purchase_pred.windows import count


def doubled(column: str) -> Derived:
    return Derived(name=f"twice_{column}", expression=pl.col(column) * 2, definition="", unit="", null_rule="")


MAKER = FeatureGroup(name="maker", by=("user_id",), aggregates=(count("_views"),))


def reader(*needs: str) -> FeatureGroup:
    return FeatureGroup(name="reader", by=("user_id",), derived=(doubled("_views"),), needs=needs)


def test_a_column_of_an_earlier_group_that_is_declared_may_be_read():
    check_groups([MAKER, reader("_views")], ["user_id"])


@pytest.mark.parametrize(
    ("groups", "words"),
    [
        ([MAKER, reader()], "group 'reader' reads '_views', which group 'maker' makes: name it in needs"),
        ([reader("_views"), MAKER], "behind that group"),
        ([reader("_views")], "group 'reader' reads '_views', which no group makes"),
    ],
    ids=["not declared", "made later", "made by none"],
)
def test_what_is_read_undeclared_or_too_early_names_group_and_column(groups, words):
    with pytest.raises(SchemaError, match=words):
        check_groups(groups, ["user_id"])


def test_a_group_may_read_what_it_has_derived_itself():
    check_groups(
        [FeatureGroup(name="own", by=(), derived=(doubled("price"), doubled("twice_price")))], ["user_id", "price"]
    )
