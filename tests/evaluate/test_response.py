"""The table puts predictors into their true order, and cannot be talked into anything."""

from __future__ import annotations

import json
from pathlib import Path

import anndata
import numpy as np
import pandas as pd
import pytest
from tests.evaluate._screens import Told, changes, screen

from reguloom import evaluate
from reguloom._errors import InputError
from reguloom.core import Perturbation, PerturbationData, Prediction
from reguloom.evaluate._response_table import CONTROLS
from reguloom.evaluate.response_baselines import Additive, Mean

BASELINES = {"no change", "mean", "mean (cells)", "additive", "matching mean", "linear", "nearest", "ridge"}


@pytest.fixture(scope="module")
def world() -> tuple[PerturbationData, pd.DataFrame]:
    return screen()


@pytest.fixture(scope="module")
def split(world) -> evaluate.Split:
    return evaluate.split(world[0], "unseen-combination", rng=1)


def scored(models, data, split, **options):
    return evaluate.response(models, data, split, n_bootstrap=200, **options)


def score_of(scores: evaluate.ResponseScores) -> pd.Series:
    table = scores.leaderboard
    return table[(table["metric"] == "score")].set_index("model")["value"]


@pytest.fixture(scope="module")
def planted(world, split) -> evaluate.ResponseScores:
    data, expected = world
    truth = changes(data, expected)
    random = np.random.default_rng(3)
    noise = random.normal(size=truth.shape)
    models = {
        "exact": Told(truth),
        "good": Told(truth + 0.10 * noise),
        "fair": Told(truth + 0.25 * noise),
        "poor": Told(truth + 0.60 * noise),
    }
    return scored(models, data, split)


def test_a_planted_ranking_is_recovered(planted) -> None:
    score = score_of(planted)
    assert score["exact"] > score["good"] > score["fair"] > score["poor"]
    for metric in ("l2", "pearson_delta", "pearson_delta_perturbed", "weighted_mse"):
        values = planted.table()[metric]
        order = values[["exact", "good", "fair", "poor"]]
        assert order.is_monotonic_increasing or order.is_monotonic_decreasing
    assert "exact" in planted.headline and "beats every baseline" in planted.headline
    assert not planted.suspects


def test_every_baseline_is_there_and_none_can_be_left_out(planted, world, split) -> None:
    kinds = planted.leaderboard.drop_duplicates("model").set_index("model")["kind"]
    assert set(kinds[kinds == "baseline"].index) == BASELINES
    assert set(kinds[kinds == "control"].index) == set(CONTROLS)
    assert score_of(planted)["additive"] > score_of(planted)["mean"] == 0.0
    with pytest.raises(InputError, match="name of a baseline"):
        scored({"mean": Told(changes(*world))}, world[0], split)


def test_the_leaderboard_says_all_it_should(planted) -> None:
    table = planted.leaderboard
    mine = table[(table["model"] == "good") & (table["metric"] == "l2") & (table["stratum"] == "all")].iloc[0]
    assert mine["low"] < mine["value"] < mine["high"]
    assert mine["difference"] > 0 and mine["difference_low"] <= mine["difference"] <= mine["difference_high"]
    assert mine["certainty"] > 0.95 and mine["informative"] and mine["ceiling"] < mine["value"]
    assert not table["metric"].str.fullmatch("pearson").any()
    assert set(planted.units["stratum"]) == set(table["stratum"]) - {"all"}


