"""What every way of grouping genes offers a fit: groups in each split of the data, and many groupings of all of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Protocol

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from reguloom._random import child_seed, generator
from reguloom.temporal.baselines import BASELINES
from reguloom.temporal.held_out import Half, group_shapes
from reguloom.temporal.profile import Profile
from reguloom.temporal.selection import Folds
from reguloom.temporal.thinning import bootstrap

#: Bootstrap samples of the cells behind the consensus of a method without a network.
N_BOOTSTRAP = 20


@dataclass(frozen=True, eq=False)
class Material:
    """What is grouped.

    Parameters
    ----------
    whole
        The time course with its noise.
    profile
        Its courses.
    folds
        Splits of it.
    root
        Seed.
    """

    whole: Half
    profile: Profile
    folds: Folds
    root: int


@dataclass(frozen=True, eq=False)
class Findings:
    """What a method knows besides groups.

    Parameters
    ----------
    fitted, fitted_error
        Fitted courses less the level, and their standard errors, ``(n_genes, n_tracks, n_times)``.
    latent
        Latent of each gene.
    history
        Training curves.
    """

    fitted: NDArray[np.float64]
    fitted_error: NDArray[np.float64]
    latent: pd.DataFrame = field(default_factory=pd.DataFrame)
    history: pd.DataFrame = field(default_factory=pd.DataFrame)


class Grouping(Protocol):
    """A way of grouping genes."""

    name: str
    notes: tuple[str, ...]

    def fold_labels(self, number: int, n_modules: int) -> NDArray[np.int64]:
        """Return the groups found in what split `number` lets it see."""
        ...

    def partitions(self, n_modules: int) -> Sequence[NDArray[np.int64]]:
        """Return groupings of the whole data that differ by chance alone."""
        ...

    def findings(self, labels: NDArray[np.int64]) -> Findings:
        """Return what else it knows, given the final groups."""
        ...


class BaselineGrouping:
    """A baseline as a grouping: fitted anew to every split and every bootstrap sample.

    Parameters
    ----------
    name
        Of :data:`reguloom.temporal.baselines.BASELINES`.
    material
        What is grouped.
    """

    def __init__(self, name: str, material: Material) -> None:
        self.name, self.material = name, material
        self.notes: tuple[str, ...] = ()
        self._function = BASELINES[name]

    def fold_labels(self, number: int, n_modules: int) -> NDArray[np.int64]:
        """Return the groups found in what split `number` lets it see."""
        seed = child_seed(self.material.root, self.name, "fold", number)
        return self._function(self.material.folds.profiles[number], n_modules, seed)

    def whole(self, n_modules: int) -> NDArray[np.int64]:
        """Return the groups found in all data."""
        return self._function(self.material.profile, n_modules, child_seed(self.material.root, self.name, "whole"))

    def partitions(self, n_modules: int) -> list[NDArray[np.int64]]:
        """Return the groups of all data and of bootstrap samples of the cells."""
        made = [self.whole(n_modules)]
        course, noise = self.material.whole
        for number in range(N_BOOTSTRAP):
            drawn = bootstrap(course, noise, generator(self.material.root, "bootstrap", number))
            seed = child_seed(self.material.root, self.name, "bootstrap", number)
            made.append(self._function(Profile.of(drawn, noise), n_modules, seed))
        return made

    def findings(self, labels: NDArray[np.int64]) -> Findings:
        """Return the mean shape of each gene's group, times the gene's amplitude, as its fitted course."""
        return Findings(*group_courses(self.material.profile, labels))


def group_courses(profile: Profile, labels: NDArray[np.int64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return the mean shape of each gene's group times its amplitude, and how far its genes lie from it.

    Parameters
    ----------
    profile
        Courses.
    labels
        Group of each gene.
    """
    shapes = group_shapes(profile, labels)
    fitted = shapes[labels]
    squares = np.where(profile.mask, (profile.shape - fitted) ** 2, 0.0)
    spread = np.zeros(shapes.shape)
    for one in range(len(shapes)):
        rows = labels == one
        spread[one] = np.sqrt(squares[rows].sum(axis=0) / np.maximum(profile.mask[rows].sum(axis=0), 1))
    scale = profile.scale[:, None, None]
    return fitted * scale, spread[labels] * scale
