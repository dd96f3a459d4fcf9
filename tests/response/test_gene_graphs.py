"""Annotation in each format gives the same graph; weights are Jaccard indices and correlations."""

from __future__ import annotations

import gzip
import json

import numpy as np
import pytest
from scipy import sparse

from reguloom import InputError
from reguloom.response import annotation_graph, coexpression_graph, read_annotation

TERMS = {"A": {"GO:1", "GO:2"}, "B": {"GO:2", "GO:3"}, "C": {"GO:4"}}


def test_every_format_is_read(tmp_path) -> None:
    (tmp_path / "x.json").write_text(json.dumps({gene: sorted(terms) for gene, terms in TERMS.items()}))
    lines = ["GO:1\tone\tA", "GO:2\ttwo\tA\tB", "GO:3\t\tB\t", "GO:4\tfour\tC"]
    with gzip.open(tmp_path / "x.gmt.gz", "wt") as handle:
        handle.write("\n".join(lines) + "\n")
    gaf = ["!gaf-version: 2.2"]
    gaf += [f"UniProt\tP1\t{gene}\tinvolved_in\t{term}\tx" for gene in TERMS for term in sorted(TERMS[gene])]
    gaf += ["UniProt\tP1\tC\tNOT|involved_in\tGO:1\tx"]
    (tmp_path / "x.gaf").write_text("\n".join(gaf) + "\n")
    for name in ("x.json", "x.gmt.gz", "x.gaf"):
        assert read_annotation(tmp_path / name) == TERMS
    assert read_annotation(TERMS) == TERMS


def test_weights_are_jaccard_indices() -> None:
    nodes, graph = annotation_graph(TERMS)
    assert list(nodes) == ["A", "B", "C"]
    assert np.allclose(graph.toarray(), [[1, 1 / 3, 0], [1 / 3, 1, 0], [0, 0, 1]])
    assert annotation_graph(TERMS, ["A", "C", "elsewhere"])[0].tolist() == ["A", "C"]
    assert annotation_graph(TERMS, threshold=0.5)[1].nnz == 3


def test_only_the_strongest_neighbours_of_a_target_stay() -> None:
    terms = {f"G{i}": {f"T{j}" for j in range(i, i + 10)} for i in range(12)}
    _, graph = annotation_graph(terms, n_neighbors=2)
    assert (np.diff(graph.indptr) == 3).all()
    assert (graph.diagonal() == 1).all()


@pytest.mark.parametrize("kind", ["dense", "sparse"])
def test_correlations_are_numpys(kind: str) -> None:
    rng = np.random.default_rng(0)
    values = np.clip(rng.normal(size=(80, 3)) @ rng.normal(size=(3, 700)) + 0.5 * rng.normal(size=(80, 700)), 0, None)
    values[:, 5] = 0.0
    values = values.astype(np.float32)
    graph = coexpression_graph(values if kind == "dense" else sparse.csr_array(values), threshold=0.3, n_neighbors=4)
    with np.errstate(invalid="ignore"):
        r = np.abs(np.nan_to_num(np.corrcoef(values.astype(float).T)))
    found = graph.toarray()
    assert not found[5].any()
    assert np.allclose(found[found > 0], r[found > 0], atol=1e-6)
    weakest = np.where(found > 0, found, np.inf).min(axis=1)
    left = np.where((found == 0) & (r > 0.3), r, 0).max(axis=1)
    full = (found > 0).sum(axis=1) == 5
    assert (left[full] <= weakest[full] + 1e-9).all()
    assert not left[~full].any()


@pytest.mark.parametrize(("name", "text"), [("x.txt", "A\tB"), ("x.gmt", "\n"), ("x.json", "[1]"), ("x.gmt", "")])
def test_what_is_no_annotation_is_refused(tmp_path, name: str, text: str) -> None:
    (tmp_path / name).write_text(text)
    with pytest.raises(InputError):
        read_annotation(tmp_path / name)
