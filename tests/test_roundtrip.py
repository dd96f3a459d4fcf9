"""Whatever reguloom writes into an AnnData comes back from h5ad and zarr as it was.

The functions are found, not listed: one that writes (it has ``copy=``, or its docstring has a section "Writes") and
that no call below covers fails the test.
"""

from __future__ import annotations

import importlib.util
import inspect
import re
import sys
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import anndata
import numpy as np
import pandas as pd
import pytest
from anndata import AnnData
from scipy import sparse

import reguloom as rl


def _load_conventions() -> Any:
    """Return the neighbouring test's walk over everything public."""
    name = "_reguloom_conventions"
    if name not in sys.modules:
        spec = importlib.util.spec_from_file_location(name, Path(__file__).with_name("test_api_conventions.py"))
        module = importlib.util.module_from_spec(spec)
        sys.modules[name] = module
        spec.loader.exec_module(module)
    return sys.modules[name]


def writers() -> dict[str, bool]:
    """Return the public functions and methods that write to an AnnData: name → whether it has ``copy``."""
    walk = _load_conventions()
    found = {}
    for one in [*walk.functions(), *walk.methods()]:
        names = inspect.signature(one.function).parameters
        writes = re.search(r"adata\.\w+", walk.section(one.doc, "Writes"))
        if "copy" in names or ("adata" in names and writes):
            found[one.name] = "copy" in names
    return found


@pytest.fixture(scope="module")
def world() -> Any:
    return rl.datasets.regulon_world(
        n_cells=120, n_cell_types=3, n_tfs=6, n_genes=120, n_database_genes=400, n_random_motifs=30, rng=1
    )


@pytest.fixture
def adata(world: Any) -> AnnData:
    """Cells with regulons, activity, and groups whose names hold what files cannot store in a key."""
    made = world.adata.copy()
    world.regulons.to_adata(made)
    rl.activity.aucell(made, auc_threshold=0.2)
    made.obs["lineage"] = made.obs["cell_type"].astype(str) + "/late"
    return made


def scenic(adata: AnnData, world: Any) -> None:
    rl.scenic(
        adata,
        world.tfs,
        rankings=world.rankings,
        annotations=world.annotations,
        groupby="cell_type",
        method="spearman",
        prune_params={"min_genes": 5, "nes_threshold": 1.5, "auc_threshold": 0.1, "rank_threshold": 200},
        aucell_params={"auc_threshold": 0.2},
    )


def dropout(adata: AnnData, world: Any) -> None:
    from reguloom import mechanistic

    adata.X = adata.X.toarray()
    mechanistic.dropout(adata)


def assign_attractors(adata: AnnData, world: Any) -> None:
    from reguloom import mechanistic

    one, other = adata.var_names[:2]
    network = mechanistic.BooleanNetwork.from_rules({one: f"!{other}", other: f"!{one}"})
    mechanistic.assign_attractors(adata, network)


def impute(adata: AnnData, world: Any) -> None:
    from reguloom import oracle

    oracle.impute(adata, n_neighbors=5, n_pcs=5)


def project(adata: AnnData, world: Any) -> None:
    from reguloom import oracle

    adata.obsm["X_umap"] = np.random.default_rng(0).normal(size=(adata.n_obs, 2))
    model = oracle.fit(adata, world.network.top(300), normalize=True, impute=False, n_bags=2, p=None, n_bootstrap=0)
    prediction = model.predict(rl.Perturbation.knockout(str(model.regulators[0])))
    oracle.project(adata, prediction, n_neighbors=20)


def modules_in_time(adata: AnnData, world: Any) -> None:
    from reguloom import temporal

    rng = np.random.default_rng(0)
    shapes = np.array([[0, 1, 1, 1], [0, 0, 1, 2], [0, -1, -1, -2]])[np.arange(60) % 3]
    counts = np.hstack([rng.poisson(np.exp(4.0 + shapes)) for _ in range(2)])
    course = temporal.TimeCourse.from_samples(counts, [0, 1, 3, 9] * 2, genes=list(adata.var_names[:60]))
    temporal.fit(course, method="kmeans", n_modules=3, n_seeds=2).to_adata(adata)


