"""One self-contained HTML file with everything that a run found."""

from __future__ import annotations

from reguloom.report.build import build

__all__ = ["build"]
