"""``reguloom temporal links``: peaks that go with a gene from cell to cell."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import rich_click as click

from reguloom.cli import _common as common
from reguloom.cli._temporal_options import read_data, read_labels, reading_options


@common.command("links")
@click.argument("peaks", type=common.INPUT)
@click.option("--expression", type=common.INPUT, default=None,
              help="Expression of the same cells (.h5ad).  [default: gene activity made of the peaks]")  # fmt: skip
@click.option("--modules", type=common.INPUT, default=None, help="Table Gene,Cluster: link its genes alone.")
@click.option("--groupby", default=None, metavar="KEY", help="Column with the cell type.")
@click.option("--condition", default=None, metavar="KEY", help="Column with the condition.")
@click.option("--distance", type=click.IntRange(min=1), default=250_000, show_default=True,
              help="Bases from the start of transcription.")  # fmt: skip
@click.option("--n-metacells", type=click.IntRange(min=2), default=500, show_default=True, help="Metacells at most.")
@click.option("--n-neighbors", type=click.IntRange(min=5), default=100, show_default=True, help="Cells in each.")
@click.option("--fdr", type=click.FloatRange(0, 1, min_open=True), default=0.05, show_default=True,
              help="False discovery rate up to which pairs are called linked.")  # fmt: skip
@click.option("--lag", is_flag=True,
              help="Add by how many hours the peak's mean course leads the gene's (8 times or more).")  # fmt: skip
@reading_options
@common.output_option
@common.seed_option
@common.workers_option
@common.force_option
def command(
    peaks: Path, output: Path, expression: Path | None, modules: Path | None, seed: int, num_workers: int | None,
    force: bool, **options: Any,
) -> None:  # fmt: skip
    """Link genes to PEAKS by correlation over metacells of one time, against matched peaks of other chromosomes.

    Every pair within --distance is written, also those that are not linked: gene, peak, distance, r, p, q.
    """
    if options["genes"] is None:
        msg = "links need to know where genes lie: give --genes FILE (csv, tsv, BED or GTF)."
        raise click.UsageError(msg)
    common.check_outputs(output, force=force)
    from reguloom import io, temporal

    opened = read_data((peaks,), options, keep_peaks=True)
    if expression is None:
        values = temporal.gene_activity(opened, options["genes"])
    else:
        values = temporal.read(expression, time=options["time"], unit=options["unit"])
    only = None if modules is None else list(read_labels(modules).index)
    names = ("groupby", "condition", "distance", "n_metacells", "n_neighbors", "fdr", "lag")
    table = temporal.links(values, opened, options["genes"], only=only, rng=seed, n_jobs=num_workers,
                           **{name: options[name] for name in names})  # fmt: skip
    about = table.attrs
    table.attrs = {}
    io.write_table(table.set_index("gene"), output, index_label="gene", force=force)
    click.echo(f"{about['n_linked']} of {len(table)} pairs are linked ({about['n_metacells']} metacells)", err=True)
    for note in about["notes"]:
        click.echo(f"note: {note}", err=True)
