"""``reguloom temporal``: which genes answer early, which late, and what drives them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import rich_click as click

from reguloom.cli import _common as common
from reguloom.cli._temporal_options import course_options, fit_options, fitted, read_course, read_data, reading_options
from reguloom.cli._temporal_options import summary as summary_of

FIGURES = (".png", ".pdf", ".svg")


class _Group(common.LazyGroup):
    """The subcommands; what is none of them is the input of the whole job in one line."""

    lazy = {
        "fit": ("_temporal_fit", "Modules, timing, benchmark and figures, into a folder."),
        "times": ("_temporal_times", "When each gene answers; no learned model needed."),
        "motifs": ("_temporal_motifs", "Motifs and factors that tell early modules from late ones."),
        "links": ("_temporal_links", "Peaks that go with a gene from cell to cell."),
        "plot": ("_temporal_plot", "Draw a result: modules, chosen genes, heatmap, timing ..."),
    }

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Put the hidden command before options of the one line, such as ``--input``."""
        own = {"-h", "--help", "-v", "--verbose", "-q", "--quiet", "-vv", "-qq"}
        if args and args[0].startswith("-") and args[0] not in own:
            args = ["draw", *args]
        return super().parse_args(ctx, args)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Return a subcommand; a name with a suffix is a file, and so the whole job's."""
        if cmd_name == "draw" or (cmd_name not in self.lazy and Path(cmd_name).suffix):
            return draw
        return super().get_command(ctx, cmd_name)

    def resolve_command(self, ctx: click.Context, args: list[str]) -> Any:
        """Hand a file to the whole job as its input."""
        if args and args[0] not in ("draw", *self.lazy) and (Path(args[0]).suffix or Path(args[0]).exists()):
            return "draw", draw, args
        return super().resolve_command(ctx, args)


@click.group("temporal", cls=_Group, context_settings=common.CONTEXT)
@common.verbosity_options
def command() -> None:
    """Early and late responders: gene modules by their course in time, and when each gene answers.

    The whole job in one line: reguloom temporal INPUT.csv --output figure.png. INPUT is a table of cells with a column
    of times, an AnnData file, genes x time points, genes x samples with a table of samples, or peaks.
    """


@common.command("draw", hidden=True)
@click.argument("data", type=common.INPUT, nargs=-1)
@click.option("--input", "-i", "given", type=common.INPUT, multiple=True, help="Input, as the original names it.")
@click.option("-o", "--output", required=True, type=click.Path(path_type=Path), help="Figure (.png, .pdf, .svg).")
@click.option("--labels", type=click.Path(path_type=Path), default=None, help="Also write the modules (Gene,Cluster).")
@reading_options
@course_options
@fit_options
@common.seed_option
@common.workers_option
@common.force_option
def draw(
    data: tuple[Path, ...], given: tuple[Path, ...], output: Path, labels: Path | None, seed: int,
    num_workers: int | None, force: bool, **options: Any,
) -> None:  # fmt: skip
    """Fit INPUT and draw its modules."""
    if not (data or given):
        msg = "an input is missing: reguloom temporal INPUT.csv --output figure.png."
        raise click.UsageError(msg)
    if output.suffix.lower() not in FIGURES:
        msg = (
            f"-o {output}: a figure is written to {', '.join(FIGURES)}; a folder of results is made by 'temporal fit'."
        )
        raise click.UsageError(msg)
    common.check_outputs(output, labels, force=force)
    from reguloom import pl
    from reguloom._files import atomic_write

    result = fitted(read_course(read_data((*data, *given), options), options), options, seed, num_workers)
    lines = summary_of(result)
    if not result.names:
        from reguloom._errors import EmptyResultError

        msg = f"{lines[0]}: there is no module to draw, and nothing was written."
        raise EmptyResultError(msg)
    with atomic_write(output, force=force) as temporary:
        pl.temporal_courses(result).savefig(temporary)
    if labels is not None:
        write_labels(result.modules, labels, force=force)
    for line in lines:
        click.echo(line)


def write_labels(modules: Any, path: Path, *, force: bool) -> None:
    """Write ``Gene,Cluster`` for every gene that moves."""
    from reguloom._files import atomic_write

    grouped = modules[modules != "static"].rename_axis("Gene").rename("Cluster").reset_index()
    with atomic_write(path, force=force) as temporary:
        grouped.to_csv(temporary, index=False, lineterminator="\n")
