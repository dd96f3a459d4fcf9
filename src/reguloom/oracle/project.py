"""A prediction in the slots of the cells' AnnData: its shift in genes, on the embedding, and as transitions."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_matrix

from reguloom import _keys
from reguloom._errors import InputError
from reguloom._random import SeedLike, accepts_seed
from reguloom.core import Prediction
from reguloom.manifold import Neighborhood
from reguloom.oracle.development import take_embedding

if TYPE_CHECKING:
    from anndata import AnnData


@accepts_seed
def project(
    adata: AnnData,
    prediction: Prediction,
    *,
    basis: str = "umap",
    n_neighbors: int = 200,
    sampled_fraction: float = 1.0,
    sigma_corr: float = 0.05,
    key_added: str = _keys.ORACLE_DELTA,
    rng: SeedLike = 0,
    n_jobs: int | None = None,
    copy: bool = False,
) -> AnnData | None:
    """Write a predicted shift into the cells' AnnData, in genes, on an embedding and as transition probabilities.

    Parameters
    ----------
    adata
        Cells with an embedding; by name those of the prediction, in any order.
    prediction
        Of one perturbation, a row per cell.
    basis
        Embedding: ``adata.obsm['X_<basis>']``, of which the first two dimensions are taken.
    n_neighbors, sampled_fraction, sigma_corr
        See :func:`perturbation_score`.
    key_added
        Name of the slots.
    rng
        Seed of the sampling.
    n_jobs
        Threads.
    copy
        Whether to return a copy in place of writing to `adata`.

    Writes
    ------
    ``adata.layers['oracle_delta']``
        ``(n_cells, n_genes)``: the shift of each gene; 0 for genes that the prediction does not have.
    ``adata.obsm['oracle_delta_<basis>']``
        ``(n_cells, 2)``: its direction on the embedding.
    ``adata.obsp['oracle_transition']``
        ``(n_cells, n_cells)``, sparse: probability of moving to each neighbour, rows summing to 1.
        :func:`development` takes it as ``transition``.
    ``adata.uns['oracle_delta']``
        The perturbation, the regime, the checks that failed, how the slots were made.

    Raises
    ------
    InputError
        If the prediction is of several perturbations, or of other cells or genes.
    MissingKeyError
        If there is no such embedding.
    """
    made = adata.copy() if copy else adata
    rows = _order(made, prediction)
    places = take_embedding(made, basis)
    delta, control = np.asarray(prediction.delta)[rows], np.asarray(prediction.control)[rows]
    near = Neighborhood.of(
        control, places, n_neighbors=n_neighbors, sampled_fraction=sampled_fraction, rng=rng, n_jobs=n_jobs
    )
    chances = near.transitions(delta, sigma_corr=sigma_corr, n_jobs=n_jobs)
    made.layers[key_added] = _layer(made, prediction, delta)
    made.obsm[_keys.delta_basis(basis, key_added)] = near.shift(delta, sigma_corr=sigma_corr, n_jobs=n_jobs)
    made.obsp[_keys.transition(key_added)] = _sparse(near.indices, chances)
    made.uns[key_added] = {
        "perturbation": prediction.perturbations[0].label,
        "regime": prediction.regime,
        "calibrated": prediction.calibrated,
        "checks": json.dumps(dict(prediction.checks)),
        "basis": basis.removeprefix("X_"),
        "n_neighbors": int(near.indices.shape[1]),
        "sigma_corr": sigma_corr,
        "provenance": prediction.provenance.to_json() if prediction.provenance is not None else "",
    }
    return made if copy else None


def _order(adata: AnnData, prediction: Prediction) -> NDArray[np.int64]:
    """Return the row of the prediction that belongs to each cell."""
    if np.shape(prediction.control) != prediction.delta.shape or len(prediction.perturbations) != 1:
        msg = (
            f"the prediction has {len(prediction.rows)} rows for {len(prediction.perturbations)} perturbations; "
            "predict one perturbation (not a list), which gives a row per cell."
        )
        raise InputError(msg)
    rows = prediction.rows.get_indexer(adata.obs_names) if prediction.rows.is_unique else np.full(adata.n_obs, -1)
    if len(prediction.rows) != adata.n_obs or (rows < 0).any():
        msg = (
            f"{int((rows < 0).sum())} of {adata.n_obs} cells are not among the {len(prediction.rows)} predicted; "
            "give the cells that it was made for."
        )
        raise InputError(msg)
    return np.asarray(rows, dtype=np.int64)


def _layer(adata: AnnData, prediction: Prediction, delta: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the shift with the genes of `adata` as columns."""
    columns = adata.var_names.get_indexer(prediction.genes)
    if (columns < 0).any():
        lacking = list(prediction.genes[columns < 0][:3])
        msg = f"the cells lack {int((columns < 0).sum())} of the prediction's genes, such as {lacking}."
        raise InputError(msg)
    made = np.zeros(adata.shape, dtype=delta.dtype)
    made[:, columns] = delta
    return made


def _sparse(indices: NDArray[np.int32], chances: NDArray[np.float64]) -> csr_matrix:
    """Return probabilities of neighbours as a matrix of cells × cells."""
    n, k = indices.shape
    order = np.argsort(indices, axis=1, kind="stable")
    columns = np.take_along_axis(indices, order, 1).ravel()
    values = np.take_along_axis(chances, order, 1).ravel()
    return csr_matrix((values, columns, np.arange(0, n * k + 1, k)), shape=(n, n))
