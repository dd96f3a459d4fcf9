"""``reguloom temporal times``: when each gene answers."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import rich_click as click

from reguloom.cli import _common as common
from reguloom.cli._temporal_options import course_options, read_course, read_data, reading_options


@common.command("times")
@click.argument("data", type=common.INPUT, nargs=-1, required=True, metavar="INPUT...")
@reading_options
@course_options
@click.option("--fdr", type=click.FloatRange(0, 1, min_open=True), default=0.05, show_default=True,
              help="Genes up to this false discovery rate are called dynamic.")  # fmt: skip
@click.option("--all", "every", is_flag=True, help="Also genes that do not move.")
@click.option("--n-draws", type=click.IntRange(min=2), default=100, show_default=True,
              help="Draws behind the intervals.")  # fmt: skip
@common.output_option
@common.seed_option
@common.force_option
def command(
    data: tuple[Path, ...], output: Path, fdr: float, every: bool, n_draws: int, seed: int, force: bool, **options: Any
) -> None:
    """Write onset, half-time, peak, duration and retention of the genes of INPUT that move, with intervals.

    Needs no learned model. Times are in hours; no interval is narrower than the sampling.
    """
    common.check_outputs(output, force=force)
    from reguloom import io, temporal
    from reguloom._errors import EmptyResultError

    course = read_course(read_data(data, options), options)
    tested = temporal.dynamic_genes(course, fdr=fdr)
    chosen = tested.index if every else tested.index[tested["dynamic"]]
    if len(chosen) == 0:
        msg = (
            f"none of {len(tested)} genes moves at a false discovery rate of {fdr:g}; --all writes every gene's times."
        )
        raise EmptyResultError(msg)
    table = temporal.timing(course, genes=list(chosen), n_draws=n_draws, rng=seed)
    joined = table.merge(tested[["q", "dynamic"]].rename_axis("gene").reset_index(), on="gene", how="left")
    io.write_table(joined.set_index("gene"), output, index_label="gene", force=force)
    click.echo(f"{int(tested['dynamic'].sum())} of {len(tested)} genes move (FDR {fdr:g})", err=True)
