"""Specificity scores: pySCENIC's numbers, the definition, and groups in every form."""

from __future__ import annotations

import anndata
import numpy as np
import pandas as pd
import pytest
from scipy.spatial.distance import jensenshannon

from reguloom import InputError, MissingKeyError
from reguloom.activity import group_zscores, rss, specificity


@pytest.fixture
def activity() -> pd.DataFrame:
    values = np.random.default_rng(0).gamma(0.5, size=(30, 4))
    values[:, 3] = 0
    return pd.DataFrame(values, [f"c{i}" for i in range(30)], list("wxyz"))


@pytest.fixture
def groups(activity) -> pd.Series:
    return pd.Series(np.resize(["T", "B", "T", "NK"], 30), index=activity.index)


def test_equals_pyscenic(golden):
    found = rss(golden.auc[False], golden.labels)
    assert list(found.index) == list(golden.rss.index)
    # pySCENIC leaves regulons without any activity empty; here they get the lowest score.
    scored = golden.rss.columns[golden.rss.notna().all()]
    assert len(scored) == 51
    pd.testing.assert_frame_equal(found[scored], golden.rss[scored], rtol=0, atol=1e-9)


@pytest.mark.parametrize(("log_base", "base", "lowest"), [("e", np.e, 1 - np.sqrt(np.log(2))), (2, 2, 0), ("2", 2, 0)])
def test_equals_the_definition(activity, groups, log_base, base, lowest):
    found = rss(activity, groups, log_base=log_base)
    assert list(found.index) == ["T", "B", "NK"]
    for group in found.index:
        for regulon in "wxy":
            expected = 1 - jensenshannon(activity[regulon], groups == group, base=base)
            assert found.loc[group, regulon] == pytest.approx(expected, abs=1e-12)
    np.testing.assert_allclose(found["z"], lowest, atol=1e-12)


def test_perfect_regulon_scores_one(activity, groups):
    activity["w"] = (groups == "B").astype(float)
    found = rss(activity, groups)
    assert found.loc["B", "w"] == pytest.approx(1)
    assert found.loc["T", "w"] == pytest.approx(1 - np.sqrt(np.log(2)))


def test_order_of_groups(activity, groups):
    categories = ["NK", "empty", "T", "B"]
    assert list(rss(activity, groups.astype(pd.CategoricalDtype(categories))).index) == ["NK", "T", "B"]
    assert list(rss(activity, list(groups)).index) == ["T", "B", "NK"]


def test_groups_are_matched_by_name(activity, groups):
    expected = rss(activity, groups)
    shuffled = groups.sample(frac=1, random_state=1)
    pd.testing.assert_frame_equal(rss(activity, shuffled).loc[expected.index], expected, check_exact=True)


def test_cells_without_a_group_are_left_out(activity, groups):
    groups.iloc[::5] = np.nan
    known = groups.notna()
    pd.testing.assert_frame_equal(rss(activity, groups), rss(activity[known], groups[known]), check_exact=True)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda groups: groups.iloc[:5], "name 5 of the 30 cells"),
        (lambda groups: groups.rename("other_{}".format), "name 0 of the 30 cells"),
        (lambda groups: list(groups)[:5], "5 group labels for 30 cells"),
        (lambda groups: groups.where(groups == "nothing"), "no cell has a group"),
    ],
)
def test_groups_that_do_not_fit(activity, groups, change, message):
    with pytest.raises(InputError, match=message):
        rss(activity, change(groups))


@pytest.mark.parametrize("log_base", [1, 0, "ten", -2])
def test_bases_that_are_none(activity, groups, log_base):
    with pytest.raises(InputError, match="log_base"):
        rss(activity, groups, log_base=log_base)


def test_negative_activity_is_refused(activity, groups):
    with pytest.raises(InputError, match="lowest activity"):
        rss(activity - 1, groups)


def test_zscores(activity, groups):
    found = group_zscores(activity, groups)
    expected = ((activity - activity.mean()) / activity.std(ddof=0)).groupby(groups).mean()
    pd.testing.assert_frame_equal(found[list("wxy")], expected.loc[found.index, list("wxy")], check_names=False)
    assert (found["z"] == 0).all()


def test_writes_both_tables(scored):
    assert specificity(scored, groupby="kind") is None
    assert list(scored.uns["aucell"]["rss_kind"].index) == ["b", "a"]
    expected = rss(scored.obsm["aucell"], scored.obs["kind"])
    pd.testing.assert_frame_equal(scored.uns["aucell"]["rss_kind"], expected)
    assert scored.uns["aucell"]["zscore_kind"].shape == (2, 5)


def test_missing_column_is_named(scored):
    with pytest.raises(MissingKeyError, match="'cell_type'; it has \\['donor', 'kind'\\]"):
        specificity(scored, "cell_type")


@pytest.mark.parametrize("suffix", ["h5ad", "zarr"])
def test_survives_a_file(scored, tmp_path, suffix):
    scored.obs["a/b"] = scored.obs["kind"]
    specificity(scored, "a/b")
    del scored.obs["a/b"]
    path = tmp_path / f"x.{suffix}"
    getattr(scored, f"write_{suffix}")(path)
    back = getattr(anndata, f"read_{suffix}")(path)
    pd.testing.assert_frame_equal(back.uns["aucell"]["rss_a_b"], scored.uns["aucell"]["rss_a_b"], check_names=False)


def test_copy_leaves_the_input(scored):
    copied = specificity(scored, "kind", copy=True)
    assert "rss_kind" in copied.uns["aucell"]
    assert "rss_kind" not in scored.uns["aucell"]
