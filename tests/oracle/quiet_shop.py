"""A shop in which so little happens that chances can be worked out by hand, and a need in it."""

from datetime import datetime

from purchase_pred.settings.simulator import DatasetSettings

STILL = {"gifts_per_month": 0.0, "repeat_share": 0.0}
_EVERYBODY = ("browser", "researcher", "buyer")


def quiet_shop(*, idle_visits_per_day=0.0, **settings):
    """Return the settings of a shop of one user to whom no needs come, where days are days of activity."""
    persona = {"idle_visits_per_week": 7 * idle_visits_per_day, "needs_per_month": 0.0}
    return DatasetSettings(
        num_users=1,
        num_items=200,
        num_days=60,
        personas=dict.fromkeys(_EVERYBODY, persona),
        rhythm={"hourly": [1.0] * 24, "weekday": [1.0] * 7, "season_amplitude": 0.0},
        users={"activity_spread": 0.0, "bots": 0.0, "registered_before": 1.0},
        **{"needs": STILL, **settings},
    )


def open_need(*, opened_at: datetime, **changes):
    """Return a need for one item in the columns of the truth: open, without a visit, and blind to prices."""
    row = {
        "need_id": 0,
        "user_id": 1,
        "kind": "journey",
        "opened_at": opened_at,
        "ready_at": opened_at,
        "ended_at": None,
        "faded": False,
        "carted_at": None,
        "visit_at": [],
        "decided_at": [],
        "items": [1],
        "shares": [1.0],
        "intent": 0.0,
        "sensitivity": 0.0,
        "cart_intent": -99.0,
        "pace": 0.25,
        "abandonment": 0.0,
        "max_visits": 1,
    }
    return row | changes
