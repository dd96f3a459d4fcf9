"""A prediction in an AnnData: the slots, what they equal, and that they come back from files."""

from __future__ import annotations

from pathlib import Path

import anndata
import numpy as np
import pytest

from reguloom import oracle
from reguloom._errors import InputError, MissingKeyError
from reguloom.core import Perturbation
from reguloom.manifold import Neighborhood


@pytest.fixture(scope="module")
def prediction(model):
    return model.predict(Perturbation.knockout("Tf0"))


@pytest.fixture(scope="module")
def projected(world, prediction):
    return oracle.project(world[0], prediction, n_neighbors=40, copy=True)


def test_the_slots_hold_shift_direction_and_transitions(world, prediction, projected) -> None:
    near = Neighborhood.of(prediction.control, world[0].obsm["X_umap"], n_neighbors=40)
    assert np.array_equal(projected.layers["oracle_delta"], prediction.delta)
    assert np.array_equal(projected.obsm["oracle_delta_umap"], near.shift(prediction.delta))
    steps = projected.obsp["oracle_transition"]
    assert steps.nnz == 240 * 40
    assert np.allclose(np.asarray(steps.sum(axis=1)).ravel(), 1.0)
    chances = near.transitions(prediction.delta)
    for i in (0, 100, 239):
        assert np.array_equal(steps[[i]].toarray().ravel()[near.indices[i]], chances[i])
    assert projected.uns["oracle_delta"]["perturbation"] == "Tf0=0"
    assert not projected.uns["oracle_delta"]["calibrated"]
    assert "oracle_delta" not in world[0].layers


@pytest.mark.parametrize("suffix", ["h5ad", "zarr"])
def test_they_come_back_from_a_file(projected, tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"cells.{suffix}"
    getattr(projected, f"write_{suffix}")(path)
    back = getattr(anndata, f"read_{suffix}")(path)
    assert np.array_equal(back.layers["oracle_delta"], projected.layers["oracle_delta"])
    assert np.array_equal(back.obsm["oracle_delta_umap"], projected.obsm["oracle_delta_umap"])
    assert (back.obsp["oracle_transition"] != projected.obsp["oracle_transition"]).nnz == 0
    assert dict(back.uns["oracle_delta"]) == projected.uns["oracle_delta"]


def test_cells_in_another_order_and_more_genes(world, prediction, projected) -> None:
    adata = world[0]
    order = np.random.default_rng(0).permutation(adata.n_obs)
    genes = [*reversed(adata.var_names)]
    extra = anndata.AnnData(np.ones((adata.n_obs, 1)), obs=adata.obs, var={"g": [0]})
    extra.var_names = ["Other"]
    wide = anndata.concat([adata[:, genes], extra], axis=1, merge="first")
    wide.obsm["X_umap"] = adata.obsm["X_umap"]
    other = oracle.project(wide[order].copy(), prediction, n_neighbors=40, key_added="ko", copy=True)
    assert np.array_equal(other[adata.obs_names, adata.var_names].layers["ko"], prediction.delta)
    assert not other[:, "Other"].layers["ko"].any()
    back = other[adata.obs_names]
    assert np.allclose(back.obsm["ko_umap"], projected.obsm["oracle_delta_umap"], atol=1e-12)
    assert {"ko_transition"} == set(other.obsp)


def test_transitions_are_a_reference_for_others(projected) -> None:
    field = oracle.development(projected, transition="oracle_transition", n_neighbors=40, n_grid=20)
    assert field.settings["source"] == "transition oracle_transition"
    assert np.isfinite(field.flow[field.kept]).all()


def test_other_cells_are_refused(world, model, prediction) -> None:
    with pytest.raises(InputError, match="not among the 240 predicted"):
        oracle.project(anndata.concat([world[0], world[0]], index_unique="-"), prediction)
    with pytest.raises(InputError, match="one perturbation"):
        oracle.project(world[0], model.predict([Perturbation.knockout("Tf0"), Perturbation.knockout("Tf1")]))
    with pytest.raises(InputError, match="lack 1 of the prediction's genes"):
        oracle.project(world[0][:, 1:].copy(), prediction)
    with pytest.raises(MissingKeyError, match="no embedding 'tsne'"):
        oracle.project(world[0], prediction, basis="tsne")
