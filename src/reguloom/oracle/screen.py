"""Every factor, every lineage: one ranking table with intervals, calibrated significance and baselines."""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from functools import partial
from typing import Any

import numpy as np
import pandas as pd

from reguloom._errors import InputError
from reguloom._random import SeedLike, accepts_seed, child_seed, generator, root_seed
from reguloom._units import parse_shard
from reguloom.core import Perturbation
from reguloom.core.provenance import fingerprint
from reguloom.manifold import Neighborhood
from reguloom.manifold._blas import one_blas_thread
from reguloom.oracle._baselines import baseline_columns
from reguloom.oracle._checkpoint import Checkpoint
from reguloom.oracle._fields import FEWEST_BLOCKS, Lineage, take_lineages
from reguloom.oracle._linear import LinearScreen, Questions
from reguloom.oracle.development import Development
from reguloom.oracle.model import Oracle
from reguloom.oracle.score import effect_size
from reguloom.oracle.significance import add_fdr, pooled_p, rank_p

NULLS = ("rewired", "matched", "block")
_NULL_NEIGHBORS = 66
_N_PERMUTATIONS = 999
_N_RANDOM = 10


@accepts_seed
def screen(
    oracle: Oracle,
    development: Development,
    *,
    perturbations: Iterable[str | Perturbation] | None = None,
    lineages: Any = None,
    nulls: Sequence[str] = NULLS,
    n_null: int = 100,
    n_bootstrap: int = 100,
    n_propagation: int = 3,
    sigma_corr: float = 0.05,
    n_neighbors: int = 200,
    checkpoint: str | os.PathLike[str] | None = None,
    resume: bool = False,
    shard: str | tuple[int, int] | None = None,
    rng: SeedLike = 0,
    n_jobs: int | None = None,
) -> pd.DataFrame:
    """Knock every factor out and hold each shift against development, lineage by lineage.

    Parameters
    ----------
    oracle
        From :func:`fit`.
    development
        From :func:`development`, for the same cells.
    perturbations
        Genes to knock out (``"A+B"`` for both at once) or perturbations; every gene that can be if left out.
    lineages
        Mapping of name → mask, or one label per cell; all cells and each group of the oracle if left out.
    nulls
        ``"rewired"``: the prior's edges dealt out anew, every gene keeping its number, and everything fitted again.
        ``"matched"``: each factor replaced by a gene of like expression that regulates nothing. ``"block"``:
        development exchanged between regions of cells; for lineages of at least ten times `n_neighbors` cells, since
        the shifts of cells that share neighbours are not independent.
    n_null
        Draws of each of the first two.
    n_bootstrap
        Draws of blocks of cells behind the intervals.
    n_propagation, sigma_corr, n_neighbors
        See :meth:`Oracle.predict` and :func:`perturbation_score`.
    checkpoint
        File that keeps what is done.
    resume
        Whether to go on from `checkpoint`, and from the files of shards beside it.
    shard
        ``"i/n"``: do the i-th of n parts of the knock-outs and draws into a file beside `checkpoint`, and return the
        rows of these knock-outs without what needs the others. The same call without `shard`, with `resume`, puts the
        parts together.
    rng
        Seed.
    n_jobs
        Threads; the result does not depend on it.

    Returns
    -------
    DataFrame
        One row per perturbation and lineage, by lineage and falling ``|net|``: ``gene``, ``lineage``, ``negative``
        and ``positive`` with ``_low`` and ``_high`` (95 % over blocks of cells, the network as it is), ``net``,
        ``effect_size`` (uncalibrated), ``share_affected``, ``statistic`` (the net score by the steps that the nulls
        repeat: unbagged, and without the floor at 0), ``excess`` (what of it a random network does not do: its sign is
        the direction that ``p`` speaks for), ``z``, ``p`` and ``q`` against the rewired prior, ``p_matched``,
        ``p_block`` (each with its ``q``), and the net scores of the baselines: ``baseline_no_change``,
        ``baseline_mean_shift``, ``baseline_neighbors_mean``, ``baseline_random_network``, ``baseline_correlation``.
        Combinations and doses are tested as single knock-outs are, and corrected together with them.

    Raises
    ------
    InputError
        If a null is not known, the cells differ, or the checkpoint is of another run.
    """
    wrong = sorted(set(nulls) - set(NULLS))
    if wrong:
        msg = f"the nulls {wrong} are not known; accepted are {', '.join(NULLS)}."
        raise InputError(msg)
    if len(development.embedding) != len(oracle.cells):
        msg = f"the oracle has {len(oracle.cells)} cells and development {len(development.embedding)}; use the same."
        raise InputError(msg)
    seed, part = root_seed(rng), parse_shard(shard)
    if part[1] > 1 and checkpoint is None:
        msg = "a shard needs a checkpoint, where its results are kept; give checkpoint= a file that all shards share."
        raise InputError(msg)
    asked = _asked(oracle, perturbations)
    masks = take_lineages(lineages, development, oracle.groups)
    made = [Lineage.of(name, mask, development, n_jobs, n_neighbors=n_neighbors) for name, mask in masks.items()]
    near = Neighborhood.of(oracle.expression, development.embedding, n_neighbors=n_neighbors, n_jobs=n_jobs)
    pulls = np.stack([one.pull for one in made])
    linear = LinearScreen.of(
        oracle, near, pulls, n_propagation=n_propagation, sigma_corr=sigma_corr, most=_NULL_NEIGHBORS
    )
    job = _Job(oracle, near, made, linear, n_propagation, sigma_corr, n_bootstrap, "block" in nulls, seed)
    key = fingerprint(
        oracle.provenance.to_json(), near.embedding, development.flow, [one.mask for one in made],
        n_propagation, sigma_corr, n_neighbors, n_bootstrap, seed, "block" in nulls,
    )  # fmt: skip
    with Checkpoint(checkpoint, key, resume=resume, shard=part) as store, one_blas_thread():
        rows = store.run(asked, lambda one: one.label, job.simulate, "knocking out", n_jobs)
        table = pd.DataFrame([row for label in rows for row in label])
        if part[1] > 1:
            job.draw_nulls(asked, [name for name in nulls if name != "block"], n_null, store, n_jobs)
            return table
        job.add_nulls(table, asked, [name for name in nulls if name != "block"], n_null, store, n_jobs)
        baseline_columns(table, asked, linear, near, made, sigma_corr, n_jobs)
    return _finish(table, nulls)


