import polars as pl
import pytest
from pydantic import ValidationError

from purchase_pred.oracle import true_probability
from purchase_pred.schema import EVENTS, require
from purchase_pred.settings.simulator import DatasetSettings
from purchase_pred.simulation import TRUTH, simulate_catalog, simulate_users, simulate_world


def each(names, **values):
    return dict.fromkeys(names, values)


SMALL = {"num_users": 120, "num_items": 30, "num_days": 15}
NOBODY = {"idle_visits_per_week": 0.0, "needs_per_month": 0.0}
EVERY_PERSONA = ("browser", "researcher", "buyer")
EXTREMES = {
    "nobody does anything": {
        "personas": each(EVERY_PERSONA, **NOBODY),
        "needs": {"gifts_per_month": 0.0},
        "users": {"bots": 0.0},
    },
    "only crawlers": {"users": {"bots": 1.0}},
    "nobody has needs": {
        "personas": each(EVERY_PERSONA, needs_per_month=0.0),
        "needs": {"gifts_per_month": 0.0},
    },
    "everything is bought at once": {"personas": each(EVERY_PERSONA, intent=30.0)},
    "nothing is ever bought": {"personas": each(EVERY_PERSONA, intent=-60.0)},
    "one visit and out": {"needs": {"max_visits": 1}},
    "one category": {
        "categories": each(("electronics", "fashion", "home", "beauty"), share=0.0),
    },
    "a category of one's own": {
        "categories": {
            "books": {
                "share": 0.5,
                "need_weight": 1.0,
                "median_price": 12.0,
                "price_spread": 0.0,
                "promotion_share": 1.0,
                "promotion_depth": 0.6,
                "consumable_share": 1.0,
                "repeat_days": 0.5,
                "season_peak": 1,
                "season_amplitude": 0.0,
            }
        }
    },
    "one item": {"num_items": 1},
    "fewer items than categories": {"num_items": 3},
    "everybody is new": {"users": {"registered_before": 0.0}},
    "everything is new": {"catalog": {"launched_during": 1.0}},
    "one day": {"num_days": 1},
    "a leap day": {"start_date": "2024-02-29", "num_days": 2},
    "no dwell, no spread": {"visits": {"dwell_spread": 0.0, "idle_looks": 0.0, "need_looks": 0.0}},
}


@pytest.mark.parametrize("name", EXTREMES)
def test_extreme_worlds_are_whole_and_their_truth_can_be_asked(name):
    dataset = DatasetSettings(**(SMALL | EXTREMES[name]))
    users, catalog = simulate_users(dataset), simulate_catalog(dataset)
    chunks = list(simulate_world(dataset, users, catalog))
    events, truth = pl.concat(chunk.events for chunk in chunks), pl.concat(chunk.truth for chunk in chunks)
    require(events.lazy(), EVENTS, what="events")
    require(truth.lazy(), TRUTH, what="truth")
    assert events.join(catalog, on="item_id", how="anti").is_empty()
    assert events.join(users, on="user_id", how="anti").is_empty()
    asked = events.select("user_id", "item_id", prediction_time="timestamp")
    chance = true_probability(asked, truth, dataset=dataset, horizon="7d")
    inferred = true_probability(asked, truth, dataset=dataset, horizon="7d", abandonment="inferred")
    of_sessions = true_probability(
        asked.tail(300), truth, dataset=dataset, horizon="7d", events=events, sessions=1, rollouts=4
    )
    for answer in (chance, inferred, of_sessions):
        assert answer["p"].is_between(0, 1).all()
        assert (answer["se"] >= 0).all()


def test_a_world_in_which_nobody_does_anything_has_an_empty_log():
    dataset = DatasetSettings(**(SMALL | EXTREMES["nobody does anything"]))
    chunks = list(simulate_world(dataset, simulate_users(dataset), simulate_catalog(dataset)))
    assert [chunk.events.height for chunk in chunks] == [0]


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"personas": each(EVERY_PERSONA, share=0.0)}, "dataset.personas must sum to more than 0"),
        ({"personas": {"buyer": {"share": 2.0}}}, "less than or equal to 1"),
        ({"personas": {"lurker": {"share": 0.1}}}, "Field required"),
        ({"personas": 3}, "valid dictionary"),
        ({"rhythm": {"hourly": [1.0] * 23}}, "at least 24 items"),
        (
            {"categories": each(("electronics", "fashion", "home", "beauty", "sports"), need_weight=0)},
            "a share and a need_weight",
        ),
    ],
)
def test_impossible_worlds_are_refused(wrong, message):
    with pytest.raises(ValidationError, match=message):
        DatasetSettings(**wrong)
