"""``reguloom convert``: the same data in another format."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import rich_click as click

from reguloom.cli._common import INPUT, force_option, matrix_options
from reguloom.cli._common import command as new_command

if TYPE_CHECKING:
    from reguloom.io.detect import Noun


@new_command("convert")
@click.argument("source", metavar="IN", type=INPUT)
@click.argument("target", metavar="OUT", type=INPUT)
@click.option(
    "--as",
    "noun",
    type=click.Choice(["matrix", "network", "regulons", "rankings"]),
    default=None,
    show_default="detected",
    help="What IN holds.",
)
@click.option(
    "--dialect", default="auto", show_default=True, help="Columns of a network: pyscenic, native, decoupler, beeline."
)
@matrix_options
@force_option
def command(source: Path, target: Path, noun: Noun | None, dialect: str, force: bool, **options: Any) -> None:
    """Write IN again as OUT, in the format that OUT's suffix names.

    Matrices: h5ad, zarr, loom, csv, tsv (read also from 10x folders and files). Networks: csv, tsv, parquet.
    Regulons: gmt, json, yaml, a motif table. Rankings: feather v1 or parquet to feather v2.
    """
    from reguloom._files import check_output
    from reguloom._logging import logger
    from reguloom.io.detect import detect, noun_of_output

    found = noun or detect(source)
    made = noun_of_output(target, found)
    if target.suffix != ".zarr":
        check_output(target, force=force)
    logger.info("%s holds %s; %s will hold %s", source, _words(found), target, _words(made))
    if found == "matrix":
        _convert_matrix(source, target, force=force, **options)
    elif found == "rankings":
        _convert_rankings(source, target, force=force)
    else:
        _convert_edges(source, target, found=found, made=made, dialect=dialect, force=force)


def _words(noun: str) -> str:
    """Return a noun with its article."""
    return noun if noun in ("regulons", "rankings") else f"a {noun}"


def _convert_matrix(source: Path, target: Path, *, force: bool, layer: str | None, **options: Any) -> None:
    """Read and write a matrix."""
    from reguloom import io

    transpose: Any = "auto" if options["transpose"] is None else options["transpose"]
    names = {"cell_attribute": options["cell_id_attribute"], "gene_attribute": options["gene_attribute"]}
    io.write(io.read(source, layer=layer, transpose=transpose, **names), target, force=force)


def _convert_rankings(source: Path, target: Path, *, force: bool) -> None:
    """Read a ranking database of any version, and write it as version 2."""
    from reguloom import io

    database = io.read_rankings(source)
    io.write_rankings(database.load(), database.motifs, database.genes, target, force=force)


def _convert_edges(source: Path, target: Path, *, found: str, made: str, dialect: str, force: bool) -> None:
    """Read a network or regulons, and write either."""
    from reguloom import io

    if found == "network":
        network = io.read_network(source)
        if made == "network":
            io.write_network(network, target, dialect=dialect, force=force)
        else:
            io.write_regulons(io.as_regulons(network), target, force=force)
        return
    regulons = io.read_regulons(source)
    if made == "regulons":
        io.write_regulons(regulons, target, force=force)
    else:
        io.write_network(regulons.to_network(), target, dialect=dialect, force=force)
