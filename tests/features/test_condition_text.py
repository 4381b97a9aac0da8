"""Conditions in settings: what they mean, what is refused, and that no text, however hostile, opens an address."""

from __future__ import annotations

import socket
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import purchase_pred as pp
from purchase_pred.errors import ConfigError, SchemaError
from purchase_pred.features.condition_text import parse_condition
from purchase_pred.features.custom import custom_group
from purchase_pred.schema import EVENT_TYPE_DTYPE, TIME_DTYPE
from purchase_pred.settings.features import CustomFeature, FeatureSettings

if TYPE_CHECKING:
    from collections.abc import Iterator

EVENTS = pl.DataFrame(
    {
        "event_id": [0, 1, 2, 3],
        "item_id": [1, 2, 3, None],
        "timestamp": [datetime(2024, 8, 1, hour, 30, tzinfo=UTC) for hour in (0, 5, 6, 23)],
        "event_type": ["view", "scroll", "purchase", "view"],
        "previous_type": [None, "view", "scroll", None],
        "category": ["shoes", "it's", "a.b", None],
        "price": [1.5, 3.0, None, -4.0],
        "hour": [0, 5, 6, 23],
        "continues_session": [False, True, True, False],
    },
    schema_overrides={
        "timestamp": TIME_DTYPE,
        "event_type": EVENT_TYPE_DTYPE,
        "previous_type": EVENT_TYPE_DTYPE,
        "category": pl.Enum(["a.b", "it's", "shoes"]),
        "hour": pl.Int8,
    },
)

