"""Who is to do the jobs is known before any is begun."""

from __future__ import annotations

import sys

import pytest

from purchase_pred.errors import MissingExtraError
from purchase_pred.execution.backends import check_backend
from purchase_pred.settings.execution import ExecutionSettings


def test_without_dask_the_message_says_what_to_install(monkeypatch) -> None:
    monkeypatch.setitem(sys.modules, "distributed", None)
    check_backend(ExecutionSettings())
    with pytest.raises(MissingExtraError, match=r"pip install 'purchase-pred\[dask\]'"):
        check_backend(ExecutionSettings(backend="dask"))
