"""From items looked at to events: the order of clicks, their times and the prices shown."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np

from purchase_pred.schema import ADD_TO_CART, EVENT_TYPES, PURCHASE, REMOVE_FROM_CART, SCROLL, VIEW

if TYPE_CHECKING:
    from purchase_pred.settings.simulator import VisitSettings
    from purchase_pred.simulation.arrays import Floats, Ints
    from purchase_pred.simulation.looks import Looks
    from purchase_pred.simulation.rhythm import Rhythm
    from purchase_pred.simulation.shop import Shop

US_PER_SECOND: Final = 1_000_000
US_PER_MS: Final = 1_000
LONGEST_DWELL: Final = 900.0
PAUSE_SECONDS: Final = 2.0
"""Mean time between two clicks beyond the dwell time."""
ACTION_SECONDS: Final = 6.0
"""Mean time after a click on the cart; such clicks have no dwell time of their own."""
_ORDER: Final = (VIEW, SCROLL, ADD_TO_CART, REMOVE_FROM_CART, PURCHASE)
_CODES: Final = np.array([EVENT_TYPES.index(name) for name in _ORDER], dtype=np.uint8)


@dataclass(frozen=True)
class Clicks:
    """Events in the order of the looks they come from; all arrays are of one length."""

    user: Ints
    visit: Ints
    clock: Ints
    """Microseconds since the start of the period, in whole milliseconds."""
    code: Ints
    """Position in `EVENT_TYPES`."""
    item: Ints
    dwell: Floats
    """Seconds; not a number where there is none."""
    price: Floats


def click(
    looks: Looks, shop: Shop, /, *, settings: VisitSettings, rhythm: Rhythm, draws: np.random.Generator
) -> Clicks:
    """Return the events of looks: each view, its scroll, and what is done with the cart, one after the other."""
    done = np.stack((looks.view, looks.scroll, looks.cart, looks.remove, looks.purchase), axis=1)
    look, column = np.nonzero(done)
    visit = looks.visit[look]
    median = np.where(column == 0, settings.view_seconds, settings.scroll_seconds) * looks.dwell[look]
    dwell = np.minimum(median * np.exp(settings.dwell_spread * draws.standard_normal(len(look))), LONGEST_DWELL)
    acted = column > 1
    pause = draws.exponential(size=len(look)) * np.where(acted, ACTION_SECONDS, PAUSE_SECONDS)
    gap = (1.0 + pause + np.where(acted, 0.0, dwell)) * US_PER_SECOND
    before = np.cumsum(gap) - gap
    first = np.flatnonzero(np.diff(visit, prepend=-1))
    since_start = before - np.repeat(before[first], np.diff(first, append=len(look)))
    clock = (looks.start[look] + since_start.astype(np.int64)) // US_PER_MS * US_PER_MS
    item = looks.item[look]
    return Clicks(
        user=looks.user[look],
        visit=visit,
        clock=clock,
        code=_CODES[column].astype(np.int64),
        item=item,
        dwell=np.where(acted, np.nan, dwell.round(1)),
        price=shop.price(rhythm.week_at(clock), item),
    )
