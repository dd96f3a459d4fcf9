"""Prediction and the Predictor protocol."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scipy.sparse import csr_matrix

from reguloom import InputError, Perturbation, Prediction, Predictor, Provenance

ROWS, GENES = pd.Index(["c1", "c2", "c3"]), pd.Index(["A", "B"])
DELTA = np.array([[3.0, 4.0], [0.0, 0.0], [-1.0, 0.0]])


def made(**changes: object) -> Prediction:
    settings = {
        "delta": DELTA,
        "control": np.array([1.0, 2.0]),
        "rows": ROWS,
        "genes": GENES,
        "perturbations": [Perturbation.knockout("A")],
        "regime": "local-linear",
        "checks": {"range": "2 of 3 cells leave the observed range"},
        "provenance": Provenance("oracle", seed=1),
    }
    return Prediction(**{**settings, **changes})  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"regime": "magic"}, "regime is 'magic'"),
        ({"delta": DELTA[:2]}, "delta has shape"),
        ({"control": np.ones(3)}, "control has shape"),
        ({"perturbations": [Perturbation.knockout("A")] * 2}, "2 perturbations for 3 rows"),
    ],
)
def test_shapes_and_regime_are_checked(changes: dict[str, object], says: str) -> None:
    with pytest.raises(InputError, match=says):
        made(**changes)


@pytest.mark.parametrize("store", [np.asarray, csr_matrix])
def test_direction_has_unit_length_where_there_is_change(store: object) -> None:
    np.testing.assert_allclose(made(delta=store(DELTA)).direction(), [[0.6, 0.8], [0, 0], [-1, 0]])  # type: ignore[operator]


@pytest.mark.parametrize("store", [np.asarray, csr_matrix])
def test_embed_is_linear(store: object) -> None:
    basis = np.array([[1.0, 0.0, 2.0], [0.0, 1.0, -1.0]])
    np.testing.assert_allclose(made(delta=store(DELTA)).embed(basis), DELTA @ basis)  # type: ignore[operator]
    with pytest.raises(InputError, match="loadings"):
        made().embed(basis.T)


def test_only_a_mechanistic_magnitude_is_calibrated() -> None:
    assert made(regime="mechanistic").calibrated
    assert not made().calibrated


@pytest.mark.parametrize("control", [np.array([1.0, 2.0]), np.ones((3, 2)), csr_matrix(np.ones((3, 2)))])
@pytest.mark.parametrize("suffix", ["h5ad", "zarr"])
def test_to_anndata_survives_a_file(control: object, suffix: str, tmp_path: Path) -> None:
    import anndata

    made_adata = made(control=control).to_anndata()
    dense = control.toarray() if hasattr(control, "toarray") else control
    np.testing.assert_allclose(made_adata.X, dense + DELTA)
    path = tmp_path / f"prediction.{suffix}"
    getattr(made_adata, f"write_{suffix}")(path)
    again = getattr(anndata, f"read_{suffix}")(path)
    np.testing.assert_allclose(again.layers["delta"], DELTA)
    assert again.obs["perturbation"].tolist() == ["A=0"] * 3
    assert again.uns["prediction"]["regime"] == "local-linear"
    assert dict(again.uns["prediction"]["checks"]) == {"range": "2 of 3 cells leave the observed range"}
    assert Provenance.from_json(again.uns["prediction"]["provenance"]).method == "oracle"


def test_the_protocol_is_recognised_by_its_methods() -> None:
    class Mean:
        def predict(self, perturbations: object, adata: object = None) -> Prediction:
            return made(regime="baseline")

        def available(self) -> pd.DataFrame:
            return pd.DataFrame({"available": [True], "reason": [""]}, index=["A"])

    assert isinstance(Mean(), Predictor)
    assert not isinstance(object(), Predictor)
