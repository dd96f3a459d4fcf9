"""``reguloom ctx``: from a network (or gene sets) to the targets that motifs support."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import rich_click as click

from reguloom.cli import _common as common

if TYPE_CHECKING:
    import pandas as pd

    from reguloom.cistarget import Module

TABLES = (".csv", ".tsv", ".txt")
REGULONS = (".json", ".yaml", ".yml", ".gmt")
LOGOS = "https://motifcollections.aertslab.org/v10nr_clust/logos/"
SIGNATURES = (".gmt", ".json", ".yaml", ".yml")


module_options = common.apply(
    click.option("--thresholds", type=float, multiple=True, default=(0.75, 0.90), show_default=True,
                 help="Weight quantiles above which a target joins a module; several values."),
    click.option("--top-n-targets", type=int, multiple=True, default=(50,), show_default=True,
                 help="Strongest targets per factor; several values."),
    click.option("--top-n-regulators", type=int, multiple=True, default=(5, 10, 50), show_default=True,
                 help="Strongest factors per target; several values."),
    click.option("--top-sd", type=float, multiple=True, help="Targets above mean + k SD per factor, as R (1 3)."),
    click.option("--min-genes", type=int, default=20, show_default=True, help="Smallest module."),
    click.option("--absolute-thresholds", is_flag=True, help="Thresholds are weights, not quantiles."),
    click.option("--mask-dropouts", is_flag=True, help="Correlate over the cells that express both genes."),
    click.option("--rho-threshold", type=float, default=0.03, show_default=True, help="Correlation that counts."),
    click.option("-a", "--all-modules", is_flag=True, help="Test repressing modules too."),
)  # fmt: skip
test_options = common.apply(
    click.option("--rank-threshold", type=int, default=5000, show_default=True, help="Length of recovery curves."),
    click.option("--auc-threshold", type=click.FloatRange(0, 1, min_open=True), default=0.05, show_default=True,
                 help="Share of ranks in the AUC."),
    click.option("--nes-threshold", type=float, default=3.0, show_default=True, help="Smallest enrichment score."),
    click.option("--min-orthologous-identity", type=float, default=0.0, show_default=True,
                 help="Smallest identity of a factor known by orthology."),
    click.option("--max-similarity-fdr", type=float, default=0.001, show_default=True,
                 help="Largest q-value of a motif known by similarity."),
    click.option("--weighted-recovery", is_flag=True, help="Genes count by their weights."),
    click.option("-n", "--no-pruning", is_flag=True, help="Report every enriched motif, whatever its factor."),
    click.option("--compat", type=click.Choice(["pyscenic-0.12"]), default=None,
                 help="Reproduce pySCENIC 0.12's misaligned target genes."),
)  # fmt: skip
ignored_options = common.apply(
    click.option("--chunk-size", type=int, default=100, help="Accepted; makes no difference."),
    click.option("--mode", default="custom_multiprocessing", help="Accepted; every mode gives the same result."),
    click.option("--client-or-address", default="local", help="Accepted; makes no difference."),
)  # fmt: skip


@common.command("ctx")
@click.argument("modules", metavar="ADJACENCIES", type=common.INPUT)
@click.argument("databases", metavar="DATABASE...", type=common.INPUT, nargs=-1, required=True)
@click.option("--annotations-fname", "--annotations", "annotations", type=common.INPUT, default=None,
              help="Motif annotations (.tbl).")  # fmt: skip
@click.option("--expression-mtx-fname", "--expression", "expression", type=common.INPUT, default=None,
              help="Expression, for the signs of edges that have none.")  # fmt: skip
@module_options
@test_options
@common.matrix_options
@common.output_option
@common.force_option
@common.workers_option
@common.scheduler_option
@common.shard_option("Test the I-th of N parts of the modules; `reguloom merge` joins the outputs (.parquet).")
@ignored_options
def command(
    modules: Path, databases: tuple[Path, ...], annotations: Path | None, output: Path, force: bool,
    scheduler: str | None, shard: str | None, **options: Any,
) -> None:  # fmt: skip
    """Keep the targets of each factor that one of its motifs supports.

    ADJACENCIES is a network (csv, tsv, parquet) or a set of modules (gmt, yaml, json); DATABASE... are
    genes_vs_motifs.rankings files. The suffix of the output decides: csv or tsv for the motif table, parquet for the
    same with one row per target, and gmt, json (name and genes) or yaml for the regulons.
    """
    suffix = _check(modules, annotations, output, no_pruning=options["no_pruning"], shard=shard)
    common.check_outputs(output, force=force)
    from reguloom import cistarget, io, pipeline
    from reguloom._errors import EmptyResultError

    rankings = [io.read_rankings(path) for path in databases]  # a missing one shows before the matrix is read
    table_of_motifs = None
    if annotations is not None:
        table_of_motifs = io.read_motif_annotations(
            annotations,
            max_similarity_fdr=options["max_similarity_fdr"],
            min_orthologous_identity=options["min_orthologous_identity"],
        )
    with pipeline.scheduler(scheduler):
        table = cistarget.enrich(
            _modules(modules, options),
            rankings,
            table_of_motifs,
            rank_threshold=options["rank_threshold"],
            auc_threshold=options["auc_threshold"],
            nes_threshold=options["nes_threshold"],
            weighted_recovery=options["weighted_recovery"],
            filter_for_annotation=not options["no_pruning"],
            compat=options["compat"],
            shard=shard,
            n_jobs=options["num_workers"],
        )
    if options["no_pruning"]:
        table["MotifURL"] = [f"{LOGOS}{motif}.png" for motif in table["MotifID"]]
    if shard is not None:
        cistarget.write_shard(table, output, force=force)
        return
    write(table, output, suffix, force=force)
    if table.empty:
        msg = (
            f"no motif passes NES {options['nes_threshold']}, so the output has no rows; see the overlaps above, and "
            "try another database, or --nes-threshold."
        )
        raise EmptyResultError(msg)


def _check(modules: Path, annotations: Path | None, output: Path, *, no_pruning: bool, shard: str | None) -> str:
    """Refuse what cannot work before any work is done, and return the suffix that decides the output's format."""
    if annotations is None and not no_pruning:
        msg = "--annotations is needed, to know which motif belongs to which factor (or give --no-pruning)."
        raise click.UsageError(msg)
    if shard is not None and output.suffix != ".parquet":
        msg = f"a shard is written to a .parquet file, which `reguloom merge` joins; the output is {output}."
        raise click.UsageError(msg)
    for path in (modules, output):
        if path.suffix in (".dat", ".pkl", ".pickle"):
            msg = f"{path} is a pickle, which can run code when it is read; use csv, tsv, gmt, yaml or json."
            raise click.UsageError(msg)
    return check_format(output)


