"""Correlations along edges: against numpy, against the stored result of the original, and at the odd ends."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from anndata import AnnData
from scipy import sparse

from reguloom import grn, io
from reguloom._errors import InputError, MissingKeyError
from reguloom.core import Network


@pytest.mark.parametrize(("name", "masked"), [("adj_with_rho", False), ("adj_with_rho_masked", True)])
def test_equals_the_original(shared, name, masked):
    folder = shared / "golden" / "pyscenic" / "pbmc100"
    cells = pd.read_csv(folder / "expr.csv.gz", index_col=0)
    golden = pd.read_csv(folder / f"{name}.tsv.gz", sep="\t")
    plain = Network.from_edges(golden["TF"], golden["target"], golden["importance"])
    signed = grn.add_correlation(plain, cells, mask_dropouts=masked)
    assert signed.extra["rho"].to_numpy() == pytest.approx(golden["rho"].to_numpy(), abs=1e-12, nan_ok=True)
    assert np.array_equal(signed.extra["regulation"], golden["regulation"])
    assert np.array_equal(signed.sign, golden["regulation"])
    assert np.array_equal(signed.weight, golden["importance"])


@pytest.mark.parametrize("masked", [False, True])
def test_equals_numpy_for_every_kind_of_matrix(world, masked):
    cells, tfs = world
    values = cells.to_numpy(np.float64)
    network = Network.from_edges(["TF0", "TF1", "TF1", "TF3"], ["g0", "g5", "TF0", "g9"], [4.0, 3.0, 2.0, 1.0])
    expected = []
    for source, target in zip(*(network.to_frame()[c].astype(str) for c in ("source", "target")), strict=True):
        pair = cells[[source, target]].to_numpy(np.float64)
        expected.append(np.corrcoef(pair[(pair != 0).all(axis=1)] if masked else pair, rowvar=False)[0, 1])
    for data in (
        cells,
        AnnData(sparse.csr_matrix(values), obs=pd.DataFrame(index=cells.index), var=pd.DataFrame(index=cells.columns)),
    ):
        for n_jobs in (1, 2):
            found = grn.add_correlation(network, data, mask_dropouts=masked, n_jobs=n_jobs).extra["rho"]
            assert found.to_numpy() == pytest.approx(expected, abs=1e-12)


def test_threshold_and_genes_that_do_not_vary():
    cells = pd.DataFrame({"A": np.arange(20.0), "B": -np.arange(20.0), "C": [0.1] * 20, "D": [0, 1] * 10})
    network = Network.from_edges(["A"] * 3, ["B", "C", "D"])
    signed = grn.add_correlation(network, cells)
    assert signed.extra["regulation"].tolist() == [-1, 0, 1]
    assert np.isnan(signed.extra["rho"][1])
    assert grn.add_correlation(network, cells, rho_threshold=0.5).extra["regulation"].tolist() == [-1, 0, 0]
    masked = grn.add_correlation(network, cells, mask_dropouts=True)
    assert np.isnan(masked.extra["rho"][2])  # D is 1 wherever it is not 0


def test_repeating_replaces_the_columns(world):
    cells, tfs = world
    network = grn.infer(cells, tfs, n_estimators=10)
    once = grn.add_correlation(network, cells)
    twice = grn.add_correlation(once, cells, mask_dropouts=True)
    assert list(twice.extra.columns) == ["regulation", "rho"]


def test_survives_a_file(world, tmp_path):
    cells, tfs = world
    signed = grn.add_correlation(grn.infer(cells, tfs, n_estimators=10), cells)
    io.write_network(signed, tmp_path / "x.tsv")
    back = io.read_network(tmp_path / "x.tsv")
    assert np.array_equal(back.extra["rho"], signed.extra["rho"])
    assert np.array_equal(back.sign, signed.sign)


def test_missing_genes_and_bad_thresholds_are_refused(world):
    cells, tfs = world
    network = Network.from_edges(["TF0"], ["elsewhere"])
    with pytest.raises(MissingKeyError, match="elsewhere"):
        grn.add_correlation(network, cells)
    with pytest.raises(InputError, match="rho_threshold"):
        grn.add_correlation(Network.from_edges(["TF0"], ["g0"]), cells, rho_threshold=-1)
