from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from scipy.stats import spearmanr

import reguloom as rl
from reguloom.core import Expression
from reguloom.evaluate._candidates import Candidates, Edges
from reguloom.evaluate.baselines import PARTIAL, PEARSON, SPEARMAN, correlation_edges


def matrix(edges: Edges, candidates: Candidates) -> np.ndarray:
    values = np.zeros(len(candidates.sources) * len(candidates.targets))
    values[edges.keys] = edges.size * edges.sign
    return values.reshape(len(candidates.sources), -1)


@pytest.mark.parametrize("sparse", [False, True])
def test_equal_those_of_network_inference(counts: pd.DataFrame, sparse: bool) -> None:
    """The same three methods exist in `grn`, which `evaluate` may not import."""
    data: object = counts
    if sparse:
        import anndata
        from scipy.sparse import csr_matrix

        data = anndata.AnnData(csr_matrix(counts.to_numpy()), counts.index.to_frame(), counts.columns.to_frame())
    tfs, genes = list(counts.columns[:8]), list(counts.columns)
    candidates = Candidates(pd.Index(tfs), pd.Index(genes))
    found = correlation_edges(Expression.of(data), candidates)
    for name, method in ((PEARSON, "pearson"), (SPEARMAN, "spearman"), (PARTIAL, "partial_correlation")):
        network = rl.grn.infer(counts, tfs, method=method)
        theirs = network.restrict(genes).to_csr(genes, signed=True).toarray()[: len(tfs)]
        np.testing.assert_allclose(matrix(found[name], candidates), theirs, atol=1e-9)


def test_reference_values(counts: pd.DataFrame) -> None:
    genes = counts.columns[counts.std() > 0][:6]
    candidates = Candidates(pd.Index(genes), pd.Index(genes))
    found = correlation_edges(Expression.of(counts[genes]), candidates)
    off = ~np.eye(6, dtype=bool)
    np.testing.assert_allclose(matrix(found[PEARSON], candidates)[off], np.corrcoef(counts[genes].T)[off], atol=1e-12)
    np.testing.assert_allclose(matrix(found[SPEARMAN], candidates)[off], spearmanr(counts[genes])[0][off], atol=1e-12)


def test_constant_and_missing_genes_have_no_edge(counts: pd.DataFrame) -> None:
    counts["Gene1"] = 3.0
    candidates = Candidates(pd.Index(["Gene0", "Gene1", "absent"]), pd.Index(["Gene1", "Gene2", "gone"]))
    for edges in correlation_edges(Expression.of(counts), candidates).values():
        assert edges.keys.tolist() == [1]  # Gene0 - Gene2


def test_refusals(counts: pd.DataFrame) -> None:
    candidates = Candidates(pd.Index(["Gene0"]), pd.Index(["Gene2"]))
    with pytest.raises(rl.InputError, match="at least 3"):
        correlation_edges(Expression.of(counts.iloc[:2]), candidates)
    with pytest.raises(rl.InputError, match="regulators to score"):
        correlation_edges(Expression.of(counts), Candidates(pd.Index(["GENE0"]), pd.Index(["Gene2"])))