class _Job:
    """One screen: what its steps share."""

    def __init__(
        self, oracle: Oracle, near: Neighborhood, lineages: list[Lineage], linear: LinearScreen, n_propagation: int,
        sigma_corr: float, n_bootstrap: int, block: bool, seed: int,
    ) -> None:  # fmt: skip
        self.oracle, self.near, self.lineages, self.linear = oracle, near, lineages, linear
        self.n_propagation, self.sigma_corr, self.n_bootstrap = n_propagation, sigma_corr, n_bootstrap
        self.block, self.seed = block, seed
        self.draws, self.orders = [], []
        for one in lineages:
            rng, n = generator(seed, "blocks", one.name), one.n_blocks
            self.draws.append(rng.multinomial(n, np.full(n, 1.0 / n), size=n_bootstrap))
            self.orders.append(np.array([rng.permutation(one.n_regions) for _ in range(_N_PERMUTATIONS)]))

    def simulate(self, one: Perturbation) -> list[dict[str, Any]]:
        """Return the rows of one perturbation."""
        prediction = self.oracle.predict(one, n_propagation=self.n_propagation, n_jobs=1)
        shift = self.near.shift(prediction.delta, sigma_corr=self.sigma_corr, n_jobs=1)
        size = effect_size(prediction.delta, prediction.genes.isin(one.genes))
        mean = prediction.delta.mean(axis=0)
        uniform = self.linear.net([mean[None, :]], np.ones((len(shift), 1)), np.zeros(1, dtype=np.int64))[0]
        rows = []
        for i, lineage in enumerate(self.lineages):
            negative, positive = lineage.summary(lineage.inner_product(shift))
            row: dict[str, Any] = {"gene": _name(one), "lineage": lineage.name, "perturbation": one.label}
            row |= self._interval(lineage, shift, self.draws[i], negative, positive)
            row["net"] = positive - negative
            row["effect_size"] = float(size[lineage.mask].mean())
            row["share_affected"] = float((size[lineage.mask] > 0).mean())
            row["n_cells"], row["n_points"] = int(lineage.mask.sum()), int(lineage.points.size)
            testable = self.block and lineage.n_regions >= FEWEST_BLOCKS
            row["p_block"] = rank_p(*lineage.permuted(shift, self.orders[i])) if testable else float("nan")
            row["baseline_mean_shift"] = float(uniform[i])
            row["checks"] = "; ".join(prediction.checks)
            rows.append(row)
        return rows

    def _interval(self, lineage: Lineage, shift: Any, draws: Any, negative: float, positive: float) -> dict[str, float]:
        """Return both scores with their intervals."""
        found = lineage.bootstrap(shift, draws) if self.n_bootstrap else np.full((1, 2), np.nan)
        low, high = np.quantile(found, [0.025, 0.975], axis=0)
        return {
            "negative": negative, "negative_low": float(low[0]), "negative_high": float(high[0]),
            "positive": positive, "positive_low": float(low[1]), "positive_high": float(high[1]),
        }  # fmt: skip

    def add_nulls(
        self, table: pd.DataFrame, asked: Sequence[Perturbation], nulls: Sequence[str], n_null: int, store: Checkpoint,
        n_jobs: int | None,
    ) -> None:  # fmt: skip
        """Add the statistic, its p against each null, and the mean of random networks."""
        observed = self.linear.observed(Questions.of(asked, self.oracle.genes))
        table["statistic"] = observed.ravel()
        for name, found in self.draw_nulls(asked, nulls, n_null, store, n_jobs).items():
            draws = np.array(found)
            if name == "rewired":
                table["baseline_random_network"] = draws.mean(axis=0).ravel()
                table["excess"] = table["statistic"] - table["baseline_random_network"]
            if name in nulls:
                p, z = np.empty(observed.shape), np.empty(observed.shape)
                for i in range(len(self.lineages)):
                    p[:, i], z[:, i] = pooled_p(observed[:, i], draws[:, :, i])
                table["p" if name == "rewired" else "p_matched"] = p.ravel()
                if name == "rewired":
                    table["z"] = z.ravel()

    def draw_nulls(
        self, asked: Sequence[Perturbation], nulls: Sequence[str], n_null: int, store: Checkpoint, n_jobs: int | None
    ) -> dict[str, list[list[list[float]]]]:
        """Return the draws of each null, and of random networks, which are a baseline too."""
        questions = Questions.of(asked, self.oracle.genes)
        base = self.linear.moments(self.linear.design.regulators)

        def draw(task: tuple[str, int]) -> list[list[float]]:
            own = child_seed(self.seed, *task)
            matched = task[0] == "matched"
            found = self.linear.matched(questions, own) if matched else self.linear.rewired(base, questions, own)
            return [[float(value) for value in line] for line in found]

        made = {}
        for name in dict.fromkeys([*nulls, "rewired"]):
            tasks = [(name, number) for number in range(n_null if name in nulls else _N_RANDOM)]
            label = f"null:{name}:{fingerprint([one.label for one in asked])}"
            made[name] = store.run(tasks, partial(_null_name, label), draw, f"null: {name}", n_jobs)
        return made


