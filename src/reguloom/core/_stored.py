"""How a noun lies in ``adata.uns``: tables by name, and the JSON text of its provenance."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import pandas as pd

from reguloom._errors import InputError, MissingKeyError
from reguloom.core.provenance import Provenance

if TYPE_CHECKING:
    from anndata import AnnData


def store(adata: AnnData, key: str, tables: Mapping[str, pd.DataFrame], provenance: Provenance | None) -> None:
    """Write tables and provenance into ``adata.uns[key]``."""
    entry: dict[str, pd.DataFrame | str] = dict(tables)
    if provenance is not None:
        entry["provenance"] = provenance.to_json()
    adata.uns[key] = entry


def stored(
    adata: AnnData, key: str, tables: Sequence[str], *, kind: str
) -> tuple[list[pd.DataFrame], Provenance | None]:
    """Return the tables and the provenance that :func:`store` wrote.

    Parameters
    ----------
    adata
        Where they lie.
    key
        Name of the entry of ``uns``.
    tables
        Their names.
    kind
        What they make together, such as ``Network``, for messages.

    Raises
    ------
    MissingKeyError
        If ``adata.uns`` has no such entry.
    InputError
        If another tool wrote something else there.
    """
    if key not in adata.uns:
        msg = f"adata.uns has no {key!r} (it has {sorted(adata.uns)}); store one with {kind}.to_adata."
        raise MissingKeyError(msg)
    entry = adata.uns[key]
    held = entry if isinstance(entry, Mapping) else {}
    found = [held[name] for name in tables if isinstance(held.get(name), pd.DataFrame)]
    if len(found) < len(tables):
        msg = (
            f"adata.uns[{key!r}] is no {kind} ({type(entry).__name__}, where the tables {' and '.join(tables)} are "
            f"expected); store one with {kind}.to_adata, under another key if that one is taken."
        )
        raise InputError(msg)
    text = held.get("provenance")
    return found, Provenance.from_json(str(text)) if text else None