def flow(name: str, **options: Any) -> Callable[[AnnData, Any], Any]:
    """Return what runs one step of the vector field, on spliced and unspliced counts made of the matrix."""

    def call(adata: AnnData, world: Any) -> None:
        from reguloom import vectorfield

        rng = np.random.default_rng(0)
        spliced = np.asarray(adata.X.todense() if sparse.issparse(adata.X) else adata.X, dtype=np.float64)
        adata.layers["spliced"] = rng.poisson(spliced).astype(np.float32)
        adata.layers["unspliced"] = rng.poisson(0.3 * spliced).astype(np.float32)
        adata.layers["new"], adata.layers["total"] = 0.5 * spliced, spliced
        vectorfield.pca(adata, n_components=4)
        if name in ("project", "geometry", "VectorField.to_adata"):
            vectorfield.velocity(adata)
        if name == "VectorField.to_adata":
            vectorfield.fit(adata, groupby="lineage", n_bootstrap=2).to_adata(adata)
        elif name == "geometry":
            vectorfield.geometry(adata, vectorfield.fit(adata))
        else:
            getattr(vectorfield, name)(adata, **options)

    return call


CALLS: dict[str, Callable[[AnnData, Any], Any]] = {
    "activity.aucell": lambda adata, world: rl.activity.aucell(adata, auc_threshold=0.2, normalize=True),
    "activity.binarize": lambda adata, world: rl.activity.binarize(adata),
    "activity.specificity": lambda adata, world: rl.activity.specificity(adata, groupby="lineage"),
    "activity.differential": lambda adata, world: rl.activity.differential(adata, groupby="lineage"),
    "core.Network.to_adata": lambda adata, world: world.network.to_adata(adata),
    "core.Regulons.to_adata": lambda adata, world: world.regulons.to_adata(adata, key_added="truth"),
    "mechanistic.assign_attractors": assign_attractors,
    "mechanistic.dropout": dropout,
    "oracle.impute": impute,
    "oracle.project": project,
    "pipeline.scenic": scenic,
    "temporal.TemporalModules.to_adata": modules_in_time,
    "vectorfield.VectorField.to_adata": flow("VectorField.to_adata"),
    "vectorfield.geometry": flow("geometry"),
    "vectorfield.labelling": flow("labelling"),
    "vectorfield.moments": flow("moments"),
    "vectorfield.pca": flow("pca"),
    "vectorfield.prepare": flow("prepare", min_cells=0),
    "vectorfield.project": flow("project"),
    "vectorfield.velocity": flow("velocity"),
}


def differences(left: Any, right: Any, where: str = "") -> Iterator[str]:
    """Yield where two values that AnnData holds differ; text may come back categorical, numbers as numpy's."""
    if isinstance(left, Mapping):
        if not isinstance(right, Mapping) or set(left) != set(right):
            yield f"{where}: keys {sorted(left)} became {sorted(right) if isinstance(right, Mapping) else type(right)}"
            return
        for key in left:
            yield from differences(left[key], right[key], f"{where}[{key!r}]")
    elif isinstance(left, pd.DataFrame):
        try:
            pd.testing.assert_frame_equal(_plain(left), _plain(right), check_column_type=False)
        except AssertionError as error:
            yield f"{where}: {' '.join(str(error).split())[:200]}"
    elif sparse.issparse(left):
        if abs(left - right).sum() != 0 or left.dtype != right.dtype:
            yield f"{where}: the sparse matrix changed"
    elif isinstance(left, np.ndarray | list):
        numeric = np.asarray(left).dtype.kind == "f"  # a gene without a fit has NaN velocities
        if not np.array_equal(np.asarray(left), np.asarray(right), equal_nan=numeric):
            yield f"{where}: {left!r:.60} became {right!r:.60}"
    elif left is None or isinstance(left, str | bool | int | float | np.generic):
        both_nan = isinstance(left, float) and np.isnan(left) and np.isnan(right)
        if not both_nan and (left is None) != (right is None) or (not both_nan and left != right):
            yield f"{where}: {left!r} became {right!r}"
    else:
        yield f"{where}: a {type(left).__name__} does not survive a file"


