"""How well groups foresee counts that were put aside."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from reguloom.temporal._glm import fit_glm, log_likelihood
from reguloom.temporal.noise import Noise
from reguloom.temporal.profile import Profile
from reguloom.temporal.timecourse import TimeCourse

Half = tuple[TimeCourse, Noise]
#: Variance of a gene's shape about that of its module, which bounds what one gene of little noise weighs.
OWN_VARIANCE = 0.1


def held_out(train: Half, test: Half, profile: Profile, labels: NDArray[np.int64]) -> NDArray[np.float64]:
    """Return the mean log-likelihood of each gene's held-out values under its group, ``(n_genes,)``.

    A gene is its level in each track plus an amplitude times the mean shape of its group, all fitted to the half that
    was seen; the amplitude is not negative. Whatever made the groups is scored alike.

    Parameters
    ----------
    train, test
        The two halves of :func:`reguloom.temporal.thinning.thin`.
    profile
        Courses of the half that was seen.
    labels
        Group of each gene, ``(n_genes,)``.
    """
    course, noise = train
    shape = group_shapes(profile, labels)[labels]
    place = (slice(None), course.track, np.searchsorted(profile.times, course.times))
    levels = (course.track[:, None] == np.arange(course.n_tracks)).astype(np.float64)
    used = levels.any(axis=0)
    design = np.concatenate(
        [np.broadcast_to(levels[:, used], (course.n_genes, course.n_bins, used.sum())), shape[place][:, :, None]],
        axis=2,
    )
    eta = fit_glm(course, noise, design).eta
    flat = fit_glm(course, noise, levels[:, used]).eta
    centred = shape[place] - (shape[place] @ levels / np.maximum(levels.sum(axis=0), 1))[:, course.track]
    rises = (centred * (eta - flat)).sum(axis=1, keepdims=True) > 0
    value = log_likelihood(test[0], test[1], np.where(rises, eta, flat))
    return np.asarray(value.sum(axis=1) / np.maximum(test[0].mask.sum(axis=1), 1))


def group_shapes(profile: Profile, labels: NDArray[np.int64]) -> NDArray[np.float64]:
    """Return the mean shape of each group, ``(n_groups, n_tracks, n_times)``, precise genes counting more.

    Parameters
    ----------
    profile
        Courses.
    labels
        Group of each gene, from 0.
    """
    weight = np.where(profile.mask, 1.0 / (profile.shape_error**2 + OWN_VARIANCE), 0.0)
    made = np.zeros((int(labels.max(initial=0)) + 1, *profile.values.shape[1:]))
    for one in range(len(made)):
        rows = labels == one
        total = weight[rows].sum(axis=0)
        made[one] = np.divide((weight * profile.shape)[rows].sum(axis=0), total, out=made[one], where=total > 0)
    return made
