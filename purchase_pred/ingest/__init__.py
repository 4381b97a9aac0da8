"""Real logs as canonical events, catalog and users, whole or a day at a time."""

from purchase_pred.ingest.log import LOG_FORMATS, CanonicalLog, read_log
from purchase_pred.ingest.rejections import check_rejected
from purchase_pred.ingest.rows import REASON_DTYPE, REASONS

__all__ = ["LOG_FORMATS", "REASONS", "REASON_DTYPE", "CanonicalLog", "check_rejected", "read_log"]
