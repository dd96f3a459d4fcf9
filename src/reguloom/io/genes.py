"""Gene lists: one name a line, as the published TF lists have them."""

from __future__ import annotations

import os
import re

from reguloom._errors import InputError
from reguloom._files import gzip_errors, open_text
from reguloom._logging import logger
from reguloom.io._sniff import existing_file


def read_genes(path: str | os.PathLike[str]) -> list[str]:
    """Read a list of genes (transcription factors, for example).

    The first column counts; blank lines and lines that start with ``#`` do not.
    Windows line ends, a byte-order mark, quotes and further columns do no harm, and a repeated name is kept once.

    Parameters
    ----------
    path
        Text file, plain or ``.gz``.

    Returns
    -------
    list of str
        Names in the file's order.

    Raises
    ------
    InputError
        If the file is missing, empty, or holds no name.
    """
    path = existing_file(path, what="gene list")
    with gzip_errors(path), open_text(path) as handle:
        stripped = (line.strip() for line in handle)
        names = [
            re.split(r"[\t,; ]", line, maxsplit=1)[0].strip("\"'") for line in stripped if line[:1] not in ("", "#")
        ]
    genes = list(dict.fromkeys(name for name in names if name))
    if not genes:
        msg = f"the gene list {path} holds no name; put one gene a line, in the first column."
        raise InputError(msg)
    if any("\0" in gene for gene in genes[:20]):
        msg = f"the gene list {path} is not a text file; put one gene a line, in the first column."
        raise InputError(msg)
    if len(genes) < len(names):
        logger.info("%s: %d repeated names were dropped, %d are left", path, len(names) - len(genes), len(genes))
    return genes
