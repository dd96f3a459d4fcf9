"""The field as an object: derivatives, persistence, seeds, messages."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import anndata
import numpy as np
import pytest
from tests.vectorfield.conftest import Toggle, make_toggle, relative

import reguloom as rl
from reguloom import vectorfield as vf
from reguloom.vectorfield import VectorField


def test_derivatives_are_those_of_finite_differences(field: VectorField) -> None:
    x, eps = field.states[:4], 1e-6
    jacobian, hessian = field.jacobian(x), field.hessian(x)
    for j in range(field.n_components):
        step = np.zeros(field.n_components)
        step[j] = eps
        assert np.allclose((field(x + step) - field(x - step)) / (2 * eps), jacobian[:, :, j], atol=1e-6)
        assert np.allclose(
            (field.jacobian(x + step) - field.jacobian(x - step)) / (2 * eps), hessian[..., j], atol=1e-5
        )
    assert np.allclose(field.divergence(x), np.trace(jacobian, axis1=1, axis2=2))
    directions = np.random.default_rng(0).normal(size=x.shape)
    assert np.allclose(field.directional(directions, x), np.einsum("nij,nj->ni", jacobian, directions))
    f = field(x)
    assert np.allclose(vf.acceleration(field, x), np.einsum("nij,nj->ni", jacobian, f))
    assert np.allclose((vf.curvature(field, x) * f).sum(axis=1), 0, atol=1e-9)
    inverse = np.linalg.inv(np.eye(field.n_components) - jacobian[0])
    assert np.allclose(vf.sensitivity(field, x)[0], inverse / np.diag(inverse))


def test_the_field_is_the_truth_where_it_is_known(toggle: Toggle, field: VectorField) -> None:
    inner = np.flatnonzero(((toggle.adata.X[:, :2] > 0.5) & (toggle.adata.X[:, :2] < 4)).all(axis=1))
    truth = toggle.velocity(toggle.adata.X)[inner]
    genes = field()[inner] @ field.space.loadings.T
    assert 1 - ((genes - truth) ** 2).sum() / ((truth - truth.mean(axis=0)) ** 2).sum() > 0.98
    assert field.report["cosine_held_out"] > 0.95
    ours = np.einsum("gi,nij,hj->ngh", field.space.loadings, field.jacobian()[inner], field.space.loadings)
    theirs = toggle.jacobian(toggle.adata.X)[inner]
    assert np.corrcoef(ours[:, 0, 1], theirs[:, 0, 1])[0, 1] > 0.8
    strong = np.abs(theirs[:, 1, 0]) > 0.2
    assert (np.sign(ours[strong, 1, 0]) == np.sign(theirs[strong, 1, 0])).mean() > 0.9


@pytest.mark.parametrize("suffix", ["h5ad", "zarr"])
def test_a_field_survives_files(field: VectorField, toggle: Toggle, suffix: str, tmp_path: Path) -> None:
    adata = toggle.adata.copy()
    made = vf.checked(field, vf.diagnose(field, n_null=3))
    made.to_adata(adata)
    getattr(adata, f"write_{suffix}")(tmp_path / f"a.{suffix}")
    again = VectorField.from_adata(getattr(anndata, f"read_{suffix}")(tmp_path / f"a.{suffix}"))
    assert np.array_equal(again(), made())
    assert list(again.space.genes) == list(made.space.genes)
    assert list(again.groups) == list(made.groups)
    assert again.failed_checks == made.failed_checks
    assert again.report == pytest.approx(dict(made.report), nan_ok=True)
    assert again.replicates.shape == made.replicates.shape
    assert again.provenance.params == made.provenance.params


def test_same_seed_same_bytes_on_any_number_of_threads(toggle: Toggle, monkeypatch: pytest.MonkeyPatch) -> None:
    from reguloom.vectorfield import _blocks

    monkeypatch.setattr(_blocks, "BLOCK_VALUES", 1 << 12)  # many blocks, so that threads matter
    one, two = (vf.fit(toggle.adata, n_bootstrap=2, n_jobs=n) for n in (1, 2))
    assert one.coefficients.tobytes() == two.coefficients.tobytes()
    assert one.replicates.tobytes() == two.replicates.tobytes()
    assert one.jacobian(n_jobs=1).tobytes() == two.jacobian(n_jobs=2).tobytes()
    assert one.report == two.report


def test_features_that_do_not_fit_are_made_anew(toggle: Toggle, monkeypatch: pytest.MonkeyPatch) -> None:
    from reguloom.vectorfield import _solver

    x, y = toggle.adata.obsm["X_pca"], toggle.adata.obsm["velocity_pca"]
    kept = vf.sparsevfc(x, y)
    monkeypatch.setattr(_solver, "KEEP_BYTES", 0)
    assert np.array_equal(vf.sparsevfc(x, y).fitted, kept.fitted)


def test_sums_that_are_carried_along_are_those_made_anew(monkeypatch: pytest.MonkeyPatch) -> None:
    sparsevfc = sys.modules["reguloom.vectorfield.sparsevfc"]  # the function of that name hides it
    world = make_toggle(n_cells=900, noise=0.3)
    x, y = world.adata.obsm["X_pca"], world.adata.obsm["velocity_pca"]
    monkeypatch.setattr(sparsevfc, "WARM_CELLS", 100)
    carried = vf.sparsevfc(x, y, n_control=60)
    monkeypatch.setattr(sparsevfc, "SLACK", 0.0)
    anew = vf.sparsevfc(x, y, n_control=60)
    assert carried.n_iter == anew.n_iter > 2
    assert 0 < relative(carried.fitted, anew.fitted) < 1e-3


def test_clean_velocities_of_one_length_do_not_collapse() -> None:
    """Every cell is an inlier with the same probability, below the threshold; the original's share then vanishes."""
    rng = np.random.default_rng(0)
    x = rng.normal(size=(400, 5))
    v = np.tile([1.0, 0.5, 0.0, 0.0, 0.0], (400, 1)) + 0.3 * np.sin(x)
    made = vf.sparsevfc(x, v / np.linalg.norm(v, axis=1, keepdims=True))
    assert (made.inlier > 0.75).mean() > 0.8
    assert np.linalg.norm(made.fitted, axis=1).mean() > 0.8


