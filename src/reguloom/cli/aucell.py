"""``reguloom aucell``: expression and regulons in, activity of each regulon in each cell out."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import rich_click as click

from reguloom.cli import _common as common
from reguloom.cli._activity import MATRICES, TABLES, check_suffix

if TYPE_CHECKING:
    from anndata import AnnData

_score_options = common.apply(
    click.option("-w", "--weights", is_flag=True, help="Targets count by their weight."),
    click.option("--auc-threshold", type=click.FloatRange(0, 1, min_open=True), default=0.05, show_default=True,
                 help="Share of a cell's ranking that scores."),
    click.option("-m", "--method", type=click.Choice(["pyscenic", "r"]), default="pyscenic", show_default=True,
                 help="pySCENIC's scores, or those of Bioconductor's AUCell."),
    click.option("--ties", type=click.Choice(["shuffle", "random", "order"]), default=None,
                 show_default="the method's", help="How genes of equal expression are put in order."),
    click.option("--min-overlap", type=click.FloatRange(0, 1), default=None, show_default="0.8; r: 0.2",
                 help="Share of a regulon's targets that must be in the matrix."),
    click.option("--normalize", is_flag=True, help="Divide each regulon by its largest score."),
)  # fmt: skip
_ignored_options = common.apply(
    click.option("--rank-threshold", type=int, default=None, help="Accepted; AUCell has no use for it."),
    click.option("--nes-threshold", type=float, default=None, help="Accepted; AUCell has no use for it."),
)  # fmt: skip


@common.command("aucell")
@click.argument("expression", type=common.INPUT)
@click.argument("signatures", type=common.INPUT)
@common.output_option
@_score_options
@common.seed_option
@common.workers_option
@click.option("--backed", is_flag=True, help="Leave the matrix of an h5ad file on disk (table output).")
@common.matrix_options
@common.force_option
@_ignored_options
def command(expression: Path, signatures: Path, output: Path, num_workers: int | None, force: bool,
            rank_threshold: int | None, nes_threshold: float | None, **options: Any) -> None:  # fmt: skip
    """Score how active each regulon is in each cell.

    EXPRESSION is a matrix (h5ad, loom, csv, tsv, 10x); SIGNATURES are regulons (motif table of ctx, gmt, json, yaml).
    The suffix of the output decides: csv, tsv (also .gz) or parquet for a table of cells x regulons; h5ad, zarr or
    loom for a copy of the input with the regulons and their scores, the loom as SCope reads it.
    """
    suffix = check_suffix(output, (*TABLES, *MATRICES))
    if options["backed"] and suffix not in TABLES:
        msg = "--backed writes tables alone; give an output that ends in .csv, .tsv or .parquet."
        raise click.UsageError(msg)
    common.check_outputs(output, force=force)
    from reguloom import activity, io
    from reguloom._logging import logger

    for name, value in (("--rank-threshold", rank_threshold), ("--nes-threshold", nes_threshold)):
        if value is not None:
            logger.info("%s is accepted for pySCENIC's sake and has no effect on AUCell", name)
    reading = ("transpose", "cell_id_attribute", "gene_attribute", "backed")
    regulons = io.read_regulons(signatures)
    adata = common.read_matrix(expression, **{name: options.pop(name) for name in reading})
    seed = options.pop("seed")
    if suffix in TABLES:
        scores = activity.aucell_frame(adata, regulons, rng=seed, n_jobs=num_workers, **options)
        io.write_table(scores, output, index_label="Cell", force=force)
        return
    regulons.to_adata(adata)
    activity.aucell(adata, regulons, rng=seed, n_jobs=num_workers, **options)
    _write(adata, output, seed, force=force)


def _write(adata: AnnData, output: Path, seed: int, *, force: bool) -> None:
    """Write the matrix with its scores; SCope's loom also gets the thresholds that its sliders start at."""
    from reguloom import activity, io

    if output.suffix.lower() != ".loom":
        io.write(adata, output, force=force)
        return
    thresholds = activity.find_thresholds(adata.obsm["aucell"], rng=seed)
    io.write_scope_loom(adata, output, thresholds=thresholds["threshold"], title=output.stem, force=force)
