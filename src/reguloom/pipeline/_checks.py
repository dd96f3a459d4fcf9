"""What can go wrong is found before anything runs: files, columns, embeddings, names of genes."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from pydantic import BaseModel

from reguloom._errors import InputError
from reguloom._files import existing
from reguloom._optional import require_optional
from reguloom.pipeline._cells import find_basis, read_cells
from reguloom.pipeline.config import RunConfig

if TYPE_CHECKING:
    from anndata import AnnData

#: Keys whose value is a column of ``obs``.
COLUMNS = ("groupby", "stratify", "pseudotime", "lineages", "time", "condition", "batch", "perturbation", "dose")


def check_run(config: RunConfig) -> AnnData:
    """Check everything that `config` names, and return the cells as given (on disk where the format allows it).

    Raises
    ------
    InputError
        If a file, a column of ``obs`` or an embedding is not there, or the names of genes do not agree.
    ResourceError
        If a ranking database cannot be read.
    """
    for path in _paths(config):
        existing(path)
    cells = read_cells(config.input, backed=True)
    for name, column in _columns(config):
        if column not in cells.obs:
            raise InputError(_missing(name, column, "column of obs", cells.obs.columns))
    _check_embeddings(config, cells)
    _check_resources(config, cells)
    return cells


def _paths(section: BaseModel) -> Iterator[Path]:
    """Yield every file that the configuration names as input."""
    for name in type(section).model_fields:
        value = getattr(section, name)
        if isinstance(value, BaseModel):
            yield from _paths(value)
        elif name != "output":
            yield from (one for one in (value if isinstance(value, list) else [value]) if isinstance(one, Path))


def _columns(config: RunConfig) -> Iterator[tuple[str, str]]:
    """Yield key and value wherever a column of ``obs`` is named."""
    for name in type(config).model_fields:
        section = getattr(config, name)
        # What is read from a file of its own has columns of its own.
        if isinstance(section, BaseModel) and getattr(section, "data", None) is None:
            for key in COLUMNS:
                if getattr(section, key, None) is not None:
                    yield f"{name}.{key}", getattr(section, key)


def _missing(key: str, value: str, what: str, there: Iterable[object]) -> str:
    """Return a sentence on a name that is not there."""
    names = [str(name) for name in there]
    near = difflib.get_close_matches(value, names, n=1)
    hint = f"did you mean {near[0]!r}? There" if near else "there"
    return f"{key} is {value!r}, which is no {what}; {hint} are {', '.join(names[:12]) or 'none'}."


def _check_embeddings(config: RunConfig, cells: AnnData) -> None:
    """Check slots of ``obsm``; a PCA is made where the first stage is asked for one."""
    made = {"pca", "X_pca"} if config.input.basis in ("pca", "X_pca") else set()
    asked = {"input.basis": config.input.basis}
    if config.oracle is not None:
        asked["oracle.basis"] = config.oracle.basis
        velocity = config.oracle.velocity
        if velocity is not None and find_basis(cells, velocity) is None:
            raise InputError(_missing("oracle.velocity", velocity, "slot of obsm", cells.obsm))
    if config.vectorfield is not None:
        asked["vectorfield.embedding"] = config.vectorfield.embedding
        _check_velocity(config.vectorfield.basis, config.vectorfield.velocity, cells)
    for key, name in asked.items():
        if name is not None and name not in made and find_basis(cells, name) is None:
            raise InputError(_missing(key, name, "embedding in obsm", cells.obsm))


def _check_velocity(basis: str, slot: str | None, cells: AnnData) -> None:
    """Check that there are velocities, or what they are estimated from."""
    if slot is not None:
        if slot not in cells.obsm:
            raise InputError(_missing("vectorfield.velocity", slot, "slot of obsm", cells.obsm))
        return
    counts = {"spliced", "unspliced"} <= set(cells.layers)
    if not counts and f"velocity_{basis}" not in cells.obsm and "velocity" not in cells.layers:
        msg = (
            f"[vectorfield] needs velocities, and the cells have neither obsm['velocity_{basis}'] nor layers 'spliced' "
            "and 'unspliced' to estimate them from; leave the section out, or give vectorfield.velocity."
        )
        raise InputError(msg)


def _check_resources(config: RunConfig, cells: AnnData) -> None:
    """Open what later stages read, and hold the names of factors against those of the matrix."""
    from reguloom import io
    from reguloom.core import check_genes

    if config.grn is not None:
        names = io.read_genes(config.grn.tfs)
        check_genes(names, cells.var_names, what="regulators", where="the matrix", floor=0.0)
    if config.ctx is not None:
        for path in config.ctx.rankings:
            io.read_rankings(path)
        io.read_motif_annotations(config.ctx.annotations)
    _check_models(config)


def _check_models(config: RunConfig) -> None:
    """Check that the models that are asked for exist, and that what they need is installed."""
    if config.response is not None and config.response.models:
        from reguloom.pipeline._response_work import ALWAYS, untrained

        for name in config.response.models:
            if name not in ALWAYS:
                untrained(name, {})
    learned = config.temporal is not None and config.temporal.method == "vrnn"
    if learned or (config.response is not None and set(config.response.models) - {"linear"}):
        require_optional("torch", extra="deep")
