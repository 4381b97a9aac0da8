"""Logs and settings that chance has damaged: each ends in an answer or in an error of our own, soon, in little memory.

    python -m benchmarks.faults.fuzz --minutes 10

A sound log of each format, or a sound file of settings, is edited at random places: bytes cut, doubled, put elsewhere,
or replaced by what parsers stumble over. Whatever else than `PurchasePredError` comes of it is a finding, and so is a
case that takes longer than a minute or more memory than the limit.
"""

from __future__ import annotations

import argparse
import resource
import signal
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from purchase_pred.errors import PurchasePredError
from purchase_pred.ingest import read_log
from purchase_pred.settings.loading import resolve_settings

if TYPE_CHECKING:
    from collections.abc import Sequence

LOGS: Final = {
    "table": "timestamp,user_id,event_type,item_id,price,duration_seconds\n"
    "2024-01-01 10:00:00,1,view,7,9.5,3\n2024-01-02T10:00:00Z,2,purchase,8,,\n1704189600,u3,add_to_cart,9,1,2\n",
    "rees46": "event_time,event_type,product_id,category_id,category_code,brand,price,user_id,user_session\n"
    "2019-10-01 00:00:00 UTC,view,1001,20,,acme,0.00,501,s-1\n"
    "2019-10-01 00:00:05 UTC,cart,1001,20,a.b,acme,99.90,501,s-1\n",
    "otto": '{"session":5,"events":[{"aid":1,"ts":1659304800025,"type":"clicks"}]}\n'
    '{"session":6,"events":[{"aid":2,"ts":1659304800025,"type":"orders"}]}\n',
    "cdnow": " 00001 19970101  1   11.77\n 00002 19970112  1   12.00\n 00002 19970112  5   77.00\n",
    "retailrocket": "timestamp,visitorid,event,itemid,transactionid\n1433221332117,257597,view,355908,\n"
    "1433224214164,992329,addtocart,248676,\n1433221999827,111016,transaction,318965,4000\n",
    "yoochoose": "1,2014-04-07T10:51:09.277Z,214536502,0\n1,2014-04-07T10:54:09.868Z,214536500,S\n",
}
SETTINGS: Final = (
    "target: {level: user, horizon: 7d, horizons: [1d, 7d], sessions: null}\nfeatures:\n  windows: [1d, 7d]\n"
    "  custom:\n"
    "    - {name: night_views, count: true, by: user_id, where: \"event_type == 'view' and hour < 6\", windows: [7d]}\n"
    "train: {models: [lightgbm], lightgbm: {max_rounds: 5}, leave_out: ['*_1d']}\n"
    "ingest: {columns: {user_id: visitor}}\n"
    "split: {train: 0.7, val: 0.15, align: 1d}\nexecution: {memory_limit: 4GB, dask: {scheduler: 'tcp://a:1'}}\n"
)
_TOKENS: Final = (
    *(
        b"\0",
        b"\xff\xfe",
        b"\xef\xbb\xbf",
        b'"',
        b"'",
        b"\r",
        b"\n",
        b"\r\n",
        b",",
        b";",
        b"\t",
        b"|",
        b"{",
        b"}",
        b"[",
    ),
    *(
        b"]",
        b":",
        b"&a ",
        b"*a",
        b"!!python/object:os.system ",
        b"- ",
        b"<<: ",
        b"NaN",
        b"-inf",
        b"1e999",
        b"null",
        b"~",
    ),
    *(
        b"9" * 40,
        b"-1",
        b"0x1F",
        b"1_000",
        b"9999-12-31",
        b"0000-00-00",
        b"2024-02-30 25:61",
        b"\xf0\x9f\x92\xa9",
        b"\x1f\x8b",
    ),
    *(
        b"PAR1",
        b"a" * 5000,
        b"[" * 300,
        b"{a: " * 100,
        b",," * 200,
        b"1d",
        b"0s",
        b"-7d",
        b"1000000y",
        b"../../etc/passwd",
    ),
    *(b"*", b"?", b"%", b"$(id)", b"=1+1", b"__class__", b"in (1, 2)", b"or 1", b"\\", b"\x1b[31m", b"true", b"no"),
)
_EDITS: Final = st.lists(
    st.tuples(
        st.sampled_from(("insert", "replace", "cut", "double", "byte")),
        st.integers(0, 600),
        st.integers(0, 40),
        st.one_of(st.sampled_from(_TOKENS), st.binary(max_size=6)),
    ),
    min_size=1,
    max_size=8,
)
_SECONDS: Final = 60
_MEMORY: Final = 6 << 30


