"""The field of development: the original's numbers, other sources, and what is refused."""

from __future__ import annotations

from pathlib import Path

import h5py
import numpy as np
import pandas as pd
import pytest
from anndata import AnnData

from reguloom import oracle
from reguloom._errors import InputError, MissingKeyError, ResourceError


def cells(places: np.ndarray, **columns: np.ndarray) -> AnnData:
    names = [str(i) for i in range(len(places))]
    return AnnData(np.zeros((len(places), 1)), obs=pd.DataFrame(columns, index=names), obsm={"X_draw": places})


def test_the_originals_gradient_file(shared: Path) -> None:
    path = shared / "data" / "paul15" / "Paul_etal.celloracle.gradient"
    with h5py.File(path) as file:
        theirs = {name: file[name][:] for name in file if not name.startswith("&")}
    ours = oracle.development(
        cells(theirs["embedding"], pt=theirs["pseudotime"]), pseudotime="pt", basis="draw", compat="celloracle"
    )
    assert np.array_equal(ours.grid.points, theirs["gridpoints_coordinates"])
    assert np.abs(ours.weights.mass - theirs["total_p_mass"]).max() < 1e-12
    assert np.array_equal(ours.kept, ~theirs["mass_filter"])
    assert np.abs(ours.grid_pseudotime - theirs["pseudotime_on_grid"]).max() < 1e-10
    assert np.abs(ours.flow - theirs["ref_flow"]).max() < 1e-10
    read = oracle.read_gradient(path)
    assert np.array_equal(read.flow, theirs["ref_flow"])
    assert np.array_equal(read.grid.points, theirs["gridpoints_coordinates"])


@pytest.mark.parametrize(("method", "degree", "name"), [("polynomial", 5, "poly"), ("knn", 3, "knn")])
def test_the_originals_methods(golden: Path, method: str, degree: int, name: str) -> None:
    inputs, grid = np.load(golden / "inputs.npz", allow_pickle=True), np.load(golden / "grid.npz")
    ours = oracle.development(
        cells(inputs["embedding"], pt=inputs["pseudotime"]), pseudotime="pt", basis="draw", method=method,
        degree=degree, n_neighbors=100, compat="celloracle",
    )  # fmt: skip
    assert np.abs(ours.grid_pseudotime - grid[f"pt_grid_{name}"]).max() < 1e-8
    assert np.abs(ours.flow - grid[f"grad_{name}"]).max() < 1e-8


@pytest.mark.parametrize("factor", [1e-2, 2e3])
def test_the_field_does_not_depend_on_the_units_of_the_embedding(world, field, factor: float) -> None:
    adata = world[0].copy()
    adata.obsm["X_umap"] = factor * adata.obsm["X_umap"]
    other = oracle.development(adata, pseudotime="time", n_neighbors=40, n_grid=20)
    assert np.array_equal(field.kept, other.kept)
    assert np.allclose(field.flow[field.kept], other.flow[field.kept], atol=1e-6)
    assert np.isclose(np.linalg.norm(field.flow[field.kept], axis=1).mean(), 1.0)


def test_it_points_along_time(world, field) -> None:
    assert (field.flow[field.kept, 0] > 0).mean() > 0.95


def test_velocity_transitions_and_time_give_the_same_direction(world, field) -> None:
    adata = world[0].copy()
    adata.obsm["velocity"] = np.tile([2.0, 0.0], (240, 1))
    later = adata.obs["time"].to_numpy()
    near = np.linalg.norm(adata.obsm["X_umap"][:, None] - adata.obsm["X_umap"][None], axis=2) < 1
    adata.obsp["T"] = (near & (later[None] > later[:, None])).astype(float)
    adata.obs["day"] = np.round(3 * later)
    for source in ({"velocity": "velocity"}, {"transition": "T"}, {"time": "day", "method": "knn"}):
        other = oracle.development(adata, n_neighbors=40, n_grid=20, **source)
        both = field.kept & other.kept
        assert (other.flow[both, 0] > -0.05).mean() > 0.85
        cosine = (field.flow * other.flow).sum(axis=1) / np.maximum(
            np.linalg.norm(field.flow, axis=1) * np.linalg.norm(other.flow, axis=1), 1e-9
        )
        assert np.median(cosine[both]) > 0.6


def test_infinite_pseudotime_is_the_last(world) -> None:
    adata = world[0].copy()
    adata.obs.iloc[-1, 0] = np.inf
    made = oracle.development(adata, pseudotime="time", n_grid=12)
    assert np.isfinite(made.flow).all()


@pytest.mark.parametrize(
    ("options", "error", "says"),
    [
        ({}, InputError, "one source, and 0"),
        ({"pseudotime": "time", "velocity": "v"}, InputError, "one source, and 2"),
        ({"pseudotime": "when"}, MissingKeyError, "no column 'when'"),
        ({"pseudotime": "branch"}, InputError, "holds text"),
        ({"pseudotime": "time", "basis": "tsne"}, MissingKeyError, "no embedding 'tsne'"),
        ({"pseudotime": "time", "method": "spline"}, InputError, "polynomial, knn"),
        ({"velocity": "v"}, MissingKeyError, "no 'v'"),
    ],
)
def test_what_is_missing_is_named(world, options: dict, error: type[Exception], says: str) -> None:
    with pytest.raises(error, match=says):
        oracle.development(world[0], **options)


def test_other_files_are_no_gradient(tmp_path: Path) -> None:
    path = tmp_path / "x.gradient"
    path.write_text("no hdf5")
    with pytest.raises(ResourceError, match="no CellOracle gradient"):
        oracle.read_gradient(path)
