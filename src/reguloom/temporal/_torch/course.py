"""A time course as tensors, and the likelihood of its values under decoded shapes."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import torch
from numpy.typing import NDArray

from reguloom.temporal.noise import Noise
from reguloom.temporal.profile import Profile, merge_replicates
from reguloom.temporal.timecourse import COUNT_LIKELIHOODS, TimeCourse


@dataclass(frozen=True)
class Observed:
    """Values on the grid of a profile, ``(n_times, n_genes, n_tracks)`` each.

    Parameters
    ----------
    value
        Counts, or means less the level.
    size
        Size factor.
    noise
        Dispersion of counts, variance of means.
    mask
        1 where there is a value.
    counts
        Whether they are counts.
    level, scale
        Of the profile: ``(1, n_genes, n_tracks)`` and ``(1, n_genes, 1)``.
    """

    value: torch.Tensor
    size: torch.Tensor
    noise: torch.Tensor
    mask: torch.Tensor
    counts: bool
    level: torch.Tensor
    scale: torch.Tensor

    @classmethod
    def of(cls, course: TimeCourse, noise: Noise, profile: Profile, device: torch.device) -> Observed:
        """Return the values of `course` beside the levels and amplitudes of `profile`."""
        course, noise = merge_replicates(course, noise)
        counts = course.likelihood in COUNT_LIKELIHOODS
        shape = profile.values.shape
        place = (slice(None), course.track, np.searchsorted(profile.times, course.times))
        value, spread, mask = np.zeros(shape), np.ones(shape), np.zeros(shape)
        size = np.ones(shape)
        mask[place] = course.mask
        if counts:
            value[place], spread[place], size[place] = course.totals, noise.alpha, course.size
        else:
            other = Profile.of(course, noise)
            value = other.values + np.nan_to_num(other.level - profile.level)[:, :, None] * other.mask
            spread = other.error**2

        def tensor(table: NDArray) -> torch.Tensor:
            swapped = np.ascontiguousarray(np.moveaxis(table, 2, 0), dtype=np.float32)
            return torch.from_numpy(swapped).to(device)

        level = np.nan_to_num(profile.level)[:, :, None]
        return cls(tensor(value), tensor(size), tensor(spread), tensor(mask), counts, tensor(level),
                   tensor(profile.scale[:, None, None]))  # fmt: skip

    def rows(self, which: torch.Tensor) -> Observed:
        """Return the genes at `which`."""
        names = ("value", "size", "noise", "mask", "level", "scale")
        return replace(self, **{name: getattr(self, name).index_select(1, which) for name in names})

    def nll(self, course: torch.Tensor, misfit: torch.Tensor) -> torch.Tensor:
        """Return the negative log-likelihood of each gene, up to a constant of the data.

        Parameters
        ----------
        course
            Decoded shapes.
        misfit
            Raw parameter of how far a true shape lies from its decoding. As variance of the shape it bounds what a
            single gene of huge counts weighs in the fit.
        """
        own = (0.05 + torch.nn.functional.softplus(misfit)) ** 2 * self.scale**2
        if not self.counts:
            variance = self.noise + own
            loss = 0.5 * ((self.value - self.scale * course) ** 2 / variance + torch.log(variance))
            return (loss * self.mask).sum(dim=(0, 2))
        eta = (self.level + self.scale * course).clamp(-20.0, 20.0)
        mu = self.size * torch.exp(eta)
        r = 1.0 / (self.noise + own)
        loss = (
            torch.lgamma(r) - torch.lgamma(self.value + r) - r * torch.log(r) + (self.value + r) * torch.log(r + mu)
            - self.value * (eta + torch.log(self.size))
        )  # fmt: skip
        return (loss * self.mask).sum(dim=(0, 2))


def inputs(profile: Profile, device: torch.device) -> torch.Tensor:
    """Return what the network reads: shapes, their errors (bounded), and whether they were measured."""
    shape = np.clip(profile.shape, -6.0, 6.0)
    error = np.clip(profile.shape_error, 0.0, 3.0)
    parts = [np.where(profile.mask, shape, 0.0), np.where(profile.mask, error, 0.0), profile.mask.astype(float)]
    table = np.concatenate([np.moveaxis(part, 2, 0) for part in parts], axis=2)
    return torch.from_numpy(np.ascontiguousarray(table, dtype=np.float32)).to(device)


def gaps(times: NDArray[np.float64], device: torch.device) -> torch.Tensor:
    """Return the time since the time before, ``log(1 + gap / median gap)``; 0 for the first."""
    steps = np.diff(times, prepend=times[0])
    middle = np.median(steps[1:]) if len(times) > 1 else 1.0
    return torch.from_numpy(np.log1p(steps / max(middle, 1e-12)).astype(np.float32)).to(device)
