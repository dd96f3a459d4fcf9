"""Shards of a motif enrichment put together: the same table, to the byte, as from one run."""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from pathlib import Path

import pandas as pd

from reguloom._errors import InputError, ResourceError
from reguloom._files import atomic_write, existing
from reguloom._reading import content_errors
from reguloom._units import parse_shard

DATABASE, MODULE = "database_position", "module_position"
"""Columns of a shard that say where its rows belong."""
SHARD, RUN = "shard", "run"
"""Entries of a shard's ``attrs``: which one of how many, and a fingerprint of what it is a part of."""


def merge_shards(tables: Sequence[pd.DataFrame]) -> pd.DataFrame:
    """Merge the motif tables of ``enrich(..., shard="i/n")``.

    Parameters
    ----------
    tables
        One table per shard, in any order.

    Returns
    -------
    The table that one run would have given.

    Raises
    ------
    InputError
        If there is none, one is no shard, they belong to different runs, or one is missing.
    """
    if not tables or any(SHARD not in one.attrs or MODULE not in one for one in tables):
        msg = "these are no shards of a motif table; give what `reguloom ctx --shard i/n` wrote."
        raise InputError(msg)
    shards = [parse_shard(one.attrs[SHARD]) for one in tables]
    if len({(one.attrs[RUN], count) for one, (_, count) in zip(tables, shards, strict=True)}) > 1:
        msg = "the motif tables come from different runs; give the shards of one network, database and set of options."
        raise InputError(msg)
    numbers, count = sorted(number for number, _ in shards), shards[0][1]
    if numbers != list(range(1, count + 1)):
        missing = sorted(set(range(1, count + 1)) - set(numbers))
        what = f"shards {missing} of {count} are missing" if missing else "a shard is there twice"
        msg = f"{what}; give each of the {count} shards once."
        raise InputError(msg)
    filled = [one for one in tables if len(one)] or list(tables[:1])
    joined = pd.concat(filled, ignore_index=True).sort_values([DATABASE, MODULE], kind="stable", ignore_index=True)
    joined.attrs = {}
    return joined.drop(columns=[DATABASE, MODULE])


def write_shard(table: pd.DataFrame, path: str | os.PathLike[str], *, force: bool = False) -> None:
    """Write a shard of a motif table to parquet, with what is needed to merge it.

    Parameters
    ----------
    table
        From ``enrich(..., shard="i/n")``.
    path
        ``.parquet``.
    force
        Whether an existing file may be replaced.
    """
    flat = table.assign(**{name: [json.dumps(one) for one in table[name]] for name in ("Context", "TargetGenes")})
    flat.attrs = {name: table.attrs[name] for name in (SHARD, RUN)}
    with atomic_write(path, force=force) as temporary:
        flat.to_parquet(temporary, index=False)


def is_shard(path: str | os.PathLike[str]) -> bool:
    """Tell whether the file at `path` is a shard of a motif table."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    if Path(path).suffix != ".parquet" or not Path(path).is_file():
        return False
    try:
        return MODULE in pq.read_schema(path).names
    except (OSError, pa.ArrowException):
        return False


def read_shard(path: str | os.PathLike[str]) -> pd.DataFrame:
    """Read the shard of a motif table at `path`.

    Raises
    ------
    InputError
        If it is none.
    """
    if not is_shard(existing(path, what="shard")):
        msg = f"{path} is no shard of a motif table; give what `reguloom ctx --shard i/n` wrote."
        raise InputError(msg)
    with content_errors(path, what="shard", kind=ResourceError):
        flat = pd.read_parquet(path)
        contexts = [tuple(json.loads(text)) for text in flat["Context"]]
        targets = [[(str(gene), float(weight)) for gene, weight in json.loads(text)] for text in flat["TargetGenes"]]
        return flat.assign(Context=contexts, TargetGenes=targets)