MEANT = [
    ("event_type = 'view' and hour < 6", [0]),
    ("event_type == 'view' AND hour<6", [0]),
    ("event_type <> 'view' or price > 1", [0, 1, 2]),
    ("not (event_type = 'view' or hour = 5)", [2]),
    ("event_type in ('view', 'purchase')", [0, 2, 3]),
    ("event_type not in ('view', 'purchase')", [1]),
    ("previous_type is null", [0, 3]),
    ("previous_type is not null and continues_session", [1, 2]),
    ("not continues_session", [0, 3]),
    ("continues_session = false", [0, 3]),
    ("price between 1 and 3", [0, 1]),
    ("price not between -4 and 1.5", [1]),
    ("price > -4e0 and price <= 1.5", [0]),
    ("-price > 3", [3]),
    ("price + 1 > 2 * 2 - 1", [1]),
    ("hour % 5 = 1 - 1 and hour / 2 > 2", [1]),
    ("coalesce(price, 0) = 0", [2]),
    ("abs(price) > 3 or round(price, 0) = 2", [0, 3]),
    ("greatest(price, hour) = 6 or least(price, 100) < -3", [2, 3]),
    ("category = 'it''s'", [1]),
    ("category = 'never sold'", []),
    ("category like 's%'", [0]),
    ("category like '_.b' or category like 'ab'", [2]),
    ("category not like '%s%'", [2]),
    ("event_type like '%l%'", [1]),
    ("lower(category) = 'shoes' or upper(category) = 'A.B'", [0, 2]),
    ("starts_with(category, 'sh') or ends_with(category, 's') or contains(category, '.')", [0, 1, 2]),
    ("length(category) = 3", [2]),
    ("item_id = '2' or item_id in (3)", [1, 2]),
    ("timestamp > '2024-08-01 05:30'", [2, 3]),
    ("timestamp >= TIMESTAMP '2024-08-01T07:30+02:00' and timestamp < '2024-08-02'", [1, 2, 3]),
    ("timestamp < date '2024-08-01'", []),
    ("timestamp in ('2024-08-01 23:30')", [3]),
    ("timestamp between '2024-08-01' and '2024-08-01 05:30'", [0, 1]),
    ("year(timestamp) = 2024 and month(timestamp) = 8 and day(timestamp) = 1 and minute(timestamp) = 30", [0, 1, 2, 3]),
    ('"price" > 2', [1]),
    ("  ((price)) > ((2))  ", [1]),
]
REFUSED = [
    ("read_csv('http://127.0.0.1/a.csv')", "no function is called 'read_csv'"),
    ("price in (select price from read_parquet('/etc/passwd'))", r"'\)' was expected after 'select', found 'price'"),
    ("exists (select 1)", "'\\)' was expected after 'select', found '1'"),
    ("category = lpad('a', 2000000000)", "no function is called 'lpad'"),
    ("price > avg(price)", "no function is called 'avg'"),
    ("sum(price) over (partition by user_id) > 3", "no function is called 'sum'"),
    ("price > 3; drop table self", "nothing begins with '; drop table self'"),
    ("price > 3 -- and more", "a column, a number or a 'text' was expected"),
    ("self.price > 3", "nothing begins with '.price > 3'"),
    ("* > 3", "expected, found '\\*'"),
    ('"*" > 3', "no column is called '\\*'"),
    ('"^.*$" is null', "no column is called"),
    ("", "expected, found the end"),
    ("price >", "expected after '>', found the end"),
    ("price 3", "'and', 'or' or an operator was expected after 'price', found '3'"),
    ("(price > 3", "'\\)' was expected after '3', found the end"),
    ("price > 'three'", "a text cannot be compared with a number"),
    ("category > 3", "a number cannot be compared with a text"),
    ("timestamp > 3", "a number cannot be compared with a time"),
    ("timestamp > 'noon'", "a time is written 2024-08-01 or 2024-08-01 12:00, found 'noon'"),
    ("event_type = 'veiw'", "found 'veiw', did you mean 'view'"),
    ("price", "something that holds or does not was expected, found a number"),
    ("3", "something that holds or does not was expected"),
    ("price and true", "something that holds or does not was expected"),
    ("price like 'a%'", "a text was expected, found a number"),
    ("category like price", "after 'like' a 'text' is needed"),
    ("price in (hour)", "a list after 'in' holds numbers"),
    ("price > 1e999", "a number must be below 2\\^63"),
    ("price > " + "9" * 400, "a number must be below 2\\^63"),
    ("round(price, 2000000000) > 3", "round takes 0 to 15 decimals"),
    ("abs(price, 3) > 3", "abs takes 1 to 1 arguments, found 2"),
    ("category + 1 > 3", "a number was expected, found a text"),
    (" and ".join(["hour < 6"] * 20_000), "at most 2,000 characters are read, found 259,995"),
    ("+".join(["1"] * 201) + " > 3", "at most 400 words are read, found 403"),
    ("(" * 500 + "price > 3" + ")" * 500, "at most 32 brackets may lie in each other|at most 400 words"),
    ("not " * 100 + "true", "at most 32 brackets"),
    ("-" * 100 + "1 > 3", "at most 32 brackets"),
]
FRAGMENTS = (
    "read_csv('{url}')", "read_parquet('{url}')", "select * from read_csv('{url}')", "'{url}'", "lpad('a', 2000000000)",
    "from", "select", "(", ")", "and", "or", "not", "in", "like", "between", "is null", "price", "category",
    "timestamp",
    "'view%'", "'2024-08-01'", "3", "1e308", "9223372036854775807", "-", "*", "/", "%", "=", "<", ",", "coalesce(",
    "round(",
    "case when", "over ()", "::text", '"^.*$"', "\x00", "é", "\n", ";", "--", "cast(price as int)", "regexp 'a*'",
)  # fmt: skip


def kept(condition: str) -> list[int]:
    """Return the numbers of the events for which a condition holds."""
    return EVENTS.filter(parse_condition(condition))["event_id"].to_list()


@pytest.fixture(scope="module")
def listener() -> Iterator[socket.socket]:
    """Listen where hostile conditions point to."""
    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))
        server.listen()
        server.settimeout(0)
        yield server


@pytest.mark.parametrize(("condition", "events"), MEANT)
def test_a_condition_means_what_it_says(condition: str, events: list[int]) -> None:
    assert kept(condition) == events


@pytest.mark.parametrize(("condition", "message"), REFUSED, ids=lambda text: text[:40])
def test_what_is_not_allowed_is_refused_in_one_sentence_that_says_what_is(condition: str, message: str) -> None:
    with pytest.raises(ValueError, match=message) as raised:
        parse_condition(condition)
    assert "it is made of columns, numbers, " in str(raised.value)
    assert "\n" not in str(raised.value)


