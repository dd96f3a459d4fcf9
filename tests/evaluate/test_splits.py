"""Splits hold out what they say, refuse what they cannot do, and equal GEARS's where asked to."""

from __future__ import annotations

import itertools
import json

import anndata
import numpy as np
import pandas as pd
import pytest

from reguloom import evaluate
from reguloom._errors import InputError
from reguloom.core import PerturbationData

KINDS = ["simulation", "simulation_single", "combo_seen0", "combo_seen1", "combo_seen2", "single"]


def cells(labels: list[str], contexts: tuple[str, ...] = ("x",), per: int = 3) -> anndata.AnnData:
    units = [(label, context) for label in labels for context in contexts]
    obs = pd.DataFrame(units * per, columns=["perturbation", "cell_type"]).astype(str)
    obs.index = [f"c{i}" for i in range(len(obs))]
    values = np.random.default_rng(0).uniform(0.1, 3, (len(obs), 5))
    return anndata.AnnData(values, obs=obs, var=pd.DataFrame(index=list("vwxyz")))


def screen(labels: list[str], contexts: tuple[str, ...] = ("x",), per: int = 3) -> PerturbationData:
    return PerturbationData.from_anndata(cells(labels, contexts, per), covariates="cell_type")


GENES = [f"G{i:02d}" for i in range(16)]
PAIRS = ["+".join(pair) for pair in itertools.islice(itertools.combinations(GENES, 2), 0, 120, 6)]
LABELS = ["control", *GENES, *PAIRS]


@pytest.mark.parametrize("seed", [1, 2, 3])
@pytest.mark.parametrize("kind", KINDS)
def test_gears_splits_are_reproduced(shared, kind: str, seed: int) -> None:
    golden = json.loads((shared / "golden/gears/sim_a/splits.json").read_text())[f"{kind}_seed{seed}"]
    with np.load(shared / "golden/gears/sim_a/input.npz", allow_pickle=True) as file:
        labels = [str(one) for one in pd.unique(file["condition"])]
    data = screen(labels)
    if "error" in golden:
        with pytest.raises(InputError, match="combinations"):
            evaluate.split(data, kind, compat=True, rng=seed)
        return
    made = evaluate.split(data, kind, compat=True, rng=seed)
    for part in ("train", "val", "test"):
        expected = {data.condition_labels[data.condition(label)] for label in golden["sets"][part]}
        assert set(made.conditions(part)) == expected
    for name, members in ((golden["subgroup"] or {}).get("test_subgroup") or {}).items():
        expected = {data.condition_labels[data.condition(label)] for label in members}
        assert {condition for condition, _ in made.strata[name]} == expected


def test_held_out_genes_are_not_learned_from() -> None:
    data = screen(LABELS)
    made = evaluate.split(data, "simulation", rng=3)
    seen = {gene for label in made.conditions("train") for gene in label.split("+")} - {"control"}
    for name, n_seen in (("combo_seen0", 0), ("combo_seen1", 1), ("combo_seen2", 2), ("unseen_single", 0)):
        for label, _ in made.strata[name]:
            # Genes of the validation part are unseen too in the second, inner split.
            assert sum(gene in seen for gene in label.split("+")) <= n_seen
    assert sorted(unit for units in made.strata.values() for unit in units) == list(made.test)
    assert len(made.strata["combo_seen1"]) > 0


def test_the_order_of_the_file_does_not_matter() -> None:
    assert evaluate.split(screen(LABELS), rng=1) == evaluate.split(screen(LABELS[::-1]), rng=1)
    assert evaluate.split(screen(LABELS), rng=1).hash != evaluate.split(screen(LABELS), rng=2).hash


def test_combinations_are_held_out_and_singles_kept() -> None:
    made = evaluate.split(screen(LABELS), "unseen-combination", rng=0)
    assert set(GENES) <= set(made.conditions("train"))
    assert len(made.test) == 10
    assert {name for name, _ in made.strata.items()} == {"combo_seen2"}


