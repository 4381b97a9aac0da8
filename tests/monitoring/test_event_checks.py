from __future__ import annotations

from datetime import date, datetime, timedelta

import polars as pl
import pytest
from polars.testing import assert_frame_equal
from watched import AS_OF, BAD, DAY, quiet_log

from purchase_pred.monitoring.event_checks import check_days
from purchase_pred.settings.monitor import MonitorSettings

SETTINGS = MonitorSettings()


@pytest.fixture(scope="module")
def quiet() -> pl.DataFrame:
    return quiet_log()


def on_the_bad_day() -> pl.Expr:
    return pl.col("timestamp").is_between(BAD, BAD + DAY, closed="left")


def alarms(log: pl.DataFrame, *, as_of: datetime = AS_OF, **limits: float | None) -> list[tuple[str, str, date]]:
    settings = MonitorSettings.model_validate({"limits": limits})
    found = check_days(log.sample(fraction=1.0, shuffle=True, seed=1).lazy(), as_of=as_of, settings=settings)
    return found.findings.filter("alarm").select("check", "subject", "day").rows()


def test_quiet_days_raise_no_alarm_and_show_the_oddest_day_of_each_subject(quiet: pl.DataFrame):
    found = check_days(quiet.lazy(), as_of=AS_OF, settings=SETTINGS)

    assert not found.findings["alarm"].any()
    assert (found.since, found.until) == ((AS_OF - 7 * DAY).date(), AS_OF.date())
    assert sorted(found.findings["subject"]) == sorted(
        ["add_to_cart", "purchase", "view", "users", "price level", "price jumps", "hours", "most active"]
    )
    assert found.volumes["day"].n_unique() == 63


def test_a_silent_event_type_is_found_on_its_day(quiet: pl.DataFrame):
    silent = quiet.filter(~(on_the_bad_day() & (pl.col("event_type") == "add_to_cart")))

    assert alarms(silent) == [("silent", "add_to_cart", BAD.date())]
    assert alarms(silent, silent_days=1) == []
    assert alarms(silent, silent=None) == [("volume", "add_to_cart", BAD.date())]


def test_a_log_that_ends_too_soon_is_silent_in_every_type(quiet: pl.DataFrame):
    found = alarms(quiet, as_of=AS_OF + 2 * DAY)

    assert {day for _, _, day in found} == {AS_OF.date(), (AS_OF + DAY).date()}
    assert {subject for _, subject, _ in found} == {"view", "add_to_cart", "purchase", "users"}


def test_a_weekend_is_not_odd_and_a_weekday_like_one_is(quiet: pl.DataFrame):
    assert BAD.weekday() < 5
    doubled = pl.concat([quiet, quiet.filter(on_the_bad_day() & (pl.col("event_type") == "view"))])

    assert alarms(doubled) == [("volume", "view", BAD.date())]


def test_days_that_are_each_a_little_off_are_found_together(quiet: pl.DataFrame):
    week = pl.col("timestamp") >= AS_OF - 7 * DAY
    more = quiet.filter(week & (pl.col("event_type") == "purchase"))
    doubled = pl.concat([quiet, more])
    found = check_days(doubled.lazy(), as_of=AS_OF, settings=SETTINGS).findings.filter("alarm")

    assert found.select("check", "subject", "day").rows() == [("volume", "purchase", None)]
    assert found["found"].item() == 2 * more.height
    assert found["meaning"].item().endswith("were to be expected of these days")


@pytest.mark.parametrize(("factor", "subjects"), [(4.0, {"price level", "price jumps"}), (1.4, {"price level"})])
def test_prices_in_another_currency_are_found(quiet: pl.DataFrame, factor: float, subjects: set[str]):
    dear = quiet.with_columns(
        pl.when(on_the_bad_day()).then(pl.col("price") * factor).otherwise("price").alias("price")
    )

    assert {(check, subject) for check, subject, _ in alarms(dear)} == {("price", subject) for subject in subjects}


