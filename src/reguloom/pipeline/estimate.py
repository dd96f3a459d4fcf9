"""What a stage is likely to take, from scaling that was measured (``benchmarks/scaling.py``): estimates, no promises.

Time and memory of a stage follow a power of each size, fitted to sweeps around a base case::

    seconds = fixed + seconds(base) * product over sizes of (size / base) ** exponent / threads ** gain
    memory  = memory at rest + memory(base) * product over sizes of (size / base) ** exponent
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING, Any

from reguloom._threads import resolve_n_jobs

if TYPE_CHECKING:
    from anndata import AnnData

    from reguloom.pipeline.config import RunConfig

MEASURED = "scaling.json"
MODULES_PER_FACTOR = 6
"""How many co-expression modules a factor usually has (two thresholds, one size, three numbers of regulators)."""


FACTOR_DRAWS, ONCE_DRAWS = 24, 300
"""As many draws of a null as the knock-out of a factor with its bootstrap costs, and as what a screen does once."""


def knockouts(tfs: int, draws: int) -> int:
    """Return how large a screen is: knock-outs of single factors in draws of a null, and the rest in units of these."""
    return ONCE_DRAWS + tfs * (FACTOR_DRAWS + draws)


@dataclass(frozen=True)
class Estimate:
    """What a stage is likely to take.

    Parameters
    ----------
    seconds
        Wall time on a machine that has nothing else to do.
    megabytes
        Peak memory.
    """

    seconds: float
    megabytes: float


@dataclass(frozen=True)
class Sizes:
    """What decides how long a run takes.

    Parameters
    ----------
    cells, genes, values
        Of the matrix; `values` are those other than 0.
    tfs
        Factors that are in the matrix.
    motifs
        Motifs of all ranking databases together.
    draws
        Draws of the nulls of the knock-out screen.
    """

    cells: int
    genes: int
    values: int
    tfs: int = 0
    motifs: int = 0
    draws: int = 0

    @classmethod
    def of(cls, config: RunConfig, cells: AnnData) -> Sizes:
        """Return the sizes of a run on `cells` as `config` describes it; cells that will be left out count."""
        from reguloom import io

        motifs = 0 if config.ctx is None else sum(len(io.read_rankings(path).motifs) for path in config.ctx.rankings)
        oracle = config.oracle
        draws = 0 if oracle is None else oracle.n_null * len(set(oracle.nulls) - {"block"})
        return cls(cells.n_obs, cells.n_vars, _stored(cells), _factors(config, cells), motifs, draws)

    def named(self) -> dict[str, float]:
        """Return the sizes by the names that measurements go by."""
        return {
            "cells": self.cells,
            "genes": self.genes,
            "values": self.values,
            "tfs": self.tfs,
            "motifs": self.motifs,
            "modules": self.tfs * MODULES_PER_FACTOR,
            "knockouts": knockouts(self.tfs, self.draws),
        }


def _stored(cells: AnnData) -> int:
    """Return how many values other than 0 a matrix has, without reading one that is on disk."""
    matrix = cells.X
    if cells.isbacked and cells.file is not None:
        group = cells.file["X"]
        return int(group["data"].shape[0]) if hasattr(group, "keys") else cells.n_obs * cells.n_vars
    return int(matrix.nnz) if hasattr(matrix, "nnz") else int((matrix != 0).sum())


def _factors(config: RunConfig, cells: AnnData) -> int:
    """Return how many factors are in the matrix: those listed, or those of the network or regulons given."""
    from reguloom import io

    there = {str(name) for name in cells.var_names}
    if config.grn is not None:
        return len(there & set(io.read_genes(config.grn.tfs)))
    if config.oracle is not None and isinstance(config.oracle.network, Path):
        return len(there & set(io.as_network(config.oracle.network).regulators.astype(str)))
    if config.ctx is not None and config.ctx.network is not None:
        return len(there & set(io.read_network(config.ctx.network).regulators.astype(str)))
    if config.aucell is not None and config.aucell.regulons is not None:
        return len(io.read_regulons(config.aucell.regulons))
    return 0


@cache
def measured() -> Mapping[str, Any]:
    """Return what was measured, by stage."""
    text = files("reguloom.pipeline").joinpath(MEASURED).read_text(encoding="utf-8")
    return dict(json.loads(text)["stages"])


def estimate(stage: str, sizes: Sizes, *, n_jobs: int | None = None) -> Estimate | None:
    """Return what a stage is likely to take, or None where nothing was measured.

    Parameters
    ----------
    stage
        Its name.
    sizes
        Of the run.
    n_jobs
        Threads.
    """
    parts = [known for name, known in measured().items() if name.partition(" ")[0] == stage]
    if not parts:
        return None
    made = [_one(known, sizes.named(), resolve_n_jobs(n_jobs)) for known in parts]
    return Estimate(sum(one.seconds for one in made), max(one.megabytes for one in made))


def _one(known: Mapping[str, Any], sizes: Mapping[str, float], threads: int) -> Estimate:
    """Return the estimate for one piece of work."""
    seconds = known["fixed_s"] + _power(known["seconds"], known["base"], sizes) / threads ** known["gain"]
    return Estimate(seconds, known["at_rest_mb"] + _power(known["megabytes"], known["base"], sizes))


def _power(fitted: Mapping[str, Any], base: Mapping[str, float], sizes: Mapping[str, float]) -> float:
    """Return a product of powers."""
    value = float(fitted["at_base"])
    for name, exponent in fitted["exponents"].items():
        value *= (max(sizes[name], 1) / base[name]) ** exponent
    return value