def test_the_longest_conditions_work() -> None:
    assert kept(" and ".join(["price > 2"] * 99)) == [1]
    assert kept(" or ".join(["price > 2"] * 99)) == [1]
    assert kept("(" * 30 + "price > 2" + ")" * 30) == [1]
    assert kept(f"price in ({', '.join('3' for _ in range(190))})") == [1]


@settings(max_examples=200, deadline=None)
@given(words=st.lists(st.one_of(st.sampled_from(FRAGMENTS), st.text(max_size=4)), max_size=12))
def test_no_text_opens_an_address_or_breaks_the_program(listener: socket.socket, words: list[str]) -> None:
    url = f"http://127.0.0.1:{listener.getsockname()[1]}/log.csv"
    condition = " ".join(words).replace("{url}", url)
    try:
        expression = parse_condition(condition)
        assert EVENTS.select(expression).height in {1, EVENTS.height}
    except (ValueError, pl.exceptions.PolarsError):
        pass
    with pytest.raises(BlockingIOError):
        listener.accept()


NUMBERS = st.sampled_from(("price", "hour", "3", "1.5", "-4", "price + hour", "hour * 2", "price - 1"))
SIMPLE = st.one_of(
    st.builds("{} {} {}".format, NUMBERS, st.sampled_from(("=", "<>", "<", "<=", ">", ">=")), NUMBERS),
    st.builds("{} between {} and {}".format, NUMBERS, NUMBERS, NUMBERS),
    st.builds("{} is {}".format, NUMBERS, st.sampled_from(("null", "not null"))),
    st.sampled_from(("event_type = 'view'", "event_type in ('view', 'scroll')", "event_type <> 'purchase'")),
)
CONDITIONS = st.recursive(
    SIMPLE,
    lambda part: st.one_of(
        st.builds("({} and {})".format, part, part), st.builds("({} or {})".format, part, part),
        st.builds("not ({})".format, part), st.builds("{} and {} or {}".format, part, part, part),
    ),
    max_leaves=6,
)  # fmt: skip


@settings(max_examples=100, deadline=None)
@given(condition=CONDITIONS)
def test_a_condition_means_what_it_means_in_sql(condition: str) -> None:
    found, expected = (EVENTS.select(p(condition).alias("holds")) for p in (parse_condition, pl.sql_expr))
    assert found.equals(expected)


@settings(max_examples=200, deadline=None)
@given(text=st.text(max_size=8))
def test_any_text_is_like_itself_and_equal_to_itself(text: str) -> None:
    written = text.replace("'", "''")
    names = pl.DataFrame({"name": [text, f"{text}x", None]})
    assert names.filter(parse_condition(f"name = '{written}'"))["name"].to_list() == [text]
    if not set(text) & {"%", "_"}:
        assert names.filter(parse_condition(f"name like '{written}'"))["name"].to_list() == [text]
    assert names.filter(parse_condition(f"name like '{written}%'")).height >= 2


def test_a_refused_condition_names_its_feature() -> None:
    feature = CustomFeature(name="spy", count=True, where="read_csv('a.csv')")
    with pytest.raises(
        ConfigError, match=r"^features\.custom: where of 'spy': no function is called 'read_csv'; a cond"
    ):
        custom_group(feature)


@pytest.mark.parametrize(
    ("condition", "message"),
    [
        ("prise > 3", "'prise' is a column neither of the events nor of the catalog, did you mean 'price'"),
        ("user_id", "must be true or false of each event, found Int64"),
        ("item_id = 3", "does not fit their columns: cannot compare string with numeric type"),
        ("user_id = event_type", "does not fit their columns"),
    ],
)
def test_a_condition_that_does_not_fit_the_log_is_refused_before_anything_is_read(condition: str, message: str) -> None:
    log = pl.LazyFrame(
        schema={"event_id": pl.UInt64, "user_id": pl.Int64, "timestamp": TIME_DTYPE, "event_type": EVENT_TYPE_DTYPE,
                "item_id": pl.String, "duration_seconds": pl.Float32, "price": pl.Float64},
    )  # fmt: skip
    anchors = pl.LazyFrame(schema={"user_id": pl.Int64, "prediction_time": TIME_DTYPE})
    chosen = FeatureSettings(custom=(CustomFeature(name="n", count=True, where=condition),))
    with pytest.raises(SchemaError, match=message):
        pp.build_features(anchors, pp.sessionize(log), settings=chosen)
