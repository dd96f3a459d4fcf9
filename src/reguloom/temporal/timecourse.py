"""A time course: genes × time bins of one or several tracks, with what is known about the noise of every value."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from reguloom._errors import InputError, MissingKeyError

LIKELIHOODS = ("nb", "poisson", "gaussian", "tweedie")
COUNT_LIKELIHOODS = ("nb", "poisson")
LEAST_FOR_RATIOS = 100


@dataclass(frozen=True, eq=False)
class TimeCourse:
    """Values of genes over time, in one or several tracks (cell type × condition).

    A *bin* is what was measured together: the cells (or one array) of one track, time and replicate. Bins of all tracks
    stand side by side, so tracks may have different times and replicates; replicates are bins of one track and time.

    Parameters
    ----------
    genes
        Names, unique, ``(n_genes,)``.
    tracks
        Names of the tracks, ``(n_tracks,)``.
    track
        Position in `tracks` of each bin, ``(n_bins,)``.
    times
        Hours, of each bin, ``(n_bins,)``; real capture times, or pseudotime if the notes say so.
    totals
        ``(n_genes, n_bins)``: summed counts (``nb``, ``poisson``) or means (``gaussian``, ``tweedie``).
    size
        Summed size factors of each bin; counts are compared after division by them. Ones for means.
    n_cells
        Cells in each bin; 1 for a bulk sample.
    replicate
        Number of the replicate or batch of each bin.
    mask
        ``(n_genes, n_bins)``, whether the value was measured.
    likelihood
        ``"nb"``, ``"poisson"``, ``"gaussian"`` or ``"tweedie"``.
    standard_error
        Of the means, ``(n_genes, n_bins)``; None if it is not known.
    variance
        Sampling variance of `totals` over the cells of each bin, ``(n_genes, n_bins)``; None if it is not known.
    notes
        What a reader of the result has to know: cell types pooled, batch aliased with time, smoothed values.
    """

    genes: pd.Index
    tracks: pd.Index
    track: NDArray[np.int64]
    times: NDArray[np.float64]
    totals: NDArray[np.float64]
    size: NDArray[np.float64]
    n_cells: NDArray[np.int64]
    replicate: NDArray[np.int64]
    mask: NDArray[np.bool_]
    likelihood: str
    standard_error: NDArray[np.float64] | None = None
    variance: NDArray[np.float64] | None = None
    notes: tuple[str, ...] = field(default=())

    def __post_init__(self) -> None:
        """Check that shapes, times and values agree with each other and the likelihood."""
        n_bins = len(self.times)
        per_bin = {"track": self.track, "size": self.size, "n_cells": self.n_cells, "replicate": self.replicate}
        for name, values in per_bin.items():
            if values.shape != (n_bins,):
                msg = f"{name} has shape {values.shape}; it needs one value for each of the {n_bins} bins."
                raise InputError(msg)
        tables = {"totals": self.totals, "mask": self.mask, "standard_error": self.standard_error}
        for name, table in {**tables, "variance": self.variance}.items():
            if table is not None and table.shape != (len(self.genes), n_bins):
                msg = f"{name} has shape {table.shape}; it is genes x bins, ({len(self.genes)}, {n_bins})."
                raise InputError(msg)
        self._check_values()

    def _check_values(self) -> None:
        """Raise InputError if values and likelihood do not fit."""
        if self.likelihood not in LIKELIHOODS:
            msg = f"likelihood is {self.likelihood!r}; accepted are {', '.join(LIKELIHOODS)}."
            raise InputError(msg)
        if not self.genes.is_unique:
            repeated = self.genes[self.genes.duplicated()].unique()
            msg = f"{len(repeated)} genes appear more than once, such as {list(repeated[:3])}; sum or rename them."
            raise InputError(msg)
        if not np.isfinite(self.times).all():
            msg = f"{int((~np.isfinite(self.times)).sum())} bins have no finite time; drop them or give their time."
            raise InputError(msg)
        seen = self.totals[self.mask]
        if not np.isfinite(seen).all():
            msg = "some measured values are NaN or infinite; mask them (mask=False) or fill them first."
            raise InputError(msg)
        if self.likelihood in COUNT_LIKELIHOODS and ((seen < 0).any() or (seen != np.rint(seen)).any()):
            msg = f"likelihood {self.likelihood!r} takes whole counts; for other values use 'gaussian' or 'tweedie'."
            raise InputError(msg)
        if self.likelihood == "tweedie" and (seen < 0).any():
            msg = "likelihood 'tweedie' takes values of 0 and above, and some are negative; use 'gaussian'."
            raise InputError(msg)
        if (self.size <= 0).any():
            msg = f"{int((self.size <= 0).sum())} bins have a size of 0 or less; drop empty bins."
            raise InputError(msg)

    @classmethod
    def from_samples(
        cls,
        values: ArrayLike | pd.DataFrame,
        times: ArrayLike,
        *,
        genes: Sequence[str] | pd.Index | None = None,
        tracks: Sequence[str] | None = None,
        replicates: Sequence[Any] | None = None,
        size: ArrayLike | None = None,
        n_cells: ArrayLike | None = None,
        standard_error: ArrayLike | None = None,
        likelihood: str = "auto",
        notes: Sequence[str] = (),
    ) -> TimeCourse:
        """Make a time course of a table of genes × samples, as of bulk data or group means.

        Parameters
        ----------
        values
            ``(n_genes, n_samples)``; NaN is a value that was not measured.
        times
            Hours of each sample.
        genes
            Names; those of the DataFrame if left out.
        tracks
            Cell type or condition of each sample; one track if left out.
        replicates
            Replicate of each sample; samples of one track and time are numbered if left out.
        size
            Size factors of the samples; made of the totals of counts if left out.
        n_cells
            Cells behind each sample.
        standard_error
            Of the values, for ``gaussian``.
        likelihood
            ``"auto"`` takes ``nb`` for whole numbers and ``gaussian`` otherwise.
        notes
            To be kept with the result.
        """
        table = np.array(values, dtype=np.float64, ndmin=2)
        names = genes if genes is not None else getattr(values, "index", range(len(table)))
        mask = np.isfinite(table)
        seen = table[mask]
        if likelihood == "auto":
            likelihood = "nb" if seen.size and (seen >= 0).all() and (seen == np.rint(seen)).all() else "gaussian"
        hours = np.asarray(times, dtype=np.float64)
        labels = [str(one) for one in tracks] if tracks is not None else ["all"] * len(hours)
        index = pd.Index(dict.fromkeys(labels), name="track", dtype=object)
        codes = index.get_indexer(pd.Index(labels, dtype=object)).astype(np.int64)
        if size is None:
            sums = np.where(mask, table, 0.0).sum(axis=0)
            counted = likelihood in COUNT_LIKELIHOODS and (sums > 0).all()
            size = composition(table, sums / np.exp(np.log(sums).mean())) if counted else np.ones(len(hours))
        return cls(
            genes=pd.Index([str(one) for one in names], name="gene"), tracks=index, track=codes, times=hours,
            totals=np.where(mask, table, 0.0), size=np.asarray(size, dtype=np.float64),
            n_cells=np.ones(len(hours), dtype=np.int64) if n_cells is None else np.asarray(n_cells, dtype=np.int64),
            replicate=_replicate_numbers(codes, hours, replicates), mask=mask, likelihood=likelihood,
            standard_error=None if standard_error is None else np.array(standard_error, dtype=np.float64, ndmin=2),
            notes=tuple(notes),
        )  # fmt: skip

    def __repr__(self) -> str:
        """Say the sizes."""
        return (
            f"TimeCourse({self.n_genes} genes, {self.n_tracks} tracks, {len(self.grid)} times, {self.n_bins} bins, "
            f"{self.likelihood})"
        )

    @property
    def n_genes(self) -> int:
        """Number of genes."""
        return len(self.genes)

    @property
    def n_bins(self) -> int:
        """Number of bins over all tracks and replicates."""
        return len(self.times)

    @property
    def n_tracks(self) -> int:
        """Number of tracks."""
        return len(self.tracks)

    @property
    def grid(self) -> NDArray[np.float64]:
        """Every time that some track was measured at, increasing."""
        return np.unique(self.times)

    @property
    def bins(self) -> pd.DataFrame:
        """One row per bin: ``track``, ``time``, ``replicate``, ``size``, ``n_cells``."""
        return pd.DataFrame({
            "track": self.tracks[self.track], "time": self.times, "replicate": self.replicate, "size": self.size,
            "n_cells": self.n_cells,
        })  # fmt: skip

    @property
    def has_replicates(self) -> bool:
        """Whether some track was measured more than once at the same time."""
        return bool(pd.DataFrame({"track": self.track, "time": self.times}).duplicated().any())

    def select_genes(self, which: Any) -> TimeCourse:
        """Return the genes at `which`: names, a mask or positions."""
        array = np.asarray(which)
        if array.dtype == bool:
            positions = np.flatnonzero(array)
        elif array.dtype.kind in "iu":
            positions = array
        else:
            positions = self.genes.get_indexer(pd.Index(array))
            if (positions < 0).any():
                absent = [str(one) for one in array[positions < 0]]
                msg = f"{len(absent)} genes are not in the time course, such as {absent[:3]}; check the names."
                raise MissingKeyError(msg)
        optional: dict[str, Any] = {
            name: None if getattr(self, name) is None else getattr(self, name)[positions]
            for name in ("standard_error", "variance")
        }
        return replace(
            self, genes=self.genes[positions], totals=self.totals[positions], mask=self.mask[positions], **optional
        )

    def select_track(self, name: str) -> TimeCourse:
        """Return the bins of the track called `name` alone."""
        if name not in self.tracks:
            msg = f"there is no track {name!r}; the time course has {list(self.tracks)}."
            raise MissingKeyError(msg)
        keep = self.tracks[self.track] == name
        return replace(self.take_bins(keep), tracks=pd.Index([name], name="track"), track=np.zeros(keep.sum(), int))

    def take_bins(self, keep: NDArray[Any]) -> TimeCourse:
        """Return the bins at `keep`, a mask or positions; the list of tracks stays."""
        optional: dict[str, Any] = {
            name: None if getattr(self, name) is None else getattr(self, name)[:, keep]
            for name in ("standard_error", "variance")
        }
        return replace(
            self, track=self.track[keep], times=self.times[keep], totals=self.totals[:, keep], size=self.size[keep],
            n_cells=self.n_cells[keep], replicate=self.replicate[keep], mask=self.mask[:, keep], **optional,
        )  # fmt: skip


def composition(totals: NDArray[np.float64], size: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return sizes that do not follow a few genes which rise: corrected by the median ratio over genes (Anders 2010).

    Parameters
    ----------
    totals
        Counts, ``(n_genes, n_bins)``.
    size
        Sizes by the total, ``(n_bins,)``. Kept as they are where fewer than 100 genes are seen in every bin.
    """
    rate = totals / size
    seen = np.isfinite(rate).all(axis=1) & (totals > 0).all(axis=1)
    if seen.sum() < LEAST_FOR_RATIOS:
        return size
    log = np.log(rate[seen])
    log -= log.mean(axis=1, keepdims=True)
    factor = np.median(log, axis=0)
    # Again with the half of the genes that move least: where many rise, the median over all rises with them.
    moved = ((log - factor) ** 2).sum(axis=1)
    factor = np.median(log[moved <= np.median(moved)], axis=0)
    return np.asarray(size * np.exp(factor - factor.mean()))


def _replicate_numbers(
    track: NDArray[np.int64], times: NDArray[np.float64], replicates: Sequence[Any] | None
) -> NDArray[np.int64]:
    """Return a number for each sample's replicate; samples that share track and time are counted."""
    if replicates is not None:
        return pd.factorize(np.asarray([str(one) for one in replicates], dtype=object), sort=True)[0].astype(np.int64)
    keys = pd.DataFrame({"track": track, "time": times})
    return keys.groupby(["track", "time"]).cumcount().to_numpy(dtype=np.int64)
