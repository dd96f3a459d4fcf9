"""Screens are read in every notation, with their controls, and their values are what they claim to be."""

from __future__ import annotations

import subprocess
import sys

import anndata
import numpy as np
import pandas as pd
import pytest
from scipy.sparse import csr_matrix

from reguloom._errors import InputError, MissingKeyError
from reguloom.core import Perturbation, PerturbationData

GENES = ["A", "B", "C", "D", "E1", "F_2"]


def counts(n: int, n_genes: int = 40, seed: int = 0) -> np.ndarray:
    random = np.random.default_rng(seed)
    return random.poisson(random.gamma(2.0, 2.0, n_genes), (n, n_genes)).astype(np.float32)


def screen(labels: list[str], *, repeat: int = 12, log: bool = True, **columns: list) -> anndata.AnnData:
    obs = pd.DataFrame({"perturbation": np.repeat(labels, repeat)})
    for name, values in columns.items():
        obs[name] = np.repeat(values, repeat)
    obs.index = [f"c{i}" for i in range(len(obs))]
    values = counts(len(obs))
    if log:
        values = np.log1p(values / values.sum(1, keepdims=True) * 100)
    var = pd.DataFrame(index=GENES + [f"g{i}" for i in range(40 - len(GENES))])
    return anndata.AnnData(csr_matrix(values), obs=obs, var=var)


@pytest.mark.parametrize(
    "labels",
    [
        ["ctrl", "A+ctrl", "ctrl+B", "A+B", "B+A"],
        ["control", "A", "B", "A_B", "B_A"],
        ["control", "A", "B", "A+B", "B+A"],
        ["non-targeting", "A", "B", "A|B", "B|A"],
        ["control", "A", "B", "A,B", "B,A"],
    ],
    ids=["gears", "scperturb", "pertpy", "pipe", "comma"],
)
def test_every_notation_gives_the_same_conditions(labels: list[str]) -> None:
    data = PerturbationData.from_anndata(screen(labels))
    assert data.condition_labels == ("control", "A", "A+B", "B")
    assert data.cells_of("A+B").tolist() == list(range(36, 60))
    assert data.condition("B+A") == data.condition("A+B") == 2


def test_any_number_of_genes_and_names_with_underscores() -> None:
    data = PerturbationData.from_anndata(screen(["control", "A+B+C", "C+A+B", "F_2", "F_2+E1"]))
    assert data.condition_labels == ("control", "A+B+C", "E1+F_2", "F_2")
    assert data.targets == ("A", "B", "C", "E1", "F_2")
    np.testing.assert_array_equal(data.design()[1], [1, 1, 1, 0, 0])


def test_an_underscore_inside_a_name_separates_nothing() -> None:
    assert PerturbationData.from_anndata(screen(["control", "F_2", "A"])).condition_labels == ("control", "A", "F_2")


def test_doses_belong_to_their_genes_whatever_the_order() -> None:
    adata = screen(["control", "A+B", "B+A", "A", "A"], dose=["0", "0.1+1", "1+0.1", "0.5", "2"])
    data = PerturbationData.from_anndata(adata, dose="dose")
    assert data.condition_labels == ("control", "A(0.1)+B(1)", "A@0.5", "A@2")
    np.testing.assert_allclose(data.design(dose=True), [[0, 0], [0.1, 1], [0.5, 0], [2, 0]])


def test_a_users_control_name_and_contexts() -> None:
    adata = screen(["parental", "A", "parental", "A"], cell_type=["x", "x", "y", "y"])
    with pytest.raises(InputError, match="control="):
        PerturbationData.from_anndata(adata)
    data = PerturbationData.from_anndata(adata, control="parental", covariates="cell_type")
    assert data.contexts == ("x", "y")
    assert data.cells_of("A", "y").tolist() == list(range(36, 48))


def test_controls_are_matched_and_the_fallback_is_stated() -> None:
    adata = screen(["control", "A", "control", "A", "A", "A"], batch=["1", "1", "2", "2", "3", "1"],
                   cell_type=["x", "x", "x", "x", "x", "y"])  # fmt: skip
    data = PerturbationData.from_anndata(adata, covariates="cell_type", batch="batch")
    levels = data.control_pools().set_index(["context", "batch"])["level"].to_dict()
    assert levels == {("x", "1"): "batch", ("x", "2"): "batch", ("x", "3"): "context", ("y", "1"): "all"}
    drawn = data.matched_controls(np.arange(12, 24), np.random.default_rng(0))
    assert set(data.batch_codes[drawn]) == {0}
    assert data.is_control[drawn].all()


def test_profiles_are_means_with_batch_matched_controls() -> None:
    adata = screen(["control", "A", "control", "A"], batch=["1", "1", "2", "2"])
    data = PerturbationData.from_anndata(adata[:42].copy(), batch="batch")
    bulk, dense = data.pseudobulk(), adata[:42].X.toarray().astype(np.float64)
    row = bulk.position("A", "all")
    cells = np.r_[12:24, 36:42]
    np.testing.assert_allclose(bulk.means[row], dense[cells].mean(0), rtol=1e-6)
    np.testing.assert_allclose(bulk.variances[row], dense[cells].var(0, ddof=1), rtol=1e-5)
    expected = (12 * dense[:12].mean(0) + 6 * dense[24:36].mean(0)) / 18
    np.testing.assert_allclose(bulk.control[row], expected, rtol=1e-6)


