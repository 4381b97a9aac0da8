"""Each source format on a small file in its published layout."""

from __future__ import annotations

from datetime import date

import polars as pl
import pytest
from compare_logs import DEFAULTS, at, moments, reasons, rows_of, written

from purchase_pred.errors import InputError
from purchase_pred.ingest import LOG_FORMATS, read_log
from purchase_pred.settings.ingest import IngestSettings

REES46 = """event_time,event_type,product_id,category_id,category_code,brand,price,user_id,user_session
2019-10-01 00:00:00 UTC,view,1001,20,,acme,0.00,501,s-1
2019-10-01 00:00:05 UTC,cart,1001,20,electronics.smartphone,acme,99.90,501,s-1
2019-10-01 00:00:05 UTC,cart,1001,20,electronics.smartphone,acme,99.90,501,s-1
2019-10-01 00:00:09 UTC,purchase,1001,20,electronics.phone,acme,89.90,501,s-1
2019-10-01 00:00:09 UTC,remove_from_cart,1002,,,,5,502,
2019-10-01 00:00:10 UTC,wishlist,1002,,,,5,502,s-2
"""


def test_rees46_gives_events_first_known_categories_and_prices(tmp_path):
    log = read_log([written(tmp_path, "oct.csv", REES46)], format="rees46", settings=DEFAULTS)
    assert moments(log) == [
        (0, 501, at(2019, 10, 1), "view", 1001, None),
        (1, 501, at(2019, 10, 1, 0, 0, 5), "add_to_cart", 1001, 99.9),
        (3, 501, at(2019, 10, 1, 0, 0, 9), "purchase", 1001, 89.9),
        (4, 502, at(2019, 10, 1, 0, 0, 9), "remove_from_cart", 1002, 5.0),
    ]
    assert reasons(log) == [(2, "duplicate"), (5, "unknown_event")]
    assert rows_of(log.catalog) == [
        (1001, "electronics.smartphone", 99.9, 0.0, 99.9, at(2019, 10, 1)),
        (1002, None, 5.0, 0.0, 5.0, at(2019, 10, 1, 0, 0, 9)),
    ]
    assert log.catalog.collect_schema()["category"] == pl.Enum(["electronics.phone", "electronics.smartphone"])
    assert rows_of(log.users) == [(501, date(2019, 10, 1)), (502, date(2019, 10, 1))]
    assert log.warnings == ()


def test_first_known_is_by_time_and_position_not_by_row_order(tmp_path):
    rows = ["2019-10-02 00:00:00 UTC,view,7,1,late,x,9,1,s", "2019-10-01 00:00:00 UTC,view,7,1,first,x,3,1,s",
            "2019-10-01 00:00:00 UTC,view,7,1,tied,x,4,1,s"]  # fmt: skip
    text = REES46.splitlines()[0] + "\n" + "\n".join(rows) + "\n"
    log = read_log([written(tmp_path, "oct.csv", text)], format="rees46", settings=DEFAULTS)
    assert rows_of(log.catalog) == [(7, "first", 3.0, 0.0, 3.0, at(2019, 10, 1))]


def test_otto_events_are_counted_over_users_and_files(tmp_path):
    first = written(
        tmp_path,
        "a.jsonl",
        '{"session":5,"events":[{"aid":1,"ts":1659304800025,"type":"clicks"},{"aid":2,"ts":1659304800025,"type":"carts"}]}\n'
        '{"session":6,"events":[]}\n{"session":8,"events":null}\n{"session":9}\n',
    )
    second = written(
        tmp_path,
        "b.jsonl",
        '{"session":7,"events":[{"aid":2,"ts":1659304801000,"type":"orders"},{"aid":2,"ts":1659304801000,"type":"orders"},'
        '{"aid":null,"ts":1659304802000,"type":"clicks"}]}\n',
    )
    log = read_log([first, second], format="otto", settings=DEFAULTS)
    assert moments(log) == [
        (0, 5, at(2022, 7, 31, 22, 0, 0, 25_000), "view", 1, None),
        (1, 5, at(2022, 7, 31, 22, 0, 0, 25_000), "add_to_cart", 2, None),
        (2, 7, at(2022, 7, 31, 22, 0, 1), "purchase", 2, None),
    ]
    assert reasons(log) == [(3, "duplicate"), (4, "missing_item_id")]
    assert rows_of(log.catalog.select("category", "base_price")) == [(None, None)] * 2


