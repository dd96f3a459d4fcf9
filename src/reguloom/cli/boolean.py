"""``reguloom boolean``: attractors, walks, perturbations, formats, robustness and rules from data."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import rich_click as click

from reguloom.cli import _common as common

if TYPE_CHECKING:
    import pandas as pd

    from reguloom.mechanistic import Attractors, BooleanNetwork

FORMATS = ["bnet", "boolnet", "aeon", "boolode", "sbml"]
file_argument = click.argument("file", type=common.INPUT)
fix_option = click.option("--fix", multiple=True, metavar="GENE=0",
                          help="Hold a gene at 0 or 1; several may be given.")  # fmt: skip
format_option = click.option("--format", "file_format", type=click.Choice(FORMATS), default=None,
                             show_default="told from the file", help="Format of FILE.")  # fmt: skip
json_option = click.option("--json", "as_json", is_flag=True, help="Print JSON.")
walks_option = click.option("--walks", type=click.IntRange(min=1), default=10_000, show_default=True,
                            help="Random walks where probabilities cannot be computed.")  # fmt: skip


@click.group("boolean", cls=click.RichGroup, context_settings=common.CONTEXT)
@common.verbosity_options
def command() -> None:
    """Boolean networks: stable states, fates and what a perturbation does to them.

    FILE is a network in any format in use: .bnet, BoolNet text, AEON, BoolODE rules or SBML-qual.
    """


def _values(given: Iterable[str], option: str) -> dict[str, int]:
    """Read ``GENE=0`` and ``GENE=1``."""
    made = {}
    for text in given:
        gene, sign, value = text.rpartition("=")
        if not sign or not gene or value not in ("0", "1"):
            msg = f"{option} {text!r}: write GENE=0 or GENE=1."
            raise click.UsageError(msg)
        made[gene] = int(value)
    return made


def _read(file: Path, file_format: str | None, fix: Iterable[str] = ()) -> BooleanNetwork:
    """Read the network and hold genes."""
    from reguloom import mechanistic

    network = mechanistic.read(file, format=file_format)
    values = _values(fix, "--fix")
    return network.with_fixed(values) if values else network


@common.command("attractors")
@file_argument
@click.option(
    "--update",
    type=click.Choice(["asynchronous", "synchronous", "most-permissive", "temporal", "probabilistic"]),
    default="asynchronous",
    show_default=True,
    help="Update scheme.",
)
@fix_option
@json_option
@click.option(
    "--max-attractors", type=click.IntRange(min=1), default=10_000, show_default=True, help="Refuse to list more."
)
@click.option(
    "--time-limit",
    type=click.FloatRange(min=0, min_open=True),
    default=60.0,
    show_default=True,
    help="Seconds for the solvers of large networks.",
)
@click.option(
    "--samples",
    type=click.IntRange(min=1),
    default=None,
    help="Synchronous: follow so many random states instead of all.",
)
@common.seed_option
@format_option
def attractors_command(file: Path, update: str, fix: tuple[str, ...], as_json: bool, max_attractors: int,
                       time_limit: float, samples: int | None, seed: int, file_format: str | None) -> None:  # fmt: skip
    """List the attractors: stable states, cycles and the sets of states that are never left."""
    network = _read(file, file_format, fix)
    found = network.attractors(
        update, max_attractors=max_attractors, time_limit=time_limit, n_samples=samples, rng=seed
    )
    click.echo(found.to_json() if as_json else _shown(found))


def _shown(found: Attractors) -> str:
    """Return the attractors as text: sizes, basins, and which genes are on or vary."""
    state = "complete" if found.complete else "INCOMPLETE"
    lines = [f"{len(found)} attractor{'s' * (len(found) != 1)}, {found.update} updating, {state}"]
    if found.note:
        lines.append(found.note)
    rows = [["", "states", "basin", "on", "varying"]]
    for name, one in zip(found.names, found, strict=True):
        on = " ".join(gene for gene, letter in zip(found.genes, one.space, strict=True) if letter == "1")
        varying = " ".join(gene for gene, letter in zip(found.genes, one.space, strict=True) if letter == "*")
        share = "" if one.basin is None else f"{one.basin:,} ({one.basin / found.n_states:.1%})"
        rows.append([name, f"{one.size:,}", share or "-", on or "-", varying or "-"])
    return "\n".join([*lines, "", *_aligned(rows)])


def _aligned(rows: list[list[str]]) -> list[str]:
    """Return rows whose columns stand below each other; columns that say nothing are left out."""
    kept = [i for i in range(len(rows[0])) if i == 0 or any(row[i] != "-" for row in rows[1:])]
    widths = {i: max(len(row[i]) for row in rows) for i in kept}
    right = {1, 2}
    return [
        "  ".join(row[i].rjust(widths[i]) if i in right else row[i].ljust(widths[i]) for i in kept).rstrip()
        for row in rows
    ]


@common.command("simulate")
@file_argument
@click.option(
    "--update",
    type=click.Choice(["asynchronous", "synchronous", "continuous-time", "probabilistic", "temporal"]),
    default="asynchronous",
    show_default=True,
    help="Update scheme.",
)
@fix_option
@click.option("--initial", multiple=True, metavar="GENE=1", help="Start value; others start by chance.")
@click.option("--walks", type=click.IntRange(min=1), default=100, show_default=True, help="Number of walks.")
@click.option(
    "--steps", type=click.IntRange(min=1), default=100, show_default=True, help="Steps of each, or units of time."
)
@click.option("--mean", is_flag=True, help="Write the share of walks in which each gene is on, step by step.")
@common.output_option
@common.seed_option
@common.force_option
@format_option
def simulate_command(file: Path, update: str, fix: tuple[str, ...], initial: tuple[str, ...], walks: int, steps: int,
                     mean: bool, output: Path, seed: int, force: bool, file_format: str | None) -> None:  # fmt: skip
    """Walk through the states of the network."""
    common.check_outputs(output, force=force)
    from reguloom import mechanistic

    table = mechanistic.trajectories(
        _read(file, file_format, fix),
        update=update,
        initial=_values(initial, "--initial"),
        n_trajectories=walks,
        n_steps=steps,
        rng=seed,
    )
    axis = str(table.index.names[1])
    if mean:
        _write(table.groupby(level=axis).mean(), output, label=axis, force=force)
    else:
        _write(table.reset_index(level=axis), output, label="trajectory", force=force)


def _write(table: pd.DataFrame, output: Path, *, label: str, force: bool) -> None:
    """Write a table."""
    from reguloom import io

    io.write_table(table, output, index_label=label, force=force)


@common.command("perturb")
@file_argument
@click.option("--knockout", "--ko", multiple=True, metavar="GENE", help="Gene to hold at 0, or A+B for both.")
@click.option("--overexpress", "--oe", multiple=True, metavar="GENE", help="Gene to hold at 1, or A+B for both.")
@click.option(
    "--update",
    type=click.Choice(["asynchronous", "synchronous"]),
    default="asynchronous",
    show_default=True,
    help="Update scheme.",
)
@fix_option
@click.option("--initial", multiple=True, metavar="GENE=1", help="Start value; all combinations of the others count.")
@walks_option
@common.output_option
@common.seed_option
@common.force_option
@format_option
def perturb_command(file: Path, knockout: tuple[str, ...], overexpress: tuple[str, ...], update: str,
                    fix: tuple[str, ...], initial: tuple[str, ...], walks: int, output: Path, seed: int, force: bool,
                    file_format: str | None) -> None:  # fmt: skip
    """Compare attractors and fates before and after perturbations.

    Without --knockout and --overexpress every single knock-out and over-expression is tried. Attractors that agree
    with one of the unperturbed network in all other genes keep its name.
    """
    common.check_outputs(output, force=force)
    from reguloom import Perturbation, mechanistic

    wanted = [Perturbation.knockout(genes) for genes in knockout]
    wanted += [Perturbation.overexpress(genes) for genes in overexpress]
    table = mechanistic.perturb(
        _read(file, file_format, fix),
        wanted or None,
        update=update,
        initial=_values(initial, "--initial"),
        n_walks=walks,
        rng=seed,
    )
    _write(table.set_index("perturbation"), output, label="perturbation", force=force)


@common.command("convert")
@file_argument
@click.argument("output", type=common.INPUT)
@click.option(
    "--to",
    "to_format",
    type=click.Choice([*FORMATS, "network"]),
    default=None,
    show_default="the suffix of OUTPUT",
    help="Format of OUTPUT; 'network' writes signed edges.",
)
@fix_option
@common.force_option
@format_option
def convert_command(file: Path, output: Path, to_format: str | None, fix: tuple[str, ...], force: bool,
                    file_format: str | None) -> None:  # fmt: skip
    """Write the network in another format, or its wiring as signed edges (csv, tsv, parquet).

    Names that other tools cannot read are respelled, with a comment that brings them back.
    """
    common.check_outputs(output, force=force)
    from reguloom import io, mechanistic

    network = _read(file, file_format, fix)
    tables = {".csv", ".tsv", ".parquet"}
    if to_format == "network" or (to_format is None and tables & set(output.suffixes)):
        io.write_table(network.to_network().to_frame().set_index("source"), output, index_label="source", force=force)
    else:
        mechanistic.write(network, output, format=to_format, force=force)


@common.command("robustness")
@file_argument
@fix_option
@click.option("--flips", type=click.IntRange(min=1), default=1, show_default=True, help="Genes flipped in a state.")
@click.option("--samples", type=click.IntRange(min=2), default=1000, show_default=True, help="Pairs of states.")
@click.option(
    "--copies",
    type=click.IntRange(min=2),
    default=100,
    show_default=True,
    help="Copies with one changed row of one rule.",
)
@click.option(
    "--random",
    "n_random",
    type=click.IntRange(min=0),
    default=0,
    show_default=True,
    help="Random networks of the same in-degrees to compare with.",
)
@common.output_option
@common.seed_option
@common.force_option
@format_option
def robustness_command(file: Path, fix: tuple[str, ...], flips: int, samples: int, copies: int, n_random: int,
                       output: Path, seed: int, force: bool, file_format: str | None) -> None:  # fmt: skip
    """Measure how the network takes flipped genes and changed rules."""
    common.check_outputs(output, force=force)
    from reguloom import mechanistic

    network = _read(file, file_format, fix)
    table = mechanistic.robustness(
        network, n_flips=flips, n_samples=samples, n_copies=copies, n_random=n_random, rng=seed
    )
    _write(table, output, label="measure", force=force)


@common.command("reconstruct")
@click.argument("series", type=common.INPUT, nargs=-1, required=True)
@click.argument("output", type=common.INPUT)
@click.option(
    "--method",
    type=click.Choice(["best-fit", "reveal"]),
    default="best-fit",
    show_default=True,
    help="How rules are found.",
)
@click.option("--max-regulators", type=click.IntRange(min=0), default=3, show_default=True, help="Of one gene.")
@click.option("--prior", type=common.INPUT, default=None, help="Network whose edges alone are considered.")
@click.option(
    "--binarize",
    type=click.Choice(["kmeans", "edge-detector", "scan-statistic"]),
    default=None,
    help="Make expression binary first.",
)
@click.option("--probabilistic", is_flag=True, help="Keep every rule that fits equally well.")
@click.option("--candidates", type=common.INPUT, default=None, help="Table of all rules that fit equally well.")
@common.workers_option
@common.force_option
def reconstruct_command(series: tuple[Path, ...], output: Path, method: str, max_regulators: int, prior: Path | None,
                        binarize: str | None, probabilistic: bool, candidates: Path | None, num_workers: int | None,
                        force: bool) -> None:  # fmt: skip
    """Find rules that explain time series, and write them as a network.

    SERIES are tables of time points x genes (csv, tsv, parquet); consecutive rows are transitions.
    """
    common.check_outputs(output, candidates, force=force)
    from reguloom import io, mechanistic

    tables: list[Any] = [io.read_table(path) for path in series]
    if binarize is not None:
        tables = _binarized(tables, binarize)
    found = mechanistic.reconstruct(
        tables,
        method=method,
        max_regulators=max_regulators,
        prior=None if prior is None else io.read_network(prior),
        probabilistic=probabilistic,
        n_jobs=num_workers,
    )
    mechanistic.write(found.network, output, force=force)
    if candidates is not None:
        _write(found.candidates.set_index("gene"), candidates, label="gene", force=force)
    if found.unexplained:
        click.echo(f"no rule for {', '.join(found.unexplained)}: written as inputs", err=True)


def _binarized(tables: list[pd.DataFrame], method: str) -> list[pd.DataFrame]:
    """Make several series binary with one threshold for each gene."""
    import pandas as pd

    from reguloom import mechanistic

    joined = pd.concat(tables, keys=range(len(tables)))
    flat = joined.set_axis([str(i) for i in range(len(joined))])
    states = mechanistic.binarize_expression(flat, method=method).states.set_axis(joined.index)
    return [states.loc[i] for i in range(len(tables))]


for made in (
    attractors_command,
    simulate_command,
    perturb_command,
    convert_command,
    robustness_command,
    reconstruct_command,
):
    command.add_command(made)
