"""A noun, a table or a path: whichever the user has, the noun comes back."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pandas as pd

from reguloom._errors import InputError
from reguloom.core import Network, Regulons
from reguloom.io._sniff import suffix_of
from reguloom.io.motif_regulons import regulons_from_motifs
from reguloom.io.motif_table import is_motif_table
from reguloom.io.networks import read_network
from reguloom.io.regulons import read_regulons

_REGULON_FILES = (".gmt", ".json", ".yaml", ".yml")


def as_network(data: Network | Regulons | pd.DataFrame | str | os.PathLike[str]) -> Network:
    """Return the network that `data` is, holds, or points to.

    Parameters
    ----------
    data
        A Network, Regulons, a table in a known dialect, or a path (see :func:`read_network`; regulons in ``.gmt``,
        ``.json`` and ``.yaml`` and motif tables are taken too).

    Raises
    ------
    InputError
        If it is something else.
    """
    if isinstance(data, Network):
        return data
    if isinstance(data, Regulons):
        return data.to_network()
    if isinstance(data, (str, os.PathLike)) and _holds_regulons(Path(data)):
        return read_regulons(data).to_network()
    if isinstance(data, (pd.DataFrame, str, os.PathLike)):
        return read_network(data)
    msg = (
        f"a network is needed, and this is a {type(data).__name__}; accepted are Network, Regulons, DataFrame, a path."
    )
    raise InputError(msg)


def _holds_regulons(path: Path) -> bool:
    """Tell whether a file holds regulons: by its suffix, and a csv by its header."""
    suffix = suffix_of(path)
    return suffix in _REGULON_FILES or (suffix in (".csv", ".tsv") and path.is_file() and is_motif_table(path))


def as_regulons(data: Regulons | Mapping[str, Any] | pd.DataFrame | str | os.PathLike[str]) -> Regulons:
    """Return the regulons that `data` is, holds, or points to.

    Parameters
    ----------
    data
        Regulons, a mapping of name to genes (or to gene → weight), a table of members
        (``regulon, gene[, weight]``), a motif table, a network's table (one regulon for each source and sign), or a
        path (see :func:`read_regulons`).

    Raises
    ------
    InputError
        If it is something else.
    """
    if isinstance(data, Regulons):
        return data
    if isinstance(data, Mapping):
        return Regulons.from_dict(data)
    if isinstance(data, (str, os.PathLike)):
        return read_regulons(data)
    if isinstance(data, Network):
        return _from_network(data)
    if isinstance(data, pd.DataFrame):
        if {"regulon", "gene"} <= set(data.columns):
            return Regulons.from_frames(data)
        if {"TargetGenes", "Context"} <= set(data.columns):
            return regulons_from_motifs(data)
        return _from_network(read_network(data))
    msg = f"regulons are needed, and this is a {type(data).__name__}; accepted are Regulons, dict, DataFrame, a path."
    raise InputError(msg)


def _from_network(network: Network) -> Regulons:
    """Return one regulon for each source and sign, targets by descending absolute weight."""
    frame = network.to_frame()[["source", "target", "weight", "sign"]].astype({"source": str, "target": str})
    frame["weight"] = frame["weight"].abs()
    frame = frame.sort_values("weight", ascending=False, kind="stable").drop_duplicates(["source", "sign", "target"])
    ends = {1: "(+)", -1: "(-)", 0: ""}
    return Regulons.from_dict(
        {
            f"{source}{ends[int(sign)]}": dict(zip(rows["target"], rows["weight"], strict=True))
            for (source, sign), rows in frame.groupby(["source", "sign"])
        }
    )
