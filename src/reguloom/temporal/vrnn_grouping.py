"""The variational recurrent network as a way of grouping genes: k-means on the latent that a gene keeps over time.

The readout was fixed before any data with known modules were scored: k-means on the posterior mean of w in each
network; networks differ in their seed and in the counts that they see; final groups are a consensus over networks,
draws from the posterior, and bootstrap samples of the cells.
"""

from __future__ import annotations

import os
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from reguloom._errors import ConvergenceWarning, warn
from reguloom._optional import import_optional
from reguloom._random import child_seed, generator
from reguloom.temporal.baselines.kmeans import kmeans
from reguloom.temporal.grouping import BaselineGrouping, Findings, Material
from reguloom.temporal.options import VrnnOptions
from reguloom.temporal.profile import Profile
from reguloom.temporal.thinning import bootstrap

if TYPE_CHECKING:
    from reguloom.temporal._torch.fit import Fitted

#: Of the draws of a network, the share that are bootstrap samples of the cells in place of draws from the posterior.
SHARE_BOOTSTRAP = 0.2
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
        self._latent = [one.latent(profile)[0] for one, profile in zip(fitted, material.folds.profiles, strict=True)]
        self._whole = [one.latent(material.profile) for one in fitted]
        self._drawn: dict[int, list[NDArray[np.float64]]] = {}
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
        return kmeans(self._latent[number], n_modules, child_seed(self.material.root, "vrnn", number, n_modules))

    def partitions(self, n_modules: int) -> list[NDArray[np.int64]]:
        """Return groups by each network: of its means, of draws from its posterior, of bootstrap samples."""
        if self._instead is not None:
            return self._instead.partitions(n_modules)
        made = []
        for number, (mean, deviation) in enumerate(self._whole):
            seed = child_seed(self.material.root, "vrnn", "whole", number, n_modules)
            label = kmeans(mean, n_modules, seed)
            centres = np.stack([mean[label == one].mean(axis=0) for one in range(int(label.max()) + 1)])
            made.append(label)
            made += [_nearest(points, centres) for points in self._draws(number, mean, deviation)]
        return made

    def _draws(self, number: int, mean: NDArray[np.float64], deviation: NDArray[np.float64]) -> list[NDArray]:
        """Return latents as they might have been, made once for all numbers of modules."""
        if number in self._drawn:
            return self._drawn[number]
        n_bootstrap = round(SHARE_BOOTSTRAP * self.n_draws)
        rng = generator(self.material.root, "vrnn", "draws", number)
        drawn = [mean + deviation * rng.standard_normal(mean.shape) for _ in range(self.n_draws - n_bootstrap)]
        course, noise = self.material.whole
        for sample in range(n_bootstrap):
            other = bootstrap(course, noise, generator(self.material.root, "vrnn", "bootstrap", number, sample))
            drawn.append(self.networks[number].latent(Profile.of(other, noise))[0])
        self._drawn[number] = drawn
        return drawn

    def findings(self, labels: NDArray[np.int64]) -> Findings:
        """Return decoded courses, their spread over networks and misfit, the latent of the first, and its training."""
        profile = self.material.profile
        decoded = np.stack([one.decoded(profile) for one in self.networks])
        misfit = np.mean([one.misfit for one in self.networks])
        error = np.sqrt(decoded.var(axis=0) + (misfit * profile.scale[:, None, None]) ** 2)
        tables = [one.history.assign(seed=number) for number, one in enumerate(self.networks)]
        mean = self._whole[0][0]
        columns = pd.Index([f"w{number + 1}" for number in range(mean.shape[1])], dtype=object)
        latent = pd.DataFrame(mean, index=profile.genes, columns=columns)
        return Findings(decoded.mean(axis=0), error, latent, pd.concat(tables, ignore_index=True))


def _nearest(points: NDArray[np.float64], centres: NDArray[np.float64]) -> NDArray[np.int64]:
    """Return the nearest centre of each point."""
    distance = ((points[:, None, :] - centres[None]) ** 2).sum(axis=2)
    return distance.argmin(axis=1).astype(np.int64)
