"""AUCell: pySCENIC's numbers, R's variant, and every form of input."""

from __future__ import annotations

import warnings

import anndata
import numpy as np
import pandas as pd
import pytest
from scipy import sparse

from reguloom import EmptyResultError, InputError, MissingKeyError, ValidityWarning
from reguloom.activity import aucell, aucell_frame
from reguloom.core import Regulons


def by_definition(frame, sets, *, auc_threshold, method="pyscenic", weights=False, seed=0):
    """Ranks by pandas, sums by hand."""
    shuffled = frame.sample(frac=1, axis=1, random_state=seed)
    ranks = shuffled.rank(axis=1, ascending=False, method="first") - 1
    n = frame.shape[1]
    top = round(auc_threshold * n) - 1 if method == "pyscenic" else int(np.ceil(auc_threshold * n)) - 1
    columns = {}
    for name, genes in sets.items():
        present = [gene for gene in genes if gene in frame]
        w = np.array([genes[gene] if weights else 1.0 for gene in present])
        sums = np.maximum(0, top - ranks[present]) @ w
        best = np.sort(w)[::-1][:top] @ np.arange(top, 0, -1)[: len(w)]
        columns[name] = sums / ((top + 1) * w.sum() if method == "pyscenic" else best)
    return pd.DataFrame(columns)


@pytest.mark.parametrize("weights", [False, True])
def test_equals_pyscenic_from_expression(golden, weights):
    found = aucell_frame(golden.expression, golden.regulons, weights=weights, rng=777)
    expected = golden.auc[weights]
    pd.testing.assert_frame_equal(found.loc[expected.index, expected.columns], expected, rtol=0, atol=1e-9)
    assert list(found.columns) == golden.regulons.names


@pytest.mark.parametrize("weights", [False, True])
def test_equals_pyscenic_on_its_own_rankings(golden, weights):
    # Ranks count from 0 at the top, so their negatives are expression without ties.
    found = aucell_frame(-golden.rankings.astype(float), golden.regulons, weights=weights, rng=1)
    expected = golden.auc[weights]
    pd.testing.assert_frame_equal(found.loc[expected.index, expected.columns], expected, rtol=0, atol=1e-9)


def test_another_seed_is_not_the_same(golden):
    found = aucell_frame(golden.expression, golden.regulons, rng=778)
    expected = golden.auc[False]
    difference = (found.loc[expected.index, expected.columns] - expected).abs()
    assert difference.to_numpy().max() > 1e-4
    assert difference.to_numpy().mean() < 1e-2


@pytest.mark.parametrize("method", ["pyscenic", "r"])
@pytest.mark.parametrize("weights", [False, True])
@pytest.mark.parametrize("auc_threshold", [0.1, 0.5, 1.0])
def test_equals_the_definition(counts, sets, method, weights, auc_threshold):
    values = counts - 1.0  # zeros, positive and negative values, many ties
    found = aucell_frame(
        values, sets, method=method, weights=weights, auc_threshold=auc_threshold, ties="shuffle", rng=5
    )
    expected = by_definition(values, sets, auc_threshold=auc_threshold, method=method, weights=weights, seed=5)
    pd.testing.assert_frame_equal(found, expected, rtol=0, atol=1e-12, check_names=False)


def test_every_form_of_input_gives_the_same(counts, sets, tmp_path):
    expected = aucell_frame(counts, sets, auc_threshold=0.2, rng=1)
    path = tmp_path / "x.h5ad"
    names = {"obs": pd.DataFrame(index=counts.index), "var": pd.DataFrame(index=counts.columns)}
    anndata.AnnData(sparse.csr_matrix(counts.to_numpy()), **names).write(path)
    dense_path = tmp_path / "dense.h5ad"
    anndata.AnnData(counts).write(dense_path)
    inputs = {
        "dense": anndata.AnnData(counts),
        "csr": anndata.read_h5ad(path),
        "backed csr": anndata.read_h5ad(path, backed="r"),
        "backed dense": anndata.read_h5ad(dense_path, backed="r"),
        "float64": counts.astype(np.float64),
        "integers": counts.astype(np.int64),
        "csc": anndata.AnnData(sparse.csc_matrix(counts.to_numpy()), **names),
    }
    for name, data in inputs.items():
        found = aucell_frame(data, sets, auc_threshold=0.2, rng=1)
        pd.testing.assert_frame_equal(found, expected, check_exact=True, obj=name)


