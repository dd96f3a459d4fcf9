"""Oracles and predictions survive a file."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from reguloom import oracle
from reguloom._errors import InputError, ResourceError
from reguloom.core import Perturbation


@pytest.mark.parametrize("suffix", ["h5ad", "zarr"])
def test_an_oracle_comes_back(model, tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"oracle.{suffix}"
    model.write(path)
    again = oracle.Oracle.read(path)
    assert repr(again) == repr(model)
    one = Perturbation.knockout("Tf0")
    assert np.array_equal(again.predict(one).delta, model.predict(one).delta)
    pd.testing.assert_frame_equal(again.available(), model.available(), check_names=False)
    assert again.provenance.to_json() == model.provenance.to_json()
    pd.testing.assert_frame_equal(again.targets, model.targets, check_dtype=False)
    with pytest.raises(InputError, match="exists already"):
        model.write(path)


@pytest.mark.parametrize("suffix", ["h5ad", "zarr"])
@pytest.mark.parametrize("several", [False, True])
def test_a_prediction_comes_back(model, tmp_path: Path, several: bool, suffix: str) -> None:
    one = Perturbation.overexpress("Tf0", quantile=0.9)
    made = model.predict([one, Perturbation.knockout("Tf1")] if several else one)
    path = tmp_path / f"prediction.{suffix}"
    oracle.write_prediction(made, path)
    again = oracle.read_prediction(path)
    assert np.array_equal(again.delta, made.delta)
    assert np.array_equal(again.control, made.control)
    assert list(again.perturbations) == list(made.perturbations)
    assert dict(again.checks) == dict(made.checks)
    assert again.regime == "local-linear"


def test_other_files_are_refused(world, model, tmp_path: Path) -> None:
    path = tmp_path / "cells.h5ad"
    world[0].write_h5ad(path)
    with pytest.raises(ResourceError, match="no oracle"):
        oracle.Oracle.read(path)
    with pytest.raises(ResourceError, match="no prediction"):
        oracle.read_prediction(path)
    with pytest.raises(InputError, match=r"\.h5ad or \.zarr"):
        oracle.Oracle.write(model, tmp_path / "oracle.pkl")
    (tmp_path / "folder").mkdir()
    with pytest.raises(ResourceError, match="cannot be read"):
        oracle.Oracle.read(tmp_path / "folder")
    (tmp_path / "cut.h5ad").write_bytes(path.read_bytes()[:100])
    with pytest.raises(ResourceError, match="cut short"):
        oracle.Oracle.read(tmp_path / "cut.h5ad")
