"""``reguloom vectorfield``: velocity to a field, and what the field says."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import rich_click as click

from reguloom.cli import _common as common
from reguloom.cli._activity import TABLES, check_suffix
from reguloom.cli._vectorfield import (
    embedding_of,
    field_options,
    load,
    names_of,
    perturbation_of,
    present,
    save,
    strongest,
    velocities,
)

if TYPE_CHECKING:
    from reguloom.vectorfield import VectorField

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
@click.option(
    "--method",
    type=click.Choice(["stochastic", "steady_state", "labelling"]),
    default="stochastic",
    show_default=True,
    help="How velocities are estimated, if the file has none: from spliced and unspliced, or new and total.",
)
@click.option("--labelling-time", "time", default="1", show_default=True, metavar="TIME|KEY",
              help="How long cells were labelled, or the column of obs that says so.")  # fmt: skip
@click.option("--projection", type=click.Choice(["tangent", "linear", "pearson", "cosine", "fp", "softmax"]),
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
@click.option("--device", default=None, metavar="DEVICE",
              help="Fit on a device of PyTorch (auto, cuda, cpu).  [default: numpy]")  # fmt: skip
@click.option("--diagnose/--no-diagnose", "check", default=True, show_default=True,
              help="Check what can be believed; what fails is stored, and perturb repeats it.")  # fmt: skip
@click.option("--compat", type=click.Choice(["dynamo"]), default=None, help="The constants of Dynamo 1.5.3.")
@click.option("-o", "--output", type=common.INPUT, required=True, help="h5ad file to write.")
@_embedding
@_plot
@common.seed_option
@common.workers_option
@common.force_option
def _fit(adata: Path, basis: str, slot: str | None, method: str, time: str, projection: str | None,
         groupby: str | None, check: bool, output: Path, embedding: str | None, plot: Path | None, seed: int,
         num_workers: int | None, force: bool, **options: Any) -> None:  # fmt: skip
    """Fit a field to the velocities in ADATA (or to its counts) and store it there, with its geometry.

    The output is ADATA with the field in uns, velocities in obsm and speed, divergence, acceleration and curvature in
    obs. --plot draws the streamlines, with the fixed points by type.
    """
    check_suffix(output, (".h5ad",))
    common.check_outputs(output, plot, force=force)
    from reguloom import io, vectorfield

    data = io.read(adata)
    when: float | str = float(time) if time.replace(".", "", 1).isdigit() else time
    velocities(data, basis.removeprefix("X_"), slot, method, projection, when, seed, num_workers)
    field = vectorfield.fit(data, groupby=groupby, basis=basis, velocity=slot, rng=seed, n_jobs=num_workers, **options)
    if check:
        field = vectorfield.checked(field, vectorfield.diagnose(field, data, n_null=10, rng=seed, n_jobs=num_workers))
    field.to_adata(data)
    vectorfield.geometry(data, field)
    io.write(data, output, force=force)
    click.echo(repr(field), err=True)
    for name, text in field.failed_checks.items():
        click.echo(f"DOUBT {name}: {text}", err=True)
    if plot is not None:
        from reguloom import pl

        name = embedding_of(data, embedding)
        speeds = vectorfield.on_embedding(field, data, basis=name, n_jobs=num_workers)
        places = vectorfield.place(field, data, field.states, basis=name, n_neighbors=1)
        points = vectorfield.fixed_points(field, n_starts=100, n_jobs=num_workers)
        at = vectorfield.place(field, data, points.states, basis=name) if len(points) else None
        figure = pl.streamlines(places, speeds, groups=field.groups, points=at, kinds=points.kind, label=name)
        save(figure, plot, force)


@_subcommand("jacobian")
@_field
@click.option("--regulators", multiple=True, help="Names, or a file with one name a line.  [default: all genes]")
@click.option("--targets", multiple=True, help="Names, or a file.  [default: the regulators]")
@click.option("--spread", is_flag=True, help="Add the standard deviation over cells and the share of equal signs.")
@field_options
@common.output_option
@_plot
@common.workers_option
@common.force_option
def _jacobian(adata: Path, regulators: tuple[str, ...], targets: tuple[str, ...], spread: bool, output: Path,
              plot: Path | None, num_workers: int | None, force: bool, **which: Any) -> None:  # fmt: skip
    """Write who changes whose velocity, group by group: d(velocity of target)/d(regulator).

    --plot draws the strongest dozen regulators and targets as heat maps.
    """
    check_suffix(output, TABLES)
    common.check_outputs(output, plot, force=force)
    from reguloom import io, pl, vectorfield

    field = load(adata, num_workers, **which)[1]
    left = present(field, names_of(regulators)) or list(field.space.genes)
    aimed = present(field, names_of(targets))
    table = vectorfield.jacobian(field, left, aimed, spread=spread, n_jobs=num_workers)
    io.write_table(table.set_index("group"), output, index_label="group", force=force)
    if plot is not None:
        save(pl.jacobian_heatmap(strongest(table, 12)), plot, force)


@_subcommand("perturb")
@_field
@click.option("--knockout", multiple=True, metavar="GENE", help="Genes to set to 0; A+B sets both.")
@click.option("--overexpress", multiple=True, metavar="GENE[=LEVEL]", help="To LEVEL, or to the highest level seen.")
@click.option("--mode", type=click.Choice(["difference", "first_order", "knockout"]), default="difference",
              show_default=True, help="Finite difference, its linearisation, or a change of the dynamics.")  # fmt: skip
@click.option("--fates-output", type=common.INPUT, default=None, help="Table of fate probabilities before and after.")
@click.option("--terminal", multiple=True, metavar="GROUP", help="Groups in which cells end.  [default: by the flow]")
@click.option("--genes-output", type=common.INPUT, default=None, help="Table of the mean change of each gene.")
@field_options
@common.output_option
@_embedding
@_plot
@common.seed_option
@common.workers_option
@common.force_option
def _perturb(adata: Path, knockout: tuple[str, ...], overexpress: tuple[str, ...], mode: str,
             fates_output: Path | None, terminal: tuple[str, ...], genes_output: Path | None, output: Path,
             embedding: str | None, plot: Path | None, seed: int, num_workers: int | None,
             force: bool, **which: Any) -> None:  # fmt: skip
    """Write what a perturbation does to the flow of each cell: angle, speed, linear validity, support.

    What speaks against believing it is said on stderr. Magnitudes are not calibrated.
    """
    check_suffix(output, TABLES)
    common.check_outputs(output, fates_output, genes_output, plot, force=force)
    asked = perturbation_of(knockout, overexpress)
    from reguloom import io, vectorfield

    data, field = load(adata, num_workers, **which)
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

        name = embedding_of(data, embedding)
        before, after = (
            vectorfield.on_embedding(field, data, v, basis=name, n_jobs=num_workers)
            for v in (field(), field() + made.delta_state)
        )
        places = vectorfield.place(field, data, field.states, basis=name, n_neighbors=1)
        angle = made.cells["angle"].to_numpy()
        save(pl.perturbation_flow(places, before, after, angle=angle, title=asked.label, label=name), plot, force)


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
@field_options
@common.output_option
@common.workers_option
@common.force_option
def _screen(adata: Path, genes: tuple[str, ...], kind: str, output: Path, num_workers: int | None,
            force: bool, **which: Any) -> None:  # fmt: skip
    """Rank genes by what perturbing each would do to the flow of each group, to first order."""
    check_suffix(output, TABLES)
    common.check_outputs(output, force=force)
    from reguloom import io, vectorfield

    field = load(adata, num_workers, **which)[1]
    table = vectorfield.screen(field, present(field, names_of(genes)), kind=kind, n_jobs=num_workers)
    io.write_table(table.set_index("group"), output, index_label="group", force=force)


@_subcommand("path")
@_field
@click.option("--from", "start", default=None, metavar="STATE", help="Group or cell in which the path begins.")
@click.option("--to", "end", default=None, metavar="STATE", help="Group or cell in which it ends.")
@click.option("--matrix", is_flag=True, help="In place of a path: the action between each two groups.")
@click.option("--n-points", type=click.IntRange(min=3), default=25, show_default=True, help="Points between the ends.")
@click.option("--genes", multiple=True, help="Names, or a file such as a list of TFs.  [default: all genes]")
@click.option("--ranks-output", type=common.INPUT, default=None, help="Table of genes by how far they move.")
@click.option("--heatmap", type=common.INPUT, default=None, help="Also draw expression along the path to this file.")
@field_options
@common.output_option
@_embedding
@_plot
@common.workers_option
@common.force_option
def _path(adata: Path, start: str | None, end: str | None, matrix: bool, n_points: int, genes: tuple[str, ...],
          ranks_output: Path | None, heatmap: Path | None, output: Path, embedding: str | None, plot: Path | None,
          num_workers: int | None, force: bool, **which: Any) -> None:  # fmt: skip
    """Write expression along the least-action path between two states, or the action between all groups."""
    if not matrix and (start is None or end is None):
        msg = "give both ends of the path with --from and --to, or --matrix for all groups."
        raise click.UsageError(msg)
    check_suffix(output, TABLES)
    common.check_outputs(output, ranks_output, heatmap, plot, force=force)
    from reguloom import io, pl, vectorfield

    data, field = load(adata, num_workers, **which)
    if matrix:
        table, _ = vectorfield.action_matrix(field, n_points=n_points, n_jobs=num_workers)
        io.write_table(table, output, index_label="from", force=force)
        if plot is not None:
            save(pl.action_matrix(table), plot, force)
        return
    path = field.least_action(start, end, n_points=n_points)
    chosen = present(field, names_of(genes))
    click.echo(f"action {path.action:.4g}, time {path.time:.4g}, length {path.length:.4g}", err=True)
    io.write_table(path.expression(chosen), output, index_label="time", force=force)
    if ranks_output is not None:
        io.write_table(path.rank_genes(chosen), ranks_output, index_label="gene", force=force)
    if heatmap is not None:
        save(pl.path_heatmap(path.expression(chosen), title=path.label), heatmap, force)
    if plot is not None:
        name = embedding_of(data, embedding)
        places = vectorfield.place(field, data, field.states, basis=name, n_neighbors=1)
        way = vectorfield.place(field, data, path.states, basis=name)
        save(pl.paths(places, {path.label: way}, groups=field.groups, label=name), plot, force)


@_subcommand("diagnose")
@_field
@click.option("--edge", "edges", multiple=True, metavar="FROM:TO", help="A transition that is known to happen.")
@click.option("--n-null", type=click.IntRange(min=2), default=20, show_default=True, help="Draws of each null.")
@field_options
@common.output_option
@common.seed_option
@common.workers_option
@common.force_option
def _diagnose(adata: Path, edges: tuple[str, ...], n_null: int, output: Path, seed: int,
              num_workers: int | None, force: bool, **which: Any) -> None:  # fmt: skip
    """Check what can be believed: each check with its null, and a verdict in words (also on stderr).

    Genes are permuted within the groups of --groupby.
    """
    check_suffix(output, TABLES)
    common.check_outputs(output, force=force)
    pairs = [tuple(one.split(":", 1)) for one in edges]
    if any(len(one) != 2 for one in pairs):
        msg = f"--edge is {' '.join(edges)}; write FROM:TO with names of groups."
        raise click.UsageError(msg)
    from reguloom import io, vectorfield

    data, field = load(adata, num_workers, **which)
    table = vectorfield.diagnose(
        field, data, groupby=which["groupby"], edges=[(one[0], one[1]) for one in pairs], n_null=n_null, rng=seed,
        n_jobs=num_workers,
    )  # fmt: skip
    io.write_table(table.set_index("check"), output, index_label="check", force=force)
    for row in table.itertuples():
        click.echo(f"{'ok   ' if row.passed else 'DOUBT'} {row.check}: {row.verdict}", err=True)
