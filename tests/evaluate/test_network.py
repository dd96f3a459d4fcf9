from __future__ import annotations

from functools import partial

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import auc, average_precision_score, precision_recall_curve, roc_auc_score

import reguloom as rl
from reguloom.core import Network, Regulons
from reguloom.evaluate import _measures, _resampling
from reguloom.evaluate._candidates import Candidates, Ranking
from reguloom.evaluate.network import COLUMNS, METRICS

TRUTH = Network.from_edges(["A", "A", "B"], ["x", "y", "z"], 1.0, sign=[1, -1, 1])
GENES = ["A", "B", "x", "y", "z"]
FAST = {"n_bootstrap": 0, "n_permutations": 0}


def values(predicted: object, truth: object = TRUTH, **options: object) -> pd.Series:
    options = {"tfs": ["A", "B"], "genes": GENES, **FAST, **options}
    return rl.evaluate.network(predicted, truth, **options).set_index("metric")["value"]


def random_pair(rng: np.random.Generator, n_tfs: int = 6, n_genes: int = 30, n_true: int = 25, ties: int = 20):
    """Return a truth and an unrelated prediction with ties over all pairs, as networks and as arrays."""
    tfs, genes = [f"T{i}" for i in range(n_tfs)], [f"g{i}" for i in range(n_genes)]
    n = n_tfs * n_genes
    is_true = np.zeros(n, dtype=bool)
    is_true[rng.choice(n, n_true, replace=False)] = True
    sign, called = rng.choice([-1, 1], n), rng.choice([-1, 1], n)
    score = rng.integers(1, ties + 1, n).astype(float)
    sources, targets = np.repeat(tfs, n_genes), np.tile(genes, n_tfs)
    truth = Network.from_edges(sources[is_true], targets[is_true], 1.0, sign=sign[is_true])
    predicted = Network.from_edges(sources, targets, score, sign=called)
    return truth, predicted, {"tfs": tfs, "genes": genes}, (is_true, sign, score, called)


# ------------------------------------------------------------------------------------------------ values by hand


def test_values_by_hand() -> None:
    predicted = Network.from_edges(["A", "A", "B", "A"], ["x", "z", "z", "A"], [3.0, 2.0, 1.0, 9.0], sign=[1, 1, -1, 1])
    found = values(predicted)
    # 8 candidates (the self edge is none): hits at places 1 and 3, the third true edge among the 5 unnamed
    assert found["auprc"] == pytest.approx((1 + 2 / 3 + 3 / 8) / 3)
    # other candidates behind each true edge: 5, 4 and half of the 4 that tie
    assert found["auroc"] == pytest.approx((5 + 4 + 2) / (3 * 5))
    assert found["early_precision"] == pytest.approx(2 / 3)
    assert found["precision"] == pytest.approx(2 / 3) and found["recall"] == pytest.approx(2 / 3)
    assert found["f1"] == pytest.approx(2 / 3)
    assert found["sign_accuracy"] == 0.5


def test_the_predicted_sign_counts_in_signed_measures_alone() -> None:
    right = Network.from_edges(["A", "A", "B"], ["x", "y", "z"], [3.0, 2.0, 1.0], sign=[1, -1, 1])
    wrong = Network.from_edges(["A", "A", "B"], ["x", "y", "z"], [3.0, 2.0, 1.0], sign=[-1, 1, -1])
    none = Network.from_edges(["A", "A", "B"], ["x", "y", "z"], [3.0, 2.0, 1.0])
    good, bad, blind = values(right), values(wrong), values(none)
    unsigned = ["auprc", "auroc", "early_precision", "activation_early_precision", "inhibition_early_precision"]
    assert good[unsigned].eq(1).all() and bad[unsigned].eq(1).all() and blind[unsigned].eq(1).all()
    assert good[["signed_auprc", "signed_early_precision", "sign_accuracy"]].eq(1).all()
    # 16 pairs with sign: three wrong ones first, then the three true ones among 13 that are not named
    assert bad["signed_auprc"] == pytest.approx(3 / 16) and bad["sign_accuracy"] == 0
    assert blind["signed_auprc"] == pytest.approx(0.5) and np.isnan(blind["sign_accuracy"])