def test_counts_are_normalised_and_the_source_is_left_alone() -> None:
    adata = screen(["control", "A"], log=False)
    before = adata.X.copy()
    data = PerturbationData.from_anndata(adata)
    dense = before.toarray()
    expected = np.log1p(dense / dense.sum(1, keepdims=True) * np.median(dense.sum(1)))
    assert data.kind == "counts"
    np.testing.assert_allclose(data.values(np.arange(24)), expected, rtol=1e-5)
    np.testing.assert_allclose(data.X.toarray(), expected, rtol=1e-5)
    np.testing.assert_array_equal(data.counts([3, 1]), dense[[3, 1]])
    assert (adata.X != before).nnz == 0


def test_selected_cells_keep_their_values() -> None:
    data = PerturbationData.from_anndata(screen(["control", "A", "B"], log=False))
    part = data.select(np.array([30, 2, 2, 14]))
    np.testing.assert_array_equal(part.values([0, 1, 2, 3]), data.values([30, 2, 2, 14]))
    np.testing.assert_array_equal(np.concatenate([b.toarray() for _, _, b in part.blocks(2)]), part.X.toarray())
    assert list(part.cells) == ["c30", "c2", "c2", "c14"]


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda x: np.log1p(x), "logged twice"),
        (lambda x: x - x.mean(0), "negative"),
        (lambda x: np.expm1(x), "not logged"),
        (lambda x: np.where(x > 2, np.nan, x), "NaN"),
        (lambda x: x * 0, "0"),
    ],
    ids=["twice", "scaled", "unlogged", "nan", "empty"],
)
def test_wrong_values_are_refused_in_one_sentence(change, words: str) -> None:
    adata = screen(["control", "A"])
    adata.X = change(adata.X.toarray())
    with pytest.raises(InputError, match=words) as caught:
        PerturbationData.from_anndata(adata)
    assert str(caught.value).count(". ") == 0


def test_values_that_follow_no_counts_are_taken_as_logged() -> None:
    adata = screen(["control", "A"])
    adata.X = np.abs(np.random.default_rng(0).normal(2, 1, adata.shape)).astype(np.float32)
    assert PerturbationData.from_anndata(adata).kind == "log"


def test_cells_without_a_label_are_left_out() -> None:
    adata = screen(["control", "A", "B"])
    adata.obs["perturbation"] = adata.obs["perturbation"].astype(object)
    adata.obs.iloc[3:5, 0] = None
    data = PerturbationData.from_anndata(adata)
    assert data.n_cells == 34
    assert "c3" not in data.cells
    np.testing.assert_array_equal(data.values([3]), adata.X[5].toarray())


def test_a_missing_column_is_named() -> None:
    with pytest.raises(MissingKeyError, match="'batch'"):
        PerturbationData.from_anndata(screen(["control", "A"]), batch="batch")


def test_what_is_done_to_a_gene() -> None:
    data = PerturbationData.from_anndata(screen(["control", "A+B"]), target_mode="knockout")
    assert data.asked("A+B") == Perturbation.knockout("A", "B")
    assert data.condition_labels[1] == "A+B"


@pytest.mark.parametrize("log", [True, False], ids=["log", "counts"])
def test_a_file_on_disk_gives_the_same(tmp_path, log: bool) -> None:
    adata = screen(["control", "A", "B"], log=log)
    adata.write_h5ad(tmp_path / "s.h5ad")
    backed = PerturbationData.from_anndata(anndata.read_h5ad(tmp_path / "s.h5ad", backed="r"))
    memory = PerturbationData.from_anndata(adata)
    np.testing.assert_array_equal(backed.values([20, 3, 3]), memory.values([20, 3, 3]))
    np.testing.assert_array_equal(backed.pseudobulk().means, memory.pseudobulk().means)
    assert backed.fingerprint() == memory.fingerprint()


LARGE = """
import anndata, numpy as np, pandas as pd, resource
from scipy.sparse import csr_matrix
from reguloom.core import PerturbationData
n, g, per = {n}, 5000, 600
random = np.random.default_rng(0)
indices = (np.arange(n * per, dtype=np.int32) * 8 % g).reshape(n, per)
indices.sort(axis=1)
data = random.integers(1, 9, n * per, dtype=np.int8).astype(np.float32)
x = csr_matrix((data, indices.ravel(), np.arange(0, n * per + 1, per)), shape=(n, g))
labels = np.array(["control"] + [f"g{{i}}" for i in range(276)])[np.arange(n) % 277]
adata = anndata.AnnData(x, obs=pd.DataFrame({{"perturbation": labels}}, index=np.arange(n).astype(str)),
                        var=pd.DataFrame(index=[f"g{{i}}" for i in range(g)]))
screen = PerturbationData.from_anndata(adata)
screen.pseudobulk()
screen.values(random.integers(0, n, 256))
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)
"""


@pytest.mark.slow
def test_a_screen_of_normans_size_takes_under_two_gigabytes() -> None:
    done = subprocess.run([sys.executable, "-c", LARGE.format(n=91_000)], check=True, capture_output=True, text=True)
    assert int(done.stdout) < 2_000_000


@pytest.mark.parametrize("name", ["vehicle", "Non_Targeting", "untreated", "mock", "NTC", "PBS"])
def test_the_usual_names_of_controls_are_known(name: str) -> None:
    adata = screen([name, "drug"])
    data = PerturbationData.from_anndata(adata)
    assert data.condition_labels == ("control", "drug")
