from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from scipy.stats import spearmanr

import reguloom as rl
from reguloom.core import Network

TFS, GENES = [f"T{i}" for i in range(12)], [f"g{i}" for i in range(30)]


def run(rng: np.random.Generator, base: np.ndarray, noise: float, keep: int = 200) -> tuple[Network, np.ndarray]:
    """Return a run's strongest edges, signed, and its values over all pairs."""
    values = base + noise * rng.normal(size=base.size)
    values[np.argsort(np.abs(values))[:-keep]] = 0.0
    there = np.flatnonzero(values)
    network = Network.from_edges(
        np.repeat(TFS, 30)[there], np.tile(GENES, 12)[there], np.abs(values[there]), sign=np.sign(values[there])
    )
    return network, values


def table(runs: object, **options: object) -> pd.DataFrame:
    return rl.evaluate.stability(runs, tfs=TFS, genes=GENES, **options).set_index("metric")


def test_agrees_with_scipy_and_counting() -> None:
    rng = np.random.default_rng(0)
    base = rng.normal(size=360)
    runs = [run(rng, base, 0.6) for _ in range(3)]
    found = table([one for one, _ in runs], top=50)
    rho = [spearmanr(runs[i][1], runs[j][1])[0] for i, j in ((0, 1), (0, 2), (1, 2))]
    assert found.loc["stability_spearman", "value"] == pytest.approx(np.median(rho), abs=1e-12)
    tops = [set(np.argsort(-np.abs(values), kind="stable")[:50]) for _, values in runs]
    shares = [len(tops[i] & tops[j]) / len(tops[i] | tops[j]) for i, j in ((0, 1), (0, 2), (1, 2))]
    assert found.loc["stability_jaccard", "value"] == pytest.approx(np.median(shares))
    assert (found["low"] < found["value"]).all() and (found["value"] < found["high"]).all()
    assert (found["p"] < 0.01).all()
    # two sets of 50 among 360 share 50 * 50 / 360 by chance
    assert found.loc["stability_jaccard", "chance"] == pytest.approx(6.94 / 93.06, rel=0.15)


def test_unrelated_and_identical_runs() -> None:
    rng = np.random.default_rng(1)
    p = []
    for seed in range(60):
        pair = [run(rng, np.zeros(360), 1.0)[0] for _ in range(2)]
        p.append(table(pair, top=150, n_bootstrap=0, n_permutations=99, rng=seed)["p"].to_numpy())
    assert (0.38 < np.mean(p, axis=0)).all() and (np.mean(p, axis=0) < 0.66).all()
    same = table([pair[0], pair[0]])
    assert same["value"].eq(1).all() and same["low"].eq(1).all()


def test_methods_by_name_and_what_is_refused() -> None:
    one, two = (Network.from_edges(["T0", "T1"], ["g0", "g1"], weight) for weight in ([2.0, 1.0], [1.0, 2.0]))
    found = rl.evaluate.stability({"a": [one, one], "b": [one, two]}, top=1, n_bootstrap=10)
    assert found.set_index(["method", "metric"]).loc[("b", "stability_jaccard"), "value"] == 0
    assert found.set_index(["method", "metric"]).loc[("a", "stability_jaccard"), "value"] == 1
    with pytest.raises(rl.InputError, match="has 1 run"):
        rl.evaluate.stability([one])
