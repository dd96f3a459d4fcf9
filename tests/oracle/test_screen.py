"""The screen: one table, the same whichever way it is computed."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from reguloom import oracle
from reguloom._errors import InputError
from reguloom.core import Perturbation
from reguloom.manifold import Neighborhood
from reguloom.oracle._fields import Lineage
from reguloom.oracle._linear import LinearScreen, Questions
from reguloom.oracle.simulate import propagate, responses

FAST = {"n_null": 6, "n_bootstrap": 10, "n_neighbors": 40}


@pytest.fixture(scope="module")
def table(model, field) -> pd.DataFrame:
    return oracle.screen(model, field, n_jobs=1, **FAST)


def test_every_factor_and_lineage_has_a_row(model, table) -> None:
    assert len(table) == len(model.regulators) * 4
    assert set(table["lineage"]) == {"all", "a", "b", "stem"}
    for _, rows in table.groupby("lineage", sort=False):
        assert rows["net"].abs().is_monotonic_decreasing
    assert table[["negative", "positive", "p", "q", "p_matched"]].notna().all(axis=None)
    assert ((table["q"] >= table["p"]) | np.isclose(table["q"], table["p"])).all()


def test_rows_equal_the_single_score(model, field, table) -> None:
    score = oracle.perturbation_score(model.predict(Perturbation.knockout("Tf1")), field, n_neighbors=40).table.iloc[0]
    row = table.query("gene == 'Tf1' and lineage == 'all'").iloc[0]
    for name in ("negative", "positive", "net", "effect_size", "share_affected", "n_points"):
        assert row[name] == pytest.approx(score[name], abs=1e-10)


def test_intervals_hold_most_scores(table) -> None:
    for side in ("negative", "positive"):
        assert (table[f"{side}_low"] <= table[f"{side}_high"]).all()
        wide = 0.5 * (table[f"{side}_high"] - table[f"{side}_low"]) + 0.05
        assert (table[side] >= table[f"{side}_low"] - wide).mean() > 0.9


def test_drivers_of_the_branches_lead_their_lineage(table) -> None:
    first = table[table["net"] < 0].groupby("lineage")["gene"].first()
    assert first["a"] == "Tf0"
    assert first["b"] == "Tf1"


def test_baselines_stand_beside_and_are_what_they_say(model, field, table) -> None:
    names = [name for name in table.columns if name.startswith("baseline_")]
    assert len(names) == 5
    assert (table["baseline_no_change"] == 0).all()
    assert table.groupby("lineage")["baseline_neighbors_mean"].nunique().eq(1).all()
    near = Neighborhood.of(model.expression, field.embedding, n_neighbors=40)
    away = np.array([model.expression[rows].mean(axis=0) for rows in near.indices]) - model.expression
    lineage = Lineage.of("all", np.ones(240, bool), field)
    expected = (lineage.pull * near.shift(away)).sum()
    assert table.query("lineage == 'all'")["baseline_neighbors_mean"].iloc[0] == pytest.approx(expected, abs=1e-9)


def test_the_statistic_of_the_nulls_follows_the_score(table) -> None:
    assert np.corrcoef(table["statistic"], table["net"])[0, 1] > 0.9


def test_linear_scores_equal_an_exact_simulation_without_the_floor(model, field) -> None:
    near = Neighborhood.of(model.expression, field.embedding, n_neighbors=40)
    lineage = Lineage.of("all", np.ones(240, bool), field)
    linear = LinearScreen.of(model, near, lineage.pull[None], n_propagation=3, sigma_corr=0.05, most=1000)
    asked = [Perturbation.knockout("Tf0"), Perturbation.knockout("Tf0+Tf2"), Perturbation.overexpress("Tf1", fold=1.5)]
    questions = Questions.of(asked, model.genes)
    answers = [responses(one, questions.columns, together=questions.owner) for one in model.coefficients]
    found = linear.net(answers, questions.starts(linear.expression), questions.owner)
    for number, one in enumerate(asked):
        # Far above 0 the floor is never met, so the simulation itself is the reference.
        levels = {int(model.genes.get_loc(gene)): target for gene, target in one.targets.items()}
        values = model.expression
        high = {column: target.level(values[:, column]) + 1e6 for column, target in levels.items()}
        delta, _ = propagate(values + 1e6, high, model.coefficients, model.groups.codes)
        expected = (lineage.pull * near.shift(delta)).sum()
        assert found[number, 0] == pytest.approx(expected, abs=1e-4)  # single precision inside


@pytest.mark.parametrize("n_jobs", [2, 3])
def test_threads_do_not_change_a_byte(model, field, table, n_jobs: int) -> None:
    other = oracle.screen(model, field, n_jobs=n_jobs, **FAST)
    assert other.to_csv() == table.to_csv()


def test_an_interrupted_run_goes_on(model, field, table, tmp_path: Path) -> None:
    path = tmp_path / "screen.jsonl"
    oracle.screen(model, field, checkpoint=path, **FAST)
    lines = path.read_text().splitlines()
    path.write_text("\n".join(lines[: len(lines) // 2]) + '\n{"name": "cut sho')
    resumed = oracle.screen(model, field, checkpoint=path, resume=True, **FAST)
    assert resumed.to_csv() == table.to_csv()
    assert len(path.read_text().splitlines()) == len(lines)
    assert json.loads(lines[0])["key"]
    with pytest.raises(InputError, match="another run"):
        oracle.screen(model, field, checkpoint=path, resume=True, **{**FAST, "n_propagation": 2})


def test_pairs_and_other_perturbations(model, field) -> None:
    asked = ["Tf0+Tf1", Perturbation.overexpress("Tf0"), "Tf2"]
    made = oracle.screen(model, field, perturbations=asked, lineages={"all": np.ones(240, bool)}, **FAST)
    made = made.set_index("gene")
    assert set(made.index) == {"Tf0+Tf1", "Tf0=max", "Tf2"}
    tested = ["statistic", "z", "p", "q", "p_matched", "q_matched", "baseline_correlation", "baseline_random_network"]
    assert made[tested].notna().all(axis=None)
    assert np.corrcoef(made["statistic"], made["net"])[0, 1] > 0.9
    # Raising a factor answers the other way than losing it, and a pair is no copy of one of its genes.
    assert made.loc["Tf0=max", "baseline_correlation"] * made.loc["Tf0+Tf1", "baseline_correlation"] < 0
    alone = oracle.screen(model, field, perturbations=["Tf2"], lineages={"all": np.ones(240, bool)}, **FAST)
    assert alone["statistic"].iloc[0] == pytest.approx(made.loc["Tf2", "statistic"], abs=1e-6)


def test_fewer_nulls_give_fewer_columns(model, field) -> None:
    made = oracle.screen(model, field, perturbations=["Tf0"], nulls=("block",), n_bootstrap=0, n_neighbors=20)
    assert "p" not in made
    assert made["baseline_random_network"].notna().all()
    # Small lineages hold too few cells that share no neighbours: their block test is left out.
    assert made.set_index("lineage")["p_block"].notna().to_dict() == {
        "all": True,
        "a": False,
        "b": False,
        "stem": False,
    }
    assert made["negative_low"].isna().all()


def test_what_cannot_be_screened_is_refused(model, field, world) -> None:
    with pytest.raises(InputError, match="rewired, matched, block"):
        oracle.screen(model, field, nulls=("shuffled",))
    with pytest.raises(InputError, match="empty"):
        oracle.screen(model, field, perturbations=[])
    other = oracle.development(world[0][:200].copy(), pseudotime="time")
    with pytest.raises(InputError, match="use the same"):
        oracle.screen(model, other)


def test_joined_shards_are_one_run(model, field, table, tmp_path: Path) -> None:
    path = tmp_path / "screen.jsonl"
    for number in (3, 1, 2):
        part = oracle.screen(model, field, checkpoint=path, shard=(number, 3), n_jobs=1, **FAST)
        assert set(part["gene"]) == {str(gene) for gene in model.regulators[number - 1 :: 3]}
    assert not path.exists() and len(list(tmp_path.iterdir())) == 3
    begun = len(path.with_name("screen-1-of-3.jsonl").read_text().splitlines())
    joined = oracle.screen(model, field, checkpoint=path, resume=True, n_jobs=1, **FAST)
    pd.testing.assert_frame_equal(joined, table, check_exact=True)
    units = [json.loads(line)["name"] for line in path.read_text().splitlines()[1:]]
    assert begun > 1 and len(units) == len(set(units)) == len(model.regulators) + 2 * FAST["n_null"]


def test_a_shard_needs_a_place_for_its_results(model, field) -> None:
    with pytest.raises(InputError, match="a shard needs a checkpoint"):
        oracle.screen(model, field, shard="1/2", **FAST)
    with pytest.raises(InputError, match="shard is '0/2'"):
        oracle.screen(model, field, shard="0/2", **FAST)


def test_a_shard_of_other_data_is_refused(model, field, tmp_path: Path) -> None:
    path = tmp_path / "screen.jsonl"
    oracle.screen(model, field, checkpoint=path, shard="1/9", n_jobs=1, **FAST)
    with pytest.raises(InputError, match=r"screen-1-of-9\.jsonl is of another run"):
        oracle.screen(model, field, checkpoint=path, resume=True, rng=1, n_jobs=1, **FAST)
