"""Stages put together: SCENIC in one call, or a whole run into a folder that can be resumed."""

from __future__ import annotations

from reguloom.pipeline._config_file import read_config
from reguloom.pipeline._dask import scheduler
from reguloom.pipeline.citations import citations
from reguloom.pipeline.config import RunConfig
from reguloom.pipeline.run import Planned, plan, run
from reguloom.pipeline.scenic import scenic
from reguloom.pipeline.scenic_run import ScenicOptions, run_scenic
from reguloom.pipeline.temporal_motifs import TemporalMotifs, temporal_motifs

__all__ = [
    "Planned",
    "RunConfig",
    "ScenicOptions",
    "TemporalMotifs",
    "citations",
    "plan",
    "read_config",
    "run",
    "run_scenic",
    "scenic",
    "scheduler",
    "temporal_motifs",
]
