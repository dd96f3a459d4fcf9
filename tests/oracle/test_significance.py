"""p-values: uniform where there is nothing, small where there is something."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from scipy.stats import kstest

from reguloom import oracle
from reguloom._errors import InputError
from reguloom.core import Network
from reguloom.oracle._design import Design
from reguloom.oracle._kernels import rewire
from reguloom.oracle.significance import add_fdr, pooled_p, rank_p


def test_rates_are_corrected_within_each_lineage() -> None:
    table = pd.DataFrame({"p": [0.01, 0.04, 0.02], "lineage": ["a", "a", "b"]})
    assert add_fdr(table, "p").tolist() == [0.02, 0.04, 0.02]


@pytest.mark.parametrize("n_draws", [8, 60])
def test_pooled_p_is_uniform_under_the_null(n_draws: int) -> None:
    rng = np.random.default_rng(1)
    scale = rng.gamma(2.0, size=400)
    p, _ = pooled_p(scale * rng.normal(size=400), scale * rng.normal(size=(n_draws, 400)))
    assert kstest(p, "uniform").pvalue > 0.01
    assert 0.02 < (p < 0.05).mean() < 0.09


def test_pooled_p_finds_what_stands_out() -> None:
    rng = np.random.default_rng(2)
    observed, null = rng.normal(size=100), rng.normal(size=(50, 100))
    observed[0] = 9.0
    p, z = pooled_p(observed, null)
    assert p[0] == p.min() < 1e-3
    assert z[0] > 7
    null[:, 1] = 0.5
    assert pooled_p(observed, null)[0][1] == 1.0
    with pytest.raises(InputError, match="at least 5"):
        pooled_p(observed, null[:4])


def test_rank_p_is_never_zero() -> None:
    assert rank_p(10.0, np.arange(9.0)) == 0.1
    assert rank_p(4.0, np.arange(9.0)) == 1.0


def test_rewiring_keeps_degrees_and_makes_no_loops() -> None:
    rng = np.random.default_rng(3)
    source, target = np.nonzero(rng.random((12, 40)) < 0.2)
    source, target = source.astype(np.int64), target.astype(np.int64)
    keep = source != target
    source, target = source[keep].copy(), target[keep].copy()
    before = source.copy(), target.copy()
    present = np.zeros((12, 40), dtype=bool)
    present[source, target] = True
    made = rewire(source, target, present, np.arange(12), 20 * source.size, 5)
    assert made > source.size
    assert np.array_equal(np.bincount(source, minlength=12), np.bincount(before[0], minlength=12))
    assert np.array_equal(np.bincount(target, minlength=40), np.bincount(before[1], minlength=40))
    assert len(set(zip(source, target, strict=True))) == source.size
    assert (source != target).all()
    assert ((source == before[0]) & (target == before[1])).mean() < 0.5


def random_prior(network: Network, adata, seed: int) -> Network:
    """The same degrees, dealt out at random: a prior that knows nothing of the data."""
    design = Design.of(network, pd.Index(adata.var_names))
    source, target = design.source.copy(), design.target_of_edge.copy()
    present = np.zeros((design.regulators.size, design.targets.size), dtype=bool)
    present[source, target] = True
    rewire(source, target, present, np.full(design.regulators.size, -1), 50 * source.size, 1000 + seed)
    return Network.from_edges(design.regulator_names[source], design.target_names[target])


@pytest.mark.slow
def test_p_is_uniform_where_the_prior_knows_nothing(make_worlds) -> None:
    """Cells develop and genes vary together, but the edges are random: p must not tell otherwise."""
    adata, network = make_worlds(seed=3, n_cells=150, n_targets=60)
    field = oracle.development(adata, pseudotime="time", n_neighbors=30, n_grid=12)
    found = []
    for seed in range(25):
        model = oracle.fit(adata, random_prior(network, adata, seed), n_neighbors=4, p=None, n_bags=4, n_bootstrap=0)
        table = oracle.screen(model, field, nulls=("rewired",), n_null=30, n_bootstrap=0, n_neighbors=30, rng=seed)
        found.append(table["p"].to_numpy())
    p = np.concatenate(found)
    assert kstest(p, "uniform").pvalue > 0.01
    assert (p < 0.05).mean() < 0.11


@pytest.mark.slow
def test_p_is_uniform_where_nothing_is_regulated(make_worlds) -> None:
    """Every gene is noise of its own: neither null may call more than its share."""
    rng = np.random.default_rng(9)
    adata, network = make_worlds(seed=4, n_cells=320, n_targets=60)
    field = oracle.development(adata, pseudotime="time", n_neighbors=30, n_grid=12)
    found = {"p": [], "p_matched": [], "p_block": []}
    for seed in range(24):
        noise = adata.copy()
        noise.X = rng.gamma(4.0, 0.3, size=noise.shape)
        model = oracle.fit(noise, network, impute=False, p=None, n_bags=4, n_bootstrap=0)
        table = oracle.screen(model, field, n_null=30, n_bootstrap=0, n_neighbors=16, rng=seed)
        for name, values in found.items():
            values.append(table[name].to_numpy())
    shares = {name: float((np.concatenate(values) < 0.05).mean()) for name, values in found.items()}
    assert max(shares.values()) < 0.11, shares
    assert kstest(np.concatenate(found["p"]), "uniform").pvalue > 0.01
