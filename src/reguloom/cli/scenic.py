"""``reguloom scenic``: counts to regulons and their activity, into a folder."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import rich_click as click

from reguloom.cli import _common
from reguloom.cli._common import (
    INPUT,
    apply,
    force_option,
    matrix_options,
    read_matrix,
    seed_option,
    workers_option,
)
from reguloom.cli.grn import METHODS

if TYPE_CHECKING:
    from reguloom.pipeline import ScenicOptions

SHARE = click.FloatRange(0, 1, min_open=True)

_grn = apply(
    click.option("-m", "--method", type=click.Choice(METHODS), default="grnboost2", show_default=True,
                 help="Network inference method."),
    click.option("--min-cells", type=click.IntRange(min=0), default=0, show_default=True,
                 help="Leave out genes detected in fewer cells when the network is inferred."),
    click.option("--subsample", type=click.IntRange(min=1), default=None,
                 help="Infer the network on this many cells, score all."),
    click.option("--stratify", default=None, help="Column of obs within whose groups cells are drawn."),
)  # fmt: skip
_ctx = apply(
    click.option("--rank-threshold", type=int, default=None, help="Ranks over which leading edges are sought."),
    click.option("--nes-threshold", type=float, default=3.0, show_default=True, help="Smallest enrichment score."),
    click.option("--ctx-auc-threshold", type=SHARE, default=0.05, show_default=True,
                 help="Share of the ranking used for the enrichment."),
    click.option("--min-genes", type=int, default=20, show_default=True, help="Smallest co-expression module."),
    click.option("--all-modules", is_flag=True, help="Keep repressed targets too: regulons named TF(-)."),
    click.option("--compat", type=click.Choice(["pyscenic-0.12"]), default=None,
                 help="Reproduce the published release, misaligned target genes included."),
)  # fmt: skip
_aucell = apply(
    click.option("--auc-threshold", type=SHARE, default=0.05, show_default=True,
                 help="Share of a cell's ranking that AUCell looks at."),
    click.option("-w", "--weights", is_flag=True, help="Weigh targets by their importance in AUCell."),
)  # fmt: skip


@_common.command("scenic")
@click.argument("expression", type=INPUT, metavar="INPUT")
@click.option("--tfs", required=True, type=INPUT, help="Transcription factors, one per line.")
@click.option("--rankings", required=True, multiple=True, type=INPUT, help="cisTarget ranking databases.")
@click.option("--annotations", "--annotations-fname", "annotations", required=True, type=INPUT,
              help="Motif annotation table (.tbl).")  # fmt: skip
@click.option("-o", "--output", required=True, type=click.Path(path_type=Path), help="Folder for the results.")
@click.option("--groupby", default=None, help="Column of obs for the specificity scores, e.g. cell_type.")
@matrix_options
@_grn
@_ctx
@_aucell
@seed_option
@workers_option
@force_option
def command(expression: Path, output: Path, force: bool, **options: Any) -> None:
    """Run all of SCENIC on INPUT (h5ad, loom, csv, tsv, 10x): network, motif pruning, activity, on/off, specificity.

    The folder gets adjacencies.tsv, motifs.csv (pySCENIC's motif table), regulons.gmt, aucell.csv, binary.csv,
    thresholds.csv, rss.csv (with --groupby), result.h5ad, scope.loom, figures/ and provenance.json. A run that was
    interrupted goes on where it stopped when the same command is given again.
    """
    from reguloom.pipeline import ScenicOptions, run_scenic

    reading = ("transpose", "cell_id_attribute", "gene_attribute")
    matrix_settings = {name: options.pop(name) for name in reading}
    settings = ScenicOptions(**options)
    _check_resources(settings)

    def load() -> Any:
        return read_matrix(expression, **matrix_settings)

    summary = run_scenic(load, settings, output, force=force)
    for line in summary:
        click.echo(line)


def _check_resources(settings: ScenicOptions) -> None:
    """Open what the later stages read, so that a missing or broken file shows before the network is inferred."""
    from reguloom import io

    io.read_genes(settings.tfs)
    for path in settings.rankings:
        io.read_rankings(path)
    io.read_motif_annotations(settings.annotations)