def test_the_other_sign_is_taken_out() -> None:
    predicted = Network.from_edges(["A", "A", "B"], ["y", "x", "x"], [3.0, 2.0, 1.0])
    found = values(predicted)
    # activations: A-x and B-z; A-y is no candidate, so A-x and B-x are the two first
    assert found["activation_early_precision"] == 0.5
    assert found["inhibition_early_precision"] == 1.0


def test_ties_are_one_place_whatever_the_order_of_rows() -> None:
    edges = pd.DataFrame({"source": ["A"] * 4, "target": ["x", "B", "y", "z"], "weight": 1.0})
    found = [values(edges.iloc[order])["auprc"] for order in ([0, 1, 2, 3], [3, 1, 0, 2])]
    assert found[0] == found[1] == pytest.approx((2 * 2 / 4 + 3 / 8) / 3)
    assert values(edges)["early_precision"] == pytest.approx(3 * 0.5 / 3)


def test_top_calls_the_strongest() -> None:
    predicted = Network.from_edges(["A", "A", "B"], ["x", "z", "z"], [3.0, 2.0, 1.0])
    assert values(predicted, top=1)["precision"] == 1.0
    assert values(predicted, top=2)["precision"] == 0.5
    assert values(predicted, top=99)["recall"] == pytest.approx(2 / 3)


def test_weights_count_by_size_and_duplicates_by_the_largest() -> None:
    predicted = Network.from_edges(["A", "B", "A"], ["y", "x", "y"], [-3.0, 1.0, 0.5], sign=[-1, 1, 1])
    assert values(predicted, top=1)["precision"] == 1.0
    assert values(predicted)["sign_accuracy"] == 1.0


def test_an_empty_and_a_perfect_prediction() -> None:
    empty = values(Network.from_edges([], []))
    assert empty["auprc"] == pytest.approx(3 / 8) and empty["early_precision"] == pytest.approx(3 / 8)
    assert empty["auroc"] == 0.5 and empty["recall"] == 0 and np.isnan(empty["precision"])
    perfect = rl.evaluate.network(TRUTH, TRUTH, tfs=["A", "B"], genes=GENES)
    assert perfect["value"].eq(1).all()
    assert (perfect["low"] <= 1).all() and (perfect["high"] == 1).all()


def test_takes_networks_regulons_tables_and_runs() -> None:
    regulons = Regulons.from_dict({"A(+)": ["x"], "A(-)": ["y"]})
    frame = pd.DataFrame({"TF": ["B", "A"], "target": ["z", "z"], "importance": [2.0, 1.0]})
    table = rl.evaluate.network({"regulons": regulons, "both": [regulons, frame]}, TRUTH, **FAST)
    wide = table.pivot(index="method", columns="metric", values="value")
    assert tuple(table.columns) == COLUMNS and set(table["metric"]) == set(METRICS)
    assert wide.loc["regulons", "recall"] == pytest.approx(2 / 3)
    assert wide.loc["both", "recall"] == pytest.approx((2 / 3 + 1 / 3) / 2)
    assert wide.loc["both", "stability_jaccard"] == 0.0 and np.isnan(wide.loc["regulons", "stability_jaccard"])


def test_called_edges_have_no_rows_where_everything_is_called() -> None:
    everything = Network.from_edges(np.repeat(["A", "B"], 5), GENES * 2, np.arange(10.0))
    assert not {"precision", "recall", "f1"} & set(values(everything).index)
    assert {"precision", "recall", "f1"} <= set(values(everything, top=3).index)


