"""p-values: even under the null, small for planted edges, the same on any number of threads."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from reguloom import grn
from reguloom._errors import InputError
from reguloom.core import Network


def test_noise_gives_even_p_values():
    rng = np.random.default_rng(0)
    cells = pd.DataFrame(rng.poisson(2.0, (80, 16)), columns=[f"g{i}" for i in range(16)])
    tfs = list(cells.columns[:6])
    p = grn.permutation_fdr(grn.infer(cells, tfs), cells, n_permutations=60).extra["p"]
    assert 0.4 < p.mean() < 0.62
    assert (p < 0.05).mean() < 0.15


def test_planted_edges_stand_out(world):
    cells, _ = world
    rng = np.random.default_rng(1)
    planted = cells.assign(planted=rng.poisson(3.0 * cells["TF2"]))
    tfs = [f"TF{i}" for i in range(8)]
    network = grn.infer(planted, tfs, targets=["planted", "g1", "g2"])
    tested = grn.permutation_fdr(network, planted, n_permutations=99, n_jobs=1)
    table = tested.to_frame().set_index(["source", "target"])
    assert table.loc[("TF2", "planted"), "p"] == 0.01
    assert table.loc[("TF2", "planted"), "fdr"] < 0.2
    assert (table["fdr"] >= table["p"]).all()
    again = grn.permutation_fdr(network, planted, n_permutations=99, n_jobs=2)
    assert again.extra.equals(tested.extra)


@pytest.mark.parametrize("method", ["pearson", "partial_correlation", "genie3"])
def test_other_methods_use_their_own_provenance(world, method):
    cells, tfs = world
    params = {"n_estimators": 10} if method == "genie3" else {}
    network = grn.infer(cells, tfs, method=method, targets=["g0", "g1"], subsample=100, **params)
    extra = grn.permutation_fdr(network, cells, n_permutations=20).extra
    assert extra["p"].between(1 / 21, 1).all()


def test_pearson_p_is_that_of_the_definition(world):
    cells, _ = world
    network = grn.infer(cells, ["TF0"], method="pearson", targets=["g4"])
    p = grn.permutation_fdr(network, cells, n_permutations=500).extra["p"][0]
    rng = np.random.default_rng(0)
    null = [abs(np.corrcoef(cells["TF0"], rng.permutation(cells["g4"]))[0, 1]) for _ in range(2000)]
    assert p == pytest.approx((np.array(null) >= network.weight[0]).mean(), abs=0.08)


def test_bad_arguments_are_refused(world):
    cells, tfs = world
    network = Network.from_edges(["TF0"], ["g0"], [1.0])
    with pytest.raises(InputError, match="n_permutations"):
        grn.permutation_fdr(network, cells, n_permutations=0)
    with pytest.raises(InputError, match="elsewhere"):
        grn.permutation_fdr(Network.from_edges(["elsewhere"], ["g0"]), cells, n_permutations=2)
