"""The direction of development on the embedding: what simulated shifts are held against."""

from __future__ import annotations

import os
import warnings
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from reguloom._errors import InputError, MissingKeyError, ResourceError
from reguloom._files import existing
from reguloom.manifold import Grid, GridWeights, nearest
from reguloom.manifold._blas import one_blas_thread

if TYPE_CHECKING:
    from anndata import AnnData

METHODS = ("polynomial", "knn")
_KINDS = "pseudotime=, time=, velocity= or transition="


@dataclass(frozen=True, eq=False)
class Development:
    """A field of directions on the embedding, on a grid and at the cells.

    Parameters
    ----------
    embedding
        ``(n_cells, 2)``.
    basis
        Name of the embedding.
    grid
        Where the field is known.
    weights
        How much each cell counts at each point.
    kept
        Points where there are cells enough, ``(n_points,)``.
    flow
        Direction at each point, ``(n_points, 2)``; mean length 1 over the kept points.
    pseudotime
        Of each cell, ``(n_cells,)``; NaN if the field comes from elsewhere.
    grid_pseudotime
        At each point, ``(n_points,)``.
    settings
        ``smooth``, ``n_neighbors``, ``min_mass``, ``compat``, ``source``.
    """

    embedding: NDArray[np.float64]
    basis: str
    grid: Grid
    weights: GridWeights
    kept: NDArray[np.bool_]
    flow: NDArray[np.float64]
    pseudotime: NDArray[np.float64]
    grid_pseudotime: NDArray[np.float64]
    settings: dict[str, Any]

    def __repr__(self) -> str:
        """Say what it was made from."""
        return (
            f"Development({self.settings['source']} on {self.basis}, {int(self.kept.sum())} of {self.kept.size} points)"
        )

    @property
    def compat(self) -> bool:
        """Whether the original's grid rules are followed."""
        return bool(self.settings["compat"])

    def weigh(self, mask: ArrayLike, *, n_jobs: int | None = None) -> tuple[GridWeights, NDArray[np.bool_]]:
        """Return the weights of some cells alone, and the points where there are enough of them.

        Parameters
        ----------
        mask
            Which cells, ``(n_cells,)``.
        n_jobs
            Threads.
        """
        made = GridWeights.of(
            self.grid, self.embedding, smooth=self.settings["smooth"], n_neighbors=self.settings["n_neighbors"],
            mask=mask, compat=self.compat, n_jobs=n_jobs,
        )  # fmt: skip
        return made, self.kept & _dense_enough(made, self.settings["min_mass"], self.compat)


def development(
    adata: AnnData,
    *,
    pseudotime: str | None = None,
    time: str | None = None,
    velocity: str | None = None,
    transition: str | None = None,
    basis: str = "umap",
    method: str = "polynomial",
    degree: int = 3,
    n_smooth: int = 30,
    n_grid: int = 40,
    smooth: float = 0.8,
    n_neighbors: int = 200,
    min_mass: float = 0.01,
    compat: str | None = None,
    n_jobs: int | None = None,
) -> Development:
    """Lay a field of development over the embedding.

    Give one of `pseudotime`, `time`, `velocity` and `transition`. From pseudotime or time the field is the slope of
    the values over the grid; its direction counts, its length only by the square root (CellOracle's rule).

    Parameters
    ----------
    adata
        Cells with an embedding.
    pseudotime
        Column of ``adata.obs`` that grows along development.
    time
        Column of ``adata.obs`` with numeric time labels; taken as pseudotime.
    velocity
        Slot of ``adata.obsm`` with velocity on the embedding, ``(n_cells, 2)``.
    transition
        Slot of ``adata.obsp`` with transition probabilities (CellRank's, scVelo's); cells' mean step is the field.
    basis
        Embedding: ``adata.obsm['X_<basis>']``, of which the first two dimensions are taken.
    method
        How values are carried to the grid: ``"polynomial"`` (ridge on powers of the coordinates) or ``"knn"``.
    degree
        Of the polynomial.
    n_smooth
        Nearest cells averaged by ``"knn"``.
    n_grid
        Points along each axis.
    smooth, n_neighbors
        Width (in steps of the grid) and number of cells of the averages at the points.
    min_mass
        Least mass of a point, as a share of the densest point's.
    compat
        ``"celloracle"``: mass in the original's units (they depend on the embedding's scale) and `min_mass` in them,
        coordinates not scaled before the polynomial, lengths divided by their mean over all points.
    n_jobs
        Threads.

    Returns
    -------
    Development
        The field, on a grid over the embedding.

    Raises
    ------
    MissingKeyError
        If a column or slot is not there.
    InputError
        If not exactly one source is given, or its values cannot be used.
    """
    given = {"pseudotime": pseudotime, "time": time, "velocity": velocity, "transition": transition}
    sources = [(name, key) for name, key in given.items() if key is not None]
    if len(sources) != 1:
        msg = f"a field of development is made from one source, and {len(sources)} were given; give one of {_KINDS}."
        raise InputError(msg)
    name, key = sources[0]
    places = take_embedding(adata, basis)
    grid = Grid.of(places, n_grid)
    old = compat is not None
    weights = GridWeights.of(grid, places, smooth=smooth, n_neighbors=n_neighbors, compat=old, n_jobs=n_jobs)
    kept = _dense_enough(weights, min_mass, old)
    if name in ("pseudotime", "time"):
        values = _column(adata, key)
        with one_blas_thread():
            on_grid = _carry(places, values, grid, method, degree, n_smooth, scale=not old)
        flow = _slopes(grid, on_grid, None if old else kept)
    else:
        steps = _steps(adata, name, key, places)
        values, on_grid = np.full(len(places), np.nan), np.full(len(grid.points), np.nan)
        flow = weights.average(steps)
        size = np.linalg.norm(flow[kept], axis=1).mean()
        flow = flow / size if size > 0 else flow
    settings = {
        "source": f"{name} {key}", "smooth": smooth, "n_neighbors": n_neighbors, "min_mass": min_mass, "compat": compat,
    }  # fmt: skip
    return Development(places, basis.removeprefix("X_"), grid, weights, kept, flow, values, on_grid, settings)


