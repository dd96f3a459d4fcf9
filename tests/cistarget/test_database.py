from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from reguloom import io
from reguloom._errors import InputError
from reguloom.cistarget import build_database, combine_rankings, rank_scores


@pytest.fixture
def scores():
    rng = np.random.default_rng(0)
    genes, motifs = [f"g{i}" for i in range(50)], ["b", "a", "c"]
    return pd.DataFrame(rng.integers(0, 4, (3, 50)).astype(float), motifs, genes)


def test_ranks_are_permutations_by_falling_score(scores):
    ranks = rank_scores(scores)
    assert ranks.dtypes.unique().tolist() == [np.dtype(np.int16)]
    for motif in scores.index:
        assert sorted(ranks.loc[motif]) == list(range(50))
        by_rank = scores.loc[motif].to_numpy()[np.argsort(ranks.loc[motif].to_numpy())]
        assert (np.diff(by_rank) <= 0).all()


def test_ties_depend_on_seed_and_motif_alone(scores):
    ranks = rank_scores(scores, rng=3)
    shuffled = rank_scores(scores.iloc[::-1, ::-1], seed=3)
    pd.testing.assert_frame_equal(shuffled.loc[scores.index, scores.columns], ranks)
    pd.testing.assert_frame_equal(rank_scores(scores.iloc[1:2], rng=3), ranks.iloc[1:2])
    assert not rank_scores(scores, rng=4).equals(ranks)


def test_ties_are_not_in_the_order_of_the_genes():
    flat = pd.DataFrame(np.zeros((2, 200)), ["a", "b"], [f"g{i:03d}" for i in range(200)])
    ranks = rank_scores(flat).to_numpy()
    assert abs(np.corrcoef(ranks[0], np.arange(200))[0, 1]) < 0.3
    assert abs(np.corrcoef(ranks[0], ranks[1])[0, 1]) < 0.3


def test_more_genes_than_int16_holds():
    wide = pd.DataFrame(np.zeros((1, 2**15 + 1)), ["a"], [f"g{i}" for i in range(2**15 + 1)])
    assert rank_scores(wide).iloc[0].max() == 2**15


def test_the_file_is_a_database(scores, tmp_path):
    path = build_database(scores, tmp_path / "fish", write_scores=True)
    assert path.name == "fish.genes_vs_motifs.rankings.feather"
    database = io.read_rankings(path)
    assert (database.kind, database.motifs, database.genes) == ("rankings", ["b", "a", "c"], sorted(scores.columns))
    expected = rank_scores(scores)[database.genes].to_numpy()
    np.testing.assert_array_equal(database.load(database.genes), expected)
    beside = io.read_rankings(tmp_path / "fish.genes_vs_motifs.scores.feather")
    assert beside.kind == "scores"
    before = path.read_bytes()
    build_database(scores.iloc[:, ::-1], path)
    assert path.read_bytes() == before


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda s: s.iloc[:0], "empty"),
        (lambda s: s.set_axis(["a", "a", "b"]), "twice"),
        (lambda s: s.where(s > 0), "NaN"),
    ],
)
def test_scores_that_cannot_be_ranked(scores, change, message):
    with pytest.raises(InputError, match=message):
        rank_scores(change(scores))


def test_order_statistics_of_two_species(scores):
    one, two = rank_scores(scores, rng=1), rank_scores(scores.iloc[:, ::-1] * -1.0, rng=2)
    combined = combine_rankings([one, two])
    for motif in scores.index:
        ratios = np.sort((np.stack([one.loc[motif], two.loc[motif, one.columns]]) + 1) / 50, axis=0)
        # both of two uniform numbers as small: 2 r1 r2 - r1^2
        chance = 2 * ratios[0] * ratios[1] - ratios[0] ** 2
        by_rank = chance[np.argsort(combined.loc[motif].to_numpy())]
        assert (np.diff(by_rank) > -1e-12).all()


def test_order_statistics_of_three_are_probabilities():
    from reguloom.cistarget._kernels import combine_ranks

    rng = np.random.default_rng(0)
    ratios = np.array([[0.2], [0.5], [0.9]])
    combined = np.empty(1)
    combine_ranks(ratios, combined)
    drawn = np.sort(rng.random((200_000, 3)), axis=1)
    assert 6 * combined[0] == pytest.approx((drawn <= ratios[:, 0]).all(axis=1).mean(), abs=4e-3)


def test_one_ranking_is_kept_and_different_ones_are_refused(scores):
    ranks = rank_scores(scores)
    pd.testing.assert_frame_equal(combine_rankings([ranks]), ranks)
    with pytest.raises(InputError, match="other motifs or genes"):
        combine_rankings([ranks, ranks.iloc[:2]])
    with pytest.raises(InputError, match="no rankings"):
        combine_rankings([])