def _plain(frame: pd.DataFrame) -> pd.DataFrame:
    """Return `frame` with categorical and text columns and labels as plain text."""
    made = frame.copy()
    for name, kind in frame.dtypes.items():
        if not (pd.api.types.is_numeric_dtype(kind) or pd.api.types.is_bool_dtype(kind)):
            made[name] = frame[name].astype(object).astype(str).to_numpy(dtype=object)
    made.columns = pd.Index(frame.columns.astype(str).to_numpy(dtype=object))
    made.index = pd.Index(frame.index.astype(str).to_numpy(dtype=object))
    return made


def slots(adata: AnnData) -> dict[str, Any]:
    """Return everything that an AnnData holds."""
    made = {"X": adata.X, "obs": adata.obs, "var": adata.var, "uns": dict(adata.uns)}
    for name in ("layers", "obsm", "varm", "obsp", "varp"):
        # A newer AnnData lists X among the layers, under None; it is compared by itself.
        made[name] = {key: value for key, value in getattr(adata, name).items() if key is not None}
    return made


def test_every_writer_is_covered() -> None:
    assert set(writers()) == set(CALLS)


@pytest.mark.parametrize("suffix", ["h5ad", "zarr"])
@pytest.mark.parametrize("name", CALLS)
def test_what_is_written_survives(name: str, suffix: str, adata: AnnData, world: Any, tmp_path: Path) -> None:
    before = adata.copy()
    CALLS[name](adata, world)
    assert list(differences(slots(before), slots(adata)))  # something was written
    expected = adata.copy()
    path = tmp_path / f"result.{suffix}"
    getattr(adata, f"write_{suffix}")(path)
    again = getattr(anndata, f"read_{suffix}")(path)
    broken = list(differences(slots(expected), slots(again), name))
    assert not broken, "\n".join(broken)
    # The second trip starts from what a file gave, as a user's next session does.
    again.write_h5ad(tmp_path / "again.h5ad")


@pytest.mark.parametrize("name", [name for name, call in CALLS.items() if name.startswith("activity.")])
def test_copy_leaves_the_data_as_they_are(name: str, adata: AnnData) -> None:
    function = getattr(rl.activity, name.split(".")[1])
    needed = {"groupby": "cell_type"} if "groupby" in inspect.signature(function).parameters else {}
    before = adata.copy()
    made = function(adata, **needed, copy=True)
    assert not list(differences(slots(before), slots(adata)))
    assert function(adata, **needed) is None
    assert not list(differences(slots(made), slots(adata)))


@pytest.mark.parametrize(
    ("left", "right"),
    [
        ({"a": 1}, {"b": 1}),
        ({"a": 1}, {"a": 2}),
        ({"a": (1, 2)}, {"a": (1, 2)}),
        ({"a": {1, 2}}, {"a": {1, 2}}),
        (np.arange(3), np.arange(4)),
        (None, 0),
        (pd.DataFrame({"x": [1.0]}), pd.DataFrame({"x": [2.0]})),
        (pd.DataFrame({"x": ["a"]}), pd.DataFrame({"x": ["b"]})),
        (sparse.eye(3, format="csr"), 2 * sparse.eye(3, format="csr")),
    ],
)
def test_differences_are_noticed(left: Any, right: Any) -> None:
    assert list(differences(left, right))


def test_equal_values_do_not_differ() -> None:
    value = {"a": [1, 2], "b": float("nan"), "c": {"d": pd.DataFrame({"x": ["u"]}), "e": "text"}, "f": np.float32(1)}
    assert not list(differences(value, value))
