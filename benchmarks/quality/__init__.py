"""How good the models are: parts, each of which returns its results as JSON values."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path


@dataclass(frozen=True)
class Plan:
    """How much is measured, and on what."""

    workspaces: Path
    """Folder of the workspaces; what is up to date there is not made again."""
    seeds: tuple[int, ...]
    """Seeds of the default world and of its learners; the first is that of the latent state, the curve and training."""
    users: int
    """Users of the default world."""
    factors: tuple[float, ...]
    """Sizes of the learning curve, in times `users`."""
    runs: int
    """Rounds of the training times."""
    resamples: int
    """Bootstrap resamples of users."""
    cdnow: Path | None
    """The CDNOW log; none: it is fetched from PyPI."""
    heads: Path
    """Folder of the first events of REES46 and of OTTO."""
    assignments: tuple[str, ...] = ()
    """More settings of the default world, as for `--set`."""
