"""Layers that several models share."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from scipy.sparse import csr_array
from torch import nn


class SparseProduct(nn.Module):
    """``A x`` with a fixed sparse ``A``; its transpose is kept for the gradient.

    Parameters
    ----------
    matrix
        ``(n_rows, n_columns)``.
    """

    def __init__(self, matrix: csr_array) -> None:
        super().__init__()
        # Made from the graph each time; checkpoints keep what was learned.
        self.register_buffer("forward_matrix", _tensor(matrix), persistent=False)
        self.register_buffer("transposed", _tensor(csr_array(matrix.T)), persistent=False)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Return the product with `x`, ``(n_columns, n)``."""
        return _Product.apply(x, self.forward_matrix, self.transposed)


class _Product(torch.autograd.Function):
    """The product and its gradient, both as sparse times dense."""

    @staticmethod
    def forward(context: Any, x: torch.Tensor, matrix: torch.Tensor, transposed: torch.Tensor) -> torch.Tensor:  # type: ignore[override]
        context.save_for_backward(transposed)
        return matrix @ x

    @staticmethod
    def backward(context: Any, gradient: torch.Tensor) -> tuple[torch.Tensor, None, None]:  # type: ignore[override]
        (transposed,) = context.saved_tensors
        return transposed @ gradient.contiguous(), None, None


def _tensor(matrix: csr_array) -> torch.Tensor:
    """Return a scipy matrix as one of PyTorch's, in single precision."""
    whole = csr_array(matrix)
    whole.sort_indices()
    starts, columns = (torch.from_numpy(np.asarray(one, dtype=np.int64)) for one in (whole.indptr, whole.indices))
    values = torch.from_numpy(np.asarray(whole.data, dtype=np.float32))
    with warnings.catch_warnings():
        # PyTorch calls the format "beta"; products with dense matrices, all that is used here, are settled.
        warnings.simplefilter("ignore", UserWarning)
        return torch.sparse_csr_tensor(starts, columns, values, size=whole.shape, check_invariants=True)


class GraphConvolution(nn.Module):
    """``A x W + b``: one step of simplified graph convolution (Wu et al. 2019, K = 1).

    Parameters
    ----------
    matrix
        Normalised graph, targets in rows.
    n_in, n_out
        Widths.
    """

    def __init__(self, matrix: csr_array, n_in: int, n_out: int) -> None:
        super().__init__()
        self.product = SparseProduct(matrix)
        self.lin = nn.Linear(n_in, n_out)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Return the features of each target, ``(n_nodes, n_out)``, from `x` ``(n_nodes, n_in)``."""
        return self.lin(self.product(x))


def batch_normed(sizes: Sequence[int]) -> nn.Sequential:
    """Return linear layers, each followed by batch normalisation and ReLU, the last ReLU left out.

    Parameters
    ----------
    sizes
        Width of the input and of each layer.
    """
    layers: list[nn.Module] = []
    for n_in, n_out in zip(sizes[:-1], sizes[1:], strict=True):
        layers += [nn.Linear(n_in, n_out), nn.BatchNorm1d(n_out), nn.ReLU(inplace=True)]
    return nn.Sequential(*layers[:-1])


def blocks(sizes: Sequence[int], activation: nn.Module, dropout: float, *, norm: bool = True) -> nn.Sequential:
    """Return blocks of linear layer, batch normalisation (momentum 0.01, eps 0.001), activation and dropout.

    Parameters
    ----------
    sizes
        Width of the input and of each block.
    activation
        After each normalisation.
    dropout
        Share of the values that is dropped.
    norm
        Whether to normalise.
    """
    made: list[nn.Module] = []
    for n_in, n_out in zip(sizes[:-1], sizes[1:], strict=True):
        normed = [nn.BatchNorm1d(n_out, momentum=0.01, eps=0.001)] if norm else []
        made.append(nn.Sequential(nn.Linear(n_in, n_out), *normed, activation, nn.Dropout(dropout)))
    return nn.Sequential(*made)
