"""Groups of genes by their courses, each value weighed by its own noise."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from reguloom.temporal.baselines.kmeans import kmeans
from reguloom.temporal.held_out import OWN_VARIANCE, group_shapes
from reguloom.temporal.profile import Profile

_ROUNDS = 20


def course_groups(profile: Profile, n_groups: int, seed: int) -> NDArray[np.int64]:
    """Return the groups of k-means on the courses scaled to deviation 1, then of the most likely module of each gene.

    After k-means, modules' mean courses and the genes' modules are found in turn until no gene moves (classification
    EM, Celeux & Govaert 1992).

    Parameters
    ----------
    profile
        Courses.
    n_groups
        Number of groups.
    seed
        Seed.
    """
    flat = profile.values.reshape(len(profile.genes), -1)
    scaled = flat / np.maximum(flat.std(axis=1, keepdims=True), 1e-12)
    label = kmeans(scaled, n_groups, seed)
    for _ in range(_ROUNDS):
        found = most_likely(profile, group_shapes(profile, label))
        if (found == label).all():
            break
        label = found
    return label


def most_likely(profile: Profile, shapes: NDArray[np.float64]) -> NDArray[np.int64]:
    """Return the module whose course, times an amplitude of the gene's own, explains each gene's values best.

    A gene is its level in each track plus a non-negative amplitude times the course of its module, with the noise of
    its values and a deviation of its own; level and amplitude are the most likely ones.

    Parameters
    ----------
    profile
        Courses.
    shapes
        Courses of the modules, ``(n_modules, n_tracks, n_times)``.
    """
    own = OWN_VARIANCE * profile.scale[:, None, None] ** 2
    weight = np.where(profile.mask, 1.0 / (profile.error**2 + own), 0.0)
    total = np.maximum(weight.sum(axis=2), 1e-12)
    level = (weight * profile.values).sum(axis=2) / total
    n, n_modules = len(weight), len(shapes)
    centred = (weight * (profile.values - level[:, :, None])).reshape(n, -1)
    along = centred @ shapes.reshape(n_modules, -1).T
    squares = weight.reshape(n, -1) @ (shapes**2).reshape(n_modules, -1).T
    # Less what the free level of each track takes up.
    mean = np.einsum("gdt,kdt->gkd", weight, shapes)
    squares = squares - (mean**2 / total[:, None, :]).sum(axis=2)
    gain = np.maximum(along, 0.0) ** 2 / np.maximum(squares, 1e-9)
    return gain.argmax(axis=1).astype(np.int64)


def believed(profile: Profile, decoded: NDArray[np.float64], misfit: float) -> tuple[Profile, NDArray[np.float64]]:
    """Return courses as they are most likely given what was measured and a model's decoding, and their deviations.

    The true course lies about the decoded one with deviation `misfit` times the amplitude, and what was measured about
    the true one with the noise of the data: precise values are kept, noisy and missing ones are taken from the model.

    Parameters
    ----------
    profile
        Courses as measured.
    decoded
        Decoded values less the level, ``(n_genes, n_tracks, n_times)``.
    misfit
        Deviation of a true shape from its decoding.
    """
    seen = np.maximum(profile.mask.sum(axis=2, keepdims=True), 1)
    centre = np.where(profile.mask, decoded, 0.0).sum(axis=2, keepdims=True) / seen
    free = (misfit * profile.scale[:, None, None]) ** 2
    share = np.where(profile.mask, free / (free + profile.error**2), 0.0)
    values = share * profile.values + (1.0 - share) * (decoded - centre)
    values = values - values.mean(axis=2, keepdims=True)
    return replace(profile, values=values), np.sqrt((1.0 - share) * free)