def test_entries_stored_twice_or_as_zero_count_as_what_they_add_up_to(counts, sets):
    plain = sparse.csr_array(counts.to_numpy())
    doubled = sparse.csr_array(
        (np.repeat(plain.data / 2, 2), np.repeat(plain.indices, 2), plain.indptr * 2), plain.shape
    )
    doubled.data[doubled.data < 1] = 0.5
    names = {"obs": pd.DataFrame(index=counts.index), "var": pd.DataFrame(index=counts.columns)}
    found = aucell_frame(anndata.AnnData(doubled, **names), sets, auc_threshold=0.2)
    pd.testing.assert_frame_equal(found, aucell_frame(counts, sets, auc_threshold=0.2), check_exact=True)


@pytest.mark.parametrize("ties", ["shuffle", "random", "order"])
def test_threads_change_nothing(counts, sets, ties):
    one, three = (aucell_frame(counts, sets, ties=ties, auc_threshold=0.2, n_jobs=n) for n in (1, 3))
    pd.testing.assert_frame_equal(one, three, check_exact=True)


def test_random_ties_follow_the_cell_and_not_its_place(counts, sets):
    whole = aucell_frame(counts, sets, ties="random", auc_threshold=0.5, rng=2)
    part = aucell_frame(counts.iloc[::-7], sets, ties="random", auc_threshold=0.5, rng=2)
    pd.testing.assert_frame_equal(part, whole.loc[part.index], check_exact=True)
    other = aucell_frame(counts, sets, ties="random", auc_threshold=0.5, rng=3)
    assert (other != whole).to_numpy().any()


def test_random_ties_are_fair():
    # All genes tie in every cell, so every regulon of equal size has the same expectation.
    data = pd.DataFrame(np.ones((4000, 20)), [f"c{i}" for i in range(4000)], [f"g{i}" for i in range(20)])
    found = aucell_frame(data, {f"s{i}": [f"g{i}"] for i in range(20)}, method="r", auc_threshold=0.5)
    means = found.mean()
    assert abs(means - means.mean()).max() < 6 * found.std().max() / np.sqrt(4000)


def test_order_takes_the_first_genes_of_the_matrix():
    data = pd.DataFrame(np.ones((1, 10)), ["c"], [f"g{i}" for i in range(10)])
    found = aucell_frame(data, {"first": ["g0"], "last": ["g9"]}, ties="order", auc_threshold=0.5)
    assert found.loc["c"].to_dict() == {"first": 4 / 5, "last": 0.0}


def test_a_regulon_at_the_very_top_reaches_one_in_r_alone():
    data = pd.DataFrame([np.arange(40.0, 0, -1)], ["c"], [f"g{i}" for i in range(40)])
    sets = {"top": ["g0", "g1", "g2"]}
    assert aucell_frame(data, sets, method="r", auc_threshold=0.25).iloc[0, 0] == 1
    # 1 - (g + 1) / (2 (C + 1)) with g = 3 and C + 1 = 10
    assert aucell_frame(data, sets, auc_threshold=0.25).iloc[0, 0] == pytest.approx(1 - 4 / 20)


def test_half_of_a_rank_rounds_to_even_in_pyscenic_and_up_in_r(counts, sets):
    # 0.3125 * 40 genes = 12.5 ranks
    for method, n_ranks in (("pyscenic", 11), ("r", 12)):
        frame = aucell_frame(counts, sets, method=method, auc_threshold=0.3125)
        assert frame.attrs["params"]["n_ranks"] == n_ranks


def test_rule_for_missing_targets(counts):
    sets = {
        "all": ["Gene0", "Gene1"],
        "four of five": [*(f"Gene{i}" for i in range(4)), "absent"],
        "three of four": ["Gene0", "Gene1", "Gene2", "absent"],
        "one of five": ["Gene0", "a", "b", "c", "d"],
    }
    with pytest.warns(ValidityWarning, match="2 of 4 regulons"):
        found = aucell_frame(counts, sets, auc_threshold=0.3)
    assert (found[["three of four", "one of five"]] == 0).to_numpy().all()
    assert (found[["all", "four of five"]] > 0).any().all()
    with pytest.warns(ValidityWarning, match="are dropped: one of five"):
        dropped = aucell_frame(counts, sets, method="r", auc_threshold=0.3)
    assert list(dropped) == ["all", "four of five", "three of four"]


