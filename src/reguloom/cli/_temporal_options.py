"""Options that the subcommands of ``reguloom temporal`` share, and how they read a time course."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import rich_click as click

from reguloom.cli import _common as common

if TYPE_CHECKING:
    import pandas as pd
    from anndata import AnnData

    from reguloom.temporal import TemporalModules, TimeCourse

METHODS = ("vrnn", "kmeans", "pca-gmm", "gp-mixture", "dtw", "fuzzy", "half-time", "weighted")

reading_options = common.apply(
    click.option("--time", default=None, metavar="KEY", help="Column with the time.  [default: found by its name]"),
    click.option("--unit", default=None, metavar="UNIT", help="Unit of bare numbers: s, min, h, d, w.  [default: h]"),
    click.option("--times", "times", multiple=True, metavar="LABEL=TIME",
                 help="Times of labels that say none (T1=24h), or of the columns in order (0,3h,1d)."),
    click.option("--samples", type=common.INPUT, default=None,
                 help="Table of samples or cells: their time, group, replicate."),
    click.option("--genes", type=common.INPUT, default=None, help="Where genes lie (csv, tsv, BED, GTF), for peaks."),
    click.option("--layer", default=None, help="Layer of an AnnData file.  [default: X]"),
    click.option("--metadata", multiple=True, metavar="KEY", help="Columns of a table of cells that are no genes."),
    click.option("--bulk/--cells", "bulk", default=None, show_default="by their number",
                 help="Whether samples are independent, or cells."),
)  # fmt: skip
course_options = common.apply(
    click.option("--groupby", default=None, metavar="KEY", help="Column with the cell type: a track for each."),
    click.option("--condition", default=None, metavar="KEY", help="Column with the condition: a track for each."),
    click.option("--batch", default=None, metavar="KEY", help="Column with replicate, batch or donor."),
    click.option("--likelihood", type=click.Choice(["auto", "nb", "poisson", "gaussian", "tweedie"]), default="auto",
                 show_default=True, help="Of the data; auto takes nb for counts and gaussian otherwise."),
    click.option("--n-bins", type=click.IntRange(min=2), default=None,
                 help="Take the time as pseudotime and cut it into so many bins."),
    click.option("--pool", is_flag=True, help="Pool cell types or conditions all the same."),
    click.option("--accept-aliasing", is_flag=True, help="Go on although every batch holds one time."),
)  # fmt: skip
fit_options = common.apply(
    click.option("-m", "--method", type=click.Choice(METHODS), default="vrnn", show_default=True,
                 help="How genes are grouped; vrnn needs the extra deep."),
    click.option("-k", "--n-modules", type=click.IntRange(min=1), default=None, show_default="chosen",
                 help="Number of modules."),
    click.option("--max-modules", type=click.IntRange(min=1), default=12, show_default=True,
                 help="Largest number that is tried."),
    click.option("--fdr", type=click.FloatRange(0, 1, min_open=True), default=0.05, show_default=True,
                 help="False discovery rate of the test for a course."),
    click.option("--n-top", type=click.IntRange(min=0), default=2000, show_default=True,
                 help="Most genes that are grouped; 0 for all that move."),
    click.option("--n-seeds", type=click.IntRange(min=2), default=3, show_default=True,
                 help="Splits of the data, and networks."),
    click.option("--n-draws", type=click.IntRange(min=1), default=50, show_default=True,
                 help="Draws of each network behind the consensus."),
    click.option("--max-epochs", type=click.IntRange(min=1), default=None, help="Most passes over the genes."),
    click.option("--compat", type=click.Choice(["chung", "vrnn-gene-clustering"]), default=None,
                 help="The network of Chung et al. 2015, or the original's network and gene selection."),
    click.option("--truth", type=common.INPUT, default=None, help="Table Gene,Cluster to hold the modules against."),
    click.option("--device", default="cpu", show_default=True, help="cpu, cuda ..."),
)  # fmt: skip


def read_data(paths: tuple[Path, ...], options: dict[str, Any], *, keep_peaks: bool = False) -> AnnData:
    """Return cells or samples × genes of the files that a command was given."""
    from reguloom import temporal

    names = ("layer", "time", "unit", "samples", "genes", "metadata", "bulk")
    given = {name: options[name] for name in names}
    return temporal.read(paths, times=_times(options["times"]), keep_peaks=keep_peaks, **given)


def read_course(data: AnnData, options: dict[str, Any]) -> TimeCourse:
    """Return the time course of the data."""
    from reguloom import temporal

    names = ("groupby", "condition", "batch", "likelihood", "n_bins", "pool", "accept_aliasing")
    return temporal.as_course(data, **{name: options[name] for name in names})


def fitted(course: TimeCourse, options: dict[str, Any], seed: int, num_workers: int | None, **more: Any) -> Any:
    """Return the result of a fit."""
    from reguloom import temporal

    check_method(options["method"])
    names = ("method", "n_modules", "max_modules", "fdr", "n_seeds", "n_draws", "compat", "device")
    given = {name: options[name] for name in names}
    epochs = {} if options["max_epochs"] is None else {"max_epochs": options["max_epochs"]}
    truth = None if options["truth"] is None else read_labels(options["truth"])
    return temporal.fit(course, n_top=options["n_top"] or None, options=epochs, truth=truth, rng=seed,
                        n_jobs=num_workers or 1, **given, **more)  # fmt: skip


def check_method(method: str) -> None:
    """Say at once that the network needs PyTorch, and what does not.

    Raises
    ------
    MissingDependencyError
        If it is not installed.
    """
    from importlib.util import find_spec

    from reguloom._errors import MissingDependencyError

    if method == "vrnn" and find_spec("torch") is None:
        msg = (
            "method vrnn needs PyTorch, which is not installed; run: pip install 'reguloom[deep]', or give a method "
            f"that needs none (--method {METHODS[2]})."
        )
        raise MissingDependencyError(msg)


def read_labels(path: Path) -> pd.Series:
    """Return gene → module of a table ``Gene,Cluster``, as this program and the original write it.

    Raises
    ------
    InputError
        If the table has not two such columns, or names a gene twice.
    """
    import pandas as pd

    from reguloom._errors import InputError
    from reguloom._reading import read_frame

    frame = read_frame(path, what="table of modules", sep=None, engine="python", dtype=str, keep_default_na=False)
    plain = {str(name).strip().lower(): name for name in frame.columns}
    gene = plain.get("gene", plain.get("genes"))
    label = next((plain[name] for name in ("cluster", "module") if name in plain), None)
    if gene is None or label is None:
        msg = (
            f"{path} has the columns {', '.join(map(str, frame.columns[:6]))}; a table of modules has Gene and Cluster."
        )
        raise InputError(msg)
    labels = pd.Series(frame[label].to_numpy(), index=frame[gene].to_numpy(), name="module")
    if labels.index.duplicated().any():
        msg = f"{path} names {labels.index[labels.index.duplicated()][0]!r} twice; give each gene one module."
        raise InputError(msg)
    return labels


def summary(result: TemporalModules) -> list[str]:
    """Return a few lines for the terminal."""
    dynamic = int(result.genes["dynamic"].sum()) if "dynamic" in result.genes else len(result.membership)
    lines = [f"{dynamic} of {len(result.genes)} genes move; {len(result.names)} modules ({result.method})"]
    for row in result.summary.itertuples():
        sure = "" if row.stability != row.stability else f", stability {row.stability:.2f}"
        kind = getattr(row, "_4", None) or result.summary.loc[row.Index, "class"]
        lines.append(f"{row.module}: {row.n_genes} genes, half-time {row.half_time:.3g} h, {kind}{sure}")
    unassigned = int((result.modules == "unassigned").sum())
    if unassigned:
        lines.append(f"unassigned: {unassigned} genes")
    return [*lines, *([result.banner] if result.banner else []), *(f"note: {one}" for one in result.notes)]


def _times(given: tuple[str, ...]) -> Any:
    """Return ``--times`` as a mapping of labels, a list, or None.

    Raises
    ------
    UsageError
        If labels and bare times are mixed.
    """
    parts = [part for text in given for part in text.split(",") if part.strip()]
    if not parts:
        return None
    labelled = [part for part in parts if "=" in part]
    if labelled and len(labelled) < len(parts):
        msg = f"--times {' '.join(given)}: give LABEL=TIME for each, or times alone for each column in order."
        raise click.UsageError(msg)
    return dict(part.split("=", 1) for part in parts) if labelled else parts
