"""Differential activity against scipy, and by samples."""

from __future__ import annotations

import anndata
import numpy as np
import pandas as pd
import pytest
from scipy.stats import false_discovery_control, mannwhitneyu

from reguloom import InputError
from reguloom.activity import differential, differential_frame


@pytest.fixture
def activity() -> pd.DataFrame:
    values = np.random.default_rng(0).poisson(2, size=(90, 6)) / 10
    values[:30, 0] += 0.3
    values[:, 5] = 0.2
    return pd.DataFrame(values, [f"c{i}" for i in range(90)], [f"TF{k}(+)" for k in range(6)])


GROUPS = ["a"] * 30 + ["b"] * 40 + ["c"] * 20


def test_equals_scipy(activity):
    table = differential_frame(activity, GROUPS)
    labels = np.array(GROUPS)
    for group in "abc":
        rows = table[table["group"] == group].set_index("regulon").loc[activity.columns]
        for name in activity.columns[:5]:
            inside, rest = activity.loc[labels == group, name], activity.loc[labels != group, name]
            test = mannwhitneyu(inside, rest, method="asymptotic")
            assert rows.loc[name, "p_value"] == pytest.approx(test.pvalue, rel=1e-12)
            assert rows.loc[name, "auroc"] == pytest.approx(test.statistic / (len(inside) * len(rest)))
            assert rows.loc[name, "difference"] == pytest.approx(inside.mean() - rest.mean())
        np.testing.assert_allclose(rows["p_adjusted"], false_discovery_control(rows["p_value"]))
    assert table.iloc[0][["group", "regulon"]].tolist() == ["a", "TF0(+)"]


def test_constant_regulon_does_not_differ(activity):
    table = differential_frame(activity, GROUPS).query("regulon == 'TF5(+)'")
    assert (table["p_value"] == 1).all()
    assert (table["auroc"] == 0.5).all()


def test_one_reference_group(activity):
    table = differential_frame(activity, GROUPS, reference="c")
    assert list(table["group"].unique()) == ["a", "b"]
    row = table.query("group == 'a' and regulon == 'TF1(+)'").iloc[0]
    assert row["mean_reference"] == pytest.approx(activity["TF1(+)"].iloc[70:].mean())


def test_samples_are_the_units(activity):
    samples = [f"s{i // 10}" for i in range(90)]
    table = differential_frame(activity, GROUPS, samples=samples)
    row = table.query("group == 'a' and regulon == 'TF0(+)'").iloc[0]
    means = activity["TF0(+)"].groupby(np.array(samples)).mean()
    assert row["n_units"] == 3
    assert row["p_value"] == pytest.approx(mannwhitneyu(means.iloc[:3], means.iloc[3:], method="auto").pvalue)
    assert row["p_value"] > differential_frame(activity, GROUPS).iloc[0]["p_value"]


@pytest.mark.parametrize(
    ("groups", "options", "message"),
    [(["a"] * 90, {}, "needs at least two"), (GROUPS, {"reference": "z"}, "not one of the groups")],
)
def test_bad_groups(activity, groups, options, message):
    with pytest.raises(InputError, match=message):
        differential_frame(activity, groups, **options)


@pytest.mark.parametrize("suffix", ["h5ad", "zarr"])
def test_writes_a_table_that_survives_a_file(scored, tmp_path, suffix):
    assert differential(scored, "kind", sample_key="donor") is None
    path = tmp_path / f"x.{suffix}"
    getattr(scored, f"write_{suffix}")(path)
    back = getattr(anndata, f"read_{suffix}")(path).uns["aucell"]["differential_kind"]
    written = scored.uns["aucell"]["differential_kind"]
    assert list(back["regulon"]) == list(written["regulon"])
    np.testing.assert_array_equal(back["p_value"], written["p_value"])


def test_copy_leaves_the_input(scored):
    copied = differential(scored, "kind", copy=True)
    assert "differential_kind" in copied.uns["aucell"]
    assert "differential_kind" not in scored.uns["aucell"]
