"""The variational recurrent network as a way of grouping genes: by the courses that it believes them to have.

A network decodes a course for each gene; together with what was measured this gives the gene's most likely course (see
:func:`reguloom.temporal.course_groups.believed`), and these are grouped. k-means on the latent w itself foresees
held-out values worse: the prior pulls every dimension of w to the same deviation, whatever its part in the courses.
Networks differ in their seed and in the counts that they see; final groups are a consensus over networks, draws from
the posterior, and bootstrap samples of the cells.
"""

from __future__ import annotations

import os
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from reguloom._errors import ConvergenceWarning, warn
from reguloom._optional import import_optional
from reguloom._random import child_seed, generator
from reguloom.temporal.course_groups import believed, course_groups, most_likely
from reguloom.temporal.grouping import BaselineGrouping, Findings, Material
from reguloom.temporal.held_out import group_shapes
from reguloom.temporal.options import VrnnOptions
from reguloom.temporal.profile import Profile
from reguloom.temporal.thinning import bootstrap

if TYPE_CHECKING:
    from reguloom.temporal._torch.fit import Fitted

#: Of the draws of a network, the share that are bootstrap samples of the cells in place of draws from the posterior.
SHARE_BOOTSTRAP = 0.2
#: Draws of w and z that are decoded; the other draws add to these what the decoding leaves open.
MOST_DECODED = 10
FALLBACK = "kmeans"


class VrnnGrouping:
    """Networks trained on every split.

    Parameters
    ----------
    material
        What is grouped.
    options
        Of the network.
    n_draws
        Draws of each network.
    device, n_jobs, folder, resume
        Of the training.
    """

    def __init__(
        self, material: Material, options: VrnnOptions, *, n_draws: int, device: str | None = "cpu",
        n_jobs: int | None = 1, folder: str | os.PathLike[str] | None = None, resume: bool = False,
    ) -> None:  # fmt: skip
        fit: Any = import_optional("reguloom.temporal._torch.fit", extra="deep")
        self.name, self.material, self.n_draws = "vrnn", material, n_draws
        train = partial(fit.fit_vrnn, options=options, device=device, n_jobs=n_jobs, resume=resume)
        fitted: list[Fitted] = []
        for number, pair in enumerate(material.folds.pairs):
            place = None if folder is None else Path(folder) / f"seed{number}"
            fitted.append(train(*pair, seed=child_seed(material.root, "vrnn", number), folder=place))
        self.networks = fitted
        self._seen = [_course(one, profile) for one, profile in zip(fitted, material.folds.profiles, strict=True)]
        self._whole = [_course(one, material.profile) for one in fitted]
        self._drawn: dict[int, list[Profile]] = {}
        collapsed = [one.collapsed for one in fitted if one.collapsed]
        self.notes: tuple[str, ...] = ()
        self._instead: BaselineGrouping | None = None
        if 2 * len(collapsed) > len(fitted):
            text = (
                f"{len(collapsed)} of {len(fitted)} networks have collapsed ({collapsed[0]}), so genes are grouped by "
            )
            self.notes = (f"{text}{FALLBACK} on z-scores instead",)
            warn(f"{self.notes[0]}.", ConvergenceWarning)
            self._instead = BaselineGrouping(FALLBACK, material)

    def fold_labels(self, number: int, n_modules: int) -> NDArray[np.int64]:
        """Return the groups found in what split `number` lets it see."""
        if self._instead is not None:
            return self._instead.fold_labels(number, n_modules)
        return course_groups(self._seen[number], n_modules, child_seed(self.material.root, "vrnn", number, n_modules))

    def partitions(self, n_modules: int) -> list[NDArray[np.int64]]:
        """Return groups by each network: of its courses, of draws from their posterior, of bootstrap samples."""
        if self._instead is not None:
            return self._instead.partitions(n_modules)
        made = []
        for number, course in enumerate(self._whole):
            label = course_groups(course, n_modules, child_seed(self.material.root, "vrnn", "whole", number, n_modules))
            shapes = group_shapes(course, label)
            made += [label, *(most_likely(other, shapes) for other in self._draws(number))]
        return made

    def _draws(self, number: int) -> list[Profile]:
        """Return courses as they might have been, made once for all numbers of modules."""
        if number in self._drawn:
            return self._drawn[number]
        network, profile = self.networks[number], self.material.profile
        n_bootstrap = round(SHARE_BOOTSTRAP * self.n_draws)
        rng = generator(self.material.root, "vrnn", "draws", number)
        n_decoded = min(MOST_DECODED, self.n_draws - n_bootstrap)
        decoded = [
            believed(profile, network.decoded(profile, seed=int(rng.integers(2**31))), network.misfit)
            for _ in range(n_decoded)
        ]
        drawn = []
        for sample in range(self.n_draws - n_bootstrap):
            course, deviation = decoded[sample % n_decoded]
            noise = deviation * rng.standard_normal(deviation.shape)
            drawn.append(replace(course, values=course.values + noise - noise.mean(axis=2, keepdims=True)))
        whole, spread = self.material.whole
        for sample in range(n_bootstrap):
            other = bootstrap(whole, spread, generator(self.material.root, "vrnn", "bootstrap", number, sample))
            drawn.append(_course(network, Profile.of(other, spread)))
        self._drawn[number] = drawn
        return drawn

    def findings(self, labels: NDArray[np.int64]) -> Findings:
        """Return decoded courses, their spread over networks and misfit, the latent of the first, and its training."""
        profile = self.material.profile
        decoded = np.stack([one.decoded(profile) for one in self.networks])
        misfit = np.mean([one.misfit for one in self.networks])
        error = np.sqrt(decoded.var(axis=0) + (misfit * profile.scale[:, None, None]) ** 2)
        tables = [one.history.assign(seed=number) for number, one in enumerate(self.networks)]
        mean = self.networks[0].latent(profile)[0]
        columns = pd.Index([f"w{number + 1}" for number in range(mean.shape[1])], dtype=object)
        latent = pd.DataFrame(mean, index=profile.genes, columns=columns)
        return Findings(decoded.mean(axis=0), error, latent, pd.concat(tables, ignore_index=True))


def _course(network: Fitted, profile: Profile) -> Profile:
    """Return the courses that a network believes genes to have."""
    return believed(profile, network.decoded(profile), network.misfit)[0]
