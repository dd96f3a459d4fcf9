"""Which regulons differ between groups of cells: Wilcoxon's rank-sum test with the false discovery rate.

Cells of one sample are not independent, so cell-level p-values are too small where several samples are compared;
``samples`` tests the means of samples instead (Squair et al., Nature Communications 12:5692, 2021).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from reguloom import _keys
from reguloom._errors import InputError
from reguloom.activity import _slots
from reguloom.core.fdr import benjamini_hochberg

if TYPE_CHECKING:
    from anndata import AnnData


def differential(
    adata: AnnData,
    groupby: str,
    *,
    reference: str | None = None,
    sample_key: str | None = None,
    key: str = _keys.AUCELL,
    copy: bool = False,
) -> AnnData | None:
    """Test each regulon between each group and the rest, and store the table in `adata`.

    Parameters
    ----------
    adata
        With activity in ``adata.obsm[key]``.
    groupby
        Column of ``adata.obs`` with the groups.
    reference
        Group to compare with; None compares with all other cells.
    sample_key
        Column of ``adata.obs`` with the sample (donor, animal) of each cell: test means of samples, not cells.
    key
        Slot of the activity.
    copy
        Return a changed copy and leave `adata` as it is.

    Returns
    -------
    The copy, or None.

    Writes
    ------
    ``adata.uns[key]['differential_<groupby>']`` : DataFrame ``(n_groups * n_regulons, 9)``
        As :func:`differential_frame`.

    Raises
    ------
    MissingKeyError
        If there is no activity or no such column.
    InputError
        As :func:`differential_frame`.
    """
    adata = adata.copy() if copy else adata
    samples = None if sample_key is None else _slots.column(adata, sample_key)
    groups = _slots.column(adata, groupby)
    table = differential_frame(_slots.scores(adata, key), groups, reference=reference, samples=samples)
    table.index = table.index.astype(str)
    _slots.entry(adata, key)[_keys.differential(groupby)] = table
    return adata if copy else None


def differential_frame(
    auc: pd.DataFrame,
    groups: pd.Series | Sequence[Any],
    *,
    reference: str | None = None,
    samples: pd.Series | Sequence[Any] | None = None,
) -> pd.DataFrame:
    """Test each regulon between each group and the rest.

    Parameters
    ----------
    auc
        Activity, ``(n_cells, n_regulons)``.
    groups
        Group of each cell, in the order of the cells or as a Series indexed by cell.
    reference
        Group to compare with; None compares with all other cells.
    samples
        Sample of each cell. Activity is then averaged over the cells of a sample in a group, and the means are
        tested, with the exact distribution where that is possible.

    Returns
    -------
    One row per group and regulon, sorted by p-value within a group: ``group``, ``regulon``, ``mean``,
    ``mean_reference``, ``difference``, ``auroc`` (probability that a cell of the group has the higher activity),
    ``n_units`` (cells or samples of the group), ``p_value`` (two-sided, corrected for ties and continuity),
    ``p_adjusted`` (Benjamini and Hochberg over the regulons of a group).

    Raises
    ------
    InputError
        If there are fewer than two groups, or the reference is not one of them.
    """
    codes, names = _slots.align_groups(auc, groups)
    if len(names) < 2:
        msg = f"there is one group ({names[0]!r}); a comparison needs at least two."
        raise InputError(msg)
    if reference is not None and reference not in names:
        msg = f"reference is {reference!r}, which is not one of the groups {names}."
        raise InputError(msg)
    values = _slots.checked(auc).to_numpy()
    exact = samples is not None
    if samples is not None:
        values, codes = _sample_means(values, codes, _slots.align_groups(auc, samples)[0])
    # Against all other cells, one ranking serves every group.
    ranked = None if exact or reference is not None else _Ranks.of(values[codes >= 0])
    tables = []
    for code, name in enumerate(names):
        if name == reference:
            continue
        inside, others = codes == code, _others(codes, code, names, reference)
        if ranked is not None:
            tested = ranked.test(inside[codes >= 0])
        elif exact:
            tested = _exact_test(values[inside], values[others])
        else:
            both = inside | others
            tested = _Ranks.of(values[both]).test(inside[both])
        tables.append(_table(name, auc.columns, values[inside], values[others], tested))
    return pd.concat(tables, ignore_index=True)


def _others(codes: np.ndarray, code: int, names: list[str], reference: str | None) -> np.ndarray:
    """Return the mask of the units that a group is compared with."""
    return (codes >= 0) & (codes != code) if reference is None else codes == names.index(reference)


def _sample_means(values: np.ndarray, codes: np.ndarray, samples: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the mean activity of each (sample, group) that has cells, and the group of each."""
    known = (codes >= 0) & (samples >= 0)
    units = pd.DataFrame(values[known]).groupby([samples[known], codes[known]]).mean()
    return units.to_numpy(), units.index.get_level_values(1).to_numpy()


