"""Groups by likelihood: the reference by least squares, noise that is known, what a model adds."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from reguloom.temporal.consensus import adjusted_rand
from reguloom.temporal.course_groups import believed, course_groups, most_likely
from reguloom.temporal.held_out import OWN_VARIANCE
from reguloom.temporal.noise import estimate_noise
from reguloom.temporal.profile import Profile

from .simulated import course


def profile_of(n_genes: int = 60, **options) -> tuple[Profile, np.ndarray]:
    data, module = course(n_genes, **options)
    return Profile.of(data, estimate_noise(data)), pd.factorize(module)[0]


def reference(profile: Profile, shapes: np.ndarray, gene: int) -> int:
    """Return the module with the smallest weighted residual, by a least-squares solver."""
    left = []
    mask = profile.mask[gene]
    weight = 1.0 / np.sqrt(profile.error[gene] ** 2 + OWN_VARIANCE * profile.scale[gene] ** 2)
    levels = np.repeat(np.eye(len(mask)), mask.shape[1], axis=0)
    for one in shapes:
        design = np.column_stack([levels, one.ravel()])
        y, w = profile.values[gene].ravel(), (weight * mask).ravel()
        found = np.linalg.lstsq(design * w[:, None], y * w, rcond=None)[0]
        if found[-1] < 0:
            design = levels
            found = np.linalg.lstsq(levels * w[:, None], y * w, rcond=None)[0]
        left.append(((w * (y - design @ found)) ** 2).sum())
    return int(np.argmin(left))


def test_the_most_likely_module_is_that_of_least_squares() -> None:
    rng = np.random.default_rng(0)
    profile, _ = profile_of(n_tracks=2, n_replicates=2)
    mask = rng.random(profile.mask.shape) > 0.1
    profile = replace(profile, mask=mask, error=rng.uniform(0.05, 1.0, mask.shape))
    shapes = rng.normal(size=(4, *mask.shape[1:]))
    expected = [reference(profile, shapes, gene) for gene in range(len(profile.genes))]
    assert list(most_likely(profile, shapes)) == expected


def test_values_of_much_noise_decide_little() -> None:
    profile, module = profile_of(n_genes=100)
    rng = np.random.default_rng(1)
    values, error = profile.values.copy(), np.full(profile.error.shape, 0.05)
    noisy = np.arange(100) % 3 == 0
    values[noisy, :, 2] += rng.normal(0.0, 4.0, (noisy.sum(), 1))
    error[noisy, :, 2] = 4.0
    blind = replace(profile, values=values, error=np.full(error.shape, 0.05))
    told = replace(profile, values=values, error=error)
    shapes = np.stack([profile.shape[module == one].mean(axis=0) for one in range(4)])
    right = [float((most_likely(one, shapes) == module)[noisy].mean()) for one in (told, blind)]
    assert right[0] > 0.95 > right[1]
    assert adjusted_rand(course_groups(told, 4, 0), module) > 0.9


def test_what_is_believed_lies_between_the_data_and_the_model() -> None:
    profile, _ = profile_of(n_genes=20)
    error, mask = np.full(profile.error.shape, 0.3), profile.mask.copy()
    error[:, :, 1], error[:, :, 3] = 1e-6, 1e6
    mask[5, 0, 2] = False
    profile = replace(profile, error=error, mask=mask)
    model = profile.values + np.linspace(-1.0, 1.0, mask.shape[2])
    made, deviation = believed(profile, model, misfit=0.3)
    near = made.values - made.values[:, :, 1:2]
    # A precise value and one that says nothing: the first is the datum, the second is the model's.
    seen = profile.values[:, 0, 1]
    centre = np.where(mask, model, 0.0).sum(axis=2, keepdims=True) / mask.sum(axis=2, keepdims=True)
    assert near[:, 0, 3] == pytest.approx((model - centre)[:, 0, 3] - seen, abs=1e-6)
    assert near[5, 0, 2] == pytest.approx((model - centre)[5, 0, 2] - seen[5], abs=1e-6)
    assert deviation[:, 0, 1] == pytest.approx(0.0, abs=1e-5)
    assert deviation[:, 0, 3] == pytest.approx(0.3 * profile.scale)
    assert (made.mask == mask).all()
