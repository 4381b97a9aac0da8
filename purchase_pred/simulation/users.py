"""The users: the public table, and the hidden traits that drive what they do."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING, Final

import numpy as np
import polars as pl

from purchase_pred.schema import PERSONA, REGISTRATION_DATE, USER_ID
from purchase_pred.simulation.rhythm import US_PER_DAY, WARM_UP_DAYS
from purchase_pred.simulation.streams import Stream, generator, user_blocks

if TYPE_CHECKING:
    from purchase_pred.settings.simulator import DatasetSettings
    from purchase_pred.simulation.arrays import Bools, Floats, Ints
    from purchase_pred.simulation.rhythm import Rhythm

DAYS_PER_WEEK: Final = 7.0
DAYS_PER_MONTH: Final = 30.0


@dataclass(frozen=True)
class Users:
    """A block of users with their hidden traits; all arrays are of one length."""

    user_id: Ints
    persona: Ints
    active_from: Floats
    """Activity day from which the user does anything."""
    registered: Ints
    """First time at which the log may show an event, in microseconds since the start of the period."""
    idle_rate: Floats
    """Idle visits per activity day."""
    need_rate: Floats
    """Needs per activity day."""
    taste: Floats
    """Preference by category; rows sum to 1, empty categories have 0."""
    sensitivity: Floats
    """Effect of -log(1 - discount) on the log-odds of buying."""
    budget: Floats
    """Preferred price level, in standard deviations of a category's log prices."""
    hoarder: Bools
    bot: Bools


def simulate_users(dataset: DatasetSettings) -> pl.DataFrame:
    """Draw the users as the shop knows them.

    Parameters
    ----------
    dataset
        Settings of the synthetic shop.

    Returns
    -------
    pl.DataFrame
        One row per user, by ascending `user_id`: `user_id` Int64 (1, 2, 3, ...), `registration_date` Date (before or
        within the period), `persona` Enum.

    Examples
    --------
    >>> from purchase_pred.settings.simulator import DatasetSettings
    >>> simulate_users(DatasetSettings(num_users=3)).columns
    ['user_id', 'registration_date', 'persona']
    """
    settings = dataset.users
    shares = np.array([persona.share for persona in dataset.personas.values()])
    bounds = np.cumsum(shares / shares.sum())[:-1]
    personas, days = [], []
    for block, rows in user_blocks(dataset):
        draws = generator(dataset, Stream.USERS, block)
        size = len(rows)
        personas.append(np.searchsorted(bounds, draws.random(size), side="right"))
        before = -1 - np.floor(draws.exponential(settings.days_since_registration, size))
        during = np.floor(draws.random(size) * dataset.num_days)
        days.append(np.where(draws.random(size) < settings.registered_before, before, during))
    first_day = (dataset.start_date - date(1970, 1, 1)).days
    day = np.concatenate(days).astype(np.int32) + np.int32(first_day)
    persona = np.concatenate(personas).astype(np.uint8)
    return pl.DataFrame(
        {
            USER_ID: np.arange(1, dataset.num_users + 1),
            REGISTRATION_DATE: pl.Series(day).cast(pl.Date),
            PERSONA: pl.Series(persona).cat.to(pl.Enum(list(dataset.personas))),
        }
    )


def draw_traits(
    public: pl.DataFrame, /, *, dataset: DatasetSettings, rhythm: Rhythm, stocked: Bools, block: int
) -> Users:
    """Return the users of a block with their hidden traits.

    Parameters
    ----------
    public
        The rows of `simulate_users` for the block.
    dataset, rhythm
        Settings, and the shop's rhythm.
    stocked
        For each category whether it holds any item.
    block
        Number of the block.
    """
    settings, size = dataset.users, public.height
    draws = generator(dataset, Stream.TRAITS, block)
    persona = public[PERSONA].to_physical().to_numpy().astype(np.int64)
    of_persona = list(dataset.personas.values())
    idle = np.array([each.idle_visits_per_week for each in of_persona])[persona] / DAYS_PER_WEEK
    needs = np.array([each.needs_per_month for each in of_persona])[persona] / DAYS_PER_MONTH
    first_day = (dataset.start_date - date(1970, 1, 1)).days
    registered = (public[REGISTRATION_DATE].to_physical().to_numpy().astype(np.int64) - first_day) * US_PER_DAY
    day = rhythm.activity_at(np.stack((registered, registered + US_PER_DAY)))
    moment = np.where(registered < 0, day[0], day[0] + draws.random(size) * (day[1] - day[0]))
    weight = np.array([each.need_weight for each in dataset.categories.values()]) * stocked
    weight = weight if weight.any() else stocked.astype(np.float64)
    shape = settings.taste_concentration * len(weight) * weight / weight.sum()
    liking = draws.standard_gamma(shape, (size, len(weight)))
    activity, need_activity, sensitivity = draws.standard_normal((3, size))
    return Users(
        user_id=public[USER_ID].to_numpy(),
        persona=persona,
        active_from=np.maximum(moment, rhythm.activity_at(np.array(-WARM_UP_DAYS * US_PER_DAY))),
        registered=np.maximum(registered, 0),
        idle_rate=idle * _log_normal(activity, settings.activity_spread),
        need_rate=needs * _log_normal(need_activity, settings.need_spread),
        taste=(liking + 1e-9 * weight) / (liking + 1e-9 * weight).sum(axis=1, keepdims=True),
        sensitivity=settings.price_sensitivity * np.exp(settings.sensitivity_spread * sensitivity),
        budget=draws.standard_normal(size),
        hoarder=draws.random(size) < settings.hoarders,
        bot=draws.random(size) < settings.bots,
    )


def _log_normal(normal: Floats, spread: float) -> Floats:
    """Return log-normal values of mean 1."""
    return np.exp(spread * normal - spread**2 / 2)