def test_chance_and_ratio() -> None:
    table = rl.evaluate.network(TRUTH, TRUTH, tfs=["A", "B"], genes=GENES, **FAST).set_index("metric")
    assert table.loc["auprc", "chance"] == table.loc["early_precision", "chance"] == 3 / 8
    assert table.loc["auprc", "ratio"] == pytest.approx(8 / 3)
    assert table.loc["activation_early_precision", "chance"] == 2 / 7
    assert table.loc["signed_auprc", "chance"] == 3 / 16
    assert table.loc["auroc", "chance"] == 0.5 and np.isnan(table.loc["auroc", "ratio"])
    assert table.loc["sign_accuracy", "chance"] == pytest.approx((2 * 2 + 1 * 1) / 9)


# ------------------------------------------------------------------------------------------------ references


@given(st.integers(0, 10_000), st.integers(1, 40), st.integers(1, 100))
@settings(max_examples=40, deadline=None)
def test_agrees_with_scikit_learn(seed: int, ties: int, n_true: int) -> None:
    truth, predicted, names, (is_true, sign, score, called) = random_pair(
        np.random.default_rng(seed), n_true=n_true, ties=ties
    )
    found = values(predicted, truth, **names)
    assert found["auprc"] == pytest.approx(average_precision_score(is_true, score), abs=1e-12)
    assert found["auroc"] == pytest.approx(roc_auc_score(is_true, score), abs=1e-12)
    pairs = np.concatenate([is_true & (sign > 0), is_true & (sign < 0)])
    bets = np.concatenate([np.where(called > 0, score, 0), np.where(called < 0, score, 0)])
    assert found["signed_auprc"] == pytest.approx(average_precision_score(pairs, bets), abs=1e-12)
    assert found["sign_accuracy"] == pytest.approx((sign == called)[is_true].mean())
    above, tied = score > np.sort(score)[-n_true], score == np.sort(score)[-n_true]
    hits = is_true[above].sum() + is_true[tied].mean() * (n_true - above.sum())
    assert found["early_precision"] == pytest.approx(hits / n_true, abs=1e-12)
    straight = precision_recall_curve(is_true, score)
    beeline = values(predicted, truth, **names, compat="beeline")
    assert beeline["auprc"] == pytest.approx(auc(straight[1], straight[0]), abs=1e-12)


@given(st.integers(0, 10_000))
@settings(max_examples=25, deadline=None)
def test_what_does_not_matter(seed: int) -> None:
    rng = np.random.default_rng(seed)
    truth, predicted, names, _ = random_pair(rng)
    before = values(predicted, truth, **names)
    shuffled = predicted.take(rng.permutation(len(predicted)))
    frame = shuffled.to_frame()
    frame["weight"] = np.exp(frame["weight"] / 3)
    outside = pd.DataFrame({"source": ["no TF"], "target": ["g1"], "weight": [99.0], "sign": [1]})
    after = values(pd.concat([frame, outside]), truth, **names)
    pd.testing.assert_series_equal(before, after)


@pytest.mark.parametrize("name", ["HSC", "mCAD"])
def test_beeline_numbers_are_the_authors(shared, name: str) -> None:  # type: ignore[no-untyped-def]
    folder = shared / "data/grn_benchmark/beeline" / name
    files = {"auprc": "AUPRC", "auroc": "AUROC", "early_precision": "EPr"}
    files |= {"activation_early_precision": "EPr-Activation", "inhibition_early_precision": "EPr-Inhibitory"}
    tables = {metric: pd.read_csv(folder / f"{name}-{file}.csv", index_col=0) for metric, file in files.items()}
    # Some ties hang on the last digit of the weights, so they have to be read exactly.
    edges = pd.read_csv(folder / "ranked_edges.tsv.gz", sep="\t", float_precision="round_trip")
    n_checked = 0
    for (run, algorithm), part in edges.groupby(["run", "algorithm"]):
        truth = pd.read_csv(folder / run / "refNetwork.csv")
        options = {"compat": "beeline", "metrics": list(files), **FAST}
        found = rl.evaluate.network(part[["Gene1", "Gene2", "EdgeWeight"]], truth, **options).set_index("metric")
        for metric, table in tables.items():
            assert found.loc[metric, "value"] == pytest.approx(table.loc[algorithm, run], abs=1e-4 / 2), (
                run,
                algorithm,
            )
            n_checked += 1
    assert n_checked > 170


