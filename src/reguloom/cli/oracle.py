"""``reguloom oracle``: fit a network to cells, and ask it what perturbations do."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import rich_click as click

from reguloom.cli import _common as common
from reguloom.cli._oracle_options import development_options, fit_options, fit_settings, read_development

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
    """Fit a prior network to the cells of ADATA and write the oracle (.h5ad).

    Write the edges alone by naming a .parquet, .csv or .tsv file.
    """
    suffix = "".join(output.suffixes)
    if suffix not in (".h5ad", ".parquet", ".csv", ".tsv", ".csv.gz", ".tsv.gz"):
        msg = f"-o {output}: an oracle is written to .h5ad, its edges to .parquet, .csv or .tsv."
        raise click.UsageError(msg)
    common.check_outputs(output, force=force)
    from reguloom import io, oracle

    reading = {name: options.pop(name) for name in ("transpose", "cell_id_attribute", "gene_attribute")}
    cells = common.read_matrix(adata, **reading)
    model = oracle.fit(cells, options["base_network"], rng=seed, n_jobs=num_workers, **fit_settings(options))
    if suffix == ".h5ad":
        from reguloom.oracle.persistence import write_oracle

        write_oracle(model, output, adata=cells, force=force)
    else:
        io.write_network(model.network, output, force=force)
    click.echo(str(model), err=True)


@common.command("simulate")
@click.argument("oracle", type=common.INPUT)
@click.option("--knockout", "--ko", "knockout", multiple=True, metavar="GENE", help="Set to 0; A+B for both at once.")
@click.option("--knockdown", metavar="GENE", help="Take away --fraction of its expression.")
@click.option("--fraction", type=click.FloatRange(0, 1, min_open=True), default=0.5, show_default=True,
              help="Share that a knock-down takes away.")  # fmt: skip
@click.option("--overexpress", "--oe", "overexpress", metavar="GENE[=LEVEL]", help="Raise to LEVEL, or to its maximum.")
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
    if output.suffix != ".h5ad":
        msg = f"-o {output}: a prediction is written to .h5ad."
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
@common.output_option
@common.workers_option
@common.force_option
def score(
    prediction: Path, adata: Path, output: Path, lineages: str | None, cells: Path | None, num_workers: int | None,
    force: bool, **options: Any,
) -> None:  # fmt: skip
    """Hold a PREDICTION against development of the cells in ADATA; write scores by lineage."""
    common.check_outputs(output, cells, force=force)
    from reguloom import io, oracle
    from reguloom._errors import MissingKeyError

    data = io.read(adata)
    if lineages is not None and lineages not in data.obs:
        msg = f"obs of {adata} has no column {lineages!r}; it has {sorted(map(str, data.obs.columns))[:20]}."
        raise MissingKeyError(msg)
    labels = None if lineages is None else data.obs[lineages].astype(str)
    field = read_development(data, options, num_workers)
    found = oracle.perturbation_score(oracle.read_prediction(prediction), field, lineages=labels, n_jobs=num_workers)
    io.write_table(found.table.set_index("lineage"), output, index_label="lineage", force=force)
    if cells is not None:
        io.write_table(found.cells, cells, index_label="Cell", force=force)


def _perturbation(
    knockout: tuple[str, ...], knockdown: str | None, fraction: float, overexpress: str | None
) -> Perturbation:
    """Return what the options ask for, all of it together.

    Raises
    ------
    UsageError
        If nothing is asked for, or a level is no number.
    """
    from reguloom.core import Perturbation

    parts = [Perturbation.knockout(*knockout)] if knockout else []
    if knockdown:
        parts.append(Perturbation.knockdown(knockdown, fraction))
    if overexpress:
        gene, _, level = overexpress.partition("=")
        try:
            parts.append(Perturbation.overexpress(gene, level=float(level) if level and level != "max" else "max"))
        except ValueError as error:
            msg = f"--overexpress {overexpress}: {level!r} is no level; give GENE or GENE=NUMBER."
            raise click.UsageError(msg) from error
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
