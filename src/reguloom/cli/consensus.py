"""``reguloom consensus``: the results of several runs in, what comes back in them out."""

from __future__ import annotations

from pathlib import Path

import rich_click as click

from reguloom.cli._common import INPUT, check_outputs, force_option, output_option
from reguloom.cli._common import command as make_command

_REGULON_SUFFIXES = {".gmt", ".json", ".yaml", ".yml"}


@make_command("consensus")
@click.argument("runs", type=INPUT, nargs=-1, required=True)
@output_option
@click.option("--regulons", is_flag=True, help="The runs are regulons; gmt, json and yaml are taken so anyway.")
@click.option(
    "--top",
    type=click.IntRange(min=1),
    default=None,
    help="Strongest edges of each network that count as found.  [default: all]",
)
@click.option(
    "--min-recurrence",
    type=click.FloatRange(0, 1),
    default=None,
    help="Keep what is found in at least this share of the runs.  [default: 0; regulons: 0.8]",
)
@click.option(
    "--min-genes",
    type=click.IntRange(min=1),
    default=5,
    show_default=True,
    help="Keep regulons with at least this many targets left.",
)
@click.option(
    "--weight",
    type=click.Choice(["recurrence", "mean"]),
    default="recurrence",
    show_default=True,
    help="What the weights become: the share of the runs, or the mean weight.",
)
@force_option  # fmt: skip
def command(
    runs: tuple[Path, ...], output: Path, regulons: bool, top: int | None, min_recurrence: float | None,
    min_genes: int, weight: str, force: bool,
) -> None:  # fmt: skip
    """Merge several runs (other seeds, other cells) into the edges or regulons that come back.

    RUNS are networks (csv, tsv, parquet) or regulons (gmt, json, yaml, motif tables with --regulons).
    """
    from reguloom import grn, io
    from reguloom.cli._common import is_stdout
    from reguloom.cli.grn import write

    check_outputs(output, force=force)
    if len(runs) < 2:
        msg = "give the files of at least 2 runs."
        raise click.UsageError(msg)
    if regulons or all(path.suffix.lower() in _REGULON_SUFFIXES for path in runs):
        if is_stdout(output):
            msg = "regulons are written to a file: give -o FILE (.gmt, .json, .yaml)."
            raise click.UsageError(msg)
        merged = grn.consensus_regulons(
            [io.read_regulons(path) for path in runs],
            min_recurrence=0.8 if min_recurrence is None else min_recurrence,
            min_genes=min_genes,
            weight=weight,
        )
        io.write_regulons(merged, output, force=force)
        return
    networks = [io.read_network(path) for path in runs]
    kind = "importance" if weight == "mean" else weight
    write(grn.consensus(networks, top=top, min_recurrence=min_recurrence or 0.0, weight=kind), output, force=force)
