"""The defaults of VRNN_Gene_Clustering: genes by the order of columns, raw means, one random draw, six groups."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from reguloom._optional import import_optional
from reguloom._random import child_seed
from reguloom.temporal.baselines.kmeans import kmeans
from reguloom.temporal.grouping import Findings, Material, group_courses
from reguloom.temporal.noise import pooled
from reguloom.temporal.timecourse import COUNT_LIKELIHOODS, TimeCourse

NOTES: tuple[str, ...] = (
    "grouped as VRNN_Gene_Clustering does: genes by the order of columns, cell types and batches pooled, values as "
    "they are, one random draw of the latent; such groups follow the level of genes, not their course",
)


def mean_values(course: TimeCourse) -> NDArray[np.float64]:
    """Return the mean over all cells of each time, tracks and batches pooled, ``(n_genes, n_times)``.

    Parameters
    ----------
    course
        The time course.
    """
    cells = np.where(course.mask, course.n_cells, 0).astype(np.float64)
    sums = course.totals if course.likelihood in COUNT_LIKELIHOODS else course.totals * cells
    code = np.searchsorted(course.grid, course.times)
    return pooled(np.where(course.mask, sums, 0.0), code) / np.maximum(pooled(cells, code), 1.0)


class OriginalGrouping:
    """The published network as a grouping.

    Parameters
    ----------
    material
        What is grouped.
    max_epochs
        Passes over the genes; 2,000 in the original.
    device
        Where to compute.
    """

    def __init__(self, material: Material, *, max_epochs: int, device: str | None = "cpu") -> None:
        network: Any = import_optional("reguloom.temporal._torch.original", extra="deep")
        self.name, self.material, self.notes = "vrnn", material, NOTES
        self._values = mean_values(material.whole[0])
        self._fitted = network.fit_original(
            self._values, seed=child_seed(material.root, "original"), max_epochs=max_epochs,
            device=device,
        )  # fmt: skip
        self._latent = self._fitted.latent(self._values, child_seed(material.root, "draw"))

    def fold_labels(self, number: int, n_modules: int) -> NDArray[np.int64]:
        """Return groups of another draw; the network has seen all data, so this flatters it."""
        latent = self._fitted.latent(self._values, child_seed(self.material.root, "draw", number))
        return kmeans(latent, n_modules, child_seed(self.material.root, "kmeans"))

    def partitions(self, n_modules: int) -> list[NDArray[np.int64]]:
        """Return the groups of one draw."""
        return [kmeans(self._latent, n_modules, child_seed(self.material.root, "kmeans"))]

    def findings(self, labels: NDArray[np.int64]) -> Findings:
        """Return mean courses of groups, the draw, and the training."""
        columns = pd.Index([f"z{number + 1}" for number in range(self._latent.shape[1])], dtype=object)
        latent = pd.DataFrame(self._latent, index=self.material.profile.genes, columns=columns)
        fitted, error = group_courses(self.material.profile, labels)
        return Findings(fitted, error, latent, self._fitted.history.assign(seed=0))
