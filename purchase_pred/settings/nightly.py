"""Settings of the night."""

from __future__ import annotations

from datetime import timedelta
from typing import Literal

from pydantic import Field

from purchase_pred.settings.section import Duration, Section, Share


class NightlySettings(Section):
    """When the night trains anew, and what it takes for a model to be put in use."""

    retrain_every: Duration = timedelta(days=7)
    """A model is trained once the log reaches so far past the end that it had when the newest model was trained."""
    retrain_below: Share = 0.7
    """A limit: the least PR-AUC on the labels that have matured since the model in use was trained, as a share of its
    PR-AUC on test; below it another is trained. 0: no limit."""
    monitor: bool = True
    """Whether `monitor` looks at the log and at the model in use; what passes its limits is told, and calls for another
    model where it is about the model."""
    min_positives: int = Field(default=100, ge=1)
    """With fewer positives among those labels nothing is concluded from them."""
    promote: Literal["not_worse", "better", "never"] = "not_worse"
    """What the 95 % intervals of the differences on test must allow: that the new model is no worse in PR-AUC and in
    log-loss, or say that it is better in PR-AUC; "never": a person decides, by `models use`."""
    keep_models: int | None = Field(default=5, ge=1)
    """Newest models of each kind that stay, beside the one in use and the one before; null: all."""