def test_a_context_is_held_out_and_its_controls_kept() -> None:
    data = screen(LABELS[:8], ("x", "y", "z"))
    made = evaluate.split(data, "unseen-context", contexts="y")
    assert {context for _, context in made.test} == {"y"}
    assert ("control", "y") in made.train
    assert len(made.test) == 7
    assert not set(data.context_codes[made.cells(data, "train", controls=False)]) & {1}
    with pytest.raises(InputError, match="contexts"):
        evaluate.split(data, "unseen-context", contexts="w")


def test_folds_cover_everything_once() -> None:
    data = screen(LABELS)
    tests = [evaluate.split(data, "k-fold", fold=i, n_folds=4, rng=5).conditions("test") for i in range(4)]
    assert sorted(itertools.chain(*tests)) == sorted(LABELS[1:])


@pytest.mark.parametrize(
    ("kind", "labels", "words"),
    [
        ("simulation", ["control", "A", "B"], "leaves"),
        ("combo_seen2", ["control", "A", "B"], "leaves"),
        ("unseen-combination", ["control", "A", "B"], "combinations"),
        ("unseen-context", ["control", "A"], "contexts"),
        ("k-fold", ["control", "A"], "folds"),
        ("random", ["control", "A"], "no split"),
    ],
)
def test_what_cannot_be_split_is_explained(kind: str, labels: list[str], words: str) -> None:
    with pytest.raises(InputError, match=words):
        evaluate.split(screen(labels), kind)


def test_a_file_holds_it_all(tmp_path) -> None:
    made = evaluate.split(screen(LABELS), rng=4)
    made.to_json(tmp_path / "split.json")
    assert evaluate.Split.from_json(tmp_path / "split.json") == made
    edited = (tmp_path / "split.json").read_text().replace(made.test[0][0], "other", 1)
    with pytest.raises(InputError, match="edited"):
        evaluate.Split.from_json(edited)
    with pytest.raises(InputError, match="no split"):
        evaluate.Split.from_json("{}")


def test_a_split_of_another_screen_is_refused() -> None:
    made = evaluate.split(screen(LABELS), rng=4)
    with pytest.raises(InputError, match="no cells"):
        made.check(screen(LABELS[:10]))


def test_the_cells_of_the_parts_do_not_overlap() -> None:
    data = screen(LABELS)
    made = evaluate.split(data, rng=4)
    cells = [set(made.cells(data, part).tolist()) for part in ("train", "val", "test")]
    assert not (cells[0] & cells[1] or cells[0] & cells[2] or cells[1] & cells[2])
    assert set(np.flatnonzero(data.is_control)) <= cells[0]


def test_an_anndata_is_split_as_it_is_read() -> None:
    adata = cells(["control", "A", "B", "C"], contexts=("x", "y"))
    read = PerturbationData.from_anndata(adata, covariates="cell_type")
    made = evaluate.split(adata, "unseen-context", contexts="y", covariates="cell_type", rng=1)
    assert made.hash == evaluate.split(read, "unseen-context", contexts="y", rng=1).hash
    assert {context for _, context in made.test} == {"y"}
    with pytest.raises(InputError, match="cannot be held out"):
        evaluate.split(adata, "unseen-context", contexts="y")
    with pytest.raises(InputError, match="no option 'tset_share'; to read the screen there are perturbation"):
        evaluate.split(adata, "k-fold", tset_share=0.5)
    with pytest.raises(InputError, match="no use for covariates= here: the screen was read already"):
        evaluate.split(read, "k-fold", covariates="cell_type")


def test_a_perturbation_is_kept_for_early_stopping_only_where_the_share_holds_one() -> None:
    data = screen(["control", "A"], contexts=("v", "w", "x", "y", "z"))
    made = evaluate.split(data, "unseen-context", contexts="z")
    assert not made.val and len(made.conditions("train")) == 2
    assert {unit for unit in made.train if unit[0] == "A"} == {("A", one) for one in "vwxy"}
    assert len(evaluate.split(data, "unseen-context", contexts="z", val_share=0.3).val) == 1
    many = screen(LABELS)
    assert len(evaluate.split(many, "k-fold", val_share=0.1).val) == int(0.1 * (len(LABELS) - 1) * 0.8)
