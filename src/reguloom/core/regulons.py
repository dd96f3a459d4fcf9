"""A set of regulons: members and metadata as two tables."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from reguloom import _keys
from reguloom._errors import InputError, MissingKeyError
from reguloom.core._stored import store, stored
from reguloom.core.network import Network
from reguloom.core.provenance import Provenance
from reguloom.core.regulon import Regulon

if TYPE_CHECKING:
    from anndata import AnnData
    from scipy.sparse import csr_array

MEMBER_COLUMNS = ("regulon", "gene", "weight")


class Regulons:
    """Regulons in a fixed order, looked up by name.

    Parameters
    ----------
    regulons
        The members; names must be unique.
    support
        Further columns for each (regulon, gene): ``n_motifs``, ``best_nes`` ... with columns ``regulon`` and ``gene``.
    motif_table
        The motif enrichment table that they were made from, if any.
    provenance
        How they were made.
    """

    def __init__(
        self,
        regulons: Iterable[Regulon],
        *,
        support: pd.DataFrame | None = None,
        motif_table: pd.DataFrame | None = None,
        provenance: Provenance | None = None,
    ) -> None:
        self._regulons = list(regulons)
        self._by_name = {regulon.name: regulon for regulon in self._regulons}
        if len(self._by_name) != len(self._regulons):
            names = pd.Series([regulon.name for regulon in self._regulons])
            msg = f"regulon {names[names.duplicated()].iloc[0]!r} appears twice; names must be unique."
            raise InputError(msg)
        self.support = support
        self.motif_table = motif_table
        self.provenance = provenance

    def __len__(self) -> int:
        """Return the number of regulons."""
        return len(self._regulons)

    def __iter__(self) -> Iterator[Regulon]:
        """Go through the regulons in order."""
        return iter(self._regulons)

    def __contains__(self, name: object) -> bool:
        """Tell whether a regulon of that name is here."""
        return name in self._by_name

    def __getitem__(self, name: str) -> Regulon:
        """Return the regulon called `name`.

        Raises
        ------
        MissingKeyError
            If there is none; the message names some that are there.
        """
        if name not in self._by_name:
            msg = f"there is no regulon {name!r}; there are {len(self)}, such as {', '.join(self.names[:5])}."
            raise MissingKeyError(msg)
        return self._by_name[name]

    def __repr__(self) -> str:
        """Say how many regulons there are, and name some."""
        more = ", ..." if len(self) > 4 else ""
        return f"Regulons({len(self)}: {', '.join(self.names[:4])}{more})"

    def __eq__(self, other: object) -> bool:
        """Compare members, order and metadata."""
        if not isinstance(other, Regulons):
            return NotImplemented
        same = self.members.equals(other.members)
        return bool(same and self.meta.equals(other.meta))

    __hash__ = None  # type: ignore[assignment]

    @property
    def names(self) -> list[str]:
        """Names in order."""
        return list(self._by_name)

    @property
    def members(self) -> pd.DataFrame:
        """One row per (regulon, gene): ``regulon``, ``gene``, ``weight`` and the columns of support."""
        frame = pd.DataFrame(
            {
                "regulon": np.repeat(np.array(self.names, dtype=object), [len(one) for one in self]),
                "gene": [gene for one in self for gene in one.targets],
                "weight": np.array([weight for one in self for weight in one.weights], dtype=np.float64),
            }
        )
        if self.support is None:
            return frame
        return frame.merge(self.support, on=["regulon", "gene"], how="left", validate="one_to_one")

    @property
    def meta(self) -> pd.DataFrame:
        """One row per regulon: ``tf``, ``sign``, ``n_targets``, ``nes``, ``score``, ``motifs`` (joined by ``;``)."""
        return pd.DataFrame(
            {
                "tf": [one.tf for one in self],
                "sign": np.array([one.sign for one in self], dtype=np.int8),
                "n_targets": np.array([len(one) for one in self], dtype=np.int64),
                "nes": np.array([one.nes for one in self], dtype=np.float64),
                "score": np.array([one.score for one in self], dtype=np.float64),
                "motifs": [";".join(one.motifs) for one in self],
            },
            index=pd.Index(self.names, name="regulon"),
        )

    @property
    def genes(self) -> list[str]:
        """Every target gene, in order of first appearance."""
        return list(dict.fromkeys(gene for one in self for gene in one.targets))

    def subset(self, names: Iterable[str]) -> Regulons:
        """Return the regulons called `names`, in that order, with their support."""
        chosen = [self[name] for name in names]
        support = None
        if self.support is not None:
            support = self.support[self.support["regulon"].isin([one.name for one in chosen])]
        return Regulons(chosen, support=support, motif_table=self.motif_table, provenance=self.provenance)

    def filter(self, *, min_size: int = 0, sign: int | None = None, genes: Sequence[str] | None = None) -> Regulons:
        """Return the regulons that pass.

        Parameters
        ----------
        min_size
            Smallest number of targets.
        sign
            Keep this sign alone.
        genes
            Count a target for `min_size` only if it is one of these.
        """
        wanted = None if genes is None else set(genes)
        names = [
            one.name
            for one in self
            if (sign is None or one.sign == sign)
            and sum(wanted is None or gene in wanted for gene in one.targets) >= min_size
        ]
        return self.subset(names)

    def to_csr(self, genes: Sequence[str], *, weighted: bool = True) -> csr_array:
        """Return the memberships as a matrix.

        Parameters
        ----------
        genes
            Names of the columns; targets outside are left out.
        weighted
            Whether entries are the weights, or all 1.

        Returns
        -------
        Sparse ``(n_regulons, n_genes)``.
        """
        from scipy.sparse import csr_array

        index = pd.Index(genes)
        columns = index.get_indexer(pd.Index([gene for one in self for gene in one.targets], dtype=object))
        rows = np.repeat(np.arange(len(self)), [len(one) for one in self])
        weights = np.array([weight for one in self for weight in one.weights]) if weighted else np.ones(len(rows))
        keep = columns >= 0
        return csr_array((weights[keep], (rows[keep], columns[keep])), shape=(len(self), len(index)))

    def to_network(self) -> Network:
        """Return the edges TF → target with the regulon's sign; the prior of the later stages."""
        members = self.members
        tfs = pd.Series([one.tf for one in self], index=self.names, dtype=object)
        signs = pd.Series([one.sign for one in self], index=self.names, dtype=np.int8)
        return Network.from_edges(
            tfs[members["regulon"]].to_numpy(),
            members["gene"],
            members["weight"].to_numpy(),
            sign=signs[members["regulon"]].to_numpy(),
            extra=members.drop(columns=["gene", "weight"]),
            provenance=self.provenance,
        )

    def to_dict(self) -> dict[str, list[str]]:
        """Return name → target genes."""
        return {one.name: list(one.targets) for one in self}

    @classmethod
    def from_dict(cls, sets: Mapping[str, Iterable[str] | Mapping[str, float]]) -> Regulons:
        """Make regulons from gene `sets`: name → genes, or name → gene → weight."""
        regulons = []
        for name, genes in sets.items():
            weights = dict(genes) if isinstance(genes, Mapping) else dict.fromkeys(genes, 1.0)
            regulons.append(Regulon.from_name(name, weights))
        return cls(regulons)

    @classmethod
    def from_frames(
        cls,
        members: pd.DataFrame,
        meta: pd.DataFrame | None = None,
        *,
        provenance: Provenance | None = None,
    ) -> Regulons:
        """Make regulons from the tables :attr:`members` and :attr:`meta`.

        Parameters
        ----------
        members
            Columns ``regulon``, ``gene`` and, if there are weights, ``weight``.
        meta
            Indexed by regulon; without it TF and sign are read from the names.
        provenance
            How they were made.
        """
        _require(members, ("regulon", "gene"))
        weights = members["weight"] if "weight" in members else pd.Series(1.0, index=members.index)
        table = pd.DataFrame({"regulon": members["regulon"].astype(str), "gene": members["gene"].astype(str)})
        table["weight"] = weights.to_numpy(dtype=np.float64)
        by_name = dict(iter(table.groupby("regulon", sort=False)))
        order = list(by_name) if meta is None else [str(name) for name in meta.index]
        empty = table.iloc[:0]
        regulons = [_one(name, by_name.get(name, empty), meta) for name in order]
        extra = [name for name in members.columns if name not in MEMBER_COLUMNS]
        support = members[["regulon", "gene", *extra]].astype({"regulon": str, "gene": str}) if extra else None
        return cls(regulons, support=support, provenance=provenance)

    def to_adata(self, adata: AnnData, *, key_added: str = _keys.REGULONS) -> None:
        """Store the regulons in ``adata.uns[key_added]``.

        Parameters
        ----------
        adata
            Where they are stored.
        key_added
            Name of the entry.

        Writes
        ------
        ``adata.uns[key_added]['members']`` : DataFrame ``(n_members, >= 3)``
        ``adata.uns[key_added]['meta']`` : DataFrame ``(n_regulons, 6)``
        ``adata.uns[key_added]['provenance']`` : str
            JSON text.
        """
        members = self.members
        members.index = members.index.astype(str)
        store(adata, key_added, {"members": members, "meta": self.meta}, self.provenance)

    @classmethod
    def from_adata(cls, adata: AnnData, *, key: str = _keys.REGULONS) -> Regulons:
        """Return the regulons that :meth:`to_adata` stored.

        Parameters
        ----------
        adata
            Where they are stored.
        key
            Name of the entry.

        Raises
        ------
        MissingKeyError
            If ``adata.uns`` has no such entry.
        InputError
            If something else lies there.
        """
        (members, meta), provenance = stored(adata, key, ("members", "meta"), kind="Regulons")
        return cls.from_frames(members, meta, provenance=provenance)


def _one(name: str, rows: pd.DataFrame, meta: pd.DataFrame | None) -> Regulon:
    """Return one regulon from its rows."""
    genes = dict(zip(rows["gene"], rows["weight"], strict=True))
    if meta is None:
        return Regulon.from_name(name, genes)
    row = meta.loc[name]
    motifs = tuple(filter(None, str(row.get("motifs", "")).split(";")))
    one = Regulon(
        tf=str(row["tf"]),
        sign=int(row["sign"]),
        targets=tuple(genes),
        weights=tuple(genes.values()),
        motifs=motifs,
        nes=float(row.get("nes", np.nan)),
        score=float(row.get("score", np.nan)),
    )
    if one.name == name:
        return one
    return Regulon(one.tf, one.sign, one.targets, one.weights, motifs, one.nes, one.score, label=name)


def _require(frame: pd.DataFrame, columns: Sequence[str]) -> None:
    """Raise InputError if a column is missing."""
    missing = [name for name in columns if name not in frame]
    if missing:
        msg = f"the table of regulons lacks {missing}; it has {list(frame.columns)}, and needs {list(columns)}."
        raise InputError(msg)
