"""``reguloom add-cor``: adjacencies and the matrix in, adjacencies with ``regulation`` and ``rho`` out."""

from __future__ import annotations

from pathlib import Path

import rich_click as click

from reguloom.cli._activity import check_suffix
from reguloom.cli._common import (
    INPUT,
    check_outputs,
    force_option,
    matrix_options,
    output_option,
    read_matrix,
    workers_option,
)
from reguloom.cli._common import command as make_command


@make_command("add-cor")
@click.argument("adjacencies", type=INPUT)
@click.argument("expression", type=INPUT)
@output_option
@click.option("--mask-dropouts", is_flag=True, help="Use only the cells in which both genes are detected.")
@click.option("--rho-threshold", type=click.FloatRange(min=0), default=0.03, show_default=True,
              help="Correlations within this of 0 count as no regulation.")  # fmt: skip
@workers_option
@matrix_options
@force_option
def command(
    adjacencies: Path, expression: Path, output: Path, mask_dropouts: bool, rho_threshold: float, force: bool,
    num_workers: int | None, layer: str | None, transpose: bool | None, cell_id_attribute: str, gene_attribute: str,
) -> None:  # fmt: skip
    """Add the correlation of regulator and target, and the sign it stands for, to each edge.

    ADJACENCIES is a network (csv, tsv, parquet); EXPRESSION the matrix that it was inferred from.
    """
    from reguloom import grn, io
    from reguloom.cli.grn import SUFFIXES, write

    check_suffix(output, SUFFIXES)
    check_outputs(output, force=force)
    network = io.read_network(adjacencies)
    adata = read_matrix(
        expression, transpose=transpose, cell_id_attribute=cell_id_attribute, gene_attribute=gene_attribute
    )
    signed = grn.add_correlation(
        *(network, adata), layer=layer, rho_threshold=rho_threshold, mask_dropouts=mask_dropouts, n_jobs=num_workers
    )
    write(signed, output, force=force)