def read_gradient(path: str | os.PathLike[str]) -> Development:
    """Read the arrays of a CellOracle gradient file (``.celloracle.gradient``); its pickled parts are not touched.

    Parameters
    ----------
    path
        The file.

    Returns
    -------
    Development
        Under CellOracle's rules (``compat``), with its default smoothing.

    Raises
    ------
    ResourceError
        If it is no such file.
    """
    import h5py

    needed = ("embedding", "gridpoints_coordinates", "mass_filter", "pseudotime", "pseudotime_on_grid", "ref_flow")
    try:
        with h5py.File(existing(path, what="gradient file"), "r") as file:
            found = {name: np.asarray(file[name]) for name in needed}
    except (OSError, KeyError, ValueError, TypeError) as error:
        if isinstance(error, InputError):
            raise
        msg = f"{path} is no CellOracle gradient file ({error}); it needs the arrays {', '.join(needed)}."
        raise ResourceError(msg) from error
    _check_gradient(found, path)
    points = found["gridpoints_coordinates"]
    grid = Grid(np.unique(points[:, 0]), np.unique(points[:, 1]))
    settings = {"source": f"file {Path(path).name}", "smooth": 0.8, "n_neighbors": 200, "min_mass": 0.01,
                "compat": "celloracle"}  # fmt: skip
    weights = GridWeights.of(grid, found["embedding"], compat=True, n_neighbors=min(200, len(found["embedding"])))
    return Development(
        found["embedding"], "file", grid, weights, ~found["mass_filter"].astype(bool), found["ref_flow"],
        found["pseudotime"], found["pseudotime_on_grid"], settings,
    )  # fmt: skip


def _check_gradient(found: dict[str, NDArray[Any]], path: str | os.PathLike[str]) -> None:
    """Refuse arrays that are no numbers or do not fit together.

    Raises
    ------
    ResourceError
        If there are such arrays.
    """
    n_cells, n_points = (found[name].shape[:1] for name in ("embedding", "gridpoints_coordinates"))
    shapes = {
        "embedding": (*n_cells, 2), "gridpoints_coordinates": (*n_points, 2), "mass_filter": n_points,
        "pseudotime": n_cells, "pseudotime_on_grid": n_points, "ref_flow": (*n_points, 2),
    }  # fmt: skip
    for name, shape in shapes.items():
        values = found[name]
        if values.dtype.kind not in "fiub" or values.shape != shape or 0 in shape:
            msg = f"{path}: {name} has shape {values.shape} and type {values.dtype}; expected are numbers, {shape}."
            raise ResourceError(msg)
        if name in ("embedding", "gridpoints_coordinates") and not np.isfinite(values).all():
            msg = f"{path}: {name} has values that are no finite numbers; fetch or write the file again."
            raise ResourceError(msg)


