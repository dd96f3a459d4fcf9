"""On or off: one threshold per regulon, found from the shape of its activity over the cells.

pySCENIC's rule (Aibar et al. 2017; van de Sande et al., Nature Protocols 15:2247, 2020). A regulon whose activity has
one mode is on above mean + 2 SD. One with two modes is split where the density between the means of a mixture of two
normals is lowest. Whether there are two modes is decided by Hartigan's dip test, or by the BIC of the mixture.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from reguloom import _keys
from reguloom._errors import InputError
from reguloom._progress import track
from reguloom._random import SeedLike, accepts_seed, root_seed
from reguloom._threads import map_ordered
from reguloom.activity import _slots

if TYPE_CHECKING:
    from anndata import AnnData

METHODS = ("hdt", "bic", "r")
#: Significance of the dip test, as in pySCENIC.
DIP_LEVEL = 0.05


@accepts_seed
def binarize(
    adata: AnnData,
    *,
    key: str = _keys.AUCELL,
    method: str = "hdt",
    thresholds: Mapping[str, float] | None = None,
    key_added: str | None = None,
    rng: SeedLike = 0,
    n_jobs: int | None = None,
    copy: bool = False,
) -> AnnData | None:
    """Call each regulon on or off in every cell and store the calls in `adata`.

    Parameters
    ----------
    adata
        With activity in ``adata.obsm[key]``.
    key
        Slot of the activity.
    method, thresholds, rng, n_jobs
        As :func:`find_thresholds`.
    key_added
        Slot to write; None takes ``<key>_binary``.
    copy
        Return a changed copy and leave `adata` as it is.

    Returns
    -------
    The copy, or None.

    Writes
    ------
    ``adata.obsm[key_added]`` : DataFrame of int8 ``(n_cells, n_regulons)``
        1 where the regulon is on.
    ``adata.uns[key]['thresholds']`` : DataFrame ``(n_regulons, 3)``
        As :func:`find_thresholds` returns it.

    Raises
    ------
    MissingKeyError
        If there is no activity.
    InputError
        As :func:`find_thresholds`.
    """
    adata = adata.copy() if copy else adata
    auc = _slots.scores(adata, key)
    table = find_thresholds(auc, method=method, thresholds=thresholds, rng=rng, n_jobs=n_jobs)
    adata.obsm[_keys.binary(key) if key_added is None else key_added] = _calls(auc, table["threshold"])
    _slots.entry(adata, key)["thresholds"] = table
    return adata if copy else None


@accepts_seed
def binarize_frame(
    auc: pd.DataFrame,
    *,
    method: str = "hdt",
    thresholds: Mapping[str, float] | None = None,
    rng: SeedLike = 0,
    n_jobs: int | None = None,
) -> tuple[pd.DataFrame, pd.Series]:
    """Call each regulon on or off in every cell.

    Parameters
    ----------
    auc
        Activity, ``(n_cells, n_regulons)``.
    method, thresholds, rng, n_jobs
        As :func:`find_thresholds`.

    Returns
    -------
    The calls, int8 ``(n_cells, n_regulons)``, and the threshold of each regulon; a cell is on *above* it.
    """
    table = find_thresholds(auc, method=method, thresholds=thresholds, rng=rng, n_jobs=n_jobs)
    return _calls(auc, table["threshold"]), table["threshold"]


@accepts_seed
def find_thresholds(
    auc: pd.DataFrame,
    *,
    method: str = "hdt",
    thresholds: Mapping[str, float] | None = None,
    rng: SeedLike = 0,
    n_jobs: int | None = None,
) -> pd.DataFrame:
    """Find the activity above which each regulon is called on.

    Parameters
    ----------
    auc
        Activity, ``(n_cells, n_regulons)``.
    method
        How two modes are told from one: ``"hdt"``, Hartigan's dip test at 0.05 (pySCENIC's default), or ``"bic"``,
        whether two normals fit no worse than one by the BIC. ``"r"``: the candidates of Bioconductor's AUCell, see
        :func:`explore_thresholds`.
    thresholds
        Regulon → threshold, set by hand for some.
    rng
        Seed of the mixtures of ``"r"``, 0 like any other. The other methods use no random numbers: the mixture starts
        from the best split of the values in two, which k-means with random centres only approaches.
    n_jobs
        Number of threads; changes nothing but the time.

    Returns
    -------
    Indexed by regulon: ``threshold``; ``modality``, which is ``"unimodal"``, ``"bimodal"``, ``"constant"`` (the same
    activity in every cell; never on), ``"manual"``, or for ``"r"`` the name of the candidate; ``p_value`` of the dip
    test, NaN where it was not made.

    Raises
    ------
    InputError
        If the method or a regulon in `thresholds` is not known, or the table holds no finite numbers.
    """
    if method not in METHODS:
        msg = f"method is {method!r}; accepted are {', '.join(map(repr, METHODS))}."
        raise InputError(msg)
    manual = _manual(auc, thresholds)
    values = _slots.checked(auc)
    seed = root_seed(rng) % 2**32

    def work(name: str) -> tuple[float, str, float]:
        if name in manual:
            return manual[name], "manual", np.nan
        return _one_threshold(values[name].to_numpy(), method, seed)

    found = list(track(map_ordered(work, values.columns, n_jobs), values.shape[1], "thresholds"))
    index = pd.Index(values.columns, name="Regulon")
    return pd.DataFrame(found, index=index, columns=["threshold", "modality", "p_value"])


def _manual(auc: pd.DataFrame, thresholds: Mapping[str, float] | None) -> dict[str, float]:
    """Return the thresholds set by hand after checking the names."""
    manual = {str(name): float(value) for name, value in (thresholds or {}).items()}
    unknown = [name for name in manual if name not in auc.columns]
    if unknown:
        msg = f"thresholds names {unknown[:3]}, which are not among the {auc.shape[1]} regulons, such as "
        raise InputError(msg + f"{list(auc.columns[:3])}.")
    return manual


def _calls(auc: pd.DataFrame, thresholds: pd.Series) -> pd.DataFrame:
    """Return 1 where the activity is above its threshold."""
    above = auc.to_numpy(dtype=np.float64) > thresholds.to_numpy()
    return pd.DataFrame(above.astype(np.int8), index=auc.index, columns=auc.columns)


def _one_threshold(values: np.ndarray, method: str, seed: int) -> tuple[float, str, float]:
    """Return threshold, modality and p-value for one regulon."""
    from reguloom.activity._dip import dip_test

    if values.min() == values.max():
        return float(values[0]), "constant", np.nan
    if method == "r":
        from reguloom.activity.explore import explore_thresholds

        table = explore_thresholds(values, rng=seed)
        return float(table.loc[table["chosen"], "threshold"].iloc[0]), str(table.index[table["chosen"]][0]), np.nan
    p_value = dip_test(values)[1] if method == "hdt" else np.nan
    split = p_value <= DIP_LEVEL if method == "hdt" else _two_fit_better(values)
    threshold = _valley(values) if split else None
    if threshold is None:
        return float(values.mean() + 2 * values.std()), "unimodal", p_value
    return threshold, "bimodal", p_value


def _two_fit_better(values: np.ndarray) -> bool:
    """Whether two normals have a Bayesian information criterion no worse than one."""
    from reguloom.activity._mixture_kernels import SMALLEST_VARIANCE, fit_two_normals

    n = len(values)
    variance = values.var() + SMALLEST_VARIANCE
    one = -0.5 * (np.log(2 * np.pi * variance) + values.var() / variance)
    two = fit_two_normals(*_distinct(values))[1]
    # -2 log-likelihood + parameters * log(n), with 2 and 5 parameters
    return bool(-2 * n * two + 5 * np.log(n) <= -2 * n * one + 2 * np.log(n))


def _valley(values: np.ndarray) -> float | None:
    """Return where the density is lowest between the means of two fitted normals; None if the means coincide."""
    from scipy.optimize import minimize_scalar

    from reguloom.activity._mixture_kernels import fit_two_normals

    # A normal kernel of Scott's width, as scipy.stats.gaussian_kde; repeated values (zeros, most of all) are summed
    # once, with their count.
    distinct, counts = _distinct(values)
    low, high = np.sort(fit_two_normals(distinct, counts)[0][:, 1])
    if not high > low:
        return None
    width = values.std(ddof=1) * len(values) ** -0.2
    found = minimize_scalar(lambda at: _density(at, distinct, counts, width), bounds=(low, high), method="bounded")
    return float(found.x)


def _distinct(values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the distinct values, ascending, and how often each occurs."""
    distinct, counts = np.unique(values, return_counts=True)
    return distinct, counts.astype(np.float64)


def _density(at: float, distinct: np.ndarray, counts: np.ndarray, width: float) -> float:
    """Return a normal kernel density at one point, up to a factor."""
    return float(counts @ np.exp(-0.5 * ((at - distinct) / width) ** 2))
