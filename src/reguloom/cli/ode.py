"""``reguloom ode``: cells simulated from rules, and what perturbations do to them."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import rich_click as click

from reguloom.cli import _common as common
from reguloom.cli.boolean import file_argument, format_option

if TYPE_CHECKING:
    from reguloom.core import Perturbation
    from reguloom.mechanistic import OdeModel

_model_options = common.apply(
    click.option("--form", type=click.Choice(["mrna", "spliced", "factor"]), default="mrna", show_default=True,
                 help="mRNA and protein; unspliced, spliced and protein; or the factor alone."),
    click.option("--hill", type=click.FloatRange(min=0, min_open=True), default=None,
                 show_default="10; spliced 4; factor 2", help="Hill coefficient of every regulation."),
    click.option("--initial", multiple=True, metavar="GENE=LEVEL|FILE",
                 help="mRNA at the beginning, the other genes all but absent; or BoolODE's table of it."),
    click.option("--strengths", type=common.INPUT, default=None, help="BoolODE's table of interaction strengths."),
    click.option("--t-max", type=click.FloatRange(min=0, min_open=True), default=None,
                 show_default="8; spliced 60; factor 800", help="How long a cell is followed."),
    click.option("--noise", type=click.Choice(["langevin", "sqrt", "boolode", "none"]), default=None,
                 show_default="langevin", help="How chance enters."),
    click.option("--sample-parameters", type=click.FloatRange(min=0), default=0.0, show_default=True,
                 help="Relative standard deviation of rates and half responses between genes."),
    click.option("--compat", type=click.Choice(["boolode"]), default=None,
                 help="Noise, time grid and discarded cells as BoolODE has them."),
)  # fmt: skip
_perturbation_options = common.apply(
    click.option("--knockout", "--ko", multiple=True, metavar="GENE", help="Gene that is not transcribed, or A+B."),
    click.option("--knockdown", "--kd", multiple=True, metavar="GENE=SHARE", help="Share of transcription taken away."),
    click.option("--overexpress", "--oe", multiple=True, metavar="GENE", help="Gene transcribed in full, or A+B."),
    click.option("--onset", type=click.FloatRange(min=0), default=0.0, show_default=True,
                 help="When perturbations begin."),
)  # fmt: skip


@click.group("ode", cls=click.RichGroup, context_settings=common.CONTEXT)
@common.verbosity_options
def command() -> None:
    """Rules as differential equations: simulated cells, and what a perturbation does to them.

    FILE is a network in any format in use: .bnet, BoolNet text, AEON, BoolODE rules or SBML-qual.
    """


@common.command("simulate")
@file_argument
@click.option("-o", "--output", type=click.Path(path_type=Path), required=True,
              help="h5ad, zarr, loom, csv, tsv; without suffix a folder of BoolODE's files.")  # fmt: skip
@click.option("-n", "--cells", type=click.IntRange(min=1), default=2000, show_default=True,
              help="Cells, and as many for each perturbation.")  # fmt: skip
@click.option("--cells-per-trajectory", type=click.IntRange(min=1), default=1, show_default=True,
              help="Cells taken from each trajectory; more than one are not independent.")  # fmt: skip
@click.option("--sampling", type=click.Choice(["uniform", "end"]), default="uniform", show_default=True,
              help="When cells are taken.")  # fmt: skip
@_model_options
@_perturbation_options
@click.option("--dropout", type=click.FloatRange(0, 1), default=None,
              help="Lose values below this quantile of their gene, with that probability.")  # fmt: skip
@common.seed_option
@common.workers_option
@common.force_option
@format_option
def simulate_command(file: Path, output: Path, cells: int, cells_per_trajectory: int, sampling: str, onset: float,
                     knockout: tuple[str, ...], knockdown: tuple[str, ...], overexpress: tuple[str, ...],
                     dropout: float | None, seed: int, num_workers: int | None, force: bool, file_format: str | None,
                     **options: Any) -> None:  # fmt: skip
    """Simulate cells, with perturbed ones if any are named."""
    folder = not output.suffix
    common.check_outputs(output / "ExpressionData.csv" if folder else output, force=force)
    from reguloom import io, mechanistic

    adata = mechanistic.simulate(
        _model(file, file_format, seed, options),
        cells,
        perturbations=_perturbations(knockout, knockdown, overexpress),
        onset=onset,
        cells_per_trajectory=cells_per_trajectory,
        sampling=sampling,
        rng=seed,
        n_jobs=num_workers,
    )
    if dropout is not None:
        mechanistic.dropout(adata, quantile=dropout, probability=dropout, rng=seed)
    if folder:
        mechanistic.write_boolode(adata, output, force=force)
    else:
        io.write(adata, output, force=force)


@common.command("perturb")
@file_argument
@click.option("-n", "--cells", type=click.IntRange(min=1), default=500, show_default=True,
              help="Cells for each perturbation.")  # fmt: skip
@_model_options
@_perturbation_options
@common.output_option
@common.seed_option
@common.workers_option
@common.force_option
@format_option
def perturb_command(file: Path, cells: int, output: Path, onset: float, knockout: tuple[str, ...],
                    knockdown: tuple[str, ...], overexpress: tuple[str, ...], seed: int, num_workers: int | None,
                    force: bool, file_format: str | None, **options: Any) -> None:  # fmt: skip
    """Compare fates and mean expression before and after perturbations.

    Without --knockout, --knockdown and --overexpress every single knock-out is tried. One row for each perturbation:
    the share of cells that end in each fate, and the change of each gene's mean mRNA at the end.
    """
    common.check_outputs(output, force=force)
    from reguloom import Perturbation, io, mechanistic

    model = _model(file, file_format, seed, options)
    wanted = _perturbations(knockout, knockdown, overexpress)
    wanted = wanted or [Perturbation.knockout(gene) for gene in model.genes]
    adata = mechanistic.simulate(model, cells, perturbations=wanted, onset=onset, sampling="end", rng=seed,
                                 n_jobs=num_workers)  # fmt: skip
    groups = adata.obs["perturbation"]
    shares = adata.obs.groupby(groups, observed=False)["fate"].value_counts(normalize=True).unstack().fillna(0.0)
    means = adata.to_df().groupby(groups, observed=False).mean()
    change = means - means.loc["control"]
    shares.columns = [f"fate {name}" for name in shares.columns]
    change.columns = [f"change of {name}" for name in change.columns]
    io.write_table(shares.join(change), output, index_label="perturbation", force=force)


def _model(file: Path, file_format: str | None, seed: int, options: dict[str, Any]) -> OdeModel:
    """Make the equations from the options."""
    from reguloom import mechanistic

    strengths = options.pop("strengths")
    return mechanistic.OdeModel.from_network(
        mechanistic.read(file, format=file_format),
        initial=_initial(options.pop("initial")),
        strengths=None if strengths is None else mechanistic.read_strengths(strengths),
        rng=seed,
        **options,
    )


def _initial(given: Iterable[str]) -> dict[str, float] | None:
    """Read ``GENE=LEVEL`` and files of initial conditions."""
    from reguloom import mechanistic

    made: dict[str, float] = {}
    for text in given:
        gene, sign, value = text.rpartition("=")
        if not sign:
            made |= mechanistic.read_initial(text)
            continue
        made[gene] = _number(value, f"--initial {text!r}: write GENE=LEVEL, or the name of a file.")
    return made or None


def _perturbations(knockout: Iterable[str], knockdown: Iterable[str], overexpress: Iterable[str]) -> list[Perturbation]:
    """Return what the options name."""
    from reguloom import Perturbation

    wanted = [Perturbation.knockout(genes) for genes in knockout]
    for text in knockdown:
        gene, _, share = text.rpartition("=")
        wanted.append(Perturbation.knockdown(gene, _number(share, f"--knockdown {text!r}: write GENE=SHARE.")))
    return wanted + [Perturbation.overexpress(genes) for genes in overexpress]


def _number(text: str, message: str) -> float:
    """Return a number, or say how to write it."""
    try:
        return float(text)
    except ValueError as error:
        raise click.UsageError(message) from error


for _one in (simulate_command, perturb_command):
    command.add_command(_one)
