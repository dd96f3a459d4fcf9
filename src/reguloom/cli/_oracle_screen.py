"""``reguloom oracle screen``: every factor knocked out, into a folder."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

import rich_click as click

from reguloom.cli import _common as common
from reguloom.cli._oracle_options import (
    development_options,
    fit_options,
    fit_settings,
    read_development,
    read_lineages,
)

if TYPE_CHECKING:
    import pandas as pd

_N_FIGURES = 3


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
@common.force_option
def command(adata: Path, output: Path, seed: int, num_workers: int | None, force: bool, **options: Any) -> None:
    """Fit a network to ADATA, knock every factor out, and rank the factors by lineage.

    The folder gets screen.csv, network.parquet, figures/ and result.h5ad (which `reguloom oracle simulate` takes).
    An interrupted run goes on where it stopped when the same command is given again.
    """
    from reguloom import io, oracle
    from reguloom.oracle.persistence import write_oracle

    files = [output / name for name in ("screen.csv", "network.parquet", "result.h5ad")]
    common.check_outputs(*files, force=force)
    reading = {name: options.pop(name) for name in ("transpose", "cell_id_attribute", "gene_attribute")}
    cells = common.read_matrix(adata, **reading)
    labels = read_lineages(cells, options["lineages"])
    field = read_development(cells, options, num_workers)
    model = oracle.fit(cells, options["base_network"], rng=seed, n_jobs=num_workers, **fit_settings(options))
    checkpoint = output / "screen.partial.jsonl"
    table = oracle.screen(
        model, field, perturbations=_asked(model, options), lineages=labels, nulls=options["nulls"],
        n_null=options["n_null"], n_bootstrap=options["n_bootstrap"], checkpoint=checkpoint,
        resume=checkpoint.exists() and not force,
        rng=seed, n_jobs=num_workers,
    )  # fmt: skip
    io.write_table(table.set_index("gene"), files[0], index_label="gene", force=force)
    io.write_network(model.network, files[1], force=force)
    write_oracle(model, files[2], adata=cells, screen=table, development=field, force=force)
    _draw(model, field, table, options, output / "figures")
    checkpoint.unlink(missing_ok=True)
    for line in _summary(table):
        click.echo(line)


def _asked(model: Any, options: dict[str, Any]) -> list[str] | None:
    """Return the genes and pairs to knock out; None for every single gene."""
    if not options["pairs"]:
        return list(options["genes"]) or None
    return [*(options["genes"] or map(str, model.regulators)), *options["pairs"]]


def _draw(model: Any, field: Any, table: pd.DataFrame, options: dict[str, Any], folder: Path) -> None:
    """Draw the rankings, the groups' networks, and the flow and scores of the strongest factors."""
    from reguloom import oracle, pl
    from reguloom.core import Perturbation

    folder.mkdir(parents=True, exist_ok=True)
    pl.development(field).savefig(folder / "development.png")
    for name in dict.fromkeys(table["lineage"]):
        pl.tf_ranking(table, lineage=name).savefig(folder / f"ranking_{_file_name(name)}.png")
        if "p" in table:
            pl.tf_volcano(table, lineage=name).savefig(folder / f"volcano_{_file_name(name)}.png")
    if table["lineage"].nunique() > 1:
        pl.tf_heatmap(table).savefig(folder / "heatmap.png")
    for name in model.network.groups:
        pl.network(model.network.filter(group=name), title=str(name)).savefig(
            folder / f"network_{_file_name(name)}.png"
        )
    first = table[table["lineage"] == table["lineage"].iloc[0]]
    groups = list(map(str, model.groups)) if options["groupby"] else None
    for name in first["gene"].head(_N_FIGURES):
        prediction = model.predict(Perturbation.knockout(name))
        score = oracle.perturbation_score(prediction, field)
        pl.oracle_flow(score, groups=groups).savefig(folder / f"flow_{_file_name(name)}.png")
        pl.perturbation_score(score).savefig(folder / f"score_{_file_name(name)}.png")


def _file_name(name: object) -> str:
    """Return a name without what a file's must not hold."""
    return re.sub(r"[^\w.+-]+", "_", str(name))


def _summary(table: pd.DataFrame) -> list[str]:
    """Return a few lines for the terminal."""
    lines = []
    for name, rows in table.groupby("lineage", sort=False):
        against = rows[rows["net"] < 0]["gene"].head(5)
        along = rows[rows["net"] > 0]["gene"].head(5)
        called = f", {int((rows['q'] < 0.05).sum())} of {len(rows)} with q < 0.05" if "q" in rows else ""
        toward = f"against development {', '.join(against) or '-'}; along it {', '.join(along) or '-'}"
        lines.append(f"{name}: {toward}{called}")
    return lines
