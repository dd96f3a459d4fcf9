"""Tables of genes × samples: time points in the header (DPGP, STEM, iDREM), or a second table that explains them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from reguloom._errors import InputError
from reguloom._logging import logger
from reguloom.temporal.read_time import parse_label, parse_times

if TYPE_CHECKING:
    from anndata import AnnData

_OTHER_NAMES = ("spot", "geneid", "genename", "genesymbol", "symbol", "gene", "description", "probe", "entrez", "name")


def genes_by_time(
    frame: pd.DataFrame, path: Path, *, times: Mapping[str, Any] | Sequence[Any] | None = None, unit: str | None = None
) -> AnnData:
    """Return samples × genes of a table with a row for each gene and a column for each sample.

    Parameters
    ----------
    frame
        The table as read; gene names first, or in a column called gene, symbol, SPOT ...
    path
        Where it came from, for messages.
    times
        Time of each sample column: column → time, or one for each in order. Read from the header if left out.
    unit
        Unit of bare numbers in the header; hours if left out.

    Raises
    ------
    InputError
        If the header tells no times, or a value is no number.
    """
    names, columns = _split(frame, path, times)
    labels = [None if times is not None else parse_label(str(name), unit=unit) for name in columns]
    if times is not None:
        hours = _given_times(columns, times, unit, path)
        conditions, replicates = [""] * len(columns), [""] * len(columns)
    else:
        told = [one for one in labels if one is not None]
        if len(told) < len(columns):
            dumb = [str(name) for name, one in zip(columns, labels, strict=True) if one is None]
            msg = (
                f"{path}: the columns {dumb[:3]} name no time such as 0, 30min, 4h or LPS_4h_rep2; give the times of "
                "the columns (--times 0,3h,6h or --times NAME=24h), or a table of samples (--samples)."
            )
            raise InputError(msg)
        hours = np.array([one.hours for one in told])
        conditions, replicates = [one.condition for one in told], [one.replicate for one in told]
    obs = pd.DataFrame({"time": hours, "condition": conditions, "replicate": replicates}, index=map(str, columns))
    return _samples(frame, names, columns, obs, path)


def genes_by_sample(frame: pd.DataFrame, samples: pd.DataFrame, path: Path) -> AnnData:
    """Return samples × genes of a table and a second one with a row for each sample, which becomes ``obs``.

    Parameters
    ----------
    frame
        Genes × samples, or samples × genes; told apart by the samples' names.
    samples
        One row for each sample; one of its columns holds the samples' names.
    path
        Of the first table, for messages.

    Raises
    ------
    InputError
        If the tables share no samples, or a value is no number.
    """
    first = pd.Index(frame.iloc[:, 0].astype(str))
    about = by_name(samples, [*map(str, frame.columns[1:]), *first], path)
    if about.index.isin(first).sum() > about.index.isin(frame.columns.astype(str)).sum():
        frame = frame.set_index(frame.columns[0]).T.reset_index()
    columns = [name for name in frame.columns[1:] if str(name) in about.index]
    if len(set(map(str, columns))) < len(columns):
        twice = next(name for name in columns if list(map(str, columns)).count(str(name)) > 1)
        msg = f"{path} names the sample {str(twice)!r} twice; give each sample one row or column."
        raise InputError(msg)
    left = frame.shape[1] - 1 - len(columns)
    if left:
        logger.warning("%d of %d samples are not in the table of samples and are left out", left, frame.shape[1] - 1)
    check_numbers(frame, columns, path)
    return _samples(frame, frame.iloc[:, 0].astype(str), columns, about.loc[list(map(str, columns))].copy(), path)


def by_name(samples: pd.DataFrame, wanted: Sequence[str], path: Path) -> pd.DataFrame:
    """Return the table of samples, indexed by whichever of its columns holds the most of the wanted names.

    Parameters
    ----------
    samples
        One row for each sample.
    wanted
        Names in the data.
    path
        Of the data, for messages.

    Raises
    ------
    InputError
        If no column holds any.
    """
    names = set(wanted)
    share = {name: samples[name].astype(str).isin(names).mean() for name in samples.columns}
    best = max(share, key=lambda name: share[name])
    if share[best] == 0:
        msg = (
            f"{path} has names such as {list(wanted[:2])} and the table of samples {samples.iloc[:2, 0].tolist()}; one "
            "of its columns has to hold the samples' names."
        )
        raise InputError(msg)
    found = samples.set_index(samples[best].astype(str)).rename_axis(None)
    if not found.index.is_unique:
        msg = (
            f"the table of samples names {found.index[found.index.duplicated()][0]!r} twice; give each sample one row."
        )
        raise InputError(msg)
    return found


def _split(
    frame: pd.DataFrame, path: Path, times: Mapping[str, Any] | Sequence[Any] | None
) -> tuple[pd.Series, list[Any]]:
    """Return the genes' names and the sample columns."""
    plain = ["".join(ch for ch in str(name).lower() if ch.isalnum()) for name in frame.columns]
    genes = [name for name, key in zip(frame.columns, plain, strict=True) if key in _OTHER_NAMES[:6]]
    chosen = genes[-1] if genes else frame.columns[0]
    named = set(times) if isinstance(times, Mapping) else set()
    other = {chosen, frame.columns[0]} | {n for n, key in zip(frame.columns, plain, strict=True) if key in _OTHER_NAMES}
    columns = [name for name in frame.columns if name not in other or name in named]
    check_numbers(frame, columns, path)
    if len(columns) < 2:
        msg = f"{path} has {len(columns)} columns of numbers; a course needs at least two times."
        raise InputError(msg)
    return frame[chosen].astype(str), columns


