"""Broken files of every format: a reader reads them or refuses them in one sentence, and never fails otherwise.

A short run; ``make fuzz`` does a hundred thousand cases for each reader.
"""

from __future__ import annotations

import tempfile
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from .mutate import mutate
from .readers import every_target
from .target import Target

with tempfile.TemporaryDirectory() as made:
    TARGETS = {target.name: target for target in every_target(Path(made))}
EXAMPLES = 20


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("fuzz")


@pytest.mark.parametrize("name", TARGETS)
def test_the_seeds_are_read(name: str, folder: Path) -> None:
    target = TARGETS[name]
    assert all(target.survives(seed, folder) for seed in target.seeds)


@pytest.mark.parametrize("name", TARGETS)
def test_broken_files_are_refused_in_words(name: str, folder: Path) -> None:
    target: Target = TARGETS[name]

    @settings(max_examples=EXAMPLES, deadline=None, derandomize=True, database=None,
              suppress_health_check=[HealthCheck.function_scoped_fixture])  # fmt: skip
    @given(st.integers(min_value=0, max_value=2**63))
    def check(case: int) -> None:
        target.survives(mutate(target.seeds, case), folder)

    check()


def test_mutations_break_something() -> None:
    seed = b"Cell,A,B\nc1,1,2\n"
    made = {mutate((seed,), case) for case in range(200)}
    assert len(made) > 150
    assert mutate((seed,), 7) == mutate((seed,), 7)
