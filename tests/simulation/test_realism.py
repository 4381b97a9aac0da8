from datetime import UTC, date, datetime

import polars as pl
import pytest

from purchase_pred.schema import EVENT_TYPE_DTYPE, TIME_DTYPE
from purchase_pred.settings.simulator import DatasetSettings
from purchase_pred.simulation import realism_report, simulate_catalog, simulate_clickstream, simulate_users
from purchase_pred.simulation.realism import BANDS

CATALOG = pl.DataFrame({"item_id": [1, 2], "base_price": [10.0, 20.0]})
USERS = pl.DataFrame({"user_id": [1], "registration_date": [date(2024, 8, 2)]})


def log(*clicks):
    """Events of user 1 from (day, minute, type, item, price)."""
    return pl.DataFrame(
        [
            (number, 1, datetime(2024, 8, day, 12, minute, tzinfo=UTC), kind, item, None, price)
            for number, (day, minute, kind, item, price) in enumerate(clicks)
        ],
        orient="row",
        schema={
            "event_id": pl.UInt64,
            "user_id": pl.Int64,
            "timestamp": TIME_DTYPE,
            "event_type": EVENT_TYPE_DTYPE,
            "item_id": pl.Int64,
            "duration_seconds": pl.Float32,
            "price": pl.Float64,
        },
    )


def observed(events):
    report = realism_report(events, CATALOG, USERS)
    return dict(report.select("measure", "observed").iter_rows())


@pytest.mark.parametrize("seed", [42, 5])
def test_the_default_world_lies_within_every_band(seed):
    dataset = DatasetSettings(random_seed=seed)
    users, catalog = simulate_users(dataset), simulate_catalog(dataset)
    report = realism_report(pl.concat(simulate_clickstream(dataset, users, catalog)), catalog, users)
    assert report["measure"].to_list() == list(BANDS)
    assert report.filter(~pl.col("in_band")).is_empty(), report


def test_figures_are_what_they_say():
    figures = observed(
        log(
            (1, 0, "view", 1, 10.0),
            (1, 1, "add_to_cart", 1, 10.0),
            (3, 0, "view", 1, 8.0),
            (3, 1, "add_to_cart", 1, 8.0),
            (3, 2, "purchase", 1, 8.0),
            (3, 3, "purchase", 2, None),
            (30, 0, "view", 2, 20.0),
        )
    )
    assert figures["view_share"] == pytest.approx(3 / 7)
    assert figures["purchase_share"] == pytest.approx(2 / 7)
    assert figures["conversion_per_session"] == pytest.approx(1 / 3)
    assert figures["cart_abandonment"] == pytest.approx(1 / 2)
    assert figures["purchases_after_view"] == pytest.approx(1 / 2)
    assert figures["purchases_after_cart"] == pytest.approx(1 / 2)
    assert figures["events_at_a_discount"] == pytest.approx(3 / 6)
    assert figures["events_before_registration"] == pytest.approx(2 / 7)
    # The item of the first session is bought within a week, that of the second is not bought again.
    assert figures["label_prevalence"] == pytest.approx(1 / 2)
    assert figures["views_of_top_items"] == pytest.approx(2 / 3)


def test_what_cannot_be_measured_is_null_and_not_in_band():
    report = realism_report(log((1, 0, "view", 1, None)), CATALOG, USERS)
    row = report.row(by_predicate=pl.col("measure") == "cart_abandonment", named=True)
    assert row["observed"] is None
    assert row["in_band"] is False


def test_an_empty_log_has_a_report_without_figures():
    report = realism_report(log().head(0), CATALOG, USERS)
    assert report["observed"].null_count() == report.height
    assert not report["in_band"].any()