def gamed(truth: pd.DataFrame, data: PerturbationData, split: evaluate.Split) -> dict[str, pd.DataFrame]:
    """Return predictions that look like something and are nothing."""
    random = np.random.default_rng(0)
    additive = Additive().fit(data, split)
    asked = [data.conditions[data.condition(label)] for label in split.conditions("test")]
    said = pd.DataFrame(additive.predict(asked).delta, index=[one.label for one in asked], columns=data.genes)
    control = data.pseudobulk().means[data.pseudobulk().position("control", "x")]
    genes, rows = random.permutation(data.n_genes), np.roll(np.arange(len(said)), len(said) // 2)
    profile = np.log1p(np.maximum(said + control, 0)) - control
    return {
        "shuffled": said.iloc[rows].set_axis(said.index),
        "inflated": said * 5,
        "logged twice": profile,
        "genes permuted": said.iloc[:, genes].set_axis(said.columns, axis=1),
        "control": said * 0,
        "noise": pd.DataFrame(random.normal(size=said.shape), said.index, said.columns),
        "constant": said * 0 + 1.0,
    }


def test_gamed_predictions_do_not_rank_above_the_baselines(world, split) -> None:
    data, expected = world
    tricks = gamed(changes(data, expected), data, split)
    scores = scored({name: Told(table) for name, table in tricks.items()}, data, split)
    score = score_of(scores)
    best = max(score[name] for name in BASELINES)
    for name in tricks:
        assert score[name] < best, name
        assert f"{name} " in scores.headline and f"{name} beats" not in scores.headline
    # Those that hold nothing of the truth are below the plainest mean too.
    for name in ("shuffled", "inflated", "logged twice", "genes permuted", "noise", "constant"):
        assert score[name] < score["mean"], name
    assert score["control"] == pytest.approx(score["no change"])
    certainty = scores.leaderboard[scores.leaderboard["metric"] == "score"].set_index("model")["certainty"]
    assert (certainty[list(tricks)] < 0.5).all()


def test_a_model_that_rebuilds_its_input_is_caught(world, split) -> None:
    data, expected = world
    bulk = data.pseudobulk()
    seen = pd.DataFrame(bulk.delta, index=[condition for condition, _ in bulk.units], columns=data.genes)
    scores = scored({"rebuilds": Told(seen), "exact": Told(changes(data, expected))}, data, split)
    assert scores.suspects == ("rebuilds",)
    assert "it has seen them" in scores.headline
    spread = np.sqrt(bulk.variances / bulk.n_cells[:, None])
    noisy = seen + 0.3 * spread * np.random.default_rng(0).normal(size=seen.shape)
    assert scored({"nearly": Told(noisy)}, data, split).suspects == ("nearly",)


def test_no_model_gets_to_see_the_test_cells(world, split) -> None:
    class Spy(Told):
        def fit(self, data: PerturbationData, split: evaluate.Split) -> Spy:
            there = {data.condition_labels[code] for code in np.unique(data.condition_codes)}
            assert not there & set(split.conditions("test"))
            assert "control" in there and set(split.conditions("train")) <= there
            return super().fit(data, split)

    scored({"spy": Spy(changes(*world))}, world[0], split)


def test_a_model_fitted_elsewhere_is_flagged(world, split) -> None:
    fitted = Told(changes(*world)).fit(world[0], split)
    assert "fitted elsewhere" in scored({"old": fitted}, world[0], split).notes["old"][0]
    fitted.split_ = evaluate.split(world[0], "unseen-combination", rng=2)
    assert "another split" in scored({"old": fitted}, world[0], split).notes["old"][0]
    fitted.split_ = split
    assert "old" not in scored({"old": fitted}, world[0], split).notes


def test_a_bent_control_gains_nothing(world, split) -> None:
    class Bent(Told):
        def predict(self, perturbations: list[Perturbation], adata: object = None) -> Prediction:
            said = super().predict(perturbations)
            remarks = {"g05": "stands for its neighbours"}
            return Prediction(said.delta, 99.0 + said.control, said.rows, said.genes, perturbations, "learned", remarks)

    table = changes(*world) * 0.5
    scores = scored({"bent": Bent(table), "honest": Told(table)}, world[0], split)
    assert score_of(scores)["bent"] == pytest.approx(score_of(scores)["honest"])
    assert scores.notes["bent"] == ("1 remarks of its own, such as g05: stands for its neighbours",)


def test_refused_perturbations_count_as_no_change_and_are_named(world, split) -> None:
    class Picky(Told):
        def predict(self, perturbations: list[Perturbation], adata: object = None) -> Prediction:
            if any("g00" in one.genes for one in perturbations):
                msg = "g00 is not in the graph."
                raise InputError(msg)
            return super().predict(perturbations)

    scores = scored({"picky": Picky(changes(*world))}, world[0], split)
    assert any("g00 is not in the graph" in note for note in scores.notes["picky"])
    assert any("count as no change" in note for note in scores.notes["picky"])


def test_files_of_other_tools_enter_the_same_table(world, split, tmp_path: Path) -> None:
    data, expected = world
    profiles = expected.xs("x", level="context")
    profiles.to_csv(tmp_path / "other.csv")
    profiles.set_axis(["+".join(reversed(label.split("+"))) for label in profiles.index]).to_csv(
        tmp_path / "turned.tsv", sep="\t"
    )
    adata = anndata.AnnData(np.repeat(profiles.to_numpy(), 3, axis=0), var=pd.DataFrame(index=profiles.columns))
    adata.obs["perturbation"] = np.repeat(profiles.index, 3)
    adata.X += np.tile(np.array([[-0.1], [0.0], [0.1]]), (len(profiles), 1))
    adata.write_h5ad(tmp_path / "cells.h5ad")
    scores = scored(
        [
            tmp_path / "other.csv",
            tmp_path / "turned.tsv",
            tmp_path / "cells.h5ad",
        ],
        data,
        split,
    )
    values = scores.table()["l2"]
    assert values[["turned", "cells"]].to_numpy() == pytest.approx(values["other"])
    told = scored({"told": Told(changes(data, expected))}, data, split).table()["l2"]["told"]
    assert values["other"] == pytest.approx(told)
    everything = scores.leaderboard[scores.leaderboard["stratum"] == "all"]
    distances = everything[everything["metric"] == "energy_distance"].set_index("model")["value"]
    assert np.isfinite(distances["cells"]) and np.isnan(distances["other"])
    # Shifting control cells is better than leaving them, and half of the real cells better still.
    assert distances["split half"] < distances["additive"] < distances["no change"]
    told = everything[(everything["metric"] == "energy_distance") & (everything["model"] == "cells")].iloc[0]
    assert told["informative"] and told["ceiling"] == distances["split half"]
    with pytest.raises(InputError, match="one split"):
        evaluate.response([tmp_path / "other.csv"], data, "unseen-combination", n_splits=2)


def test_the_same_seed_gives_the_same_table(world) -> None:
    def run(seed: int) -> pd.DataFrame:
        return scored({}, world[0], "simulation", n_splits=2, rng=seed).leaderboard

    first = run(4)
    pd.testing.assert_frame_equal(first, run(4))
    assert not first.equals(run(5))


def test_contexts_have_their_baselines() -> None:
    data, _ = screen(contexts=("x", "y", "z"), n_cells=25, combinations=False)
    scores = scored({}, data, "unseen-context", n_splits=3)
    score = score_of(scores)
    assert {"context mean", "context transfer"} <= set(score.index)
    # The same changes in every context: carrying them over is nearly perfect.
    assert score["context transfer"] > 0.4 > score["context mean"]
    assert {one.test[0][1] for one in scores.splits} == {"x", "y", "z"}


def test_one_stimulus_in_several_contexts_has_an_interval() -> None:
    data, _ = screen(contexts=("x", "y", "z"), n_cells=25, combinations=False)
    keep = data.is_control | (data.condition_codes == data.condition("g03"))
    scores = scored({}, data.select(keep), "unseen-context", n_splits=3)
    row = scores.leaderboard.query("model == 'no change' and metric == 'l2' and stratum == 'all'").iloc[0]
    assert row["n"] == 3 and row["low"] < row["value"] < row["high"]


def test_where_nothing_can_be_told_it_is_said(world) -> None:
    data = world[0]
    quiet = data.select(np.concatenate([data.cells_of(label)[:3] for label in data.condition_labels]))
    labels = np.random.default_rng(0).permutation(np.asarray(quiet.condition_codes))
    object.__setattr__(quiet, "condition_codes", labels)
    scores = scored({}, quiet, "unseen-combination", n_splits=1)
    table = scores.leaderboard
    blind = table[(table["metric"] == "pearson_delta_perturbed") & (table["stratum"] == "all")]
    told = table[(table["metric"] == "l2") & (table["stratum"] == "all")]
    assert not told["informative"].any() and len(blind)
    assert "ninformative here" in scores.headline or "Nothing can be told" in scores.headline


def test_what_is_written_can_be_read(planted, tmp_path: Path) -> None:
    planted.write(tmp_path)
    table = pd.read_csv(tmp_path / "leaderboard.csv")
    assert {"model", "metric", "stratum", "value", "low", "high", "ceiling", "informative"} <= set(table)
    assert evaluate.Split.from_json(tmp_path / "split_0.json") == planted.splits[0]
    assert json.loads(planted.provenance.to_json())["params"]["split"] == [planted.splits[0].hash]
    with pytest.raises(InputError, match="exists already"):
        planted.write(tmp_path)


def test_a_metric_without_a_baseline_score_still_has_a_range(planted) -> None:
    table = planted.leaderboard
    row = table[(table["metric"] == "pearson_delta_perturbed") & (table["model"] == "mean")].iloc[0]
    assert np.isnan(row["value"]) and row["informative"] and row["dynamic_range"] > 0.5


def test_models_by_class_and_by_list(world, split) -> None:
    class Plain(Mean):
        name = "plain"  # type: ignore[assignment]

    assert "plain" in score_of(scored([Plain()], world[0], split)).index
    with pytest.raises(InputError, match="without predict"):
        scored({"nothing": object()}, world[0], split)


@pytest.mark.slow
def test_a_simulated_world_with_single_and_double_interventions() -> None:
    """Knock-outs of a mechanistic world: the simulator itself beats every baseline, worse copies of it stand below."""
    import reguloom as rl

    world = rl.datasets.world("S", 50, rng=1)
    tfs = world.tfs[:5]
    pairs = [(a, b) for i, a in enumerate(tfs) for b in tfs[i + 1 :]]
    asked = [Perturbation.knockout(tf) for tf in tfs] + [Perturbation.knockout(a, b) for a, b in pairs]
    adata = world.perturb(asked, n_cells=120, sampling="end")
    again = rl.datasets.world("S", 50, rng=1)
    object.__setattr__(again, "seed", 77)
    twin = again.perturb(asked, n_cells=300, sampling="end")
    for one in (adata, twin):
        one.obs["perturbation"] = one.obs["perturbation"].astype(str).str.replace("=0", "")
    data = PerturbationData.from_anndata(adata, target_mode="knockout")
    second = PerturbationData.from_anndata(twin, target_sum=float(np.median(adata.X.sum(axis=1)))).pseudobulk()
    change = pd.DataFrame(second.delta, index=[one for one, _ in second.units], columns=data.genes)
    noise = np.random.default_rng(0).normal(size=change.shape)
    models = {"simulator": Told(change), "worse": Told(change + 0.15 * noise), "worst": Told(change + 0.6 * noise)}
    scores = evaluate.response(models, data, "unseen-combination", n_splits=2, n_bootstrap=200)
    score = score_of(scores)
    assert score["simulator"] > score["worse"] > score["worst"]
    assert score["simulator"] > max(score[name] for name in BASELINES)
