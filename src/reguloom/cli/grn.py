"""``reguloom grn``: expression and a list of regulators in, adjacencies out."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import rich_click as click

from reguloom.cli._activity import check_suffix
from reguloom.cli._common import (
    INPUT,
    apply,
    check_outputs,
    force_option,
    matrix_options,
    output_option,
    read_matrix,
    scheduler_option,
    seed_option,
    shard_option,
    workers_option,
)
from reguloom.cli._common import command as make_command

if TYPE_CHECKING:
    import pandas as pd

    from reguloom.core import Network

METHODS = ("grnboost2", "genie3", "extratrees", "pearson", "spearman", "partial_correlation", "reference")
SUFFIXES = (".csv", ".tsv", ".parquet")


_selection = apply(
    click.option("--min-cells", type=click.IntRange(min=0), default=0, show_default=True,
                 help="Leave out genes detected in fewer cells."),
    click.option("--min-fraction", type=click.FloatRange(0, 1), default=0.0, show_default=True,
                 help="Leave out genes detected in a smaller share of the cells."),
    click.option("--subsample", type=click.IntRange(min=1), default=None, help="Infer from this many random cells."),
    click.option("--stratify", default=None, metavar="KEY",
                 help="Column of obs: draw cells from each group in proportion."),
    click.option("--permutations", type=click.IntRange(min=1), default=None,
                 help="Add a p-value and FDR to each edge, from this many shuffles of each target."),
    click.option("--limit", type=click.IntRange(min=1), default=None, help="Write only the strongest edges."),
)  # fmt: skip
_running = apply(
    click.option("--checkpoint", type=INPUT, default=None, help="Folder that takes finished targets as they come."),
    click.option("--resume", is_flag=True, help="Go on with what the checkpoint holds."),
    shard_option("Fit the I-th of N parts; `reguloom merge` joins them."),
    click.option("--meta", type=INPUT, default=None, help="Also write trees and state of each target (csv or tsv)."),
)  # fmt: skip
_accepted = apply(
    click.option("--sparse", is_flag=True, help="Accepted; sparse input always stays sparse."),
    click.option("--client-or-address", default=None, help="Accepted and not used; see --scheduler."),
)


@make_command("grn")
@click.argument("expression", type=INPUT)
@click.argument("tfs", type=INPUT)
@output_option
@click.option("-m", "--method", default="grnboost2", show_default=True, type=click.Choice(METHODS),
              help="How regulators are weighed.")  # fmt: skip
@seed_option
@workers_option
@scheduler_option
@_selection
@_running
@matrix_options
@force_option
@_accepted
def command(
    expression: Path, tfs: Path, output: Path, method: str, num_workers: int | None, force: bool, meta: Path | None,
    layer: str | None, transpose: bool | None, cell_id_attribute: str, gene_attribute: str, scheduler: str | None,
    **options: Any,
) -> None:  # fmt: skip
    """Infer which transcription factors explain each gene's expression.

    EXPRESSION is a matrix (h5ad, loom, csv, tsv, 10x); TFS lists regulators, one a line.
    The output has the columns TF, target, importance (csv, tsv, also .gz, or parquet).
    """
    from reguloom import grn, io, pipeline

    _check(options, resume=options["resume"])
    check_suffix(output, SUFFIXES)
    check_outputs(output, meta, force=force)
    for name in ("sparse", "client_or_address"):
        options.pop(name)
    seed, permutations = options.pop("seed"), options.pop("permutations")
    names = io.read_genes(tfs)
    adata = read_matrix(
        expression, transpose=transpose, cell_id_attribute=cell_id_attribute, gene_attribute=gene_attribute
    )
    with pipeline.scheduler(scheduler):
        network, table = grn.infer(
            adata, names, layer=layer, method=method, rng=seed, n_jobs=num_workers, return_meta=True, **options
        )
    if permutations is not None:
        network = grn.permutation_fdr(
            network, adata, layer=layer, n_permutations=permutations, rng=seed, n_jobs=num_workers
        )
    write(network, output, force=force)
    if meta is not None:
        write_meta(table, meta, force=force)


def _check(options: dict[str, Any], *, resume: bool) -> None:
    """Refuse options that need another one."""
    if resume and options["checkpoint"] is None:
        msg = "--resume needs --checkpoint FOLDER, the folder that the interrupted run was given."
        raise click.UsageError(msg)


def write(network: Network, output: Path, *, force: bool) -> None:
    """Write a network to a file, or as csv to stdout."""
    import tempfile

    from reguloom import io
    from reguloom._errors import EmptyResultError
    from reguloom.cli._common import is_stdout

    if not len(network):
        msg = "no edge was found: no target is explained by a regulator; check the matrix and the list of regulators."
        raise EmptyResultError(msg)
    if not is_stdout(output):
        io.write_network(network, output, force=force)
        return
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "network.csv"
        io.write_network(network, path)
        with path.open(encoding="utf-8") as lines:
            for line in lines:
                click.echo(line, nl=False)


def write_meta(table: pd.DataFrame, path: Path, *, force: bool) -> None:
    """Write the table of targets."""
    from reguloom._files import atomic_write

    with atomic_write(path, force=force) as temporary:
        table.to_csv(temporary, sep="," if ".csv" in path.suffixes else "\t", index=False, lineterminator="\n")
