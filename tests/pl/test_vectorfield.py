"""Figures of fields: they draw what they are given, and refuse what does not fit."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest
from anndata import AnnData

import reguloom as rl
from reguloom import pl


@pytest.fixture
def flow() -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(0)
    x = rng.normal(size=(300, 2))
    return x, np.c_[-x[:, 1], x[:, 0]]


def test_streamlines(flow: Any, texts: Any) -> None:
    x, v = flow
    groups = np.where(x[:, 0] > 0, "right", "left")
    figure = pl.streamlines(x, v, groups=groups, label="umap", title="flow")
    assert {"right", "left", "flow", "UMAP 1, 2"} <= set(texts(figure))
    marked = pl.streamlines(x, v, values=x[:, 0], value_label="x", points=np.zeros((2, 2)), kinds=["stable", "saddle"],
                            curves=[np.array([[0, 0], [1, 1]])])  # fmt: skip
    assert {"stable", "saddle", "x"} <= set(texts(marked))


def test_streamlines_stay_with_the_cells(flow: Any) -> None:
    from reguloom.pl._stream import grid

    x = flow[0] * 0.3 + np.repeat([[0, 0], [10, 0]], 150, axis=0)
    gx, _, u, _ = grid(x, flow[1])
    assert np.isnan(u[:, np.abs(gx - 5) < 1.5]).all() and np.isfinite(u).any()


def test_cells_without_a_place_are_left_out(flow: Any) -> None:
    x, v = flow[0].copy(), flow[1].copy()
    x[:5], v[5:9] = np.nan, np.nan
    assert pl.streamlines(x, v, groups=["a"] * 300) is not None
    with pytest.raises(rl.InputError, match="nothing can be drawn"):
        pl.streamlines(x * np.nan, v)
    with pytest.raises(rl.InputError, match="cells x 2"):
        pl.streamlines(x, v[:10])


def test_perturbation_flow(flow: Any, texts: Any) -> None:
    figure = pl.perturbation_flow(*flow, -flow[1], title="Gata1=0", label="umap")
    assert {"unperturbed", "Gata1=0", "turn of velocity", "180"} <= set(texts(figure))
    with pytest.raises(rl.InputError, match="angles"):
        pl.perturbation_flow(*flow, -flow[1], angle=np.zeros(3))


def test_jacobian_figures(flow: Any, texts: Any) -> None:
    cells = pd.DataFrame({"A -> B": flow[0][:, 0], "B -> A": flow[0][:, 1]})
    assert "A → B" in texts(pl.jacobian_embedding(flow[0], cells))
    rows = [(g, r, t, 0.1 * i, 0.5 + 0.1 * i)
            for i, (g, r, t) in enumerate((g, r, t) for g in "xy" for r in "AB" for t in "ABC")]  # fmt: skip
    table = pd.DataFrame(rows, columns=["group", "regulator", "target", "mean", "sign_stability"])
    assert {"x", "y", "A", "C", "target"} <= set(texts(pl.jacobian_heatmap(table)))
    with pytest.raises(rl.InputError, match="lacks"):
        pl.jacobian_heatmap(table.drop(columns="mean"))
    with pytest.raises(rl.InputError, match="places"):
        pl.jacobian_embedding(flow[0][:3], cells)


def test_path_figures(flow: Any, texts: Any) -> None:
    way = np.c_[np.linspace(-1, 1, 10), np.linspace(-1, 1, 10) ** 2]
    assert "a → b" in texts(pl.paths(flow[0], {"a → b": way}, groups=["g"] * 300))
    expression = pd.DataFrame({"A": [0.0, 1.0, 2.0], "B": [2.0, 1.0, 0.0]}, index=[0.0, 1.0, 2.0])
    assert {"A", "B", "high"} <= set(texts(pl.path_heatmap(expression)))
    table = pd.DataFrame([[0, 1.5], [2.5, 0]], ["a", "b"], ["a", "b"])
    assert {"1.5", "2.5", "from", "to"} <= set(texts(pl.action_matrix(table)))
    with pytest.raises(rl.InputError, match="no path"):
        pl.paths(flow[0], {})
    with pytest.raises(rl.InputError, match="square"):
        pl.action_matrix(table.iloc[:1])


def test_response_curve(texts: Any) -> None:
    table = pd.DataFrame({"level": [0, 1, 0, 1], "group": list("aabb"), "difference": 1.0, "first_order": 2.0})
    assert {"a", "b", "first order"} <= set(texts(pl.response_curve(table)))
    with pytest.raises(rl.InputError, match="lacks"):
        pl.response_curve(table.drop(columns="level"))


def test_phase_portrait(texts: Any) -> None:
    rng = np.random.default_rng(0)
    adata = AnnData(np.zeros((50, 2)), var=pd.DataFrame({"velocity_gamma": [0.5, np.nan]}, index=["A", "B"]))
    adata.layers["Ms"], adata.layers["Mu"] = rng.random((50, 2)), rng.random((50, 2))
    adata.obs["kind"] = pd.Categorical(["x", "y"] * 25)
    assert {"A", "B", "spliced", "x"} <= set(texts(pl.phase_portrait(adata, ["A", "B"], groupby="kind")))
    with pytest.raises(rl.MissingKeyError, match="'C'"):
        pl.phase_portrait(adata, "C")
    del adata.layers["Mu"]
    with pytest.raises(rl.MissingKeyError, match="Mu"):
        pl.phase_portrait(adata, "A")