def main(arguments: Sequence[str] | None = None) -> None:
    """Try cases until time is up, and tell how many; a finding is printed by hypothesis, reduced, and ends with 1."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--minutes", type=float, default=10)
    options = parser.parse_args(arguments)
    resource.setrlimit(resource.RLIMIT_AS, (_MEMORY, _MEMORY))
    signal.signal(signal.SIGALRM, _too_long)
    until, tried = time.monotonic() + 60 * options.minutes, {"logs": 0, "settings": 0}
    with tempfile.TemporaryDirectory() as name:
        while time.monotonic() < until:
            for kind, strategy in _CASES.items():
                tried[kind] += _tried(kind, strategy, Path(name))
    answered = ", ".join(f"{count:,} {kind}" for kind, count in tried.items())
    print(f"{answered}: no finding in {options.minutes:g} minutes")


def edited(text: bytes, edits: Sequence[tuple[str, int, int, bytes]], /) -> bytes:
    """Return what is left of a text after edits at places that are taken modulo its length."""
    for how, place, length, token in edits:
        at = place % (len(text) + 1)
        part = text[at : at + length]
        put = {
            "insert": token + part,
            "replace": token,
            "cut": b"",
            "double": part + part,
            "byte": token[:1] + part[1:],
        }
        text = text[:at] + put[how] + text[at + length :]
    return text


def read_damaged_log(case: tuple[str, list[tuple[str, int, int, bytes]]], folder: Path, /) -> None:
    """Read a damaged log to its end; an error of our own is an answer."""
    kind, edits = case
    path = folder / "log"
    path.write_bytes(edited(LOGS[kind].encode(), edits))
    try:
        log = read_log([path], format=kind)
        for frame in (log.events, log.catalog, log.users, log.rejected):
            frame.collect()
    except PurchasePredError:
        return


def read_damaged_settings(edits: list[tuple[str, int, int, bytes]], folder: Path, /) -> None:
    """Resolve a damaged file of settings, and each of its lines as an assignment; an error of our own is an answer."""
    path = folder / "settings.yaml"
    text = edited(SETTINGS.encode(), edits)
    path.write_bytes(text)
    lines = [line for line in text.decode(errors="surrogateescape").splitlines() if line]
    given: list[dict[str, Any]] = [
        {"files": [path]},
        *({"assignments": [line.replace(": ", "=", 1)]} for line in lines),
    ]
    for one in given:
        try:
            resolve_settings(**one)
        except PurchasePredError:
            continue


_CASES: Final = {
    "logs": (st.tuples(st.sampled_from(sorted(LOGS)), _EDITS), read_damaged_log),
    "settings": (_EDITS, read_damaged_settings),
}


def _tried(kind: str, case: tuple[st.SearchStrategy[Any], Any], folder: Path, /, *, examples: int = 200) -> int:
    """Try some cases of a kind, none that was tried before; return how many."""
    strategy, read = case
    count = 0

    @settings(
        max_examples=examples,
        database=None,
        deadline=None,
        phases=(Phase.generate, Phase.shrink),
        suppress_health_check=list(HealthCheck),
    )
    @given(strategy)
    def holds(one: Any) -> None:
        nonlocal count
        count += 1
        signal.alarm(_SECONDS)
        try:
            read(one, folder)
        finally:
            signal.alarm(0)

    holds.__name__ = kind
    holds()
    return count


def _too_long(*_: Any) -> None:
    raise TimeoutError(f"no end after {_SECONDS} s")


if __name__ == "__main__":
    main()
