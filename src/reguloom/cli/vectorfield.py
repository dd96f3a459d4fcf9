"""``reguloom vectorfield``: velocity to a field, and what the field says."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import rich_click as click

from reguloom.cli import _common as common
from reguloom.cli._activity import TABLES, check_suffix

if TYPE_CHECKING:
    from anndata import AnnData

    from reguloom.core import Perturbation
    from reguloom.vectorfield import VectorField

_key = click.option("--key", default="vectorfield", show_default=True, help="Slot of uns that holds the field.")
_embedding = click.option("--embedding", default=None, show_default="umap, or pca", help="Embedding of the figure.")
_plot = click.option("--plot", type=common.INPUT, default=None, help="Also draw to this file (png, pdf, svg).")
_field = click.argument("adata", type=common.INPUT)


@click.group("vectorfield", cls=click.RichGroup, context_settings=common.CONTEXT)
@common.verbosity_options
def command() -> None:
    """Follow the flow of cells: fit a field to velocities, and ask it.

    fit writes an h5ad file that the others read. Velocities are those in the file (scVelo, veloVI, Dynamo), or are
    estimated from its spliced and unspliced counts.
    """


def _subcommand(name: str) -> Any:
    """Return a decorator that adds a command to the group."""

    def decorate(function: Any) -> Any:
        made = common.command(name)(function)
        command.add_command(made)
        return made

    return decorate


@_subcommand("fit")
@click.argument("adata", type=common.INPUT)
@click.option("--basis", default="pca", show_default=True, help="Basis of the field: X_<basis> and velocity_<basis>.")
@click.option("--velocity", "slot", default=None, help="Slot of obsm with velocities.  [default: velocity_<basis>]")
@click.option("--method", type=click.Choice(["stochastic", "steady_state"]), default="stochastic", show_default=True,
              help="How velocities are estimated from counts, if the file has none.")  # fmt: skip
@click.option("--projection", type=click.Choice(["tangent", "linear", "pearson", "cosine", "softmax"]),
              default=None, show_default="linear, or tangent",
              help="How velocities of genes come into the basis.")  # fmt: skip
@click.option("--groupby", default=None, metavar="KEY", help="Column of obs; its groups can be named later.")
@click.option("--n-components", type=click.IntRange(min=2), default=None, help="Use the first components only.")
@click.option("--n-control", type=click.IntRange(min=2), default=None, show_default="5 % of the cells",
              help="Number of control points.")  # fmt: skip
@click.option("--bandwidth", type=float, default=None, show_default="by held-out cells", help="Width, beta.")
@click.option("--ridge", type=float, default=None, show_default="by held-out cells", help="Smoothness, lambda.")
@click.option("--n-bootstrap", type=click.IntRange(min=0), default=0, show_default=True,
              help="Fits to resampled cells, for the stability of signs.")  # fmt: skip
@click.option("--compat", type=click.Choice(["dynamo"]), default=None, help="The constants of Dynamo 1.5.3.")
@click.option("-o", "--output", type=common.INPUT, required=True, help="h5ad file to write.")
@_embedding
@_plot
@common.seed_option
@common.workers_option
@common.force_option
def _fit(adata: Path, basis: str, slot: str | None, method: str, projection: str | None, groupby: str | None,
         output: Path, embedding: str | None, plot: Path | None, seed: int, num_workers: int | None, force: bool,
         **options: Any) -> None:  # fmt: skip
    """Fit a field to the velocities in ADATA (or to its counts) and store it there, with its geometry.

    The output is ADATA with the field in uns, velocities in obsm and speed, divergence, acceleration and curvature in
    obs. --plot draws the streamlines.
    """
    check_suffix(output, (".h5ad",))
    common.check_outputs(output, plot, force=force)
    from reguloom import io, vectorfield

    data = io.read(adata)
    _velocities(data, basis, slot, method, projection, seed, num_workers)
    field = vectorfield.fit(data, groupby=groupby, basis=basis, velocity=slot, rng=seed, n_jobs=num_workers, **options)
    field.to_adata(data)
    vectorfield.geometry(data, field)
    io.write(data, output, force=force)
    click.echo(repr(field), err=True)
    if plot is not None:
        from reguloom import pl

        name = _embedding_of(data, embedding)
        speeds = vectorfield.on_embedding(field, data, basis=name, n_jobs=num_workers)
        places = vectorfield.place(field, data, field.states, basis=name, n_neighbors=1)
        _save(pl.streamlines(places, speeds, groups=field.groups, label=name), plot, force)


def _velocities(
    data: AnnData, basis: str, slot: str | None, method: str, projection: str | None, seed: int, n_jobs: int | None
) -> None:
    """Estimate and project velocities where the file has none."""
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


@_subcommand("jacobian")
@_field
@click.option("--regulators", multiple=True, help="Names, or a file with one name a line.  [default: all genes]")
@click.option("--targets", multiple=True, help="Names, or a file.  [default: the regulators]")
@click.option("--spread", is_flag=True, help="Add the standard deviation over cells and the share of equal signs.")
@_key
@common.output_option
@common.workers_option
@common.force_option
def _jacobian(adata: Path, regulators: tuple[str, ...], targets: tuple[str, ...], spread: bool, key: str, output: Path,
              num_workers: int | None, force: bool) -> None:  # fmt: skip
    """Write who changes whose velocity, group by group: d(velocity of target)/d(regulator)."""
    check_suffix(output, TABLES)
    common.check_outputs(output, force=force)
    from reguloom import io, vectorfield

    field = _load(adata, key)[1]
    left = _names(regulators) or list(field.space.genes)
    table = vectorfield.jacobian(field, left, _names(targets) or None, spread=spread, n_jobs=num_workers)
    io.write_table(table.set_index("group"), output, index_label="group", force=force)


@_subcommand("perturb")
@_field
@click.option("--knockout", multiple=True, metavar="GENE", help="Genes to set to 0; A+B sets both.")
@click.option("--overexpress", multiple=True, metavar="GENE[=LEVEL]", help="To LEVEL, or to the highest level seen.")
@click.option("--mode", type=click.Choice(["difference", "first_order", "knockout"]), default="difference",
              show_default=True, help="Finite difference, its linearisation, or a change of the dynamics.")  # fmt: skip
@click.option("--fates-output", type=common.INPUT, default=None, help="Table of fate probabilities before and after.")
@click.option("--terminal", multiple=True, metavar="GROUP", help="Groups in which cells end.  [default: by the flow]")
@click.option("--genes-output", type=common.INPUT, default=None, help="Table of the mean change of each gene.")
@_key
@common.output_option
@_embedding
@_plot
@common.seed_option
@common.workers_option
@common.force_option
def _perturb(adata: Path, knockout: tuple[str, ...], overexpress: tuple[str, ...], mode: str,
             fates_output: Path | None, terminal: tuple[str, ...], genes_output: Path | None, key: str, output: Path,
             embedding: str | None, plot: Path | None, seed: int, num_workers: int | None,
             force: bool) -> None:  # fmt: skip
    """Write what a perturbation does to the flow of each cell: angle, speed, linear validity, support.

    What speaks against believing it is said on stderr. Magnitudes are not calibrated.
    """
    check_suffix(output, TABLES)
    common.check_outputs(output, fates_output, genes_output, plot, force=force)
    asked = _perturbation(knockout, overexpress)
    from reguloom import io, vectorfield

    data, field = _load(adata, key)
    made = field.predict(asked, mode=mode, n_jobs=num_workers)
    for name, text in made.checks.items():
        click.echo(f"doubt: {name}: {text}", err=True)
    io.write_table(made.cells, output, index_label="Cell", force=force)
    if genes_output is not None:
        io.write_table(_gene_means(field, made.delta_state), genes_output, index_label="gene", force=force)
    if fates_output is not None:
        known = vectorfield.fates(field, terminal=list(terminal) or None, n_jobs=num_workers)
        table = vectorfield.fate_change(field, asked, reference=known, mode=mode, rng=seed, n_jobs=num_workers)
        io.write_table(table.set_index("group"), fates_output, index_label="group", force=force)
    if plot is not None:
        from reguloom import pl

        name = _embedding_of(data, embedding)
        before, after = (
            vectorfield.on_embedding(field, data, v, basis=name, n_jobs=num_workers)
            for v in (field(), field() + made.delta_state)
        )
        places = vectorfield.place(field, data, field.states, basis=name, n_neighbors=1)
        angle = made.cells["angle"].to_numpy()
        _save(pl.perturbation_flow(places, before, after, angle=angle, title=asked.label, label=name), plot, force)


def _gene_means(field: VectorField, change: Any) -> Any:
    """Return genes × groups: mean change of velocity."""
    import pandas as pd

    from reguloom.vectorfield.jacobian import members

    codes, groups = members(field)
    means = {name: change[codes == at].mean(axis=0) @ field.space.loadings.T for at, name in enumerate(groups)}
    return pd.DataFrame(means, index=field.space.genes)


@_subcommand("screen")
@_field
@click.option("--genes", multiple=True, help="Names, or a file such as a list of TFs.  [default: all genes]")
@click.option("--kind", type=click.Choice(["knockout", "max"]), default="knockout", show_default=True,
              help="To 0, or to the highest level seen.")  # fmt: skip
@_key
@common.output_option
@common.workers_option
@common.force_option
def _screen(adata: Path, genes: tuple[str, ...], kind: str, key: str, output: Path, num_workers: int | None,
            force: bool) -> None:  # fmt: skip
    """Rank genes by what perturbing each would do to the flow of each group, to first order."""
    check_suffix(output, TABLES)
    common.check_outputs(output, force=force)
    from reguloom import io, vectorfield

    field = _load(adata, key)[1]
    table = vectorfield.screen(field, _present(field, _names(genes)), kind=kind, n_jobs=num_workers)
    io.write_table(table.set_index("group"), output, index_label="group", force=force)


@_subcommand("path")
@_field
@click.option("--from", "start", default=None, metavar="STATE", help="Group or cell in which the path begins.")
@click.option("--to", "end", default=None, metavar="STATE", help="Group or cell in which it ends.")
@click.option("--matrix", is_flag=True, help="In place of a path: the action between each two groups.")
@click.option("--n-points", type=click.IntRange(min=3), default=25, show_default=True, help="Points between the ends.")
@click.option("--genes", multiple=True, help="Names, or a file such as a list of TFs.  [default: all genes]")
@click.option("--ranks-output", type=common.INPUT, default=None, help="Table of genes by how far they move.")
@_key
@common.output_option
@_embedding
@_plot
@common.workers_option
@common.force_option
def _path(adata: Path, start: str | None, end: str | None, matrix: bool, n_points: int, genes: tuple[str, ...],
          ranks_output: Path | None, key: str, output: Path, embedding: str | None, plot: Path | None,
          num_workers: int | None, force: bool) -> None:  # fmt: skip
    """Write expression along the least-action path between two states, or the action between all groups."""
    if not matrix and (start is None or end is None):
        msg = "give both ends of the path with --from and --to, or --matrix for all groups."
        raise click.UsageError(msg)
    check_suffix(output, TABLES)
    common.check_outputs(output, ranks_output, plot, force=force)
    from reguloom import io, pl, vectorfield

    data, field = _load(adata, key)
    if matrix:
        table, _ = vectorfield.action_matrix(field, n_points=n_points, n_jobs=num_workers)
        io.write_table(table, output, index_label="from", force=force)
        if plot is not None:
            _save(pl.action_matrix(table), plot, force)
        return
    path = field.least_action(start, end, n_points=n_points)
    chosen = _present(field, _names(genes))
    click.echo(f"action {path.action:.4g}, time {path.time:.4g}, length {path.length:.4g}", err=True)
    io.write_table(path.expression(chosen), output, index_label="time", force=force)
    if ranks_output is not None:
        io.write_table(path.rank_genes(chosen), ranks_output, index_label="gene", force=force)
    if plot is not None:
        name = _embedding_of(data, embedding)
        places = vectorfield.place(field, data, field.states, basis=name, n_neighbors=1)
        way = vectorfield.place(field, data, path.states, basis=name)
        _save(pl.paths(places, {path.label: way}, groups=field.groups, label=name), plot, force)


@_subcommand("diagnose")
@_field
@click.option("--groupby", default=None, metavar="KEY", help="Column of obs within which genes are permuted.")
@click.option("--edge", "edges", multiple=True, metavar="FROM:TO", help="A transition that is known to happen.")
@click.option("--n-null", type=click.IntRange(min=2), default=20, show_default=True, help="Draws of each null.")
@_key
@common.output_option
@common.seed_option
@common.workers_option
@common.force_option
def _diagnose(adata: Path, groupby: str | None, edges: tuple[str, ...], n_null: int, key: str, output: Path, seed: int,
              num_workers: int | None, force: bool) -> None:  # fmt: skip
    """Check what can be believed: each check with its null, and a verdict in words (also on stderr)."""
    check_suffix(output, TABLES)
    common.check_outputs(output, force=force)
    pairs = [tuple(one.split(":", 1)) for one in edges]
    if any(len(one) != 2 for one in pairs):
        msg = f"--edge is {' '.join(edges)}; write FROM:TO with names of groups."
        raise click.UsageError(msg)
    from reguloom import io, vectorfield

    data, field = _load(adata, key)
    table = vectorfield.diagnose(
        field, data, groupby=groupby, edges=[(one[0], one[1]) for one in pairs], n_null=n_null, rng=seed,
        n_jobs=num_workers,
    )  # fmt: skip
    io.write_table(table.set_index("check"), output, index_label="check", force=force)
    for row in table.itertuples():
        click.echo(f"{'ok   ' if row.passed else 'DOUBT'} {row.check}: {row.verdict}", err=True)


def _load(path: Path, key: str) -> tuple[AnnData, VectorField]:
    """Return the data and the field in it: ours, or Dynamo's."""
    from reguloom import io
    from reguloom.vectorfield import VectorField

    data = io.read(path)
    if key not in data.uns and "VecFld_pca" in data.uns:
        return data, VectorField.from_dynamo(data)
    return data, VectorField.from_adata(data, key=key)


def _names(given: tuple[str, ...]) -> list[str]:
    """Return names, or those in a file."""
    from reguloom import io

    if len(given) == 1 and Path(given[0]).is_file():
        return io.read_genes(given[0])
    return [name for one in given for name in one.split(",") if name]


def _present(field: VectorField, names: list[str]) -> list[str] | None:
    """Return the names that the basis has, or None for all; a list of TFs may hold many that are not there."""
    from reguloom.core import check_genes

    if not names:
        return None
    check_genes(names, field.space.genes, what="genes", where="the basis of the field", floor=0.0)
    known = set(field.space.genes)
    return [name for name in names if name in known]


def _perturbation(knockout: tuple[str, ...], overexpress: tuple[str, ...]) -> Perturbation:
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


def _embedding_of(data: AnnData, asked: str | None) -> str:
    """Return the embedding to draw on."""
    return asked or ("umap" if "X_umap" in data.obsm else "pca")


def _save(figure: Any, path: Path, force: bool) -> None:
    """Write a figure, whole or not at all."""
    from reguloom._files import atomic_write

    with atomic_write(path, force=force) as temporary:
        figure.savefig(temporary, dpi=200)