def test_what_held_out_cells_chose_is_not_lost() -> None:
    """A field may not shrink because noise raises the damping, and damping the noise."""
    rng = np.random.default_rng(0)
    adata = make_toggle(n_cells=80).adata
    x = adata.obsm["X_pca"]
    adata.obsm["velocity_pca"] = np.tile(x[0] - x[1], (80, 1)) + 0.5 * rng.normal(size=x.shape) + 0.3 * x
    made = vf.fit(adata)
    assert made.report["length_ratio"] > 0.7
    assert made.failed_checks.keys() == {"enough cells"}
    strong = vf.sparsevfc(x, adata.obsm["velocity_pca"], damping=0.5)
    assert strong.ridge * strong.sigma2 / strong.scale**2 == pytest.approx(0.5)


def test_agreement_sees_direction_and_length() -> None:
    from reguloom.vectorfield.fit import agreement

    one = np.array([[3.0, 4.0]])
    assert agreement(one, one)[0] == 1
    assert agreement(one, -one)[0] == -0.5
    assert agreement(one, 0.01 * one)[0] == pytest.approx(0.5, abs=0.02)
    assert agreement(one, 0 * one)[0] == 0
    turned = [agreement(one, size * np.array([[4.0, 3.0]]))[0] for size in (0.5, 1.0, 2.0)]
    assert turned[1] == max(turned)


def test_single_precision_is_close(toggle: Toggle) -> None:
    x, y = toggle.adata.obsm["X_pca"], toggle.adata.obsm["velocity_pca"]
    double, single = (vf.sparsevfc(x, y, dtype=kind, n_control=60) for kind in ("float64", "float32"))
    assert relative(single.fitted, double.fitted) < 1e-3


def test_cells_without_velocity_are_left_out(toggle: Toggle) -> None:
    adata = toggle.adata.copy()
    adata.obsm["velocity_pca"][:50] = np.nan
    made = vf.fit(adata, groupby="state")
    assert len(made.cells) == adata.n_obs - 50
    assert made.cells[0] == "c50"
    vf.geometry(adata, made)
    assert np.isfinite(adata.obs["vectorfield_speed"]).all()


def test_outliers_are_found_and_do_no_harm() -> None:
    world = make_toggle(n_cells=400)
    v = world.adata.obsm["velocity_pca"].copy()
    bad = np.random.default_rng(3).choice(400, 40, replace=False)
    v[bad] = np.random.default_rng(4).normal(size=(40, v.shape[1])) * 5
    made = vf.sparsevfc(world.adata.obsm["X_pca"], v)
    assert (made.inlier[bad] < 0.5).mean() > 0.9
    assert (np.delete(made.inlier, bad) > 0.5).mean() > 0.9


def test_geometry_is_stored(field: VectorField, toggle: Toggle) -> None:
    made = vf.geometry(toggle.adata, field, copy=True)
    assert np.allclose(made.obs["vectorfield_divergence"], field.divergence())
    assert np.array_equal(made.obsm["velocity_pca_field"], field())
    assert "vectorfield_speed" not in toggle.adata.obs


def test_messages(toggle: Toggle, field: VectorField) -> None:
    with pytest.raises(rl.MissingKeyError, match="X_umap"):
        vf.fit(toggle.adata, basis="umap")
    with pytest.raises(rl.MissingKeyError, match="no 'nothing'"):
        vf.fit(toggle.adata, groupby="nothing")
    with pytest.raises(rl.MissingKeyError, match="no 'velocity_x'"):
        vf.fit(toggle.adata, velocity="velocity_x")
    with pytest.raises(rl.InputError, match="12 components"):
        field(np.zeros((3, 2)))
    with pytest.raises(rl.MissingKeyError, match="Nope"):
        field.predict(rl.Perturbation.knockout("Nope"))
    with pytest.raises(rl.InputError, match="2 or 3 dimensions"):
        vf.curl(field)
    with pytest.raises(rl.MissingKeyError, match="no group or cell 'C'"):
        field.state_of("C")
    with pytest.raises(rl.MissingKeyError, match="vectorfield.fit"):
        VectorField.from_adata(toggle.adata)
    bad = toggle.adata.obsm["velocity_pca"].copy()
    bad[0, 0] = np.nan
    with pytest.raises(rl.InputError, match="NaN"):
        vf.sparsevfc(toggle.adata.obsm["X_pca"], bad)


def test_import_is_light_and_quick() -> None:
    code = (
        "import sys, time, pandas, scipy.sparse; t = time.process_time(); import reguloom.vectorfield; "
        "s = time.process_time() - t; "
        "bad = {'torch', 'scanpy', 'sklearn', 'matplotlib', 'numba'} & set(sys.modules); print(s, *bad)"
    )
    found = [
        subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True).stdout.split()
        for _ in range(3)
    ]
    assert all(len(one) == 1 for one in found)
    assert min(float(one[0]) for one in found) < 1.0