def test_normalize_divides_by_the_largest(counts, sets):
    plain = aucell_frame(counts, sets, auc_threshold=0.2)
    scaled = aucell_frame(counts, sets, auc_threshold=0.2, normalize=True)
    pd.testing.assert_frame_equal(scaled, plain / plain.max(), check_exact=True)


def test_empty_cells_score_zero_and_shallow_cells_are_said(counts, sets):
    counts.iloc[3] = 0
    with pytest.warns(ValidityWarning, match="detect fewer genes"):
        found = aucell_frame(counts, sets, auc_threshold=0.9)
    assert (found.iloc[3] == 0).all()
    assert (found.drop(index="cell3") > 0).any(axis=1).all()


def test_input_is_left_alone(counts, sets):
    before = counts.copy()
    aucell_frame(counts, sets, auc_threshold=0.2)
    pd.testing.assert_frame_equal(counts, before)


@pytest.mark.parametrize(
    ("change", "options", "error", "message"),
    [
        ({}, {"method": "python"}, InputError, "accepted are 'pyscenic' and 'r'"),
        ({}, {"ties": "none"}, InputError, "accepted are 'shuffle'"),
        ({}, {"auc_threshold": 0}, InputError, "above 0"),
        ({}, {"auc_threshold": 0.02}, InputError, "0.05 or more"),
        ({}, {"min_overlap": 2}, InputError, "between 0 and 1"),
        ({"value": np.nan}, {}, InputError, "'cell1' holds a NaN"),
        ({"sets": {"x": {"Gene1": -1.0}}}, {"weights": True}, InputError, "negative"),
        ({"sets": {"x": ["ENSG00000000001", "ENSG00000000002"]}}, {}, InputError, "Ensembl"),
        ({"sets": {"x": ["Gene1", "a", "b", "c"]}}, {}, EmptyResultError, "none of the 1 regulons"),
    ],
)
def test_bad_input_is_named(counts, sets, change, options, error, message):
    if "value" in change:
        counts.iloc[1, 2] = change["value"]
    with pytest.raises(error, match=message):
        aucell_frame(counts, change.get("sets", sets), **{"auc_threshold": 0.2, **options})


def test_writes_scores_and_parameters(counts, sets):
    adata = anndata.AnnData(counts)
    assert aucell(adata, sets, auc_threshold=0.2, seed=4, key_added="activity") is None
    expected = aucell_frame(counts, sets, auc_threshold=0.2, rng=4)
    assert (adata.obsm["activity"].to_numpy() == expected.to_numpy()).all()
    params = adata.uns["activity"]["params"]
    assert (params["method"], params["ties"], params["seed"], params["n_ranks"]) == ("pyscenic", "shuffle", 4, 7)


def test_copy_leaves_the_input(counts, sets):
    adata = anndata.AnnData(counts)
    copied = aucell(adata, sets, auc_threshold=0.2, copy=True)
    assert "aucell" in copied.obsm
    assert not adata.obsm
    assert not adata.uns


def test_takes_stored_regulons_or_says_that_there_are_none(counts, sets):
    adata = anndata.AnnData(counts)
    with pytest.raises(MissingKeyError, match="regulons"):
        aucell(adata)
    Regulons.from_dict(sets).to_adata(adata)
    aucell(adata, auc_threshold=0.2)
    assert list(adata.obsm["aucell"]) == list(sets)


@pytest.mark.parametrize("suffix", ["h5ad", "zarr"])
def test_survives_a_file(counts, sets, tmp_path, suffix):
    adata = anndata.AnnData(counts)
    sets["NKX2/5(+)"] = sets.pop("TF0(+)")
    aucell(adata, sets, auc_threshold=0.2)
    path = tmp_path / f"x.{suffix}"
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        getattr(adata, f"write_{suffix}")(path)
        back = getattr(anndata, f"read_{suffix}")(path)
    pd.testing.assert_frame_equal(back.obsm["aucell"], adata.obsm["aucell"], check_names=False)
    assert "NKX2_5(+)" in back.obsm["aucell"]
    assert back.uns["aucell"]["params"]["auc_threshold"] == 0.2


def test_names_that_differ_in_a_slash_alone_are_refused(counts, sets):
    sets["A/B"], sets["A_B"] = sets["TF0(+)"], sets["TF1(+)"]
    with pytest.raises(InputError, match="differ only in '/'"):
        aucell(anndata.AnnData(counts), sets, auc_threshold=0.2)
