"""What a bare import costs: nothing heavy is loaded, and it takes little processor time."""

from __future__ import annotations

import json
import os
import subprocess
import sys

import pytest

HEAVY = ("torch", "scanpy", "sklearn", "matplotlib", "numba", "anndata", "pyarrow", "h5py", "zarr", "plotly", "jinja2")
IMPORT_SECONDS = 1.0
HELP_SECONDS = 0.5
LOADED = "import json, sys; {code}; print(json.dumps(sorted({{name.split('.')[0] for name in sys.modules}})))"


def loaded_by(code: str) -> list[str]:
    """Return the heavy packages that a fresh interpreter holds after running `code`."""
    done = subprocess.run([sys.executable, "-c", LOADED.format(code=code)], check=True, capture_output=True, text=True)
    return sorted(set(HEAVY) & set(json.loads(done.stdout.splitlines()[-1])))


def best_seconds(*arguments: str, times: int = 3) -> float:
    """Return the least processor time of several runs, which other work on the machine hardly changes."""
    taken = []
    for _ in range(times):
        before = os.times()
        subprocess.run([sys.executable, *arguments], check=True, capture_output=True)
        after = os.times()
        taken.append(after.children_user - before.children_user + after.children_system - before.children_system)
    return min(taken)


def test_import_loads_nothing_heavy() -> None:
    assert loaded_by("import reguloom") == []


@pytest.mark.parametrize("noun", ["Network", "Regulons", "Perturbation", "Prediction", "Provenance"])
def test_the_nouns_load_nothing_heavy(noun: str) -> None:
    # pandas looks for pyarrow by importing it.
    assert set(loaded_by(f"import reguloom; reguloom.{noun}")) <= {"pyarrow"}


def test_the_frame_of_the_command_line_loads_nothing_heavy() -> None:
    assert loaded_by("import reguloom.cli.app") == []


def test_a_heavy_import_would_be_noticed() -> None:
    assert "anndata" in loaded_by("import anndata")


def test_import_is_quick() -> None:
    interpreter = best_seconds("-c", "pass")
    assert best_seconds("-c", "import reguloom") - interpreter < IMPORT_SECONDS


def test_help_is_quick() -> None:
    assert best_seconds("-m", "reguloom.cli", "--help", times=5) < HELP_SECONDS
