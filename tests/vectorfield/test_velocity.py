"""Velocities from counts, from labelling, and into a basis."""

from __future__ import annotations

from pathlib import Path

import anndata
import numpy as np
import pandas as pd
import pytest
from anndata import AnnData
from tests.vectorfield.conftest import Toggle

import reguloom as rl
from reguloom import vectorfield as vf
from reguloom.vectorfield.fit import cosines


def splicing(n_cells: int = 300, n_genes: int = 40, seed: int = 0) -> tuple[AnnData, np.ndarray]:
    """Genes whose transcription rises and falls slowly along a time course; gamma is known."""
    rng = np.random.default_rng(seed)
    gamma, alpha = rng.uniform(0.2, 0.8, n_genes), rng.uniform(10, 30, n_genes)
    phase, grid = rng.uniform(0, 2 * np.pi, n_genes), np.arange(0, 40, 0.02)
    course, now = np.empty((len(grid), 2, n_genes)), np.zeros((2, n_genes))
    for at, when in enumerate(grid):
        course[at] = now
        rate = alpha * (1 + np.sin(0.15 * when + phase)) / 2
        now = now + 0.02 * np.array([rate - now[0], now[0] - gamma * now[1]])
    t = rng.uniform(10, 40, (n_cells, 1))
    u, s = course[np.searchsorted(grid, t[:, 0]) - 1].transpose(1, 0, 2)
    adata = AnnData(
        np.log1p(s),
        obs=pd.DataFrame({"time": t[:, 0]}, index=[f"c{i}" for i in range(n_cells)]),
        layers={"spliced": rng.poisson(s).astype(np.float32), "unspliced": rng.poisson(u).astype(np.float32)},
    )
    adata.layers["true"] = u - gamma * s
    adata.layers["Ms"], adata.layers["Mu"] = s, u
    return adata, gamma


@pytest.mark.parametrize("method", ["steady_state", "stochastic"])
def test_gamma_is_found(method: str) -> None:
    adata, gamma = splicing()
    vf.pca(adata, n_components=5)
    vf.velocity(adata, method=method)
    if method == "steady_state":
        assert np.corrcoef(adata.var["velocity_gamma"], gamma)[0, 1] > 0.97
        assert cosines(adata.layers["velocity"], adata.layers["true"]).mean() > 0.7
    assert adata.var["velocity_genes"].sum() > 30
    assert adata.layers["velocity"].shape == adata.shape


def test_slopes_have_closed_forms() -> None:
    from reguloom.vectorfield.rates import extremes, slope, stochastic_slope

    adata, _ = splicing()
    s, u = adata.layers["Ms"], adata.layers["Mu"]
    mask = extremes(s, u)
    assert mask.sum(axis=0).min() >= 15  # 5 % of 300
    found = slope(s, u, mask)
    one = mask[:, 3]
    assert found[3] == pytest.approx(np.linalg.lstsq(s[one, 3:4], u[one, 3], rcond=None)[0][0])
    # Moments that agree exactly with the line leave it where it is.
    line = 0.5 * s
    gamma = stochastic_slope(s, line, (s + s**2) / 2, (0.5 * s**2 - line) / 2 + line * 0, np.full(40, 0.5), mask)
    assert np.isfinite(gamma).all()


def test_a_cell_is_captured_once() -> None:
    """Dividing unspliced counts by their own total adds its noise and takes off what changes together."""
    from reguloom.vectorfield.moments import _counts, normalised, normalised_pair, smoothing

    shared, apart = [], []
    for seed in range(4):
        adata, _ = splicing(n_cells=300, n_genes=40, seed=seed)
        rng = np.random.default_rng(seed)
        captured = 0.05 * np.exp(0.4 * rng.normal(size=(300, 1)))
        for name, source in (("spliced", "Ms"), ("unspliced", "Mu")):
            adata.layers[name] = rng.poisson(adata.layers[source] * captured).astype(float)
        vf.pca(adata, n_components=5)
        graph = smoothing(adata, "pca", 30)
        counts = [_counts(adata, name) for name in ("spliced", "unspliced")]
        separate = [normalised(one, np.asarray(one.sum(axis=1)).ravel()) for one in counts]
        for scores, pair in ((shared, normalised_pair(adata)), (apart, separate)):
            s, u, gamma = vf.rates.lines(graph, pair[0], pair[1], "stochastic")
            v, true = u - gamma * s, adata.layers["true"]
            scores.append(np.median([np.corrcoef(v[:, j], true[:, j])[0, 1] for j in range(40)]))
    assert np.mean(shared) > np.mean(apart) + 0.005


