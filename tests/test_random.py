"""Seeds: one root per call, one child per unit of work, whatever the order and the aliases."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest

from reguloom import InputError
from reguloom._random import accepts_seed, child_seed, generator, root_seed


def test_a_seed_is_itself_and_a_generator_moves_on():
    assert root_seed(7) == root_seed(np.int32(7)) == 7
    rng = np.random.default_rng(0)
    assert root_seed(rng) != root_seed(rng)
    assert root_seed(np.random.default_rng(0)) == root_seed(np.random.default_rng(0))
    assert root_seed(np.random.SeedSequence(5)) == root_seed(np.random.SeedSequence(5))
    assert root_seed(None) != root_seed(None)
    assert 0 <= root_seed(None) < 2**63


@pytest.mark.parametrize("bad", [-1, 1.5, "7", True, [1]])
def test_what_is_no_seed(bad):
    with pytest.raises(InputError, match="accepted are a non-negative integer"):
        root_seed(bad)


def test_children_depend_on_root_and_name_alone():
    seeds = {child_seed(root, name) for root in (0, 1) for name in ("Gata1", "Spi1", "1", 2)}
    assert len(seeds) == 8
    assert child_seed(0, "a", "b") != child_seed(0, "ab")
    assert child_seed(0, "a", "b") != child_seed(0, "b", "a")
    assert child_seed(2**63 - 1, "a") < 2**64


def test_children_are_the_same_in_another_process():
    code = "from reguloom._random import child_seed; print(child_seed(42, 'grn', 'Gata1'))"
    shown = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert int(shown.stdout) == child_seed(42, "grn", "Gata1") == 15085563819082466261


def test_generators():
    rng = np.random.default_rng(1)
    assert generator(rng) is rng
    assert generator(3).integers(1000) == generator(3).integers(1000)
    assert generator(3, "a").integers(2**40) != generator(3, "b").integers(2**40)


def test_aliases_of_the_keyword():
    @accepts_seed
    def draw(*, rng=0):
        return rng

    assert draw() == 0
    assert draw(seed=3) == draw(random_state=3) == draw(rng=3) == 3
    with pytest.raises(InputError, match="both rng= and seed="):
        draw(rng=1, seed=2)