def check_numbers(frame: pd.DataFrame, columns: Sequence[Any], path: Path) -> None:
    """Raise InputError for the first column that holds something else than numbers.

    Parameters
    ----------
    frame
        The table.
    columns
        Which columns.
    path
        For the message.
    """
    for name in columns:
        if frame[name].dtype.kind in "ifub":
            continue
        wrong = frame.loc[pd.to_numeric(frame[name], errors="coerce").isna() & frame[name].notna(), name]
        if len(wrong):
            held, line = str(wrong.iloc[0])[:40], int(wrong.index[0]) + 2
            msg = f"{path}: column {str(name)!r} holds {held!r} in line {line}, which is no number; mend or drop it."
            raise InputError(msg)


def _given_times(columns: list[Any], times: Any, unit: str | None, path: Path) -> np.ndarray:
    """Return the hours that the user gave for the columns."""
    if isinstance(times, Mapping):
        return parse_times([str(name) for name in columns], unit=unit, labels=times, name="header")
    if len(times) != len(columns):
        msg = f"{len(times)} times were given and {path} has {len(columns)} sample columns ({list(columns[:3])} ...)."
        raise InputError(msg[:-1] + "; give one for each.")
    return parse_times(times, unit=unit, name="times")


def _samples(frame: pd.DataFrame, names: pd.Series, columns: list[Any], obs: pd.DataFrame, path: Path) -> AnnData:
    """Return samples × genes; missing values stay missing, repeated genes are averaged."""
    from anndata import AnnData

    values = frame[columns].apply(pd.to_numeric, errors="coerce").to_numpy(np.float64)
    table = pd.DataFrame(values, index=list(names), columns=list(map(str, columns)))
    if not table.index.is_unique:
        repeated = int(table.index.duplicated().sum())
        logger.warning("%d rows of %s repeat a gene; their means are taken", repeated, path.name)
        table = table.groupby(level=0, sort=False).mean()
    obs = obs[[name for name in obs if not str(name).startswith("Unnamed:")]].copy()
    for name in obs.columns:
        obs[name] = pd.Categorical(obs[name].astype(str)) if obs[name].dtype.kind not in "if" else obs[name]
    logger.info("%s: %d genes, %d samples", path.name, *table.shape)
    return AnnData(table.T.to_numpy(), obs=obs.set_axis(table.columns), var=pd.DataFrame(index=table.index))


def stack(parts: Sequence[AnnData]) -> AnnData:
    """Return several tables of the same genes as replicates of each other: ``obs['replicate']`` numbers them.

    Parameters
    ----------
    parts
        One AnnData for each file, all of samples.

    Raises
    ------
    InputError
        If they share no genes.
    """
    import anndata

    if len(parts) == 1:
        return parts[0]
    for number, one in enumerate(parts):
        one.obs["replicate"] = str(number + 1)
        one.obs_names = [f"{name}-{number + 1}" for name in one.obs_names]
    joined = anndata.concat(parts, join="inner", merge="first")
    if joined.n_vars == 0:
        first, second = (list(map(str, one.var_names[:2])) for one in parts[:2])
        msg = f"the tables share no genes: {first} against {second}; replicates have to name the same genes."
        raise InputError(msg)
    joined.obs["replicate"] = pd.Categorical(joined.obs["replicate"])
    return joined