def check_format(output: Path) -> str:
    """Return the suffix that decides the output's format, or refuse it."""
    suffix = ".csv" if common.is_stdout(output) else Path(output.name.removesuffix(".gz")).suffix.lower()
    accepted = (*TABLES, ".parquet", *REGULONS)
    if suffix not in accepted:
        msg = f"the output ends in {suffix or 'no suffix'!r}; accepted are {', '.join(accepted)}."
        raise click.UsageError(msg)
    return suffix


def _modules(path: Path, options: dict[str, Any]) -> list[Module]:
    """Return the modules in a file, or those of the network in it."""
    from reguloom import cistarget, io

    if Path(path.name.removesuffix(".gz")).suffix.lower() in SIGNATURES:
        return _signatures(path)
    network = io.read_network(path)
    data = None
    if options["expression"] is not None and "regulation" not in network.extra:
        data = common.read_matrix(
            options["expression"],
            transpose=options["transpose"],
            cell_id_attribute=options["cell_id_attribute"],
            gene_attribute=options["gene_attribute"],
        )
    return cistarget.modules(
        network,
        data,
        layer=options["layer"] if data is not None else None,
        thresholds=options["thresholds"],
        top_n_targets=options["top_n_targets"],
        top_n_regulators=options["top_n_regulators"],
        top_sd=options["top_sd"],
        min_genes=options["min_genes"],
        absolute_thresholds=options["absolute_thresholds"],
        keep_only_activating=not options["all_modules"],
        rho_threshold=options["rho_threshold"],
        rho_mask_dropouts=options["mask_dropouts"],
    )


def _signatures(path: Path) -> list[Module]:
    """Return gene sets as modules; the factor and the sign are read from their names."""
    import numpy as np

    from reguloom import io
    from reguloom.cistarget import Module

    return [
        Module(
            tf=one.tf,
            name=one.name,
            genes=np.array(one.targets, dtype=object),
            weights=np.array(one.weights),
            context=frozenset({"repressing" if one.sign < 0 else "activating"}),
        )
        for one in io.read_regulons(path)
    ]


def write(table: pd.DataFrame, output: Path, suffix: str, *, force: bool) -> None:
    """Write the motif table, or the regulons made of it."""
    from reguloom import cistarget, io

    if common.is_stdout(output):
        click.echo(_as_text(table), nl=False)
    elif suffix in TABLES:
        io.write_motif_table(table, output, force=force)
    elif suffix == ".parquet":
        _write_parquet(table, output, force=force)
    elif suffix == ".json":
        _write_json(table, output, force=force)
    else:
        io.write_regulons(cistarget.regulons_from_motifs(table), output, force=force)


def _write_json(table: pd.DataFrame, output: Path, *, force: bool) -> None:
    """Write name → target genes, the layout of pySCENIC's ctx; everything else about a regulon is in the table."""
    import json

    from reguloom import cistarget
    from reguloom._files import atomic_write, open_text

    with atomic_write(output, force=force) as temporary, open_text(temporary, "w") as file:
        json.dump(cistarget.regulons_from_motifs(table).to_dict(), file, indent=1)
        file.write("\n")


def _as_text(table: pd.DataFrame) -> str:
    """Return the motif table as csv."""
    import tempfile

    from reguloom import io

    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "motifs.csv"
        io.write_motif_table(table, path)
        return path.read_text(encoding="utf-8")


def _write_parquet(table: pd.DataFrame, output: Path, *, force: bool) -> None:
    """Write one row per enriched motif and target gene."""
    from reguloom._files import atomic_write

    long = table.explode("TargetGenes", ignore_index=True)
    long["Context"] = long["Context"].map(";".join)
    long["gene"] = [pair[0] for pair in long["TargetGenes"]]
    long["weight"] = [float(pair[1]) for pair in long["TargetGenes"]]
    long.attrs = {}
    with atomic_write(output, force=force) as temporary:
        long.drop(columns="TargetGenes").to_parquet(temporary, index=False)
