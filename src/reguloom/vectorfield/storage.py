"""Fields in files: plain arrays, numbers and text in ``uns``, and Dynamo's own ``uns['VecFld_*']``."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from reguloom._errors import InputError, MissingKeyError
from reguloom._reading import content_errors
from reguloom.core import Provenance
from reguloom.vectorfield.field import VectorField
from reguloom.vectorfield.space import StateSpace

if TYPE_CHECKING:
    from anndata import AnnData

ARRAYS = ("control_points", "coefficients", "states", "velocities", "inlier", "replicates")
SPACE_ARRAYS = ("loadings", "mean", "maximum")


def to_uns(field: VectorField) -> dict[str, Any]:
    """Return a field as what ``uns`` can hold; text is kept as text arrays or JSON."""
    stored: dict[str, Any] = {name: np.asarray(getattr(field, name)) for name in ARRAYS}
    stored["bandwidth"] = float(field.bandwidth)
    stored["cells"] = np.asarray(field.cells.astype(str), dtype=object)
    stored["space"] = {name: np.asarray(getattr(field.space, name)) for name in SPACE_ARRAYS}
    stored["space"] |= {"basis": field.space.basis, "genes": np.asarray(field.space.genes.astype(str), dtype=object)}
    if field.groups is not None:
        stored["groups"] = np.asarray(field.groups.codes, dtype=np.int64)
        stored["group_names"] = np.asarray(field.groups.categories.astype(str), dtype=object)
    stored["report"] = json.dumps({name: float(value) for name, value in field.report.items()})
    stored["failed_checks"] = json.dumps(dict(field.failed_checks))
    stored["provenance"] = "" if field.provenance is None else field.provenance.to_json()
    return stored


def from_uns(stored: Mapping[str, Any]) -> VectorField:
    """Return the field that :func:`to_uns` made plain.

    Raises
    ------
    InputError
        If something is missing.
    """
    needed = {*ARRAYS, "bandwidth", "cells", "space"}
    if not needed <= set(stored):
        msg = f"the stored field lacks {sorted(needed - set(stored))}; fit it again."
        raise InputError(msg)
    with content_errors("the stored field", what="field", mend="fit it again"):
        return _field(stored)


def _field(stored: Mapping[str, Any]) -> VectorField:
    """Return the field of its parts."""
    groups = None
    if "groups" in stored:
        groups = pd.Categorical.from_codes(np.asarray(stored["groups"]), _text(stored["group_names"]))
    space = stored["space"]
    arrays = {name: np.asarray(stored[name], dtype=np.float64) for name in ARRAYS}
    k = arrays["control_points"].shape[1]
    rows = {name: np.asarray(space[name], dtype=np.float64) for name in SPACE_ARRAYS}
    rows["loadings"] = rows["loadings"].reshape(-1, k)
    return VectorField(
        bandwidth=float(stored["bandwidth"]),
        space=StateSpace(basis=str(space["basis"]), genes=_text(space["genes"]), **rows),
        cells=_text(stored["cells"]),
        groups=groups,
        report=json.loads(str(stored["report"])),
        failed_checks=json.loads(str(stored["failed_checks"])),
        provenance=Provenance.from_json(str(stored["provenance"])) if stored["provenance"] else None,
        **arrays,
    )


def from_dynamo(adata: AnnData, basis: str = "pca") -> VectorField:
    """Return the field that Dynamo stored in ``adata.uns['VecFld_<basis>']``.

    Loadings are those of ``uns['PCs']`` with ``uns['pca_mean']`` and ``var['use_for_pca']``, as Dynamo keeps them.

    Raises
    ------
    MissingKeyError
        If there is none.
    InputError
        If it was fitted with a kernel or a normalisation that Dynamo itself cannot differentiate.
    """
    key = f"VecFld_{basis}"
    if key not in adata.uns:
        found = [name for name in adata.uns if str(name).startswith("VecFld")]
        msg = f"adata.uns has no {key!r}; it has {found or 'no field of Dynamo'}."
        raise MissingKeyError(msg)
    with content_errors(f"uns[{key!r}]", what="field of Dynamo", mend="fit it again there"):
        return _of_dynamo(adata, basis, adata.uns[key], key)


def _of_dynamo(adata: AnnData, basis: str, stored: Mapping[str, Any], key: str) -> VectorField:
    """Return the field of the parts that Dynamo keeps."""
    if bool(stored.get("div_cur_free_kernels", False)) or bool(stored.get("normalize", False)):
        msg = f"uns[{key!r}] was fitted with a Helmholtz kernel or normalize=True; fit it again without."
        raise InputError(msg)
    states, velocities = (np.asarray(stored[name], dtype=np.float64) for name in ("X", "Y"))
    inlier = np.asarray(stored.get("P", np.ones(len(states))), dtype=np.float64).ravel()
    cells = pd.Index(adata.obs_names.astype(str))
    if "valid_ind" in stored and len(cells) != len(states):
        cells = cells[np.asarray(stored["valid_ind"], dtype=np.int64)]
    if len(cells) != len(states):
        msg = f"uns[{key!r}] holds {len(states)} cells and adata {len(cells)}; load the data that it was fitted on."
        raise InputError(msg)
    return VectorField(
        control_points=np.asarray(stored["X_ctrl"], dtype=np.float64),
        coefficients=np.asarray(stored["C"], dtype=np.float64),
        bandwidth=float(np.asarray(stored["beta"])),
        space=StateSpace.of(adata, basis),
        states=states,
        velocities=velocities,
        inlier=inlier,
        cells=cells,
        provenance=Provenance("dynamo SparseVFC"),
    )


def _text(values: Any) -> pd.Index:
    """Return names as an index of text."""
    return pd.Index([str(value) for value in np.asarray(values).ravel()])
