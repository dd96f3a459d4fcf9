"""Small time courses with known modules, straight as bins: quicker than cells."""

from __future__ import annotations

import numpy as np
import pandas as pd

from reguloom.temporal import TimeCourse

HOURS = (0.0, 3.0, 6.0, 12.0, 24.0)
SHAPES = {
    "early": (0.0, 0.9, 1.0, 1.0, 1.0),
    "transient": (0.0, 1.0, 0.5, 0.1, 0.0),
    "late": (0.0, 0.0, 0.2, 0.7, 1.0),
    "repressed": (0.0, -0.4, -0.7, -0.9, -1.0),
}


def course(
    n_genes: int = 80, *, static: float = 0.0, n_tracks: int = 1, n_replicates: int = 1, alpha: float = 0.01,
    amplitude: float = 1.5, likelihood: str = "nb", seed: int = 0,
) -> tuple[TimeCourse, pd.Series]:  # fmt: skip
    """Return a time course and the module of each gene; the second track is slower."""
    rng = np.random.default_rng(seed)
    names = np.array([*SHAPES], dtype=object)[np.arange(n_genes) % len(SHAPES)]
    names[: round(static * n_genes)] = "static"
    size = rng.lognormal(np.log(amplitude), 0.2, n_genes)
    level = rng.normal(np.log(60.0), 0.8, n_genes)
    columns, hours, tracks = [], [], []
    for track in range(n_tracks):
        at = np.interp(np.array(HOURS) / (1 + 0.5 * track), HOURS, np.arange(len(HOURS)))
        shape = np.stack([
            np.interp(at, np.arange(len(HOURS)), SHAPES.get(name, np.zeros(len(HOURS)))) for name in names
        ])  # fmt: skip
        for _ in range(n_replicates):
            log_mean = level[:, None] + size[:, None] * shape
            if likelihood == "nb":
                rate = np.exp(log_mean) * rng.gamma(1 / alpha, alpha, log_mean.shape)
                columns.append(rng.poisson(rate).astype(float))
            else:
                columns.append(log_mean + np.sqrt(alpha) * rng.normal(size=log_mean.shape))
            hours += HOURS
            tracks += [f"track{track}"] * len(HOURS)
    genes = [f"Gene{i:03d}" for i in range(n_genes)]
    made = TimeCourse.from_samples(
        np.hstack(columns), hours, genes=genes, tracks=tracks, size=np.ones(len(hours)), likelihood=likelihood
    )
    return made, pd.Series(names, index=genes)
