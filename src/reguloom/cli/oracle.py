"""``reguloom oracle``: fit a network to cells, and ask it what perturbations do."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import rich_click as click

from reguloom.cli import _common as common
from reguloom.cli._oracle_options import (
    development_options,
    fit_options,
    fit_settings,
    read_development,
    read_lineages,
)

if TYPE_CHECKING:
    from reguloom.core import Perturbation


class _Group(common.LazyGroup):
    """The subcommands, two of which live in modules of their own."""

    lazy = {
        "screen": ("_oracle_screen", "Knock every factor out and rank them by lineage."),
        "base-grn": ("_oracle_base_grn", "Make a base network from open chromatin and motifs."),
    }


@click.group("oracle", cls=_Group, context_settings=common.CONTEXT)
@common.verbosity_options
def command() -> None:
    """Perturb genes in silico: which way do cells move, and how sure can one be."""


@common.command("fit")
@click.argument("adata", type=common.INPUT)
@fit_options
@common.output_option
@common.matrix_options
@common.seed_option
@common.workers_option
@common.force_option
def fit(adata: Path, output: Path, seed: int, num_workers: int | None, force: bool, **options: Any) -> None:
    """Fit a prior network to the cells of ADATA and write the oracle (.h5ad or .zarr).

    Write the edges alone by naming a .parquet, .csv or .tsv file.
    """
    suffix = "".join(output.suffixes)
    if suffix not in (".h5ad", ".zarr", ".parquet", ".csv", ".tsv", ".csv.gz", ".tsv.gz"):
        msg = f"-o {output}: an oracle is written to .h5ad or .zarr, its edges to .parquet, .csv or .tsv."
        raise click.UsageError(msg)
    common.check_outputs(output, force=force)
    from reguloom import io, oracle

    reading = {name: options.pop(name) for name in ("transpose", "cell_id_attribute", "gene_attribute")}
    cells = common.read_matrix(adata, **reading)
    model = oracle.fit(cells, options["base_network"], rng=seed, n_jobs=num_workers, **fit_settings(options))
    if suffix in (".h5ad", ".zarr"):
        from reguloom.oracle.persistence import write_oracle

        write_oracle(model, output, adata=cells, force=force)
    else:
        io.write_network(model.network, output, force=force)
    click.echo(str(model), err=True)


@common.command("simulate")
@click.argument("oracle", type=common.INPUT)
@click.option("--knockout", "--ko", "knockout", multiple=True, metavar="GENE", help="Set to 0; A+B for both at once.")
@click.option("--knockdown", "--kd", "knockdown", multiple=True, metavar="GENE",
              help="Take away --fraction of its expression.")  # fmt: skip
@click.option("--fraction", type=click.FloatRange(0, 1, min_open=True), default=0.5, show_default=True,
              help="Share that a knock-down takes away.")  # fmt: skip
@click.option("--overexpress", "--oe", "overexpress", multiple=True, metavar="GENE[=LEVEL]",
              help="Raise to LEVEL (2.5, x3 for threefold, q0.99 for a quantile), or to its maximum.")  # fmt: skip
@click.option("--n-propagation", type=click.IntRange(1, 10), default=3, show_default=True, help="Steps of the shift.")
@click.option("--clip", is_flag=True, help="Keep simulated values within the observed range.")
@common.output_option
@common.workers_option
@common.force_option
def simulate(
    oracle: Path, output: Path, n_propagation: int, clip: bool, num_workers: int | None, force: bool, **what: Any
) -> None:
    """Simulate a perturbation with an ORACLE (.h5ad from fit or screen); write the prediction (.h5ad).

    Its layer `delta` holds the shift. It tells a direction; its size is not calibrated.
    """
    asked = _perturbation(**what)
    if output.suffix not in (".h5ad", ".zarr"):
        msg = f"-o {output}: a prediction is written to .h5ad or .zarr."
        raise click.UsageError(msg)
    common.check_outputs(output, force=force)
    from reguloom import oracle as module

    prediction = module.Oracle.read(oracle).predict(asked, n_propagation=n_propagation, clip=clip, n_jobs=num_workers)
    module.write_prediction(prediction, output, force=force)
    for name, text in prediction.checks.items():
        click.echo(f"check {name}: {text}", err=True)


@common.command("score")
@click.argument("prediction", type=common.INPUT)
@click.argument("adata", type=common.INPUT)
@development_options
@click.option("--lineages", default=None, metavar="KEY", help="Column of obs whose groups are scored apart.")
@click.option("--cells", type=click.Path(path_type=Path), default=None, help="Also write shift and score of each cell.")
@click.option("--bins", type=click.Path(path_type=Path), default=None, help="Also write scores by bin of pseudotime.")
@click.option("--annotated", type=click.Path(path_type=Path), default=None,
              help="Also write ADATA with the shift in its layers, obsm and obsp (.h5ad).")  # fmt: skip
@common.output_option
@common.workers_option
@common.force_option
def score(
    prediction: Path, adata: Path, output: Path, lineages: str | None, cells: Path | None, bins: Path | None,
    annotated: Path | None, num_workers: int | None, force: bool, **options: Any,
) -> None:  # fmt: skip
    """Hold a PREDICTION against development of the cells in ADATA; write scores by lineage."""
    if annotated is not None and annotated.suffix != ".h5ad":
        msg = f"--annotated {annotated}: cells are written to .h5ad."
        raise click.UsageError(msg)
    common.check_outputs(output, cells, bins, annotated, force=force)
    from reguloom import io, oracle

    answer = oracle.read_prediction(prediction)
    data = io.read(adata)
    labels = read_lineages(data, lineages)
    field = read_development(data, options, num_workers)
    found = oracle.perturbation_score(answer, field, lineages=labels, n_jobs=num_workers)
    io.write_table(found.table.set_index("lineage"), output, index_label="lineage", force=force)
    for path, table, name in ((cells, found.cells, "Cell"), (bins, found.bins.set_index("lineage"), "lineage")):
        if path is not None:
            io.write_table(table, path, index_label=name, force=force)
    if annotated is not None:
        oracle.project(data, answer, basis=options["basis"], n_jobs=num_workers)
        io.write(data, annotated, force=force)


def _perturbation(
    knockout: tuple[str, ...], knockdown: tuple[str, ...], fraction: float, overexpress: tuple[str, ...]
) -> Perturbation:
    """Return what the options ask for, all of it together.

    Raises
    ------
    UsageError
        If nothing is asked for, or a level is no number.
    """
    from reguloom.core import Perturbation

    parts = [Perturbation.knockout(*knockout)] if knockout else []
    parts += [Perturbation.knockdown(gene, fraction) for gene in knockdown]
    for one in overexpress:
        gene, _, level = one.partition("=")
        how = {"x": "fold", "q": "quantile"}.get(level[:1], "level")
        try:
            value = float(level.lstrip("xq")) if level not in ("", "max") else "max"
        except ValueError as error:
            msg = f"--overexpress {one}: {level!r} is no level; give GENE, GENE=2.5, GENE=x3 or GENE=q0.99."
            raise click.UsageError(msg) from error
        given: dict[str, Any] = {"level" if value == "max" else how: value}
        parts.append(Perturbation.overexpress(gene, **given))
    if not parts:
        msg = "say what to do: --knockout GENE, --knockdown GENE or --overexpress GENE."
        raise click.UsageError(msg)
    made = parts[0]
    for part in parts[1:]:
        made = made | part
    return made


command.add_command(fit)
command.add_command(simulate)
command.add_command(score)