CDNOW = """ customer_id  date number_of_cds  dollar_value
 00001 19970101  1   11.77
 00002 19970112  1   12.00
 00002 19970112  5   77.00
 00002 19970112  5   77.00
 00003 19970230  1    9.00
 00003 19970301  2    0.00
 00003 19970301  2
"""


@pytest.mark.parametrize("header", [True, False])
def test_cdnow_orders_are_purchases_of_the_shop(tmp_path, header):
    text = CDNOW if header else CDNOW.split("\n", 1)[1]
    log = read_log([written(tmp_path, "CDNOW_master.txt", text)], format="cdnow", settings=DEFAULTS)
    assert moments(log) == [
        (0, 1, at(1997, 1, 1), "purchase", "cdnow", 11.77),
        (1, 2, at(1997, 1, 12), "purchase", "cdnow", 12.0),
        (2, 2, at(1997, 1, 12), "purchase", "cdnow", 77.0),
        (5, 3, at(1997, 3, 1), "purchase", "cdnow", None),
    ]
    assert reasons(log) == [(3, "duplicate"), (4, "bad_time"), (6, "bad_time")]
    assert "line" in log.rejected.collect_schema()
    assert log.warnings == (
        "5 times name no time zone and were taken as UTC; --timezone (ingest.timezone) names another",
    )


def test_cdnow_sample_has_a_second_number_that_is_not_used(tmp_path):
    path = written(tmp_path, "CDNOW_sample.txt", " 00004 0001 19970101  2   29.33\n 00018 0002 19970104  1   14.96\n")
    log = read_log([path], format="cdnow", settings=DEFAULTS)
    assert [(row[1], row[5]) for row in moments(log)] == [(4, 29.33), (18, 14.96)]


RETAILROCKET = """timestamp,visitorid,event,itemid,transactionid
1433221332117,257597,view,355908,
1433224214164,992329,addtocart,248676,
1433224215000,992329,transaction,248676,4000
"""
PROPERTIES = """timestamp,itemid,property,value
1435460400000,248676,categoryid,1338
1433041200000,248676,categoryid,1114
1433041200000,248676,790,n552.000
1433041200000,999999,categoryid,77
"""


def test_retailrocket_events_alone_have_no_categories(tmp_path):
    log = read_log([written(tmp_path, "events.csv", RETAILROCKET)], format="retailrocket", settings=DEFAULTS)
    assert moments(log) == [
        (0, 257597, at(2015, 6, 2, 5, 2, 12, 117_000), "view", 355908, None),
        (1, 992329, at(2015, 6, 2, 5, 50, 14, 164_000), "add_to_cart", 248676, None),
        (2, 992329, at(2015, 6, 2, 5, 50, 15), "purchase", 248676, None),
    ]
    assert rows_of(log.catalog.select("item_id", "category")) == [(248676, None), (355908, None)]


def test_retailrocket_categories_are_the_first_known(tmp_path):
    paths = [
        written(tmp_path, "item_properties_part1.csv", PROPERTIES),
        written(tmp_path, "events.csv", RETAILROCKET),
        written(tmp_path, "category_tree.csv", "categoryid,parentid\n1114,\n"),
    ]
    log = read_log(paths, format="retailrocket", settings=DEFAULTS)
    assert (log.rows, len(moments(log))) == (3, 3)
    assert rows_of(log.catalog.select("item_id", "category")) == [(248676, "1114"), (355908, None)]
    assert [warning for warning in log.warnings if "category_tree.csv is not used" in warning]


