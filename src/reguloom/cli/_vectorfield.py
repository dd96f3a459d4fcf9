"""What the commands of ``reguloom vectorfield`` share: which field is asked, names of genes, perturbations, figures."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import rich_click as click

if TYPE_CHECKING:
    from anndata import AnnData

    from reguloom.core import Perturbation
    from reguloom.vectorfield import VectorField


def field_options(function: Any) -> Any:
    """Give a command the options that say which field is asked."""
    for option in (
        click.option("--groupby", default=None, metavar="KEY",
                     help="Column of obs whose groups are named, in place of those of the fit."),
        click.option("--basis", default=None, show_default="that of the stored field, or pca",
                     help="Basis of the field."),
        click.option("--key", default="vectorfield", show_default=True, help="Slot of uns that holds the field."),
    ):  # fmt: skip
        function = option(function)
    return function


def load(
    path: Path, num_workers: int | None, *, key: str, basis: str | None, groupby: str | None
) -> tuple[AnnData, VectorField]:
    """Return the data and the field in it: ours, Dynamo's, or one that is fitted now."""
    from dataclasses import replace

    from reguloom import io, vectorfield
    from reguloom._errors import InputError
    from reguloom.vectorfield.fit import groups_of

    data = io.read(path)
    name = (basis or "pca").removeprefix("X_")
    if key in data.uns:
        field = vectorfield.VectorField.from_adata(data, key=key)
        if basis is not None and field.space.basis != name:
            msg = (
                f"uns[{key!r}] holds a field on {field.space.basis!r}, not on {name!r}; fit one with "
                f"reguloom vectorfield fit --basis {name}, or leave --basis out."
            )
            raise InputError(msg)
    elif f"VecFld_{name}" in data.uns:
        field = vectorfield.VectorField.from_dynamo(data, name)
    elif key != "vectorfield":
        field = vectorfield.VectorField.from_adata(data, key=key)
    else:
        click.echo(f"no field is stored in {path.name}; fitting one on {name!r} (vectorfield fit keeps it)", err=True)
        velocities(data, name, None, "stochastic", None, 1.0, 0, num_workers)
        return data, vectorfield.fit(data, basis=name, groupby=groupby, n_jobs=num_workers)
    if groupby is not None:
        rows = data.obs_names.astype(str).isin(field.cells)
        field = replace(field, groups=groups_of(data, groupby, rows))
    return data, field


def velocities(
    data: AnnData,
    basis: str,
    slot: str | None,
    method: str,
    projection: str | None,
    time: float | str,
    seed: int,
    n_jobs: int | None,
) -> None:
    """Estimate and project velocities where the file has none."""
    from reguloom import vectorfield
    from reguloom.vectorfield.project import LAYERS

    if slot is not None or f"velocity_{basis}" in data.obsm:
        return
    ready = any(one in data.layers and other in data.layers for one, other in LAYERS)
    if not ready and method == "labelling":
        vectorfield.labelling(data, time=time)
    elif not ready:
        if "X_pca" not in data.obsm:
            vectorfield.prepare(data, rng=seed)
        vectorfield.velocity(data, method=method, n_jobs=n_jobs)
    vectorfield.project(data, basis=basis, method=projection, n_jobs=n_jobs)


def names_of(given: tuple[str, ...]) -> list[str]:
    """Return names, or those in a file."""
    from reguloom import io

    if len(given) == 1 and Path(given[0]).is_file():
        return io.read_genes(given[0])
    return [name for one in given for name in one.split(",") if name]


def present(field: VectorField, names: list[str]) -> list[str] | None:
    """Return the names that the basis has, or None for all; a list of TFs may hold many that are not there."""
    from reguloom.core import check_genes

    if not names:
        return None
    check_genes(names, field.space.genes, what="genes", where="the basis of the field", floor=0.0)
    known = set(field.space.genes)
    return [name for name in names if name in known]


def perturbation_of(knockout: tuple[str, ...], overexpress: tuple[str, ...]) -> Perturbation:
    """Return the perturbation that the options describe."""
    from reguloom.core import Perturbation

    parts = [Perturbation.knockout(one) for one in knockout]
    for one in overexpress:
        gene, _, level = one.partition("=")
        try:
            parts.append(Perturbation.overexpress(gene, level=float(level) if level and level != "max" else "max"))
        except ValueError as error:
            msg = f"--overexpress {one}: the level is a number or max."
            raise click.UsageError(msg) from error
    if not parts:
        msg = "say what to perturb: --knockout GENE, or --overexpress GENE=LEVEL."
        raise click.UsageError(msg)
    made = parts[0]
    for part in parts[1:]:
        made = made | part
    return made


def embedding_of(data: AnnData, asked: str | None) -> str:
    """Return the embedding to draw on."""
    return asked or ("umap" if "X_umap" in data.obsm else "pca")


def save(figure: Any, path: Path, force: bool) -> None:
    """Write a figure, whole or not at all."""
    from reguloom._files import atomic_write

    with atomic_write(path, force=force) as temporary:
        figure.savefig(temporary, dpi=200)


def strongest(table: Any, n: int) -> Any:
    """Return the rows of a Jacobian's table of the n regulators and the n targets with the largest entries."""
    size = table.assign(size=table["mean"].abs())[table["regulator"] != table["target"]]
    kept = {
        column: set(size.groupby(column)["size"].max().sort_values(ascending=False, kind="stable").index[:n])
        for column in ("regulator", "target")
    }
    chosen = table[table["regulator"].isin(kept["regulator"]) & table["target"].isin(kept["target"])]
    return chosen if len(chosen) else table
