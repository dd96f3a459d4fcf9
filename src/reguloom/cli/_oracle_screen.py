"""``reguloom oracle screen``: every factor knocked out, into a folder."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import rich_click as click

from reguloom.cli import _common as common
from reguloom.cli._oracle_options import (
    development_options,
    fit_options,
    fit_settings,
    read_development,
    read_lineages,
)


@common.command("screen")
@click.argument("adata", type=common.INPUT)
@click.option("--pairs", multiple=True, metavar="A+B", help="Pairs of genes to knock out besides every single one.")
@click.option("--genes", multiple=True, metavar="GENE", help="Knock these out alone.  [default: every one that can be]")
@click.option("--lineages", default=None, metavar="KEY",
              help="Column of obs whose groups are scored apart.  [default: that of --groupby]")  # fmt: skip
@click.option("--nulls", multiple=True, type=click.Choice(["rewired", "matched", "block"]),
              default=("rewired", "matched", "block"), show_default=True, help="Null distributions.")  # fmt: skip
@click.option("--n-null", type=click.IntRange(min=5), default=100, show_default=True, help="Draws of each.")
@click.option("--n-bootstrap", type=click.IntRange(min=0), default=100, show_default=True,
              help="Draws behind the intervals.")  # fmt: skip
@click.option("-o", "--output", required=True, type=click.Path(path_type=Path), help="Folder for the results.")
@fit_options
@development_options
@common.matrix_options
@common.seed_option
@common.workers_option
@common.scheduler_option
@common.shard_option("Do the I-th of N parts of the work; the same command without --shard puts them together.")
@common.force_option
def command(
    adata: Path, output: Path, seed: int, num_workers: int | None, scheduler: str | None, shard: str | None,
    force: bool, **options: Any,
) -> None:  # fmt: skip
    """Fit a network to ADATA, knock every factor out, and rank the factors by lineage.

    The folder gets screen.csv, network.parquet, figures/ and result.h5ad (which `reguloom oracle simulate` takes).
    An interrupted run goes on where it stopped when the same command is given again.
    """
    from reguloom import oracle, pipeline
    from reguloom.pipeline import _oracle_work as work

    common.check_outputs(*(output / name for name in (work.SCREEN, work.NETWORK, work.MODEL)), force=force)
    reading = {name: options.pop(name) for name in ("transpose", "cell_id_attribute", "gene_attribute")}
    cells = common.read_matrix(adata, **reading)
    labels = read_lineages(cells, options["lineages"])
    field = read_development(cells, options, num_workers)
    screening = {name: options[name] for name in ("genes", "pairs", "nulls", "n_null", "n_bootstrap")}
    with pipeline.scheduler(scheduler):
        model = oracle.fit(cells, options["base_network"], rng=seed, n_jobs=num_workers, **fit_settings(options))
        table = work.screen_into(
            output, model, field, cells=cells, checkpoint=output / "screen.partial.jsonl", resume=not force,
            force=force, lineages=labels, shard=shard, rng=seed, n_jobs=num_workers, **screening,
        )  # fmt: skip
    if shard is not None:
        click.echo(f"Shard {shard} is done; when all are, give the same command without --shard.")
        return
    for line in work.describe_screen(table):
        click.echo(line)
