"""How the answer grows with the dose: first order, exact difference, and where the two part."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from reguloom._errors import InputError

if TYPE_CHECKING:
    from reguloom.vectorfield.field import VectorField


def dose_response(
    field: VectorField,
    gene: str,
    *,
    levels: Sequence[float] | None = None,
    n_levels: int = 9,
    n_jobs: int | None = None,
) -> pd.DataFrame:
    """Return what setting a gene to each of several levels does to the flow of each group.

    Parameters
    ----------
    field
        A field on a basis with loadings.
    gene
        Name of the gene.
    levels
        In the units of the data; from 0 to the largest observed if left out.
    n_levels
        How many, if they are left out.
    n_jobs
        Number of threads.

    Returns
    -------
    One row per level and group: ``difference`` and ``first_order`` (mean length of the change of velocity over the mean
    speed), ``cosine`` (between the two), ``alignment`` (mean cosine of the difference and the flow).
    """
    from reguloom.vectorfield.fit import cosines
    from reguloom.vectorfield.jacobian import members

    space, row = field.space, field.space.positions(gene)[0]
    level = field.states @ space.loadings[row] + space.mean[row]
    top = float(space.maximum[row]) if np.isfinite(space.maximum[row]) else float(level.max())
    now = np.clip(level, 0.0, max(top, 0.0))
    doses = np.linspace(0.0, top, n_levels) if levels is None else np.asarray(levels, dtype=np.float64)
    if not doses.size or not np.isfinite(doses).all():
        msg = f"the levels of {gene!r} are {list(doses)}; give finite numbers."
        raise InputError(msg)
    codes, groups = members(field)
    before = field(n_jobs=n_jobs)
    slope = field.directional(np.broadcast_to(space.loadings[row], field.states.shape), n_jobs=n_jobs)
    speed = np.linalg.norm(before, axis=1)
    rows = []
    for dose in doses:
        step = (dose - now)[:, None]
        exact = field(field.states + step * space.loadings[row], n_jobs=n_jobs) - before
        linear = step * slope
        both, along = cosines(exact, linear), cosines(exact, before)
        sizes = np.linalg.norm(exact, axis=1), np.linalg.norm(linear, axis=1)
        for number, name in enumerate(groups):
            own = codes == number
            typical = max(float(speed[own].mean()), 1e-300)
            rows.append(
                {
                    "level": float(dose),
                    "group": name,
                    "difference": sizes[0][own].mean() / typical,
                    "first_order": sizes[1][own].mean() / typical,
                    "cosine": both[own].mean(),
                    "alignment": along[own].mean(),
                }
            )
    return pd.DataFrame(rows)
