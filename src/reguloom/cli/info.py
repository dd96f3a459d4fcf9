"""``reguloom info``: what is in this file."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import rich_click as click

from reguloom.cli._common import INPUT
from reguloom.cli._common import command as make_command


@make_command("info")
@click.argument("files", nargs=-1, required=True, type=INPUT, metavar="FILE...")
@click.option("--tfs", type=INPUT, default=None, help="List of transcription factors: say how many the file has.")
@click.option("--json", "as_json", is_flag=True, help="Write JSON, one object a file.")
def command(files: tuple[Path, ...], tfs: Path | None, as_json: bool) -> None:
    """Say what FILE holds, whatever it is: a matrix, a network, regulons, rankings, annotations or a list of genes.

    For a matrix: cells, genes, whether the values are counts or logarithms, which species the names look like, and
    what else is in it. An h5ad file is not read whole.
    """
    import logging

    from reguloom._errors import ReguloomError
    from reguloom._logging import logger

    if logger.level == logging.INFO:
        logger.setLevel(logging.WARNING)  # what a reader logs would say it twice
    failed: list[ReguloomError] = []
    shown = 0
    for path in files:
        try:
            _show(_facts(path, tfs), first=not shown, as_json=as_json)
            shown += 1
        except ReguloomError as error:
            failed.append(error)
    if failed:
        more = f" ({len(failed) - 1} more of the files cannot be read either)" if failed[1:] else ""
        msg = f"{failed[0]}{more}"
        raise type(failed[0])(msg)


def _facts(path: Path, tfs: Path | None) -> dict[str, Any]:
    """Return what there is to know about a file."""
    from reguloom.cli._describe import facts

    found = {"file": str(path), **facts(path)}
    return found if tfs is None else {**found, "transcription factors found": _overlap(path, tfs)}


def _show(found: dict[str, Any], *, first: bool, as_json: bool) -> None:
    """Write the facts about one file."""
    import json

    if as_json:
        click.echo(json.dumps(found))
        return
    found = {key: value for key, value in found.items() if value != "none"}
    width = max(map(len, found))
    lines = [f"{key:<{width}}  {value}" for key, value in found.items()]
    click.echo("\n".join([*([] if first else [""]), *lines]))


def _overlap(path: Path, tfs: Path) -> str:
    """Say how many transcription factors of a list are among the genes of a file."""
    from reguloom.cli._describe import genes_of
    from reguloom.core import gene_overlap
    from reguloom.io import read_genes

    overlap = gene_overlap(read_genes(tfs), genes_of(path), what="transcription factors", where="the file")
    return f"{overlap.n_shared} of {overlap.n_query}. {overlap.cause}".strip()
