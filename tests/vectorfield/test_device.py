"""The fit through PyTorch equals the fit in numpy, to the tolerance that is promised."""

from __future__ import annotations

import sys

import numpy as np
import pytest
from tests.vectorfield.conftest import Toggle, relative

import reguloom as rl
from reguloom import vectorfield as vf
from reguloom.vectorfield import _solver


@pytest.mark.parametrize("compat", [None, "dynamo"])
def test_the_fit_is_that_of_numpy(toggle: Toggle, compat: str | None) -> None:
    pytest.importorskip("torch")
    x, y = toggle.adata.obsm["X_pca"], toggle.adata.obsm["velocity_pca"]
    ours, theirs = (vf.sparsevfc(x, y, n_control=120, compat=compat, device=one) for one in (None, "cpu"))
    assert relative(theirs.fitted, ours.fitted) < 1e-8
    assert np.abs(theirs.inlier - ours.inlier).max() < 1e-8
    assert theirs.sigma2 == pytest.approx(ours.sigma2, rel=1e-8)
    assert theirs.n_iter == ours.n_iter
    single = vf.sparsevfc(x, y, n_control=120, compat=compat, device="auto", dtype="float32")
    assert relative(single.fitted, ours.fitted) < 1e-3


def test_features_that_do_not_fit_the_device_are_made_anew(toggle: Toggle, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("torch")
    from reguloom.vectorfield._torch import features

    x, y = toggle.adata.obsm["X_pca"], toggle.adata.obsm["velocity_pca"]
    kept = vf.sparsevfc(x, y, device="cpu")
    monkeypatch.setattr(features, "KEEP_BYTES", 0)
    monkeypatch.setattr(features, "BLOCK_VALUES", 1 << 12)
    assert relative(vf.sparsevfc(x, y, device="cpu").fitted, kept.fitted) < 1e-9


def test_a_whole_fit_with_its_report_and_replicates(toggle: Toggle) -> None:
    pytest.importorskip("torch")
    options = {"bandwidth": 0.05, "ridge": 3.0, "outliers": True, "n_bootstrap": 2, "groupby": "state"}
    ours, theirs = (vf.fit(toggle.adata, device=one, **options) for one in (None, "cpu"))
    assert relative(theirs.replicates, ours.replicates) < 1e-5  # coefficients are worse conditioned than the field
    assert theirs.report["cosine_held_out"] == pytest.approx(ours.report["cosine_held_out"], rel=1e-8)
    assert relative(theirs.jacobian(), ours.jacobian()) < 1e-7


def test_devices_that_are_not_there(toggle: Toggle, monkeypatch: pytest.MonkeyPatch) -> None:
    torch = pytest.importorskip("torch")
    with pytest.raises(rl.InputError, match="accepted are None"):
        vf.fit(toggle.adata, device="fast")
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    with pytest.raises(rl.ResourceError, match="no device 'cuda'"):
        vf.fit(toggle.adata, device="cuda")
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: True)
    with pytest.raises(rl.InputError, match="float32"):
        vf.fit(toggle.adata, device="mps")


def test_without_torch_the_extra_is_named(toggle: Toggle, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "torch", None)
    with pytest.raises(rl.MissingDependencyError, match=r"reguloom\[deep\]"):
        _solver.Features.of(np.zeros((9, 2)), np.eye(2), 1.0, dtype="float64", n_jobs=1, device="cpu")
    assert vf.fit(toggle.adata, bandwidth=0.05, ridge=3.0, outliers=True).n_components == 12
