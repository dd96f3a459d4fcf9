"""``reguloom binarize``: activity in, on/off calls and thresholds out."""

from __future__ import annotations

from pathlib import Path

import rich_click as click

from reguloom.cli import _common as common
from reguloom.cli._activity import MATRICES, TABLES, check_suffix, read_scores


@common.command("binarize")
@click.argument("auc", type=common.INPUT)
@common.output_option
@click.option("--thresholds-output", type=click.Path(path_type=Path), default=None,
              help="Also write the threshold of each regulon (csv, tsv, parquet).")  # fmt: skip
@click.option("--thresholds", "by_hand", type=common.INPUT, default=None,
              help="Table regulon, threshold: values set by hand for some regulons.")  # fmt: skip
@click.option("-m", "--method", type=click.Choice(["hdt", "bic", "r"]), default="hdt", show_default=True,
              help="How two modes are told from one: dip test, BIC; or the candidates of R's AUCell.")  # fmt: skip
@click.option("--key", default="aucell", show_default=True, help="Slot of obsm with the scores (h5ad, loom).")
@common.seed_option
@common.workers_option
@common.force_option
def command(auc: Path, output: Path, thresholds_output: Path | None, by_hand: Path | None, method: str, key: str,
            seed: int, num_workers: int | None, force: bool) -> None:  # fmt: skip
    """Call each regulon on or off in each cell.

    AUC is a table of cells x regulons (csv, tsv, parquet) or a file with scores inside (h5ad, zarr, loom). The output
    is a table of 0 and 1, or, for such a file, a copy of it with the calls (h5ad, zarr).
    """
    suffix = check_suffix(output, (*TABLES, *MATRICES[:2]))
    if thresholds_output is not None:
        check_suffix(thresholds_output, TABLES)
    common.check_outputs(output, thresholds_output, force=force)
    from reguloom import activity, io

    scores, adata = read_scores(auc, key)
    if suffix in MATRICES and adata is None:
        msg = f"{auc} is a table, so the calls are one too; give an output that ends in {', '.join(TABLES)}."
        raise click.UsageError(msg)
    manual = None if by_hand is None else io.read_table(by_hand).iloc[:, 0].to_dict()
    if adata is not None and suffix in MATRICES:
        activity.binarize(adata, key=key, method=method, thresholds=manual, rng=seed, n_jobs=num_workers)
        found = adata.uns[key]["thresholds"]
        io.write(adata, output, force=force)
    else:
        found = activity.find_thresholds(scores, method=method, thresholds=manual, rng=seed, n_jobs=num_workers)
        binary, _ = activity.binarize_frame(scores, thresholds=found["threshold"].to_dict())
        io.write_table(binary, output, index_label="Cell", force=force)
    if thresholds_output is not None:
        io.write_table(found, thresholds_output, index_label="Regulon", force=force)
