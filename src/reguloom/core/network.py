"""A network: who regulates whom, how strongly and with which sign."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from reguloom import _keys
from reguloom._errors import InputError, MissingKeyError
from reguloom.core._dialects import to_native
from reguloom.core._stored import store, stored
from reguloom.core.provenance import Provenance

if TYPE_CHECKING:
    from anndata import AnnData
    from scipy.sparse import csr_array

COLUMNS = ("source", "target", "weight", "sign")


@dataclass(frozen=True, eq=False)
class Network:
    """Directed edges between genes: ``source``, ``target``, ``weight``, ``sign`` and any further columns.

    An inferred network, a motif-pruned one, a fitted one and a Boolean wiring are all this.
    Names are stored once and edges as codes, so a million edges take some 20 MB.

    Parameters
    ----------
    regulators
        Names that ``source`` points into.
    targets
        Names that ``target`` points into.
    source, target
        Codes of each edge, shape ``(n_edges,)``.
    weight
        Strength of each edge, shape ``(n_edges,)``; its unit is the method's (see ``provenance``).
    sign
        +1 activation, -1 repression, 0 unknown; shape ``(n_edges,)``.
    extra
        Further columns, one row per edge: ``importance``, ``rho``, ``regulation``, ``p``, ``group`` ...
    provenance
        How the network was made.
    """

    regulators: pd.Index
    targets: pd.Index
    source: NDArray[np.int32]
    target: NDArray[np.int32]
    weight: NDArray[np.float64]
    sign: NDArray[np.int8]
    extra: pd.DataFrame = field(default_factory=pd.DataFrame)
    provenance: Provenance | None = None

    def __post_init__(self) -> None:
        """Check that every edge column has the same length and points inside the names."""
        lengths = {len(self.source), len(self.target), len(self.weight), len(self.sign)}
        if self.extra.shape[1]:
            lengths.add(len(self.extra))
        if len(lengths) != 1:
            msg = f"the columns of a network have different lengths: {sorted(lengths)}; give one value per edge."
            raise InputError(msg)
        for name, codes, names in (("source", self.source, self.regulators), ("target", self.target, self.targets)):
            if len(codes) and (codes.min() < 0 or codes.max() >= len(names)):
                msg = f"the {name} codes run from {codes.min()} to {codes.max()}, and there are {len(names)} names."
                raise InputError(msg)

    @classmethod
    def from_edges(
        cls,
        source: Sequence[str] | pd.Series,
        target: Sequence[str] | pd.Series,
        weight: Any = 1.0,
        *,
        sign: Any = 0,
        extra: pd.DataFrame | None = None,
        provenance: Provenance | None = None,
    ) -> Network:
        """Make a network from columns.

        Parameters
        ----------
        source, target
            Names of regulator and target of each edge, shape ``(n_edges,)``.
        weight, sign
            One value per edge, or one for all.
        extra
            Further columns, in the same order.
        provenance
            How the network was made.

        Returns
        -------
        The network, its edges in the given order.
        """
        sources = pd.Categorical(source)
        targets = pd.Categorical(target)
        if (sources.codes < 0).any() or (targets.codes < 0).any():
            msg = "some edges have no source or target name; drop these rows or fill the names in."
            raise InputError(msg)
        n_edges = len(sources)
        return cls(
            regulators=pd.Index(sources.categories.astype(str), name="source"),
            targets=pd.Index(targets.categories.astype(str), name="target"),
            source=sources.codes.astype(np.int32),
            target=targets.codes.astype(np.int32),
            weight=np.broadcast_to(np.asarray(weight, dtype=np.float64), n_edges).copy(),
            sign=np.broadcast_to(np.asarray(sign, dtype=np.int8), n_edges).copy(),
            extra=pd.DataFrame() if extra is None else extra.reset_index(drop=True),
            provenance=provenance,
        )

    @classmethod
    def from_frame(cls, frame: pd.DataFrame, *, provenance: Provenance | None = None) -> Network:
        """Make a network from a table in any known dialect.

        Recognised by their columns: ``source, target[, weight, sign]`` (ours, decoupler, CellOracle links with
        ``coef_mean``), ``TF, target, importance`` (pySCENIC, arboreto), ``Gene1, Gene2`` (BEELINE, GENELINK).

        Parameters
        ----------
        frame
            One row per edge; columns that mean nothing here are kept in ``extra``.
        provenance
            How the network was made.

        Raises
        ------
        InputError
            If no dialect fits; the message lists the columns seen.
        """
        native = to_native(frame)
        extra = native.drop(columns=list(COLUMNS))
        return cls.from_edges(
            native["source"],
            native["target"],
            native["weight"].to_numpy(),
            sign=native["sign"].to_numpy(),
            extra=extra if extra.shape[1] else None,
            provenance=provenance,
        )

    def to_frame(self) -> pd.DataFrame:
        """Return one row per edge: categorical ``source`` and ``target``, ``weight``, ``sign``, further columns."""
        frame = pd.DataFrame(
            {
                "source": pd.Categorical.from_codes(self.source, self.regulators),
                "target": pd.Categorical.from_codes(self.target, self.targets),
                "weight": self.weight,
                "sign": self.sign,
            }
        )
        return pd.concat([frame, self.extra], axis=1) if self.extra.shape[1] else frame

    def __len__(self) -> int:
        """Return the number of edges."""
        return len(self.source)

    def __repr__(self) -> str:
        """Say how many edges, regulators and targets there are."""
        method = f", {self.provenance.method}" if self.provenance is not None else ""
        n_regulators, n_targets = np.unique(self.source).size, np.unique(self.target).size
        return f"Network({len(self)} edges, {n_regulators} regulators, {n_targets} targets{method})"

    @property
    def genes(self) -> pd.Index:
        """Every gene that appears, regulators first."""
        return self.regulators.append(self.targets.difference(self.regulators, sort=False)).rename(None)

    @property
    def groups(self) -> list[str]:
        """Values of the ``group`` column in order of appearance, or an empty list."""
        return list(self.extra["group"].unique()) if "group" in self.extra else []

    def take(self, rows: Any) -> Network:
        """Return the edges at `rows` (a mask or positions), with unused names kept."""
        rows = np.asarray(rows)
        rows = np.flatnonzero(rows) if rows.dtype == bool else rows.astype(np.intp)
        return replace(
            self,
            source=self.source[rows],
            target=self.target[rows],
            weight=self.weight[rows],
            sign=self.sign[rows],
            extra=self.extra.iloc[rows].reset_index(drop=True) if self.extra.shape[1] else self.extra,
        )

    def top(self, k: int) -> Network:
        """Return the `k` edges of largest weight, strongest first; ties keep their order."""
        return self.take(np.argsort(-self.weight, kind="stable")[:k])

    def filter(self, *, min_weight: float | None = None, sign: int | None = None, group: str | None = None) -> Network:
        """Return the edges that pass every given condition.

        Parameters
        ----------
        min_weight
            Keep edges of at least this weight.
        sign
            Keep edges of this sign (+1, -1 or 0).
        group
            Keep edges of this group.
        """
        keep = np.ones(len(self), dtype=bool)
        if min_weight is not None:
            keep &= self.weight >= min_weight
        if sign is not None:
            keep &= self.sign == sign
        if group is not None:
            if group not in self.groups:
                msg = f"the network has no group {group!r}; it has {self.groups or 'no groups'}."
                raise MissingKeyError(msg)
            keep &= (self.extra["group"] == group).to_numpy()
        return self.take(keep)

    def restrict(self, genes: Iterable[str]) -> Network:
        """Return the edges whose source and target are both among `genes`."""
        wanted = pd.Index(list(genes))
        return self.take(self.regulators.isin(wanted)[self.source] & self.targets.isin(wanted)[self.target])

    def to_csr(self, genes: Sequence[str], *, signed: bool = False) -> csr_array:
        """Return the weights as a matrix, regulators in rows.

        Parameters
        ----------
        genes
            Names of the rows and columns.
        signed
            Whether weights are multiplied by the sign.

        Returns
        -------
        Sparse ``(n_genes, n_genes)``; parallel edges are summed.

        Raises
        ------
        InputError
            If an edge's gene is not among `genes`; :meth:`restrict` drops such edges.
        """
        from scipy.sparse import csr_array

        index = pd.Index(genes)
        rows, columns = index.get_indexer(self.regulators), index.get_indexer(self.targets)
        rows, columns = rows[self.source], columns[self.target]
        if (rows < 0).any() or (columns < 0).any():
            n_missing = int(((rows < 0) | (columns < 0)).sum())
            msg = f"{n_missing} of {len(self)} edges name genes outside the given {len(index)}; restrict() first."
            raise InputError(msg)
        values = self.weight * self.sign if signed else self.weight
        return csr_array((values, (rows, columns)), shape=(len(index), len(index)))

    def to_adata(self, adata: AnnData, *, key_added: str = _keys.GRN) -> None:
        """Store the network in ``adata.uns[key_added]``.

        Parameters
        ----------
        adata
            Where it is stored.
        key_added
            Name of the entry.

        Writes
        ------
        ``adata.uns[key_added]['edges']`` : DataFrame ``(n_edges, >= 4)``
            Categorical names, weight, sign, further columns.
        ``adata.uns[key_added]['provenance']`` : str
            JSON text.
        """
        edges = self.to_frame()
        edges.index = edges.index.astype(str)
        store(adata, key_added, {"edges": edges}, self.provenance)

    @classmethod
    def from_adata(cls, adata: AnnData, *, key: str = _keys.GRN) -> Network:
        """Return the network that :meth:`to_adata` stored.

        Parameters
        ----------
        adata
            Where it is stored.
        key
            Name of the entry.

        Raises
        ------
        MissingKeyError
            If ``adata.uns`` has no such entry.
        InputError
            If something else lies there.
        """
        (edges,), provenance = stored(adata, key, ("edges",), kind="Network")
        return cls.from_frame(edges, provenance=provenance)