def take_embedding(adata: AnnData, basis: str) -> NDArray[np.float64]:
    """Return the first two dimensions of an embedding.

    Raises
    ------
    MissingKeyError
        If there is none of that name.
    InputError
        If it has one dimension, or values that are not numbers.
    """
    for key in (f"X_{basis}", basis):
        if key in adata.obsm:
            places = np.asarray(adata.obsm[key], dtype=np.float64)
            if places.ndim != 2 or places.shape[1] < 2 or not np.isfinite(places).all():
                msg = f"adata.obsm[{key!r}] has shape {places.shape}; two dimensions of finite numbers are needed."
                raise InputError(msg)
            return np.ascontiguousarray(places[:, :2])
    msg = f"adata.obsm has no embedding {basis!r}; it has {sorted(adata.obsm.keys())}: name one with basis=."
    raise MissingKeyError(msg)


def _column(adata: AnnData, key: str) -> NDArray[np.float64]:
    """Return a numeric column of obs; infinite values become the largest finite one."""
    if key not in adata.obs:
        msg = f"adata.obs has no column {key!r}; it has {sorted(map(str, adata.obs.columns))[:20]}."
        raise MissingKeyError(msg)
    try:
        values = adata.obs[key].to_numpy(dtype=np.float64)
    except (TypeError, ValueError) as error:
        msg = f"adata.obs[{key!r}] holds text; pseudotime (or time) has to be a number."
        raise InputError(msg) from error
    if np.isnan(values).any() or not np.isfinite(values).any():
        msg = f"adata.obs[{key!r}] is missing in {int(np.isnan(values).sum())} cells; drop these cells or fill it in."
        raise InputError(msg)
    highest = values[np.isfinite(values)].max()
    if values.min() == highest:
        msg = f"adata.obs[{key!r}] is {highest:g} in every cell; it has to grow along development."
        raise InputError(msg)
    return np.where(np.isinf(values), highest, values)


def _carry(
    places: Any, values: Any, grid: Grid, method: str, degree: int, n_smooth: int, *, scale: bool
) -> NDArray[np.float64]:
    """Return the cells' values at the points of the grid."""
    if method not in METHODS:
        msg = f"method {method!r} is not known; accepted are {', '.join(METHODS)}."
        raise InputError(msg)
    points = grid.points
    if method == "knn":
        near, _ = nearest(places, min(n_smooth, len(places)), queries=points)
        return np.asarray(values[near].mean(axis=1))
    from sklearn.linear_model import Ridge
    from sklearn.preprocessing import PolynomialFeatures

    if scale:
        centre, width = points.mean(axis=0), (points.max(axis=0) - points.min(axis=0)) / 2
        places, points = (places - centre) / width, (points - centre) / width
    powers = PolynomialFeatures(degree=degree, include_bias=False)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the original's unscaled powers are ill-conditioned, and so are its numbers
        model = Ridge(alpha=1.0).fit(powers.fit_transform(places), values)
    return np.asarray(model.predict(powers.transform(points)))


def _slopes(grid: Grid, values: Any, kept: Any) -> NDArray[np.float64]:
    """Return the slope of values over the grid, its length square-rooted and scaled to mean 1."""
    slope = grid.gradient(values)
    length = np.linalg.norm(slope, axis=1, keepdims=True)
    slope = np.divide(slope, np.sqrt(length), out=np.zeros_like(slope), where=length > 0)
    mean = np.linalg.norm(slope if kept is None else slope[kept], axis=1).mean()
    return np.asarray(slope / mean if mean > 0 else slope)


def _steps(adata: AnnData, name: str, key: str, places: Any) -> NDArray[np.float64]:
    """Return each cell's step on the embedding, from velocity or transition probabilities."""
    slots = adata.obsm if name == "velocity" else adata.obsp
    if key not in slots:
        msg = f"adata.{'obsm' if name == 'velocity' else 'obsp'} has no {key!r}; it has {sorted(slots.keys())}."
        raise MissingKeyError(msg)
    if name == "velocity":
        found = np.asarray(slots[key], dtype=np.float64)
        if found.ndim != 2 or found.shape[1] < 2:
            msg = f"adata.obsm[{key!r}] has shape {found.shape}; velocity on the embedding has two dimensions."
            raise InputError(msg)
        return np.nan_to_num(found[:, :2])
    matrix = slots[key]
    sums = np.asarray(matrix.sum(axis=1)).reshape(-1, 1)
    return np.asarray(np.divide(matrix @ places, sums, out=places.copy(), where=sums > 0) - places)


def _dense_enough(weights: GridWeights, min_mass: float, compat: bool) -> NDArray[np.bool_]:
    """Return the points with cells enough."""
    return (weights.mass if compat else weights.relative_mass) >= min_mass