def test_from_counts_to_a_field() -> None:
    adata, _ = splicing()
    del adata.layers["Ms"], adata.layers["Mu"]
    vf.prepare(adata, n_components=5)
    assert {"Ms", "Mu"} <= set(adata.layers)
    values = np.asarray(adata.X)
    assert np.allclose((values - adata.uns["pca_mean"]) @ adata.varm["PCs"], adata.obsm["X_pca"])
    vf.velocity(adata)
    made = vf.fit(adata)  # projects by itself
    late = np.corrcoef(vf.potential(made), adata.obs["time"])[0, 1]
    assert late > 0.7
    again = vf.fit(adata)
    assert again.coefficients.tobytes() == made.coefficients.tobytes()


@pytest.mark.parametrize("times", [1.5, "t"])
def test_labelling(times: float | str) -> None:
    rng = np.random.default_rng(0)
    gamma, alpha = rng.uniform(0.1, 1.0, 8), rng.uniform(5, 10, 8)
    n = 200
    total = np.tile(alpha / gamma, (n, 1)) * rng.uniform(0.5, 1.5, (n, 1))
    t = np.full(n, 1.5) if times == 1.5 else np.repeat([0.5, 1.0, 2.0, 3.0], n // 4)
    new = total * (1 - np.exp(-gamma * t[:, None]))
    adata = AnnData(total, layers={"new": new, "total": total}, obs=pd.DataFrame({"t": t}))
    vf.labelling(adata, time=times)
    assert np.allclose(adata.var["velocity_gamma"], gamma)
    assert np.allclose(adata.layers["velocity"], 0, atol=1e-8)  # new transcripts make up for decay exactly


@pytest.mark.parametrize("method", ["linear", "tangent", "pearson", "cosine", "softmax"])
def test_projections_point_the_same_way(toggle: Toggle, method: str) -> None:
    adata = toggle.adata.copy()
    vf.project(adata, method=method, key_added="made")
    truth = toggle.adata.obsm["velocity_pca"]
    made = adata.obsm["made"]
    assert cosines(made, truth).mean() > {"linear": 0.999999, "tangent": 0.9}.get(method, 0.65)
    if method == "linear":
        assert np.allclose(made, truth)
    if method == "tangent":
        ratio = np.linalg.norm(made, axis=1) / np.linalg.norm(truth, axis=1)
        assert 0.7 < np.median(ratio) < 1.1  # the length is kept


def test_the_chain_rule_is_used_for_logarithms() -> None:
    adata, _ = splicing()
    adata.layers["velocity"] = adata.layers["true"]
    vf.pca(adata, n_components=3)
    vf.project(adata, method="linear")
    small = 1e-5
    ahead = np.log1p(adata.layers["Ms"] + small * adata.layers["true"])
    expected = ((ahead - adata.X) / small) @ adata.varm["PCs"]
    assert np.allclose(adata.obsm["velocity_pca"], expected, atol=1e-3)


def test_dynamos_layers_are_read(toggle: Toggle) -> None:
    adata = toggle.adata.copy()
    adata.layers["M_s"], adata.layers["velocity_S"] = adata.layers.pop("Ms"), adata.layers.pop("velocity")
    del adata.obsm["velocity_pca"]
    made = vf.fit(adata, n_control=60)
    assert cosines(made.velocities, toggle.adata.obsm["velocity_pca"]).mean() > 0.9


def test_messages(toggle: Toggle) -> None:
    adata = toggle.adata.copy()
    del adata.layers["velocity"], adata.obsm["velocity_pca"]
    with pytest.raises(rl.MissingKeyError, match="vectorfield.velocity"):
        vf.fit(adata)
    with pytest.raises(rl.MissingKeyError, match="spliced"):
        vf.moments(adata)
    with pytest.raises(rl.InputError, match="accepted are stochastic"):
        vf.velocity(adata, method="dynamical")
    with pytest.raises(rl.InputError, match="accepted are linear"):
        vf.project(adata, method="umap")


@pytest.mark.filterwarnings("ignore::reguloom.ValidityWarning")
@pytest.mark.parametrize("name", ["scvelo/pancreas_50obs", "scvelo/dentategyrus_100obs", "cellrank/adata_100"])
def test_real_cells(shared: Path, name: str) -> None:
    adata = anndata.read_h5ad(shared / f"data/velocity/{name}.h5ad")
    if "velocity" not in adata.layers:
        vf.prepare(adata, n_genes=500, n_components=5)
        vf.velocity(adata)
    made = vf.fit(adata, n_components=5)
    assert np.isfinite(made()).all()
    table = vf.diagnose(made, adata, n_null=5)
    assert not table.set_index("check").loc["enough cells", "passed"]
    assert made.predict(rl.Perturbation.knockout(made.space.genes[0])).delta.shape[0] == len(made.cells)
