"""Thresholds: pySCENIC's numbers, seeds, hand-set values and the odd cases."""

from __future__ import annotations

import anndata
import numpy as np
import pandas as pd
import pytest

from reguloom import InputError, MissingKeyError
from reguloom.activity import binarize, binarize_frame, find_thresholds


@pytest.fixture
def activity() -> pd.DataFrame:
    rng = np.random.default_rng(1)
    two = np.concatenate([rng.normal(0.1, 0.02, 150), rng.normal(0.5, 0.03, 50)])
    return pd.DataFrame(
        {"one": rng.normal(0.2, 0.03, 200), "two": two, "flat": np.full(200, 0.1), "off": np.zeros(200)},
        index=[f"c{i}" for i in range(200)],
    )


# Tolerance: the reference's mixture starts from random centres, which moves its own thresholds by some 5e-6 between
# seeds, and its search for the density's valley stops at 1e-5. The golden values (seed 777) are met to 1e-7.
@pytest.mark.parametrize(("seed", "tolerance"), [(777, 1e-7), (0, 1e-7)])
def test_equals_pyscenic(golden, seed, tolerance):
    binary, thresholds = binarize_frame(golden.auc[False], rng=seed)
    pd.testing.assert_series_equal(thresholds, golden.thresholds, rtol=0, atol=tolerance, check_names=False)
    near = (golden.auc[False] - golden.thresholds).abs() <= tolerance
    assert ((binary == golden.binary[binary.columns]) | near).to_numpy().all()


def test_rules(activity):
    table = find_thresholds(activity)
    assert table["modality"].to_dict() == {"one": "unimodal", "two": "bimodal", "flat": "constant", "off": "constant"}
    one = activity["one"]
    assert table.loc["one", "threshold"] == pytest.approx(one.mean() + 2 * one.std(ddof=0))
    assert 0.2 < table.loc["two", "threshold"] < 0.45


@pytest.mark.parametrize("method", ["hdt", "bic", "r"])
def test_methods_part_two_clear_modes(activity, method):
    binary, _ = binarize_frame(activity[["two"]], method=method)
    assert binary["two"].tolist() == [0] * 150 + [1] * 50


def test_constant_regulons_are_never_on(activity):
    binary, thresholds = binarize_frame(activity)
    assert binary[["flat", "off"]].to_numpy().sum() == 0
    assert thresholds[["flat", "off"]].tolist() == [0.1, 0.0]


def test_valley_is_the_lowest_density_of_scipy(activity):
    from scipy.stats import gaussian_kde

    threshold = find_thresholds(activity)["threshold"]["two"]
    grid = np.linspace(0.1, 0.5, 4001)
    assert threshold == pytest.approx(grid[gaussian_kde(activity["two"])(grid).argmin()], abs=1e-3)


def test_thresholds_set_by_hand(activity):
    table = find_thresholds(activity, thresholds={"one": 0.05})
    assert table.loc["one", ["threshold", "modality"]].tolist() == [0.05, "manual"]
    with pytest.raises(InputError, match="names \\['nobody'\\]"):
        find_thresholds(activity, thresholds={"nobody": 0.1})


def test_seeds_and_threads(activity):
    zero, again = find_thresholds(activity, seed=0, n_jobs=1), find_thresholds(activity, seed=0, n_jobs=3)
    pd.testing.assert_frame_equal(zero, again, check_exact=True)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda frame: frame.assign(one=np.nan), "score it again"),
        (lambda frame: frame.assign(one="x"), "hold text"),
        (lambda frame: frame.iloc[:0], "empty"),
        (lambda frame: frame.set_axis(["one", "two", "one", "off"], axis=1), "more than one column"),
    ],
)
def test_bad_tables(activity, change, message):
    with pytest.raises(InputError, match=message):
        binarize_frame(change(activity))


def test_unknown_method(activity):
    with pytest.raises(InputError, match="accepted are 'hdt', 'bic', 'r'"):
        binarize_frame(activity, method="gmm")


def test_writes_calls_and_thresholds(scored):
    assert binarize(scored) is None
    binary = scored.obsm["aucell_binary"]
    thresholds = scored.uns["aucell"]["thresholds"]
    assert (binary.to_numpy() == (scored.obsm["aucell"] > thresholds["threshold"]).to_numpy()).all()
    assert "params" in scored.uns["aucell"]


def test_copy_and_key(scored):
    copied = binarize(scored, key_added="on", copy=True)
    assert "on" in copied.obsm
    assert set(scored.obsm) == {"aucell"}
    assert "thresholds" not in scored.uns["aucell"]


def test_needs_scores():
    with pytest.raises(MissingKeyError, match="run activity.aucell first"):
        binarize(anndata.AnnData(np.zeros((2, 2))))


@pytest.mark.parametrize("suffix", ["h5ad", "zarr"])
def test_survives_a_file(scored, tmp_path, suffix):
    binarize(scored)
    path = tmp_path / f"x.{suffix}"
    getattr(scored, f"write_{suffix}")(path)
    back = getattr(anndata, f"read_{suffix}")(path)
    pd.testing.assert_frame_equal(back.obsm["aucell_binary"], scored.obsm["aucell_binary"], check_names=False)
    written, read = scored.uns["aucell"]["thresholds"], back.uns["aucell"]["thresholds"]
    assert (read["threshold"] == written["threshold"]).all()
    assert list(read["modality"]) == list(written["modality"])
