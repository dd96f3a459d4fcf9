"""Whitened features on a device of PyTorch: kernel, Gram matrix and field there, the small solve in numpy.

The products over the cells are all that costs time (cells × control points²). Sums are added up in float64 in the order
of the cells, as in :mod:`reguloom.vectorfield._solver`; what differs is the rounding of the device's own products, so
that results agree with numpy's to some 1e-9 in float64 and 1e-4 in float32, and not to the byte.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
import torch

from reguloom._errors import InputError, ResourceError
from reguloom.vectorfield._solver import KEEP_BYTES, Features

BLOCK_VALUES = 1 << 24
"""Kernel values (cells × control points) in one block: 128 MiB of float64."""


def resolve(device: str, dtype: np.dtype) -> torch.device:
    """Return the device that is asked for; ``"auto"`` is a card if there is one, else the processor.

    Parameters
    ----------
    device
        ``"auto"``, ``"cpu"``, ``"cuda"``, ``"cuda:1"``, ``"mps"``.
    dtype
        Type of the products.

    Raises
    ------
    InputError
        If PyTorch knows no such device, or it cannot compute in `dtype`.
    ResourceError
        If the device is not there.
    """
    if device == "auto":
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    try:
        found = torch.device(device)
    except RuntimeError as error:
        msg = f"device is {device!r}; accepted are None (numpy), 'auto', 'cpu', 'cuda', 'cuda:1', 'mps'."
        raise InputError(msg) from error
    there = {"cpu": True, "cuda": torch.cuda.is_available(), "mps": torch.backends.mps.is_available()}
    if not there.get(found.type, False) or (found.type == "cuda" and (found.index or 0) >= torch.cuda.device_count()):
        msg = f"PyTorch sees no device {device!r} here; use device=None, or 'auto' for whatever there is."
        raise ResourceError(msg)
    if found.type == "mps" and dtype == np.float64:
        msg = "device 'mps' has no float64; give dtype='float32' as well."
        raise InputError(msg)
    return found


@dataclass(frozen=True)
class TorchFeatures(Features):
    """Features that live on a device.

    Parameters
    ----------
    states, control_points, beta, whitening, kept, dtype, n_jobs
        As in :class:`reguloom.vectorfield._solver.Features`; `kept` holds tensors.
    device
        Where products are computed.
    """

    device: torch.device = torch.device("cpu")

    @classmethod
    def on(
        cls, states: np.ndarray, control_points: np.ndarray, beta: float, *, dtype: str, device: str
    ) -> TorchFeatures:
        """Whiten the kernel of the control points and, if they fit in memory, keep the features on the device."""
        plain = Features.whitened(states, control_points, beta, dtype=dtype, n_jobs=None)
        made = cls(states, control_points, beta, plain.whitening, None, plain.dtype, None, resolve(device, plain.dtype))
        if len(states) * made.rank * made.dtype.itemsize > KEEP_BYTES:
            return made
        return replace(made, kept=[made._tensor(rows) for rows in made._rows()])

    def _rows(self) -> Iterator[slice]:
        """Yield consecutive blocks of cells."""
        step = max(16, BLOCK_VALUES // len(self.control_points))
        for start in range(0, len(self.states), step):
            yield slice(start, min(start + step, len(self.states)))

    def _send(self, values: np.ndarray) -> torch.Tensor:
        """Return an array on the device, in the type of the products."""
        return torch.as_tensor(np.ascontiguousarray(values, dtype=self.dtype)).to(self.device)

    def _tensor(self, rows: slice) -> torch.Tensor:
        """Return the features of a block of cells."""
        # About the middle of the control points, or float32 loses the small differences of large squares.
        middle = self.control_points.mean(axis=0)
        x, z = self._send(self.states[rows] - middle), self._send(self.control_points - middle)
        squared = (x * x).sum(1)[:, None] + (z * z).sum(1)[None, :] - 2.0 * (x @ z.T)
        return torch.exp(-self.beta * squared.clamp_(min=0.0)) @ self._send(self.whitening)

    def _blocks(self) -> Iterator[tuple[slice, torch.Tensor]]:
        """Yield cells and their features, kept or made."""
        for number, rows in enumerate(self._rows()):
            yield rows, self._tensor(rows) if self.kept is None else self.kept[number]

    def normal_equations(self, weights: np.ndarray, targets: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return ``Phi' W Phi`` and ``Phi' W Y``, added up in float64 in the order of the cells."""
        gram, moment = np.zeros((self.rank, self.rank)), np.zeros((self.rank, targets.shape[1]))
        root = np.sqrt(weights)[:, None]
        for rows, features in self._blocks():
            scaled = features * self._send(root[rows])
            gram += (scaled.T @ scaled).cpu().numpy()
            moment += (scaled.T @ self._send(targets[rows] * root[rows])).cpu().numpy()
        return gram, moment

    def gram_of_change(self, change: np.ndarray) -> np.ndarray:
        """Return ``Phi' D Phi`` for a change D of the weights of few cells, of either sign."""
        total = np.zeros((self.rank, self.rank))
        for rows, features in self._blocks():
            own = change[rows]
            for sign in (1.0, -1.0):
                moved = np.flatnonzero(sign * own > 0)
                if len(moved):
                    chosen = features[torch.as_tensor(moved, device=self.device)]
                    scaled = chosen * self._send(np.sqrt(sign * own[moved])[:, None])
                    total += sign * (scaled.T @ scaled).cpu().numpy()
        return total

    def moment(self, weights: np.ndarray, targets: np.ndarray) -> np.ndarray:
        """Return ``Phi' W Y``, at a fraction of the cost of both."""
        made = np.zeros((self.rank, targets.shape[1]))
        for rows, features in self._blocks():
            made += (features.T @ self._send(targets[rows] * weights[rows, None])).cpu().numpy()
        return made

    def predict(self, solution: np.ndarray) -> np.ndarray:
        """Return ``Phi W``, the field at the cells."""
        weights = self._send(solution)
        return np.concatenate([(one @ weights).cpu().numpy() for _, one in self._blocks()]).astype(np.float64)
