"""Expression: the same answers whatever the matrix comes in."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import anndata
import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy import sparse

from reguloom import InputError, MissingKeyError
from reguloom.core import Expression

STORES: dict[str, Callable[[np.ndarray], Any]] = {
    "dense": np.asarray,
    "csr_matrix": sparse.csr_matrix,
    "csc_matrix": sparse.csc_matrix,
    "csr_array": sparse.csr_array,
    "csc_array": sparse.csc_array,
}


def adata_of(counts: pd.DataFrame, store: Callable[[np.ndarray], Any] = np.asarray) -> anndata.AnnData:
    made = anndata.AnnData(
        store(counts.to_numpy()), obs=pd.DataFrame(index=counts.index), var=pd.DataFrame(index=counts.columns)
    )
    made.raw = made.copy()
    made.layers["twice"] = store(2 * counts.to_numpy())
    made.var["chosen"] = np.arange(counts.shape[1]) % 3 == 0
    return made


@pytest.fixture(params=[*STORES, "frame", "backed-dense", "backed-csr_matrix", "backed-csc_matrix", "view"])
def data(request: pytest.FixtureRequest, counts: pd.DataFrame, tmp_path: Path) -> Any:
    """The counts in every form in which users hold them."""
    kind = request.param
    if kind == "frame":
        return counts
    if kind in STORES:
        return adata_of(counts, STORES[kind])
    if kind == "view":
        doubled = pd.concat([counts, counts.add_prefix("other")], axis=1)
        return adata_of(doubled, sparse.csr_matrix)[:, : counts.shape[1]]
    path = tmp_path / "counts.h5ad"
    adata_of(counts, STORES[kind.removeprefix("backed-")]).write_h5ad(path)
    backed = anndata.read_h5ad(path, backed="r")
    request.addfinalizer(backed.file.close)
    return backed


def test_every_form_gives_the_same_matrix(data: Any, counts: pd.DataFrame) -> None:
    found = Expression.of(data)
    assert (found.n_cells, found.n_genes) == counts.shape
    assert list(found.cells) == list(counts.index)
    assert list(found.genes) == list(counts.columns)
    for values in (found.to_dense(), found.to_csr().toarray(), found.to_csc().toarray(), found.to_frame().to_numpy()):
        np.testing.assert_array_equal(values, counts.to_numpy())


def test_every_form_has_the_same_fingerprint(data: Any, counts: pd.DataFrame) -> None:
    assert Expression.of(data).fingerprint() == Expression.of(counts).fingerprint()
    assert Expression.of(data).fingerprint() != Expression.of(counts + 1).fingerprint()


@pytest.mark.parametrize("n_rows", [1, 7, 60, 1000])
def test_blocks_cover_the_cells_in_order(data: Any, counts: pd.DataFrame, n_rows: int) -> None:
    blocks = list(Expression.of(data).blocks(n_rows))
    assert [start for start, _, _ in blocks] == list(range(0, len(counts), n_rows))
    for start, stop, values in blocks:
        dense = values.toarray() if sparse.issparse(values) else values
        np.testing.assert_array_equal(dense, counts.to_numpy()[start:stop])
        assert not sparse.issparse(values) or values.format in ("csr", "csc")


@pytest.mark.parametrize(
    ("which", "positions"),
    [
        ([3, 1], [3, 1]),
        ([2, 2, 0], [2, 2, 0]),
        (["Gene5", "Gene0"], [5, 0]),
        (np.arange(40) % 2 == 0, list(range(0, 40, 2))),
        ([], []),
    ],
    ids=["positions", "repeated", "names", "mask", "none"],
)
def test_select_genes(data: Any, counts: pd.DataFrame, which: Any, positions: list[int]) -> None:
    found = Expression.of(data).select_genes(which)
    np.testing.assert_array_equal(found.to_dense(), counts.iloc[:, positions].to_numpy())
    assert list(found.genes) == [f"Gene{i}" for i in positions]
    assert not found.is_backed


@pytest.mark.parametrize("which", [[3, 1], [2, 2, 0], np.arange(60) % 2 == 0], ids=["positions", "repeated", "mask"])
def test_select_cells(data: Any, counts: pd.DataFrame, which: Any) -> None:
    found = Expression.of(data).select_cells(which)
    np.testing.assert_array_equal(found.to_dense(), counts.to_numpy()[which])
    assert not found.is_backed


def test_unknown_names_are_reported(data: Any) -> None:
    with pytest.raises(MissingKeyError, match="Nanog"):
        Expression.of(data).select_genes(["Gene1", "Nanog"])


def test_layers_raw_and_masks(data: Any, counts: pd.DataFrame) -> None:
    if isinstance(data, pd.DataFrame):
        with pytest.raises(InputError, match="only AnnData has layers"):
            Expression.of(data, layer="twice")
        with pytest.raises(InputError, match="give a mask"):
            Expression.of(data, mask_var="chosen")
        return
    np.testing.assert_array_equal(Expression.of(data, layer="twice").to_dense(), 2 * counts.to_numpy())
    np.testing.assert_array_equal(Expression.of(data, layer="raw").to_dense()[:, :40], counts.to_numpy())
    masked = Expression.of(data, layer="twice", mask_var="chosen")
    np.testing.assert_array_equal(masked.to_dense(), 2 * counts.to_numpy()[:, ::3])
    with pytest.raises(MissingKeyError, match="thrice.*twice"):
        Expression.of(data, layer="thrice")
    with pytest.raises(MissingKeyError, match="no column 'hvg'"):
        Expression.of(data, mask_var="hvg")


def test_a_mask_is_one_truth_value_per_gene(counts: pd.DataFrame) -> None:
    np.testing.assert_array_equal(
        Expression.of(counts, mask_var=[True] * 3 + [False] * 37).to_dense(), counts.iloc[:, :3]
    )
    for mask, says in (
        ([True] * 3, "one value for each of the 40"),
        (["True"] * 40, "True or False"),
        ([1] * 40, "True or False"),
        ([False] * 40, "none of the 40"),
    ):
        with pytest.raises(InputError, match=says):
            Expression.of(counts, mask_var=mask)


def test_raw_may_have_more_genes_than_x(counts: pd.DataFrame) -> None:
    adata = adata_of(counts)[:, :5].copy()
    adata.raw.var["mine"] = np.arange(40) < 7
    assert Expression.of(adata, layer="raw").n_genes == 40
    assert Expression.of(adata, layer="raw", mask_var="mine").n_genes == 7
    del adata.raw
    with pytest.raises(MissingKeyError, match="raw is empty"):
        Expression.of(adata, layer="raw")


def test_an_expression_is_taken_as_it_is(counts: pd.DataFrame) -> None:
    made = Expression.of(counts)
    assert Expression.of(made) is made
    with pytest.raises(InputError, match="only AnnData"):
        Expression.of(made, layer="twice")


def test_nothing_is_copied_on_the_way_in(counts: pd.DataFrame) -> None:
    adata = adata_of(counts, sparse.csr_matrix)
    assert np.shares_memory(Expression.of(adata).X.data, adata.X.data)


def test_what_is_sparse_or_on_disk_says_so(data: Any, request: pytest.FixtureRequest) -> None:
    kind = request.node.callspec.params["data"]
    found = Expression.of(data)
    assert found.is_backed == kind.startswith("backed")
    assert found.is_sparse == ("cs" in kind or kind == "view")
    assert repr(found).startswith("Expression(60 cells x 40 genes, ")


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (lambda frame: frame.iloc[:0], "empty"),
        (lambda frame: frame.iloc[:, :0], "empty"),
        (lambda frame: frame.rename(columns={"Gene1": "Gene2"}), "Gene2"),
        (lambda frame: frame.rename(index={"cell1": "cell2"}), "cell2"),
        (lambda frame: frame.assign(note="text"), "note"),
        (lambda frame: "a path", "str"),
        (lambda frame: None, "NoneType"),
    ],
)
def test_what_cannot_be_a_matrix_is_refused(counts: pd.DataFrame, change: Callable[..., Any], says: str) -> None:
    with pytest.raises(InputError, match=says):
        Expression.of(change(counts))


def test_an_adata_without_x_points_at_its_layers(counts: pd.DataFrame) -> None:
    adata = adata_of(counts)
    adata.X = None
    with pytest.raises(InputError, match="twice"):
        Expression.of(adata)


@pytest.mark.parametrize("store", STORES.values(), ids=STORES)
@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_the_first_value_that_is_no_number_is_named(counts: pd.DataFrame, store: Any, value: float) -> None:
    counts.iloc[3, 4] = value
    with pytest.raises(InputError, match="'Gene4' in cell 'cell3'"):
        Expression.of(adata_of(counts, store)).check_values()


@pytest.mark.parametrize("store", STORES.values(), ids=STORES)
def test_a_matrix_of_zeros_is_refused(counts: pd.DataFrame, store: Any) -> None:
    with pytest.raises(InputError, match="every value"):
        Expression.of(adata_of(0 * counts, store)).check_values()


def test_what_the_values_look_like_is_logged(counts: pd.DataFrame, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("INFO", logger="reguloom")
    counts.iloc[5] = 0
    Expression.of(counts).check_values()
    assert "1 of 60 cells have no counts" in caplog.text
    assert "raw counts" in caplog.text
    Expression.of(np.log1p(counts) - 1).check_values()
    assert "normalised expression" in caplog.text
    assert "values are negative" in caplog.text


def test_stored_zeros_and_duplicates_do_not_matter(counts: pd.DataFrame) -> None:
    plain = sparse.coo_matrix(counts.to_numpy())
    data = np.concatenate([plain.data / 2, plain.data / 2, [0.0]]).astype(np.float32)
    rows = np.concatenate([plain.row, plain.row, [0]])
    columns = np.concatenate([plain.col, plain.col, [0]])
    messy = sparse.csr_matrix(counts.shape, dtype=np.float32)
    order = np.argsort(rows, kind="stable")
    messy.data, messy.indices = data[order], columns[order].astype(np.int32)
    messy.indptr = np.searchsorted(rows[order], np.arange(len(counts) + 1)).astype(np.int32)
    n_stored = messy.nnz
    found = Expression(messy, counts.index, counts.columns)
    assert found.fingerprint() == Expression.of(counts).fingerprint()
    assert (found.to_csr().data != 0).all()
    assert messy.nnz == n_stored


@given(
    arrays(np.float32, st.tuples(st.integers(1, 9), st.integers(1, 6)), elements=st.floats(0, 8, width=16)), st.data()
)
@settings(max_examples=40, deadline=None)
def test_sparse_and_dense_selections_agree(values: np.ndarray, draw: st.DataObject) -> None:
    cells, genes = (pd.Index([f"{kind}{i}" for i in range(n)]) for kind, n in zip("cg", values.shape, strict=True))
    which = draw.draw(st.lists(st.integers(0, values.shape[1] - 1), min_size=1))
    for store in STORES.values():
        found = Expression(store(values), cells, genes).select_genes(which)
        np.testing.assert_array_equal(found.to_dense(np.float32), values[:, which])
