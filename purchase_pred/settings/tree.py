"""The one settings tree; every part has defaults, so `Settings()` is the shipped configuration."""

from __future__ import annotations

from purchase_pred.settings.execution import ExecutionSettings
from purchase_pred.settings.features import (
    AnchorSettings,
    FeatureSettings,
    SessionSettings,
    SplitSettings,
    TargetSettings,
)
from purchase_pred.settings.ingest import IngestSettings
from purchase_pred.settings.monitor import MonitorSettings
from purchase_pred.settings.nightly import NightlySettings
from purchase_pred.settings.section import Section
from purchase_pred.settings.simulator import DatasetSettings
from purchase_pred.settings.training import TrainSettings


class Settings(Section):
    """All settings of a workspace."""

    dataset: DatasetSettings = DatasetSettings()
    ingest: IngestSettings = IngestSettings()
    session: SessionSettings = SessionSettings()
    split: SplitSettings = SplitSettings()
    anchors: AnchorSettings = AnchorSettings()
    target: TargetSettings = TargetSettings()
    features: FeatureSettings = FeatureSettings()
    train: TrainSettings = TrainSettings()
    nightly: NightlySettings = NightlySettings()
    execution: ExecutionSettings = ExecutionSettings()
    monitor: MonitorSettings = MonitorSettings()