@dataclass(frozen=True)
class _Ranks:
    """Average ranks of units within each regulon, and the sum of ``t**3 - t`` over its ties of length t."""

    ranks: np.ndarray
    ties: np.ndarray

    @classmethod
    def of(cls, values: np.ndarray) -> _Ranks:
        """Rank the units, shape ``(n_units, n_regulons)``."""
        from scipy.stats import rankdata

        lengths = (np.unique(column, return_counts=True)[1].astype(np.float64) for column in values.T)
        return cls(rankdata(values, axis=0), np.array([(run**3 - run).sum() for run in lengths]))

    def test(self, inside: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return Mann and Whitney's U of the units inside, and the two-sided p-value, for every regulon.

        The normal approximation with corrections for ties and continuity, as ``scipy.stats.mannwhitneyu``.
        """
        from scipy.stats import norm

        n, n_inside = len(inside), int(inside.sum())
        n_pairs = n_inside * (n - n_inside)
        u = self.ranks[inside].sum(axis=0) - n_inside * (n_inside + 1) / 2
        variance = n_pairs / 12 * ((n + 1) - self.ties / max(n * (n - 1), 1))
        distance = np.maximum(np.abs(u - n_pairs / 2) - 0.5, 0)
        # A regulon without any variation: nothing speaks for a difference.
        z = np.divide(distance, np.sqrt(variance), out=np.zeros_like(u), where=variance > 1e-9)
        return u, np.minimum(2 * norm.sf(z), 1.0)


def _exact_test(group: np.ndarray, rest: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return U and the two-sided p-value, from the exact distribution where no values tie."""
    from scipy.stats import mannwhitneyu

    if not len(group) or not len(rest):
        return np.full(group.shape[1], np.nan), np.full(group.shape[1], np.nan)
    # One regulon at a time: given all, scipy leaves the exact distribution for all of them if one has ties.
    each = [mannwhitneyu(a, b, method="auto") for a, b in zip(group.T, rest.T, strict=True)]
    p_values = np.array([one.pvalue for one in each])
    return np.array([one.statistic for one in each]), np.where(np.isfinite(p_values), p_values, 1.0)


def _table(
    name: str, regulons: pd.Index, group: np.ndarray, rest: np.ndarray, tested: tuple[np.ndarray, np.ndarray]
) -> pd.DataFrame:
    """Return the rows of one group, best first."""
    u, p_values = tested
    means, rest_means = (part.sum(axis=0) / max(len(part), 1) for part in (group, rest))
    table = pd.DataFrame(
        {
            "group": name,
            "regulon": regulons.astype(str),
            "mean": means,
            "mean_reference": rest_means,
            "difference": means - rest_means,
            "auroc": u / max(len(group) * len(rest), 1),
            "n_units": len(group),
            "p_value": p_values,
            "p_adjusted": benjamini_hochberg(p_values),
        }
    )
    return table.sort_values(["p_value", "difference"], ascending=[True, False], kind="stable")
