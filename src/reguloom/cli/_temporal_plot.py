"""``reguloom temporal plot``: draw a result."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import rich_click as click

from reguloom.cli import _common as common
from reguloom.cli.temporal import FIGURES

KINDS = ("modules", "genes", "heatmap", "timing", "latent", "number", "stability", "training")


@common.command("plot")
@click.argument("result", type=common.INPUT)
@click.option("--kind", type=click.Choice(KINDS), default=None, show_default="genes with --genes, else modules",
              help="What to draw.")  # fmt: skip
@click.option("-g", "--genes", multiple=True, metavar="GENE", help="Genes by name; names not there are reported.")
@click.option("--track", default=None, help="Track of the timing.  [default: the first]")
@click.option("--n", "number", type=click.IntRange(min=1), default=4, show_default=True,
              help="Genes of each module, if none are named.")  # fmt: skip
@click.option("--map", "method", type=click.Choice(["pca", "tsne"]), default="pca", show_default=True,
              help="Map of the latents.")  # fmt: skip
@click.option("-o", "--output", required=True, type=click.Path(path_type=Path), help="Figure (.png, .pdf, .svg).")
@common.seed_option
@common.force_option
def command(
    result: Path, output: Path, kind: str | None, genes: tuple[str, ...], seed: int, force: bool, **options: Any
) -> None:
    """Draw RESULT, a folder of temporal fit or its result.h5ad."""
    if output.suffix.lower() not in FIGURES:
        msg = f"-o {output}: a figure is written to {', '.join(FIGURES)}."
        raise click.UsageError(msg)
    common.check_outputs(output, force=force)
    from reguloom._files import atomic_write
    from reguloom.temporal import TemporalModules

    figure = _draw(TemporalModules.read(result), kind or ("genes" if genes else "modules"), genes, seed, **options)
    with atomic_write(output, force=force) as temporary:
        figure.savefig(temporary)


def _draw(
    found: Any, kind: str, genes: tuple[str, ...], seed: int, *, track: str | None, number: int, method: str
) -> Any:
    """Return the figure.

    Raises
    ------
    EmptyResultError
        If the method has no training to draw.
    """
    from reguloom import pl
    from reguloom._errors import EmptyResultError

    named = list(genes) or None
    if kind == "training" and not len(found.history):
        msg = f"method {found.method} is not trained, so there are no curves; draw another kind."
        raise EmptyResultError(msg)
    match kind:
        case "genes":
            return pl.temporal_genes(found, named, n=number, rng=seed)
        case "heatmap":
            return pl.temporal_heatmap(found, genes=named)
        case "timing":
            return pl.temporal_timing(found.timing, named, track=track)
        case "latent":
            return pl.temporal_latent(found, method=method, rng=seed)
        case "number":
            return pl.temporal_number(found)
        case "stability":
            return pl.temporal_stability(found)
        case "training":
            return pl.training_curves(found.history.rename(columns={"seed": "member"}))
    return pl.temporal_courses(found)
