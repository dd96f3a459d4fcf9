"""``reguloom oracle base-grn``: peaks, promoters, genome and motifs in, a base network out."""

from __future__ import annotations

from pathlib import Path

import rich_click as click

from reguloom.cli import _common as common


@common.command("base-grn")
@click.argument("peaks", type=common.INPUT)
@click.option("--tss", required=True, type=common.INPUT, help="BED of promoter windows: chromosome, start, end, gene.")
@click.option("--genome", required=True, type=common.INPUT, help="FASTA of the genome.")
@click.option("--motifs", required=True, type=common.INPUT, help="Motif file or folder (MEME, JASPAR, Cluster-Buster).")
@click.option("--factors", required=True, type=common.INPUT, help="Table: motif, factor.")
@click.option("--coaccessibility", type=common.INPUT, default=None, help="Table: Peak1, Peak2, coaccess (Cicero).")
@click.option("--min-coaccess", type=click.FloatRange(0, 1), default=0.8, show_default=True,
              help="Least co-accessibility of a distal peak.")  # fmt: skip
@click.option("--fpr", type=click.FloatRange(0, 1, min_open=True), default=0.02, show_default=True,
              help="Share of random sequences in which a motif may be found.")  # fmt: skip
@click.option("--threshold", type=float, default=10.0, show_default=True, help="Least sum of a motif's hit scores.")
@click.option("--genes", type=common.INPUT, default=None,
              help="Expression matrix whose gene names the factors' are checked against.")  # fmt: skip
@common.output_option
@common.seed_option
@common.workers_option
@common.force_option
def command(
    peaks: Path, tss: Path, genome: Path, motifs: Path, factors: Path, coaccessibility: Path | None,
    min_coaccess: float, fpr: float, threshold: float, genes: Path | None, output: Path, seed: int,
    num_workers: int | None, force: bool,
) -> None:  # fmt: skip
    """Make a base network from PEAKS (BED, or names like chr1_100_600): which factor may regulate which gene.

    Write it to .parquet, .csv or .tsv; `reguloom oracle fit --base-network` takes it.
    """
    if common.is_stdout(output):
        msg = "a base network goes to a file: -o base.parquet."
        raise click.UsageError(msg)
    common.check_outputs(output, force=force)
    from reguloom import io, oracle

    names = None if genes is None else list(io.read(genes).var_names)
    network = oracle.base_network(
        peaks, tss, genome, motifs=motifs, factors=factors, coaccessibility=coaccessibility, min_coaccess=min_coaccess,
        fpr=fpr, threshold=threshold, genes=names, rng=seed, n_jobs=num_workers,
    )  # fmt: skip
    dialect = "auto" if output.suffix == ".parquet" else "native"
    io.write_network(network, output, dialect=dialect, force=force)
    click.echo(repr(network), err=True)
