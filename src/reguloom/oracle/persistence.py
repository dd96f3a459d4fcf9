"""An oracle and its answers as files: h5ad or zarr for matrices and tables, nothing pickled."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from scipy.sparse import csr_array

from reguloom import io
from reguloom._errors import InputError, ResourceError
from reguloom._files import existing
from reguloom._reading import content_errors
from reguloom.core import Network, Perturbation, Prediction, Provenance
from reguloom.core.perturbation import Target
from reguloom.io.h5ad import open_anndata
from reguloom.oracle.model import Oracle

if TYPE_CHECKING:
    from anndata import AnnData

    from reguloom.oracle.development import Development

SCHEMA = 1
SUFFIXES = (".h5ad", ".zarr")


def write_oracle(
    oracle: Oracle,
    path: str | os.PathLike[str],
    *,
    adata: AnnData | None = None,
    screen: pd.DataFrame | None = None,
    development: Development | None = None,
    force: bool = False,
) -> None:
    """Write an oracle to an h5ad file or a zarr store.

    Parameters
    ----------
    oracle
        What to write.
    path
        ``.h5ad`` or ``.zarr``.
    adata
        The cells' annotation and embeddings, which are kept beside it.
    screen
        A screen's table, which becomes ``uns['oracle_screen']``.
    development
        What shifts are held against: its grid and flow become ``uns['oracle_development']``, the embedding that it lies
        on ``obsm['oracle_embedding']``.
    force
        Whether an existing file may be replaced.
    """
    from anndata import AnnData

    made = AnnData(
        oracle.expression,
        obs=pd.DataFrame({"oracle_group": oracle.groups.astype(str)}, index=oracle.cells.astype(str)),
        var=pd.DataFrame(index=oracle.genes.astype(str)),
    )
    made.uns["oracle"] = {
        "schema": SCHEMA,
        "groupby": oracle.groupby,
        "groups": [str(name) for name in oracle.groups.categories],
        "provenance": oracle.provenance.to_json(),
        "targets": _table(oracle.targets),
        "prior_regulators": np.asarray(oracle.prior.regulators.astype(str), dtype=object),
    }
    for name in ("prior", "links", "network"):
        made.uns["oracle"][name] = _table(getattr(oracle, name).to_frame())
    if adata is not None:
        made.obs = adata.obs.assign(oracle_group=made.obs["oracle_group"].to_numpy())
        for key in adata.obsm:
            made.obsm[key] = adata.obsm[key]
    if screen is not None:
        made.uns["oracle_screen"] = _table(screen)
    if development is not None:
        made.obsm["oracle_embedding"] = development.embedding
        made.uns["oracle_development"] = {
            "grid_x": development.grid.x, "grid_y": development.grid.y, "kept": development.kept,
            "flow": development.flow, "basis": development.basis, "source": str(development.settings["source"]),
        }  # fmt: skip
    _write(made, path, force=force)


def read_oracle(path: str | os.PathLike[str]) -> Oracle:
    """Read an oracle from an h5ad file or a zarr store.

    Raises
    ------
    ResourceError
        If the file holds no oracle, or one of a later version.
    """
    adata = _read(path)
    with content_errors(path, what="oracle", kind=ResourceError):
        if "oracle" not in adata.uns or int(adata.uns["oracle"]["schema"]) > SCHEMA:
            msg = f"{path} holds no oracle that this version reads; write one with Oracle.write."
            raise ResourceError(msg)
        return _oracle(adata)


def _oracle(adata: AnnData) -> Oracle:
    """Return the oracle that an AnnData holds."""
    entry = adata.uns["oracle"]
    genes, names = pd.Index(adata.var_names.astype(str)), [str(name) for name in entry["groups"]]
    network, links = Network.from_frame(entry["network"]), Network.from_frame(entry["links"])
    prior = Network.from_frame(entry["prior"])
    extra = pd.Index([str(name) for name in entry["prior_regulators"]]).difference(prior.regulators)
    coefficients = []
    for name in names:
        part = network.filter(group=name) if name in network.groups else network.take([])
        row, column = genes.get_indexer(part.regulators)[part.source], genes.get_indexer(part.targets)[part.target]
        coefficients.append(csr_array((part.weight, (row, column)), shape=(len(genes), len(genes))))
    return Oracle(
        expression=np.asarray(adata.X),
        cells=pd.Index(adata.obs_names.astype(str)),
        genes=genes,
        groups=pd.Categorical(adata.obs["oracle_group"].astype(str), categories=names),
        groupby=str(entry["groupby"]),
        prior=Network(
            prior.regulators.append(extra).rename("source"),
            prior.targets, prior.source, prior.target, prior.weight, prior.sign,
        ),
        links=links,
        network=network,
        coefficients=tuple(coefficients),
        targets=entry["targets"].reset_index(drop=True),
        provenance=Provenance.from_json(str(entry["provenance"])),
    )  # fmt: skip


def write_prediction(prediction: Prediction, path: str | os.PathLike[str], *, force: bool = False) -> None:
    """Write a prediction (h5ad or zarr): control in ``X``, the shift in ``layers['delta']``.

    Parameters
    ----------
    prediction
        What to write.
    path
        ``.h5ad`` or ``.zarr``.
    force
        Whether an existing file may be replaced.
    """
    from anndata import AnnData

    delta = prediction.delta.toarray() if hasattr(prediction.delta, "toarray") else np.asarray(prediction.delta)
    control = np.broadcast_to(np.asarray(prediction.control), delta.shape)
    made = AnnData(np.array(control), obs=pd.DataFrame(index=prediction.rows.astype(str)))
    made.var_names = prediction.genes.astype(str)
    made.layers["delta"] = delta
    made.uns["prediction"] = {
        "schema": SCHEMA,
        "regime": prediction.regime,
        "checks": json.dumps(dict(prediction.checks)),
        "perturbations": json.dumps([one.to_dict() for one in prediction.perturbations]),
        "one_control": np.ndim(prediction.control) == 1,
        "provenance": prediction.provenance.to_json() if prediction.provenance is not None else "",
    }
    _write(made, path, force=force)


def read_prediction(path: str | os.PathLike[str]) -> Prediction:
    """Read what :func:`write_prediction` wrote to `path`.

    Raises
    ------
    ResourceError
        If the file holds no prediction.
    """
    adata = _read(path)
    if "prediction" not in adata.uns or "schema" not in adata.uns["prediction"]:
        msg = f"{path} holds no prediction; write one with oracle.write_prediction."
        raise ResourceError(msg)
    with content_errors(path, what="prediction", kind=ResourceError):
        return _prediction(adata)


def _prediction(adata: AnnData) -> Prediction:
    """Return the prediction that an AnnData holds."""
    entry = adata.uns["prediction"]
    control = np.asarray(adata.X)
    text = str(entry["provenance"])
    return Prediction(
        delta=np.asarray(adata.layers["delta"]),
        control=control[0] if bool(entry["one_control"]) else control,
        rows=pd.Index(adata.obs_names.astype(str)),
        genes=pd.Index(adata.var_names.astype(str)),
        perturbations=[_perturbation(one) for one in json.loads(str(entry["perturbations"]))],
        regime=str(entry["regime"]),
        checks=json.loads(str(entry["checks"])),
        provenance=Provenance.from_json(text) if text else None,
    )


def _perturbation(fields: dict[str, Any]) -> Perturbation:
    """Return the perturbation that ``to_dict`` described."""
    targets = {gene: Target(one["mode"], float(one["value"])) for gene, one in fields["targets"].items()}
    return Perturbation(targets, fields["dose"], fields["mask"])


def _write(made: AnnData, path: str | os.PathLike[str], *, force: bool) -> None:
    """Write in the format that the suffix names."""
    suffix = Path(path).suffix
    if suffix not in SUFFIXES:
        msg = f"{path} has the suffix {suffix!r}; oracles and predictions are written to {' or '.join(SUFFIXES)}."
        raise InputError(msg)
    io.write(made, path, force=force)


def _read(path: str | os.PathLike[str]) -> Any:
    """Read a file or a store, or say that it is none."""
    file = existing(path, what="file")
    try:
        return open_anndata(file)
    except InputError as error:
        raise ResourceError(str(error)) from error


def _table(frame: pd.DataFrame) -> pd.DataFrame:
    """Return a table with text row names, which h5ad asks for."""
    made = frame.reset_index(drop=True)
    made.index = made.index.astype(str)
    return made