def test_prices_of_a_fifth_of_the_events_in_another_currency_are_found(quiet: pl.DataFrame):
    some = on_the_bad_day() & (pl.col("user_id") % 5 == 0)
    dear = quiet.with_columns(pl.when(some).then(pl.col("price") * 4.0).otherwise("price").alias("price"))

    assert alarms(dear) == [("price", "price jumps", BAD.date())]


def test_dear_items_that_sell_better_are_no_fault_of_the_prices(quiet: pl.DataFrame):
    dear = quiet.filter(~on_the_bad_day() | (pl.col("item_id") > 9) | (pl.col("user_id") % 3 > 0))

    assert alarms(dear) == []


def test_a_shifted_clock_is_found_and_by_how_much_it_is_off(quiet: pl.DataFrame):
    # From one moment on: what moves past midnight falls on the next day.
    late = quiet.with_columns(
        pl.when(pl.col("timestamp") >= BAD).then(pl.col("timestamp").dt.offset_by("-8h")).otherwise("timestamp")
    )
    found = check_days(late.lazy(), as_of=AS_OF, settings=SETTINGS).findings.filter("alarm", check="hours")

    assert found["day"].to_list() == [BAD.date(), (BAD + DAY).date()]
    assert all("as if the clock were 8 h behind" in meaning for meaning in found["meaning"])


def test_bots_are_found_by_how_much_the_most_active_users_click(quiet: pl.DataFrame):
    one_bot = quiet.filter(on_the_bad_day(), event_type="view").head(90).with_columns(pl.lit(9_999).alias("user_id"))

    assert alarms(pl.concat([quiet, one_bot.cast({"user_id": quiet.schema["user_id"]})])) == [
        ("concentration", "most active", BAD.date())
    ]


def test_a_limit_that_is_taken_away_raises_no_alarm(quiet: pl.DataFrame):
    dear = quiet.with_columns(pl.when(on_the_bad_day()).then(pl.col("price") * 4.0).otherwise("price").alias("price"))

    assert alarms(dear, price_level=None, price_jumps=None) == []


def test_a_day_that_is_not_over_is_not_looked_at(quiet: pl.DataFrame):
    found = check_days(quiet.lazy(), as_of=AS_OF - timedelta(hours=6), settings=SETTINGS)

    assert found.until == (AS_OF - DAY).date()
    assert check_days(quiet.lazy(), as_of=AS_OF - timedelta(minutes=20), settings=SETTINGS).until == AS_OF.date()


def test_events_from_the_moment_on_are_not_seen(quiet: pl.DataFrame):
    moment = AS_OF - 10 * DAY
    known = quiet.filter(pl.col("timestamp") < moment)

    whole, part = (check_days(log.lazy(), as_of=moment, settings=SETTINGS) for log in (quiet, known))

    assert_frame_equal(whole.findings, part.findings)
    assert_frame_equal(whole.volumes, part.volumes)


def test_a_bad_day_in_the_history_does_not_hide_the_next_one(quiet: pl.DataFrame):
    hidden = [BAD, *(BAD - timedelta(weeks=week) for week in (2, 4))]
    days = pl.col("timestamp").dt.truncate("1d").is_in(hidden)
    silent = quiet.filter(~(days & (pl.col("event_type") == "add_to_cart")))

    assert alarms(silent) == [("silent", "add_to_cart", BAD.date())]


def test_with_little_history_nothing_is_said(quiet: pl.DataFrame):
    short = quiet.filter(pl.col("timestamp") >= AS_OF - 18 * DAY, ~on_the_bad_day())
    found = check_days(short.lazy(), as_of=AS_OF, settings=SETTINGS).findings

    assert not found["alarm"].any()
    assert set(found["meaning"].filter(found["check"] == "volume").str.split(": ").list.last()) == {
        "too little history to tell"
    }