# ------------------------------------------------------------------------------------------------ how sure


def test_the_null_is_calibrated() -> None:
    rng = np.random.default_rng(3)
    found: dict[tuple[str, str], list[float]] = {}
    for seed in range(150):
        truth, predicted, names, _ = random_pair(rng, ties=10_000)
        for null in ("edges", "targets"):
            table = rl.evaluate.network(
                predicted, truth, **names, null=null, n_bootstrap=0, n_permutations=99, rng=seed,
                metrics=["auprc", "auroc", "signed_auprc", "sign_accuracy"],
            )  # fmt: skip
            for metric, p in zip(table["metric"], table["p"], strict=True):
                found.setdefault((null, metric), []).append(p)
    for key, p in found.items():
        assert np.mean(np.array(p) <= 0.1) < 0.18, key  # 0.1, with a standard error of 0.024
        if key[1] != "sign_accuracy":  # takes few values, so its p errs to the safe side
            assert 0.44 < np.mean(p) < 0.58, key
            assert np.mean(np.array(p) <= 0.5) == pytest.approx(0.5, abs=0.13), key


def test_a_good_prediction_beats_the_null_and_the_hubs_alone_do_not() -> None:
    rng = np.random.default_rng(0)
    tfs, genes = ["hub", *(f"T{i}" for i in range(9))], [f"g{i}" for i in range(60)]
    truth = Network.from_edges(
        ["hub"] * 40 + list(rng.choice(tfs[1:], 20)), [*rng.permutation(genes)[:40], *rng.choice(genes, 20)]
    )
    only_hub = Network.from_edges(np.repeat(tfs, 60), genes * 10, np.repeat(np.arange(10, 0, -1.0), 60))
    options = {"tfs": tfs, "genes": genes, "n_bootstrap": 0, "n_permutations": 99, "metrics": "auprc"}
    assert rl.evaluate.network(only_hub, truth, **options)["p"].item() == 0.01
    assert rl.evaluate.network(only_hub, truth, null="targets", **options)["p"].item() == 1.0
    assert rl.evaluate.network(truth, truth, null="targets", **options)["p"].item() == 0.01


@pytest.mark.slow
def test_intervals_cover() -> None:
    rng = np.random.default_rng(1)
    good, bad = rng.normal(1, 1, 50_000), rng.normal(0, 1, 450_000)
    score, label = np.concatenate([good, bad]), np.repeat([True, False], [50_000, 450_000])
    true = {"auprc": average_precision_score(label, score), "auroc": roc_auc_score(label, score)}
    covered: dict[str, list[bool]] = {metric: [] for metric in true}
    for seed in range(200):
        truth, predicted, names, (is_true, *_) = random_pair(rng, n_tfs=20, n_genes=50, n_true=100)
        weight = np.exp(rng.normal(is_true, 1.0))
        predicted = Network.from_edges(np.repeat(names["tfs"], 50), names["genes"] * 20, weight)
        table = rl.evaluate.network(
            predicted, truth, **names, metrics=list(true), n_bootstrap=300, n_permutations=0, rng=seed
        ).set_index("metric")
        for metric, value in true.items():
            covered[metric].append(table.loc[metric, "low"] <= value <= table.loc[metric, "high"])
    assert all(0.9 < np.mean(hits) < 0.99 for hits in covered.values())


