"""Every row once, in an order that the seed decides; rows of any kind of matrix alike."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import sparse

torch = pytest.importorskip("torch", reason="the extra deep is not installed")

from reguloom import InputError  # noqa: E402
from reguloom._torch.batches import rows, shuffled  # noqa: E402
from reguloom._torch.device import resolve_device  # noqa: E402


@pytest.mark.parametrize("block", [None, 4, 1000])
def test_every_row_comes_once(block: int | None) -> None:
    index = np.arange(100, 203)
    made = [list(shuffled(index, 10, np.random.default_rng(seed), block=block)) for seed in (0, 0, 1)]
    assert np.array_equal(np.sort(np.concatenate(made[0])), index)
    assert all(np.array_equal(a, b) for a, b in zip(made[0], made[1], strict=True))
    assert not np.array_equal(np.concatenate(made[0]), np.concatenate(made[2]))
    assert not np.array_equal(np.concatenate(made[0]), index)


def test_a_last_batch_that_is_too_small_is_left_out() -> None:
    sizes = [len(one) for one in shuffled(np.arange(21), 10, np.random.default_rng(0))]
    assert sizes == [10, 10]
    sizes = [len(one) for one in shuffled(np.arange(25), 10, np.random.default_rng(0), drop_last=True)]
    assert sizes == [10, 10]
    assert [len(one) for one in shuffled(np.arange(5), 10, np.random.default_rng(0), drop_last=True)] == [5]
    with pytest.raises(InputError, match="0 rows"):
        list(shuffled(np.arange(0), 10, np.random.default_rng(0)))


def test_rows_of_dense_sparse_and_backed_matrices(tmp_path) -> None:
    anndata = pytest.importorskip("anndata")
    dense = np.random.default_rng(0).poisson(0.5, (40, 7)).astype(np.float32)
    index = np.array([5, 3, 3, 39, 0])
    anndata.AnnData(sparse.csr_matrix(dense)).write_h5ad(tmp_path / "x.h5ad")
    backed = anndata.read_h5ad(tmp_path / "x.h5ad", backed="r")
    for matrix in (dense, sparse.csr_matrix(dense), sparse.csr_array(dense), backed.X):
        found = rows(matrix, index)
        assert found.dtype == torch.float32
        assert np.array_equal(found.numpy(), dense[index])
    backed.file.close()


def test_a_device_that_is_not_there_is_refused() -> None:
    assert resolve_device("cpu").type == "cpu"
    assert resolve_device(None).type in {"cpu", "cuda", "mps"}
    with pytest.raises(InputError, match="auto, cpu"):
        resolve_device("toaster")
    with pytest.raises(InputError, match="not there"):
        resolve_device("cuda:99")
