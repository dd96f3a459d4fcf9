"""``reguloom demo``: a run on a simulated world, scored against the truth."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import rich_click as click

from reguloom.cli import _common
from reguloom.cli._common import force_option, seed_option, workers_option

if TYPE_CHECKING:
    import pandas as pd


@_common.command("demo")
@click.option("-o", "--output", type=click.Path(path_type=Path), default="reguloom-demo", show_default=True,
              help="Folder for the world and the results.")  # fmt: skip
@click.option("--cells", type=click.IntRange(min=100), default=2500, show_default=True, help="Cells to simulate.")
@seed_option
@workers_option
@force_option
def command(output: Path, cells: int, seed: int, num_workers: int | None, force: bool) -> None:
    """Simulate cells from a known network, find its regulons, and show how much was recovered.

    Every number stands beside that of a plain rank correlation put through the same steps.
    """
    from reguloom.pipeline.demo import run_demo

    result = run_demo(output, n_cells=cells, seed=seed, n_jobs=num_workers, force=force)
    _show("Ranking all TF-gene pairs: how early do the true ones come?", result.edges)
    _show("Calling targets: how many are true?", result.regulons)
    _show("Activity: does a regulon show what its TF does?", result.correlation)
    _show("Specificity: is the top regulon of each cell type a driver of it?", result.activity)
    click.echo(f"\nOpen {output}/report.html in a browser: the regulons, the knock-outs, and how they were judged.")
    click.echo(f"{output}/result/README.txt says what lies where; {output}/input holds the files to try commands on,")
    click.echo(f"and reguloom run {output}/run.toml does the run again after a change.")


def _show(title: str, table: pd.DataFrame) -> None:
    """Print one table with its title."""
    click.secho(f"\n{title}", bold=True)
    click.echo(_aligned(table))


def _aligned(table: pd.DataFrame) -> str:
    """Return the table as text, counts whole, other numbers with three digits, a dash where there is no value."""
    import pandas as pd

    def write(value: object, *, whole: bool) -> str:
        if isinstance(value, float):
            return "-" if value != value else f"{value:.0f}" if whole else f"{value:.3f}"
        return str(value)

    columns = {
        name.removeprefix("n_").replace("_", " "): [write(value, whole=name.startswith("n_")) for value in table[name]]
        for name in table.columns
    }
    return pd.DataFrame(columns, index=list(table.index)).to_string()
