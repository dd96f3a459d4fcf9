"""Fixtures that every test may use."""

from __future__ import annotations

import logging
import os
import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import hypothesis
import numpy as np
import pandas as pd
import pytest

os.environ.setdefault("MPLBACKEND", "Agg")
# How long an example takes depends on what else the machine does.
hypothesis.settings.register_profile("reguloom", deadline=None)
hypothesis.settings.load_profile("reguloom")


@pytest.fixture(scope="session")
def shared() -> Path:
    """Folder with real data and the outputs of the original tools; tests that need it are skipped without it."""
    default = Path(__file__).resolve().parents[2] / "shared"
    folder = Path(os.environ.get("REGULOOM_SHARED", default))
    if not (folder / "golden").is_dir():
        pytest.skip(f"the folder of reference data is not here ({folder}); set REGULOOM_SHARED to it")
    return folder


@pytest.fixture
def counts() -> pd.DataFrame:
    """Sparse-looking counts, 60 cells x 40 genes, with gene and cell names."""
    rng = np.random.default_rng(7)
    values = rng.poisson(rng.gamma(0.6, 1.5, size=40), size=(60, 40)).astype(np.float32)
    return pd.DataFrame(values, [f"cell{i}" for i in range(60)], [f"Gene{i}" for i in range(40)])


@dataclass(frozen=True)
class Outcome:
    """What a run left behind."""

    code: int
    out: str
    err: str

    @property
    def errors(self) -> list[str]:
        """The lines on stderr that begin with ``error:``."""
        return [line for line in self.err.splitlines() if line.startswith("error: ")]


Run = Callable[..., Outcome]


@pytest.fixture(autouse=True)
def as_a_library() -> Iterator[None]:
    """Let no test leave the program's logging and progress to the next, whatever ran it and in which order."""
    from reguloom import _progress

    logger = logging.getLogger("reguloom")
    yield
    logger.handlers, logger.level = [one for one in logger.handlers if isinstance(one, logging.NullHandler)], 0
    _progress.enable(False)


@pytest.fixture
def run(capfd: pytest.CaptureFixture[str]) -> Iterator[Run]:
    """Run ``reguloom ARGS`` here; the logging that the program sets up is put back afterwards."""
    from reguloom.cli.app import main

    before = warnings.showwarning

    def go(*args: object) -> Outcome:
        capfd.readouterr()
        with pytest.raises(SystemExit) as leaving:
            main([str(arg) for arg in args])
        out, err = capfd.readouterr()
        code = leaving.value.code
        return Outcome(code if isinstance(code, int) else 0 if code is None else 1, out, err)

    yield go
    warnings.showwarning = before
