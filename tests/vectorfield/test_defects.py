"""Confirmed defects of the original that need no reference data to show that ours does the right thing.

Those that do need its numbers are in ``test_golden.py``.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import anndata
import numpy as np
import pandas as pd
import pytest
from tests.vectorfield.conftest import Toggle

import reguloom as rl
from reguloom import vectorfield as vf
from reguloom.vectorfield import VectorField


def known(f: Callable[[np.ndarray], np.ndarray], x: np.ndarray, **options: float) -> VectorField:
    """Fit a field to exact velocities, without genes."""
    k = x.shape[1]
    made = vf.sparsevfc(x, f(x), n_control=min(200, len(x)), ridge=1e-6, volume=1e9, **options)
    space = vf.StateSpace("flat", pd.Index([]), np.empty((0, k)), np.empty(0), np.empty(0))
    names = pd.Index([f"c{i}" for i in range(len(x))])
    return VectorField(made.control_points, made.coefficients, made.bandwidth, space, x, f(x), np.ones(len(x)), names)


@pytest.fixture(scope="module")
def cube() -> np.ndarray:
    return np.random.default_rng(0).uniform(-1, 1, (500, 3))


def test_the_laplacian_is_that_of_finite_differences(field: VectorField) -> None:
    """The original's is the gradient of the divergence."""
    x, eps = field.states[:3], 1e-4
    second = np.zeros_like(x)
    for step in np.eye(field.n_components) * eps:
        second += (field(x + step) - 2 * field(x) + field(x - step)) / eps**2
    assert np.allclose(field.laplacian(x), second, rtol=1e-3, atol=1e-3)
    assert np.allclose(field.laplacian(x), np.einsum("nijj->ni", field.hessian(x)))
    assert not np.allclose(field.laplacian(x), np.einsum("njji->ni", field.hessian(x)), atol=1e-3)


def test_torsion_and_curvature_are_those_of_a_helix(cube: np.ndarray) -> None:
    """The original multiplies where a cross product is meant, in curvature and torsion alike."""
    radius, rise = 0.6, 0.4
    made = known(lambda x: np.c_[-x[:, 1], x[:, 0], np.full(len(x), rise)], cube, bandwidth=0.3)
    angle = np.linspace(0, 6, 7)
    on = np.c_[radius * np.cos(angle), radius * np.sin(angle), np.zeros(7)]
    squared = radius**2 + rise**2
    assert np.allclose(vf.torsion(made, on), rise / squared, rtol=0.03)
    assert np.allclose(np.linalg.norm(vf.curvature(made, on), axis=1), radius / squared, rtol=0.03)
    with pytest.raises(rl.InputError, match="3 dimensions"):
        vf.torsion(replace(made, control_points=made.control_points[:, :2], coefficients=made.coefficients[:, :2]))


def test_separatrices_start_along_columns_of_the_eigenvectors() -> None:
    """The original takes rows, which is the same for a symmetric Jacobian alone."""
    slope = np.array([[1.0, 2.0], [0.0, -1.0]])
    x = np.random.default_rng(1).uniform(-1, 1, (500, 2))
    made = known(lambda y: y @ slope.T, x, bandwidth=0.5)
    points = vf.fixed_points(made, max_support=3)
    at = int(np.linalg.norm(points.states, axis=1).argmin())
    assert points.kind[at] == "saddle"
    ways = np.array([curve[3] - curve[0] for curve in vf.separatrices(made, points, length=0.3)])
    stable = np.array([1.0, -1.0]) / np.sqrt(2)  # (slope + I) v = 0
    assert np.allclose(np.abs(ways @ stable) / np.linalg.norm(ways, axis=1), 1, atol=0.01)
    assert not np.allclose(np.abs(ways[:, 1]) / np.linalg.norm(ways, axis=1), 1, atol=0.1)


def test_a_search_that_does_not_converge_gives_no_fixed_point() -> None:
    """The original takes whatever its search ended with."""
    x = np.random.default_rng(2).uniform(-1, 1, (300, 2))
    made = known(lambda y: np.c_[2 + 0 * y[:, 0], np.sin(y[:, 1])], x)
    found = vf.fixed_points(made, max_support=2)
    assert len(found) == 0 and found.kind == [] and found.to_frame().empty
    with pytest.raises(rl.InputError, match="no basin"):
        vf.basins(made, found)


def test_genes_go_by_name_whichever_were_used_for_the_basis(toggle: Toggle) -> None:
    """The original counts rows of one gene list in the loadings of another."""
    adata = toggle.adata.copy()
    kept = np.array([i not in (1, 4, 5) for i in range(12)])
    x = np.asarray(adata.X)[:, kept]
    vt = np.linalg.svd(x - x.mean(axis=0), full_matrices=False)[2]
    loadings = np.zeros((12, 9))
    loadings[kept] = vt.T
    adata.varm["PCs"], adata.obsm["X_pca"] = loadings, (x - x.mean(axis=0)) @ vt.T
    adata.obsm["velocity_pca"] = np.asarray(adata.layers["velocity"])[:, kept] @ vt.T
    made = vf.fit(adata, bandwidth=0.1, ridge=1.0, outliers=False)
    assert list(made.space.genes) == [f"G{i}" for i in range(12) if kept[i]]
    q = dict(zip(np.flatnonzero(kept), vt.T, strict=True))
    expected = np.einsum("i,nij,j->n", q[8], made.jacobian(), q[2])
    assert np.allclose(vf.cell_jacobian(made, [("G2", "G8")]).to_numpy()[:, 0], expected)
    # Dynamo keeps the rows of its own mask in uns.
    theirs = adata.copy()
    del theirs.varm["PCs"]
    theirs.uns["PCs"], theirs.uns["pca_mean"], theirs.var["use_for_pca"] = vt.T, x.mean(axis=0), kept
    theirs.var["use_for_dynamics"] = ~kept
    again = vf.fit(theirs, bandwidth=0.1, ridge=1.0, outliers=False)
    assert np.allclose(again.space.vectors("G8"), made.space.vectors("G8"))


