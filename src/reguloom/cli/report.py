"""``reguloom report``: one HTML file with everything that a run found."""

from __future__ import annotations

from pathlib import Path

import rich_click as click

from reguloom.cli import _common as common


@common.command("report")
@click.argument("sources", metavar="RUN_OR_H5AD...", nargs=-1, required=True, type=common.INPUT)
@click.option("-o", "--output", type=click.Path(path_type=Path), default="report.html", show_default=True,
              help="File to write.")  # fmt: skip
@click.option("--title", default=None, help="Title of the report.  [default: the name of the run]")
@click.option("--basis", default=None, help="Embedding to draw the cells on.  [default: UMAP, or the next best]")
@click.option("--groupby", default=None, metavar="KEY", help="Column of obs that cells are coloured by at first.")
@common.force_option
def command(
    sources: tuple[Path, ...], output: Path, title: str | None, basis: str | None, groupby: str | None, force: bool
) -> None:
    """Write one HTML file that opens offline, from the folder of a run, an h5ad file, or several of these.

    It holds the cells on their embedding, regulons, specificity, the network, knock-outs and a live what-if, rankings
    with their nulls, evaluations with their baselines, warnings, provenance and citations: whatever there is.
    """
    from reguloom import report

    made = report.build(list(sources), output, title=title, basis=basis, groupby=groupby, force=force)
    click.echo(f"Open {made} in a browser ({made.stat().st_size / 1e6:.1f} MB; nothing is fetched from the network).")