def test_retailrocket_without_events_says_what_is_lacking(tmp_path):
    with pytest.raises(InputError, match=r"a file of events is required.*add events\.csv"):
        read_log([written(tmp_path, "item_properties.csv", PROPERTIES)], format="retailrocket", settings=DEFAULTS)


CLICKS = """1,2014-04-07T10:51:09.277Z,214536502,0
1,2014-04-07T10:54:09.868Z,214536500,S
2,2014-04-07T10:55:00.000Z,214536500,5
2,2014-04-07T10:56:00.000Z,214536500,6
"""
BUYS = """1,2014-04-07T10:58:00.306Z,214536502,1046,1
2,2014-04-07T10:58:00.306Z,214536500,0,2
"""


@pytest.mark.parametrize("buys_first", [False, True])
def test_yoochoose_sessions_are_users_and_files_are_event_types(tmp_path, buys_first):
    paths = [written(tmp_path, "yoochoose-clicks.dat", CLICKS), written(tmp_path, "yoochoose-buys.dat", BUYS)]
    log = read_log(paths[::-1] if buys_first else paths, format="yoochoose", settings=DEFAULTS)
    events = moments(log)
    assert [event[0] for event in events] == list(range(6))
    kinds = [(event[3], event[1], event[4], event[5]) for event in events]
    buys = [("purchase", 1, 214536502, 1046.0), ("purchase", 2, 214536500, None)]
    assert (kinds[:2] if buys_first else kinds[4:]) == buys
    assert rows_of(log.catalog.select("item_id", "category", "base_price")) == [
        (214536500, "5", None),
        (214536502, None, 1046.0),
    ]


def test_yoochoose_without_buys_has_no_prices(tmp_path):
    log = read_log([written(tmp_path, "clicks.dat", CLICKS)], format="yoochoose", settings=DEFAULTS)
    assert {event[5] for event in moments(log)} == {None}


@pytest.mark.parametrize("name", ["yoochoose-clicks.dat", "part-0.dat"])
def test_a_first_line_of_five_fields_does_not_turn_yoochoose_clicks_into_purchases(tmp_path, name):
    path = written(tmp_path, name, "9,2014-04-07T10:50:00.000Z,1,0,\n" + CLICKS)
    log = read_log([path], format="yoochoose", settings=DEFAULTS)
    assert [event[3] for event in moments(log)] == ["view"] * 5


def test_a_click_among_yoochoose_buys_is_no_purchase(tmp_path):
    path = written(tmp_path, "buys.dat", BUYS + CLICKS.split("\n", maxsplit=1)[0] + "\n")
    log = read_log([path], format="yoochoose", settings=DEFAULTS)
    assert (len(moments(log)), reasons(log)) == (2, [(2, "unknown_event")])


def test_a_yoochoose_file_whose_name_and_lines_disagree_is_refused(tmp_path):
    path = written(tmp_path, "yoochoose-clicks.dat", BUYS)
    with pytest.raises(InputError, match="the name says clicks, and 2 of the first 2 lines have 5 fields, as buys"):
        read_log([path], format="yoochoose", settings=DEFAULTS)


def test_names_given_go_before_the_format_s_own(tmp_path):
    text = RETAILROCKET.replace("itemid", "article").replace("transaction,", "sold,")
    names = IngestSettings(columns={"item_id": "article"}, events={"purchase": "sold"})
    log = read_log([written(tmp_path, "events.csv", text)], format="retailrocket", settings=names)
    assert [event[3] for event in moments(log)] == ["view", "add_to_cart", "purchase"]


def test_plans_stream(tmp_path):
    log = read_log([written(tmp_path, "oct.csv", REES46)], format="rees46", settings=DEFAULTS)
    for frame in (log.events, log.rejected, log.catalog, log.users):
        plan = frame.show_graph(engine="streaming", plan_stage="physical", raw_output=True)
        assert "in-memory-map" not in plan
        assert "in-memory-join" not in plan


def test_formats_are_those_of_the_documentation():
    assert LOG_FORMATS == ("table", "rees46", "otto", "cdnow", "retailrocket", "yoochoose")