def test_scaled_fits_keep_coefficients_in_the_units_of_the_data(toggle: Toggle) -> None:
    """With normalize=True the original loses its coefficients, and such a field cannot be differentiated."""
    x, y = toggle.adata.obsm["X_pca"], toggle.adata.obsm["velocity_pca"] * 7.0
    made = vf.sparsevfc(x, y)
    space = vf.StateSpace("pca", pd.Index([]), np.empty((0, 12)), np.empty(0), np.empty(0))
    names = toggle.adata.obs_names
    again = VectorField(made.control_points, made.coefficients, made.bandwidth, space, x, y, made.inlier, names)
    assert made.scale > 2 and np.allclose(again(), made.fitted)
    stored = {"X": x, "Y": y, "X_ctrl": made.control_points, "beta": made.bandwidth, "normalize": True}
    adata = toggle.adata.copy()
    adata.uns["VecFld_pca"] = stored
    with pytest.raises(rl.InputError, match="normalize=True"):
        VectorField.from_dynamo(adata)


def test_counts_and_velocities_are_of_the_same_genes(toggle: Toggle) -> None:
    """In a basis of a layer the original takes all genes for the states and some for the velocities."""
    from reguloom.vectorfield.project import gene_velocities

    adata = toggle.adata.copy()
    adata.layers["velocity"][:, 3] = np.nan
    adata.var["velocity_genes"] = [i != 7 for i in range(12)]
    counts, speeds, genes = gene_velocities(adata)
    assert list(genes) == [i for i in range(12) if i not in (3, 7)]
    assert np.array_equal(counts, np.asarray(adata.layers["Ms"])[:, genes])
    assert np.array_equal(speeds, np.asarray(adata.layers["velocity"])[:, genes])


def test_derivatives_of_some_cells_are_theirs(field: VectorField) -> None:
    """The original indexes the Hessian and the Jacobian of a subset with rows of all cells."""
    some = np.array([400, 3, 77])
    assert np.allclose(field.hessian(field.states[some]), field.hessian(field.states[:401])[some])
    assert np.allclose(field.jacobian(field.states[some]), field.jacobian()[some])
    part = replace(field, states=field.states[some], velocities=field.velocities[some], cells=field.cells[some],
                   inlier=field.inlier[some], groups=None)  # fmt: skip
    made = part.predict(rl.Perturbation.knockout("G0"), mode="first_order")
    assert np.allclose(
        made.delta_state, field.predict(rl.Perturbation.knockout("G0"), mode="first_order").delta_state[some]
    )


def test_both_directions_join_in_the_order_of_time(field: VectorField) -> None:
    """The original turns components around in place of times."""
    start = field.states[[10]]
    back = vf.integrate(field, start, time=1.0, n_times=9, backward=True, guard=None).states[0]
    forth = vf.integrate(field, start, time=1.0, n_times=9, guard=None).states[0]
    whole = np.vstack([back[::-1], forth[1:]])
    again = vf.integrate(field, whole[[0]], time=2.0, n_times=17, guard=None).states[0]
    assert np.abs(again - whole).max() < 1e-2 * np.ptp(field.states)


@pytest.mark.parametrize("method", ["fp", "softmax"])
def test_rows_hold_the_steps_from_a_cell(toggle: Toggle, method: str) -> None:
    """One of the original's kernels is stored the other way round: its columns sum to 1."""
    x, v = toggle.adata.obsm["X_pca"], toggle.adata.obsm["velocity_pca"]
    near = rl.manifold.nearest(x, 15)[0]
    made = vf.transition(x, v, near, method=method)
    assert np.allclose(made.sum(axis=1), 1)
    assert not np.allclose(made.sum(axis=0), 1, atol=1e-3)
    ahead = np.asarray(made @ x) - x
    assert np.mean((ahead * v).sum(axis=1) > 0) > 0.6


def test_the_arrow_of_a_perturbation_grows_with_the_dose(field: VectorField, toggle: Toggle) -> None:
    """The original projects with a diffusion so large that every arrow is all but the same length."""
    adata = toggle.adata.copy()
    adata.obsm["X_umap"] = np.asarray(adata.X)[:, :2]
    arrows = [
        vf.on_embedding(field, adata, field.predict(rl.Perturbation.knockdown("G0", share)).delta_state, basis="umap")
        for share in (0.1, 0.2)
    ]
    small, large = (np.linalg.norm(one, axis=1) for one in arrows)
    assert 1.5 < np.median(large[small > 0] / small[small > 0]) < 2.5


def test_one_level_serves_several_genes_and_others_stay_out(field: VectorField) -> None:
    """The original fails with one value for several genes."""
    up = rl.Perturbation.overexpress
    made = field.predict(up("G0", level=1.0) | up("G1", level=1.0))
    assert made.delta_state.shape == field.states.shape


def test_a_whole_session_can_be_written(field: VectorField, toggle: Toggle, tmp_path: Path) -> None:
    """The original's objects hold a fitted PCA that no file takes."""
    adata = toggle.adata.copy()
    vf.pca(adata, n_components=5)
    vf.project(adata)
    vf.geometry(adata, vf.fit(adata, groupby="state"))
    vf.fit(adata, groupby="state").to_adata(adata)
    adata.write_h5ad(tmp_path / "a.h5ad")
    assert VectorField.from_adata(anndata.read_h5ad(tmp_path / "a.h5ad")).n_components == 5
