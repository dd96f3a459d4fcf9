"""Stages put together: SCENIC in one call, in memory or into a folder that can be resumed."""

from __future__ import annotations

from reguloom.pipeline.citations import citations
from reguloom.pipeline.scenic import scenic
from reguloom.pipeline.scenic_run import ScenicOptions, run_scenic

__all__ = ["ScenicOptions", "citations", "run_scenic", "scenic"]