def _null_name(label: str, task: tuple[str, int]) -> str:
    """Return what a draw is called in the checkpoint."""
    return f"{label}:{task[1]}"


def _asked(oracle: Oracle, perturbations: Iterable[str | Perturbation] | None) -> list[Perturbation]:
    """Return the perturbations to simulate, each once."""
    if perturbations is None:
        return [Perturbation.knockout(str(gene)) for gene in oracle.regulators]
    given = [Perturbation.knockout(one) if isinstance(one, str) else one for one in perturbations]
    if not given:
        msg = "the list of perturbations is empty; leave it out to knock out every factor."
        raise InputError(msg)
    return list({one.label: one for one in given}.values())


def _name(one: Perturbation) -> str:
    """Return what a row is called: its genes, and what is done to them unless they are knocked out."""
    out = all(target.mode == "level" and target.value == 0 for target in one.targets.values())
    return "+".join(one.genes) if out and one.mask is None and one.dose is None else one.label


def _finish(table: pd.DataFrame, nulls: Sequence[str]) -> pd.DataFrame:
    """Return the table with its false discovery rates, columns in order, sorted."""
    for column, rate in (("p", "q"), ("p_matched", "q_matched"), ("p_block", "q_block")):
        if column in table:
            table[rate] = add_fdr(table, column)
    first = [
        "gene", "lineage", "negative", "negative_low", "negative_high", "positive", "positive_low", "positive_high",
        "net", "effect_size", "share_affected", "statistic", "excess", "z", "p", "q", "p_matched", "q_matched",
        "p_block", "q_block", "baseline_no_change", "baseline_mean_shift", "baseline_neighbors_mean",
        "baseline_random_network", "baseline_correlation", "n_cells", "n_points", "checks", "perturbation",
    ]  # fmt: skip
    unused = {"rewired": ("z", "p", "q"), "matched": ("p_matched", "q_matched"), "block": ("p_block", "q_block")}
    drop = {column for name, columns in unused.items() if name not in nulls for column in columns}
    order = {name: i for i, name in enumerate(dict.fromkeys(table["lineage"]))}
    keys = np.lexsort((table["gene"].to_numpy(dtype=str), -table["net"].abs().to_numpy(), table["lineage"].map(order)))
    return table.iloc[keys][[name for name in first if name not in drop]].reset_index(drop=True)