@pytest.mark.parametrize("n_genes", [30, 600])
def test_bootstrap_agrees_with_resampling_every_candidate(n_genes: int) -> None:
    truth, predicted, names, (is_true, _, score, _) = random_pair(
        np.random.default_rng(5), n_genes=n_genes, n_true=40, ties=1000
    )
    candidates = Candidates(pd.Index(names["tfs"]), pd.Index(names["genes"]))
    ranking = Ranking.of(candidates.edges(predicted.take(score > 500)), candidates.n)
    places = ranking.places_of(candidates.edges(truth).keys)
    samples = list(_resampling.bootstrap(ranking, places, 2000, np.random.default_rng(1)))
    rng, seen = np.random.default_rng(0), np.where(score > 500, score, 0)
    drawn: dict[str, list[float]] = {name: [] for name in ("average_precision", "trapezoid_auprc", "auroc", "recall")}
    for _ in range(500):
        rows = np.concatenate([rng.choice(np.flatnonzero(part), part.sum()) for part in (is_true, ~is_true)])
        label, value = is_true[rows], seen[rows]
        straight = precision_recall_curve(label, value)
        drawn["average_precision"].append(average_precision_score(label, value))
        drawn["trapezoid_auprc"].append(auc(straight[1], straight[0]))
        drawn["auroc"].append(roc_auc_score(label, value))
        drawn["recall"].append((value[label] > 0).mean())
    for name, expected in drawn.items():
        measure = partial(_measures.recall, top=None) if name == "recall" else getattr(_measures, name)
        ours = np.concatenate([measure(steps) for steps in samples])
        assert len(ours) == 2000
        assert ours.mean() == pytest.approx(np.mean(expected), abs=4 * np.std(expected) / np.sqrt(500)), name
        assert ours.std() == pytest.approx(np.std(expected), rel=0.15), name


def test_seeds_and_independence_of_other_methods() -> None:
    truth, predicted, names, _ = random_pair(np.random.default_rng(2))
    options = {**names, "n_bootstrap": 50, "n_permutations": 50}
    alone = rl.evaluate.network({"a": predicted}, truth, **options)
    pd.testing.assert_frame_equal(alone, rl.evaluate.network({"a": predicted}, truth, **options, seed=0))
    both = rl.evaluate.network({"b": truth, "a": predicted}, truth, **options)
    pd.testing.assert_frame_equal(alone, both[both["method"] == "a"].reset_index(drop=True))
    few = rl.evaluate.network({"a": predicted}, truth, **options, metrics="auprc")
    pd.testing.assert_frame_equal(alone[alone["metric"] == "auprc"].reset_index(drop=True), few)
    other = rl.evaluate.network({"a": predicted}, truth, **options, rng=1)
    assert not other["low"].equals(alone["low"]) and other["value"].equals(alone["value"])


# ------------------------------------------------------------------------------------------------ baselines and errors


def test_the_baselines_are_there_and_cannot_be_left_out(counts: pd.DataFrame) -> None:
    tfs, genes = list(counts.columns[:5]), list(counts.columns)
    truth = Network.from_edges(tfs[:3], genes[20:23])
    table = rl.evaluate.network({}, truth, counts, tfs=tfs, genes=genes, metrics="auroc", **FAST)
    assert table["baseline"].all() and table["method"].str.contains("baseline").all() and len(table) == 3
    with pytest.raises(rl.InputError, match="name of a baseline"):
        rl.evaluate.network({"Pearson (baseline)": truth}, truth, counts)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"tfs": ["A"], "genes": ["z"]}, "no edge between"),
        ({"null": "nodes"}, "null='nodes'"),
        ({"compat": "dream"}, "compat='dream'"),
        ({"metrics": ["aupr"]}, "not known; accepted"),
        ({"confidence": 1.5}, "confidence=1.5"),
        ({"top": 0}, "top=0"),
    ],
)
def test_bad_options(options: dict[str, object], message: str) -> None:
    with pytest.raises(rl.InputError, match=message):
        rl.evaluate.network(TRUTH, TRUTH, **{**FAST, **options})


def test_bad_predictions() -> None:
    with pytest.raises(rl.InputError, match="accepted are Network"):
        rl.evaluate.network("network.csv", TRUTH)
    with pytest.raises(rl.InputError, match="no finite number"):
        rl.evaluate.network(Network.from_edges(["A"], ["x"], np.nan), TRUTH)
    with pytest.raises(rl.InputError, match="0 of 1 targets of predicted"):
        rl.evaluate.network(Network.from_edges(["A"], ["ENSG0"]), TRUTH)
    with pytest.raises(rl.InputError, match="holds no network"):
        rl.evaluate.network({"a": []}, TRUTH)
