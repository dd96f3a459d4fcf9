"""Fate probabilities on a chain whose answer is known."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.sparse import csr_array

import reguloom as rl
from reguloom.manifold import absorption


def walk(n: int) -> csr_array:
    """A fair walk on a line."""
    steps = np.zeros((n, n))
    for i in range(n):
        steps[i, max(i - 1, 0)] += 0.5
        steps[i, min(i + 1, n - 1)] += 0.5
    return csr_array(steps)


@pytest.mark.parametrize("direct", [3000, 0])
def test_the_gamblers_ruin(direct: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(absorption, "_DIRECT", direct)
    terminal = np.full(11, -1)
    terminal[0], terminal[10] = 0, 1
    made = absorption.absorption_probabilities(walk(11), terminal)
    assert np.allclose(made[:, 1], np.arange(11) / 10, atol=1e-6)
    assert np.allclose(made.sum(axis=1), 1, atol=1e-6)


def test_what_is_no_chain_is_refused() -> None:
    with pytest.raises(rl.InputError, match="no cell is terminal"):
        absorption.absorption_probabilities(walk(4), np.full(4, -1))
    with pytest.raises(rl.InputError, match="no probabilities"):
        absorption.absorption_probabilities(walk(4) * 0.5, np.array([0, -1, -1, -1]))
