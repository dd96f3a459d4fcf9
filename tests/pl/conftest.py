from __future__ import annotations

from collections.abc import Iterator

import matplotlib as mpl
import numpy as np
import pandas as pd
import pytest
from anndata import AnnData


@pytest.fixture(autouse=True)
def quiet() -> Iterator[None]:
    """No plot warns, changes matplotlib's settings or leaves a figure to pyplot."""
    import warnings

    import matplotlib.pyplot as plt

    before = dict(mpl.rcParams)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        yield
    assert dict(mpl.rcParams) == before
    assert plt.get_fignums() == []


def scores(n_cells: int = 90, n_regulons: int = 12, n_groups: int = 3, *, seed: int = 0) -> pd.DataFrame:
    """Activity in which regulon i is high in group i % n_groups; cells of the groups alternate."""
    rng = np.random.default_rng(seed)
    group = np.arange(n_cells) % n_groups
    high = group[:, None] == np.arange(n_regulons)[None, :] % n_groups
    values = rng.gamma(4.0, 0.01, (n_cells, n_regulons)) + 0.1 * high
    return pd.DataFrame(values, [f"cell{i}" for i in range(n_cells)], [f"Tf{i:02d}(+)" for i in range(n_regulons)])


@pytest.fixture
def adata() -> AnnData:
    auc = scores()
    kinds = pd.Categorical.from_codes(np.arange(90) % 3, ["B", "NK", "T"])
    adata = AnnData(np.zeros((90, 2), np.float32), obs=pd.DataFrame({"kind": kinds}, index=auc.index))
    adata.obsm["aucell"] = auc
    angle = 2 * np.pi * (np.arange(90) % 3) / 3
    adata.obsm["X_umap"] = np.c_[np.cos(angle), np.sin(angle)] * 5 + np.random.default_rng(1).normal(size=(90, 2))
    adata.uns["aucell"] = {
        "thresholds": pd.DataFrame({"threshold": np.linspace(0.05, 0.12, 12)}, index=auc.columns),
        "rss_kind": pd.DataFrame(np.random.default_rng(2).random((3, 12)), ["B", "NK", "T"], auc.columns),
    }
    return adata


@pytest.fixture
def texts() -> object:
    """Every text of a figure that is not empty."""

    def find(figure: object) -> list[str]:
        from matplotlib.text import Text

        return [text.get_text() for text in figure.findobj(Text) if text.get_text() and text.get_visible()]

    return find


@pytest.fixture
def boxes_apart() -> object:
    """Check that texts neither overlap each other nor leave what is saved."""

    def check(figure: object, names: list[str]) -> None:
        from matplotlib.text import Text

        figure.canvas.draw()
        renderer = figure.canvas.get_renderer()
        found = [text for text in figure.findobj(Text) if text.get_text() in names and text.get_visible()]
        boxes = [Text.get_window_extent(text, renderer) for text in found]
        assert len(boxes) >= len(names)
        hits = [
            (found[i].get_text(), found[j].get_text())
            for i in range(len(boxes))
            for j in range(i)
            if min(boxes[i].x1, boxes[j].x1) - max(boxes[i].x0, boxes[j].x0) > 1
            and min(boxes[i].y1, boxes[j].y1) - max(boxes[i].y0, boxes[j].y0) > 1.5
        ]
        assert not hits

    return check
