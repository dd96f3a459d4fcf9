from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from reguloom._errors import InputError, ValidityWarning
from reguloom.cistarget import modules
from reguloom.core import Network

ONE = {"thresholds": (), "top_n_targets": (), "top_n_regulators": (), "min_genes": 1}


def network(regulation=None):
    """Two factors; B's edges come first, so that alphabetical order is not the order given."""
    rows = [("B", "x", 5.0), ("B", "y", 1.0), ("A", "x", 4.0), ("A", "y", 3.0), ("A", "z", 2.0)]
    source, target, weight = zip(*rows, strict=True)
    extra = None if regulation is None else pd.DataFrame({"regulation": regulation})
    return Network.from_edges(source, target, weight, extra=extra)


def genes(found):
    return {(one.tf, *sorted(one.context)): one.genes.tolist() for one in found}


def test_threshold_is_a_quantile_of_all_edges_whatever_their_sign():
    found = modules(network([1, 1, -1, 1, 1]), **{**ONE, "thresholds": (0.5,)})
    # quantile 3.0 of all five; A's edge to x is repressing, to y not above 3
    assert genes(found) == {("B", "activating", "weight>50.0%"): ["x", "B"]}


def test_absolute_threshold_and_its_name():
    found = modules(network(), rho_dichotomize=False, absolute_thresholds=True, **{**ONE, "thresholds": (2.5,)})
    assert genes(found) == {("A", "weight>2.500"): ["x", "y", "A"], ("B", "weight>2.500"): ["x", "B"]}


def test_top_targets_and_top_regulators():
    found = modules(network(), rho_dichotomize=False, **{**ONE, "top_n_targets": (2,), "top_n_regulators": (1,)})
    assert genes(found) == {
        ("A", "top2"): ["x", "y", "A"],
        ("B", "top2"): ["x", "y", "B"],
        ("A", "top1perTarget"): ["y", "z", "A"],
        ("B", "top1perTarget"): ["x", "B"],
    }
    assert [one.name for one in found] == ["Regulon for A", "Regulon for B", "A", "B"]


def test_top_sd_is_taken_within_each_factor():
    found = modules(network(), rho_dichotomize=False, **ONE, top_sd=(1,))
    assert genes(found) == {("A", "top1sd"): ["x", "A"]}


def test_the_factor_counts_once_with_weight_one():
    edges = Network.from_edges(["A", "A"], ["A", "b"], [7.0, 2.0])
    found = modules(edges, rho_dichotomize=False, **{**ONE, "top_n_targets": (5,)})
    assert found[0].to_dict() == {"A": 1.0, "b": 2.0}


def test_a_repeated_edge_counts_once_with_its_largest_weight():
    edges = Network.from_edges(["A", "A", "A"], ["b", "c", "b"], [1.0, 2.0, 3.0])
    found = modules(edges, rho_dichotomize=False, **{**ONE, "top_n_targets": (5,)})
    assert found[0].to_dict() == {"b": 3.0, "c": 2.0, "A": 1.0}


def test_min_genes_counts_the_factor():
    keywords = {**ONE, "top_n_targets": (5,), "rho_dichotomize": False}
    assert len(modules(network(), **{**keywords, "min_genes": 3})) == 2
    assert len(modules(network(), **{**keywords, "min_genes": 4})) == 1


@pytest.mark.parametrize("mask", [False, True])
@pytest.mark.parametrize("sparse", [False, True])
def test_correlation_decides_the_sign(mask, sparse):
    from anndata import AnnData
    from scipy.sparse import csr_matrix

    rng = np.random.default_rng(3)
    a = rng.poisson(2.0, 200).astype(float)
    table = pd.DataFrame({"A": a, "up": a + rng.poisson(0.5, 200), "down": np.maximum(0, 6 - a), "flat": 1.0})
    data = AnnData(csr_matrix(table.to_numpy()) if sparse else table.to_numpy(), var=pd.DataFrame(index=table.columns))
    edges = Network.from_edges(["A"] * 3, ["up", "down", "flat"], [3.0, 2.0, 1.0])
    keywords = {**ONE, "top_n_targets": (5,), "keep_only_activating": False, "rho_mask_dropouts": mask}
    with pytest.warns(ValidityWarning, match="1 of 3 edges"):
        found = modules(edges, data, **keywords)
    assert genes(found) == {("A", "activating", "top5"): ["up", "A"], ("A", "repressing", "top5"): ["down", "A"]}


@pytest.mark.parametrize("mask", [False, True])
def test_correlation_equals_numpy(mask):
    from reguloom.core import Expression
    from reguloom.core.correlation import edge_correlation

    rng = np.random.default_rng(5)
    table = pd.DataFrame(rng.poisson(1.5, (80, 6)).astype(float), columns=list("abcdef"))
    edges = Network.from_edges(list("aabf"), list("bcde"), 1.0)
    rho = edge_correlation(edges, Expression.of(table), mask_dropouts=mask)
    for value, (one, other) in zip(rho, ("ab", "ac", "bd", "fe"), strict=True):
        both = table[(table[one] != 0) & (table[other] != 0)] if mask else table
        assert value == pytest.approx(np.corrcoef(both[one], both[other])[0, 1], abs=1e-12)


def test_no_repressing_edge_gives_no_repressing_module():
    keywords = {**ONE, "thresholds": (0.5,), "top_n_targets": (2,), "top_n_regulators": (1,), "top_sd": (0,)}
    both = modules(network([1] * 5), keep_only_activating=False, **keywords)
    assert genes(both) == genes(modules(network([1] * 5), **keywords))


def test_without_signs_and_expression_the_way_out_is_named():
    with pytest.raises(InputError, match="expression"):
        modules(network())


@pytest.mark.parametrize("threshold", [1.0, -0.1, 75])
def test_a_quantile_outside_zero_to_one_is_refused(threshold):
    with pytest.raises(InputError, match="quantiles"):
        modules(network([1] * 5), thresholds=(threshold,))


def test_an_empty_network_is_refused():
    with pytest.raises(InputError, match="no edges"):
        modules(network([1] * 5).take(np.zeros(5, dtype=bool)))
