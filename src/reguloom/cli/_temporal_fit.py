"""``reguloom temporal fit``: modules, timing, what they are worth, and figures, into a folder."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import rich_click as click

from reguloom.cli import _common as common
from reguloom.cli._temporal_options import (
    course_options,
    fit_options,
    fitted,
    read_course,
    read_data,
    reading_options,
    summary,
)

FILES = ("modules.csv", "timing.csv", "benchmark.csv", "result.h5ad")
MOTIF_FILES = ("motifs.csv", "factors.csv", "contrast.csv")


@common.command("fit")
@click.argument("data", type=common.INPUT, nargs=-1, required=True, metavar="INPUT...")
@click.option("-o", "--output", required=True, type=click.Path(path_type=Path), help="Folder for the results.")
@reading_options
@course_options
@fit_options
@click.option("--rankings", multiple=True, type=common.INPUT, help="Motif ranking databases: motifs of each module.")
@click.option("--annotations", type=common.INPUT, default=None, help="Motif annotations, with --rankings.")
@common.seed_option
@common.workers_option
@common.force_option
def command(
    data: tuple[Path, ...], output: Path, rankings: tuple[Path, ...], annotations: Path | None, seed: int,
    num_workers: int | None, force: bool, **options: Any,
) -> None:  # fmt: skip
    """Group the genes of INPUT by their course in time; several files are replicates.

    The folder gets modules.csv (Gene,Cluster), module_<name>.csv, timing.csv, benchmark.csv (the method beside every
    baseline), result.h5ad (which plot and motifs take), figures/, and with --rankings motifs.csv, factors.csv and
    contrast.csv. An interrupted run goes on where it stopped when the same command is given again.
    """
    if bool(rankings) != bool(annotations):
        msg = "motifs need both --rankings and --annotations; give both, or neither."
        raise click.UsageError(msg)
    names = [*FILES, *(MOTIF_FILES if rankings else ())]
    common.check_outputs(*(output / name for name in names), force=force)
    from reguloom._errors import EmptyResultError
    from reguloom.pipeline._temporal_work import draw_course

    course = read_course(read_data(data, options), options)
    partial = output / "checkpoints.partial"
    again = {"folder": partial, "resume": partial.exists() and not force} if options["method"] == "vrnn" else {}
    if force and partial.exists():
        shutil.rmtree(partial)
    result = fitted(course, options, seed, num_workers, **again)
    old = set(output.glob("module_*.csv")) if force else set()
    paths = result.write(output, force=force)
    for stale in old - set(paths.values()):
        stale.unlink()  # of a module that is no more
    lines = summary(result)
    draw_course(result, output / "figures")
    if rankings and result.names:
        from reguloom.cli._temporal_motifs import write_motifs

        try:
            lines += write_motifs(result.modules, result.timing, rankings, annotations, output, seed=seed,
                                  num_workers=num_workers, force=force)  # fmt: skip
        except EmptyResultError as error:  # the modules are written, and are worth having without motifs
            lines.append(f"note: no motifs, since {error}")
    if partial.exists():
        shutil.rmtree(partial)
    for line in lines:
        click.echo(line)
