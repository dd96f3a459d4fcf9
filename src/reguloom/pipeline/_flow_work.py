"""The flow of cells into a folder: the field, what it says of each factor, and its streamlines."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from reguloom._files import atomic_write

if TYPE_CHECKING:
    from anndata import AnnData

    from reguloom.vectorfield import VectorField

FIELD, REGULATORS, FIGURES = "result.h5ad", "regulators.csv", "figures"


def add_velocities(
    data: AnnData, *, basis: str, slot: str | None, method: str, projection: str | None, seed: int, n_jobs: int | None
) -> None:
    """Estimate and project velocities where the data have none.

    Parameters
    ----------
    data
        The cells; changed.
    basis, slot
        Basis of the field, and a slot of ``obsm`` with velocities to take as they are.
    method, projection
        How velocities are estimated from counts, and how they come into the basis.
    seed, n_jobs
        Seed of the PCA, and threads.
    """
    from reguloom import vectorfield
    from reguloom.vectorfield.project import LAYERS

    if slot is not None or f"velocity_{basis}" in data.obsm:
        return
    ready = any(one in data.layers and other in data.layers for one, other in LAYERS)
    if not ready and "X_pca" not in data.obsm:
        vectorfield.prepare(data, rng=seed)
    if not ready:
        vectorfield.velocity(data, method=method, n_jobs=n_jobs)
    vectorfield.project(data, basis=basis, method=projection, n_jobs=n_jobs)


def field_into(
    folder: Path, data: AnnData, *, basis: str, embedding: str, tfs: Sequence[str] | None, seed: int,
    n_jobs: int | None, **options: Any,
) -> VectorField:  # fmt: skip
    """Fit a field to the velocities in `data`, screen the factors to first order, and write and draw both.

    Parameters
    ----------
    folder
        Where the files go.
    data
        The cells with velocities; the field and its geometry are added.
    basis, embedding
        Basis of the field, and slot of ``obsm`` to draw on.
    tfs
        Genes to screen; all genes of the basis if None.
    seed, n_jobs
        Root seed, and threads.
    options
        Further options of :func:`reguloom.vectorfield.fit`.

    Returns
    -------
    The field.
    """
    from reguloom import io, pl, vectorfield

    field = vectorfield.fit(data, basis=basis, rng=seed, n_jobs=n_jobs, **options)
    field.to_adata(data)
    vectorfield.geometry(data, field)
    if field.space.has_genes:
        known = set(map(str, field.space.genes))
        chosen = None if tfs is None else [name for name in tfs if name in known]
        if chosen is None or chosen:
            table = vectorfield.screen(field, chosen, n_jobs=n_jobs)
            io.write_table(table.set_index("group"), folder / REGULATORS, index_label="group", force=True)
    name = embedding.removeprefix("X_")
    speeds = vectorfield.on_embedding(field, data, basis=name, n_jobs=n_jobs)
    places = vectorfield.place(field, data, field.states, basis=name, n_neighbors=1)
    (folder / FIGURES).mkdir(exist_ok=True)
    with atomic_write(folder / FIGURES / "streamlines.png") as temporary:
        pl.streamlines(places, speeds, groups=field.groups, label=name).savefig(temporary, dpi=150)
    io.write(data, folder / FIELD, force=True)
    return field
