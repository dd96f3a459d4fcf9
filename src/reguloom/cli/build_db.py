"""``reguloom resources build-db``: a ranking database for a species that has none."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import rich_click as click

from reguloom.cli import _common as common

if TYPE_CHECKING:
    import pandas as pd

ENDING = ".genes_vs_motifs.rankings.feather"


@common.command("build-db")
@click.option(
    "--scores",
    type=common.INPUT,
    default=None,
    help="Motifs x genes, higher is better: csv, tsv, parquet, or a scores.feather.",
)
@click.option("--fasta", type=common.INPUT, default=None, help="Sequences to scan, named by gene (Gata1#1).")
@click.option("--genome", type=common.INPUT, default=None, help="Genome FASTA, with --regions, in place of --fasta.")
@click.option("--regions", type=common.INPUT, default=None, help="BED of regions named by gene, with --genome.")
@click.option("--motifs", type=common.INPUT, default=None, help="Motifs: JASPAR, MEME, TRANSFAC, .cb, or a folder.")
@click.option(
    "--gene-pattern",
    default=r"^(?P<gene>.+?)(#\d+)?$",
    show_default=True,
    help="Regular expression that finds the gene in a sequence's name.",
)
@click.option("-o", "--output", type=common.INPUT, required=True, help=f"Database; {ENDING} is appended if need be.")
@click.option("--write-scores", is_flag=True, help="Write the scores beside the rankings.")
@click.option(
    "--compression",
    type=click.Choice(["zstd", "lz4", "uncompressed"]),
    default="zstd",
    show_default=True,
    help="uncompressed is read straight from the disk.",
)
@click.option("--annotations", type=common.INPUT, default=None, help="Annotations (.tbl) of a well-studied species.")
@click.option(
    "--orthologs",
    type=common.INPUT,
    default=None,
    help="csv or tsv with columns source, target[, identity]: carries --annotations over.",
)
@click.option("--annotations-output", type=common.INPUT, default=None, help="Annotations (.tbl) of your species.")
@common.seed_option
@common.force_option
@common.workers_option
def command(
    scores: Path | None,
    fasta: Path | None,
    genome: Path | None,
    regions: Path | None,
    motifs: Path | None,
    gene_pattern: str,
    output: Path,
    write_scores: bool,
    compression: str,
    annotations: Path | None,
    orthologs: Path | None,
    annotations_output: Path | None,
    seed: int,
    force: bool,
    num_workers: int | None,
) -> None:
    """Make a ranking database from motif scores, or from sequences and motifs.

    The result is in the cisTarget v2 format, for `reguloom ctx` and pySCENIC alike. With --annotations and
    --orthologs, the motif annotations of another species are carried over as well.
    """
    _check_sources(scores, fasta, genome, regions, motifs)
    _check_orthologs(annotations, orthologs, annotations_output)
    if not output.name.endswith(ENDING):
        output = output.with_name(output.name.removesuffix(".feather") + ENDING)
    beside = output.with_name(output.name.replace(".rankings.", ".scores.")) if write_scores else None
    common.check_outputs(output, beside, annotations_output, force=force)
    from reguloom import cistarget

    if scores is not None:
        table = _read_scores(scores)
    else:
        table = _scan(fasta, genome, regions, motifs, gene_pattern, num_workers)
    cistarget.build_database(table, output, write_scores=write_scores, compression=compression, rng=seed, force=force)
    if annotations is not None and orthologs is not None and annotations_output is not None:
        _carry_over(annotations, orthologs, annotations_output, force=force)
    click.echo(f"{output}: {table.shape[0]} motifs x {table.shape[1]} genes", err=True)


def _check_sources(
    scores: Path | None, fasta: Path | None, genome: Path | None, regions: Path | None, motifs: Path | None
) -> None:
    """Refuse anything but one source of scores."""
    sources = [scores is not None, fasta is not None, genome is not None]
    if sum(sources) != 1:
        msg = "give one of --scores, --fasta and --genome."
        raise click.UsageError(msg)
    if scores is None and motifs is None:
        msg = "--motifs is needed to scan sequences."
        raise click.UsageError(msg)
    if (genome is None) != (regions is None):
        msg = "--genome and --regions go together."
        raise click.UsageError(msg)


def _check_orthologs(annotations: Path | None, orthologs: Path | None, output: Path | None) -> None:
    """Refuse an incomplete set of options."""
    given = [annotations is not None, orthologs is not None, output is not None]
    if any(given) and not all(given):
        msg = "--annotations, --orthologs and --annotations-output go together."
        raise click.UsageError(msg)


def _read_scores(path: Path) -> pd.DataFrame:
    """Return a table of scores, motifs in rows."""
    import pandas as pd

    from reguloom import io
    from reguloom._errors import InputError
    from reguloom._files import existing
    from reguloom._reading import content_errors, read_frame

    existing(path, what="score table")
    suffix = Path(path.name.removesuffix(".gz")).suffix.lower()
    if suffix == ".feather":
        database = io.read_rankings(path)
        if database.kind != "scores":
            msg = f"{path} holds rankings, not scores; it is a finished database already."
            raise InputError(msg)
        return pd.DataFrame(database.load(), database.motifs, database.genes)
    if suffix == ".parquet":
        with content_errors(path, what="score table"):
            frame = pd.read_parquet(path)
        text = [name for name in frame.columns if not pd.api.types.is_numeric_dtype(frame[name])]
        return frame.set_index(text[0]) if text else frame
    if suffix not in (".csv", ".tsv", ".txt"):
        msg = f"{path} ends in {suffix!r}; scores are read from .csv, .tsv, .parquet and .feather."
        raise InputError(msg)
    return read_frame(path, what="score table", sep="," if suffix == ".csv" else "\t", index_col=0)


def _scan(
    fasta: Path | None,
    genome: Path | None,
    regions: Path | None,
    motifs: Path | None,
    gene_pattern: str,
    num_workers: int | None,
) -> pd.DataFrame:
    """Return the scores of motifs in sequences."""
    from reguloom import motifs as scanning

    if fasta is not None:
        sequences = scanning.read_fasta(fasta)
    else:
        sequences = scanning.extract_regions(str(genome), str(regions))
    found = scanning.read_motifs(str(motifs))
    return scanning.score_genes(sequences, found, gene_pattern=gene_pattern, n_jobs=num_workers)


def _carry_over(annotations: Path, orthologs: Path, output: Path, *, force: bool) -> None:
    """Write the annotations of the species at hand."""
    from reguloom._reading import read_frame
    from reguloom.cistarget.orthologs import annotations_by_orthology, write_annotations

    table = read_frame(orthologs, what="orthologue table", sep="," if ".csv" in orthologs.name else "\t")
    write_annotations(annotations_by_orthology(annotations, table), output, force=force)
