"""Numbers and names of modules: C1 is the earliest."""

from __future__ import annotations

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from reguloom.temporal.consensus import LEAST_PROBABILITY, contingency
from reguloom.temporal.profile import Profile

BAND = (0.05, 0.95)


def leading(timing: pd.DataFrame) -> pd.DataFrame:
    """Return each gene's timing in the track where it changes most, by gene.

    Parameters
    ----------
    timing
        From :func:`reguloom.temporal.timing`.
    """
    order = timing.assign(_size=timing["change"].abs()).sort_values("_size", ascending=False, kind="stable")
    first = order.drop_duplicates("gene").set_index("gene").drop(columns="_size")
    return first.loc[timing["gene"].drop_duplicates()]


def by_half_time(share: NDArray[np.float64], half_time: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return memberships with their columns in the order of the modules' half-times, those that :func:`summary` shows.

    Modules that hold no gene with a probability of one half are dropped: their genes are unassigned.

    Parameters
    ----------
    share
        Genes × modules.
    half_time
        Of each gene.
    """
    label = share.argmax(axis=1)
    held = share.max(axis=1) >= LEAST_PROBABILITY
    used = np.unique(label[held])
    typical = np.array([module_time(half_time[held & (label == one)]) for one in used])
    return share[:, used[np.argsort(typical, kind="stable")]]


def module_time(values: NDArray[np.float64]) -> float:
    """Return the time of a module, the median of its assigned genes: what numbers modules is what is shown of them.

    Parameters
    ----------
    values
        Onset or half-time of the genes that the module holds.
    """
    return float(np.median(values)) if len(values) else float("nan")


def named(share: NDArray[np.float64], genes: pd.Index) -> tuple[pd.DataFrame, NDArray[np.object_]]:
    """Return the membership with names, and the label of each gene, ``unassigned`` below a probability of one half.

    Parameters
    ----------
    share
        Genes × modules.
    genes
        Names.
    """
    names = [f"C{number + 1}" for number in range(share.shape[1])]
    table = pd.DataFrame(share, index=genes, columns=pd.Index(names, dtype=object))
    if not names:
        return table, np.full(len(genes), "unassigned", dtype=object)
    label = np.array(names, dtype=object)[share.argmax(axis=1)]
    return table, np.where(share.max(axis=1) < LEAST_PROBABILITY, "unassigned", label).astype(object)


def summary(
    labels: NDArray[np.object_], names: list[str], timing: pd.DataFrame, partitions: list[NDArray[np.int64]]
) -> pd.DataFrame:
    """Return one row per module.

    Parameters
    ----------
    labels
        Module of each gene.
    names
        Of the modules.
    timing
        One row per gene, in the same order.
    partitions
        Repeated groupings of the genes.
    """
    rows = []
    for name in names:
        inside = labels == name
        part = timing[inside]
        rows.append({
            "module": name, "n_genes": int(inside.sum()), "half_time": module_time(part["half_time"].to_numpy()),
            "onset": module_time(part["onset"].to_numpy()), "class": _commonest(part["class"]),
            "stability": float(np.mean([_jaccard(inside, one) for one in partitions])) if partitions else np.nan,
        })  # fmt: skip
    columns = ["module", "n_genes", "half_time", "onset", "class", "stability"]
    return pd.DataFrame(rows, columns=columns)


def _commonest(values: pd.Series) -> str:
    return str(values.value_counts().index[0]) if len(values) else ""


def _jaccard(inside: NDArray[np.bool_], partition: NDArray[np.int64]) -> float:
    """Return the Jaccard index of a module with the group that is most like it."""
    table = contingency(inside.astype(np.int64), partition)
    if len(table) < 2:
        return 0.0
    union = table[1].sum() + table.sum(axis=0) - table[1]
    return float((table[1] / np.maximum(union, 1)).max())


def curves(profile: Profile, labels: NDArray[np.object_], names: list[str]) -> pd.DataFrame:
    """Return the mean shape of each module in each track, with the band that holds nine tenths of its genes.

    Parameters
    ----------
    profile
        Courses of the genes.
    labels
        Module of each gene.
    names
        Of the modules.
    """
    shape = np.where(profile.mask, profile.shape, np.nan)
    rows = []
    for name in names:
        part = shape[labels == name]
        for number, track in enumerate(profile.tracks):
            for column, time in enumerate(profile.times):
                values = part[:, number, column]
                values = values[np.isfinite(values)]
                if len(values):
                    low, high = np.quantile(values, BAND)
                    rows.append(
                        (name, str(track), float(time), float(values.mean()), float(low), float(high), len(part))
                    )
    return pd.DataFrame(rows, columns=["module", "track", "time", "mean", "low", "high", "n_genes"])
