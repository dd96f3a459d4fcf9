"""The figures that every run draws."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pandas as pd
    from anndata import AnnData

    from reguloom.core import Network, Regulons


def draw_all(
    adata: AnnData,
    network: Network,
    regulons: Regulons,
    auc: pd.DataFrame,
    thresholds: pd.Series,
    rss: pd.DataFrame | None,
    groupby: str | None,
    folder: Path,
) -> None:
    """Placeholder until the plots land."""
    folder.mkdir(exist_ok=True)
