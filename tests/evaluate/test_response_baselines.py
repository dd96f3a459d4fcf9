"""Baselines against their definitions, and on real screens against numbers that were measured before."""

from __future__ import annotations

import anndata
import numpy as np
import pandas as pd
import pytest
from tests.evaluate._screens import screen

from reguloom import evaluate
from reguloom._errors import InputError, NotFittedError
from reguloom.core import Perturbation, PerturbationData
from reguloom.core.prediction import Predictor
from reguloom.evaluate import response_baselines as baselines
from reguloom.evaluate.response_baselines.embeddings import table_of


@pytest.fixture(scope="module")
def fitted() -> tuple[PerturbationData, evaluate.Split]:
    data, _ = screen(n_cells=30)
    return data, evaluate.split(data, "unseen-combination", rng=1)


def means(data: PerturbationData) -> pd.DataFrame:
    return data.pseudobulk().to_frame().droplevel("context")


def delta(model: baselines.Baseline, label: str) -> np.ndarray:
    return model.predict([Perturbation.parse(label)]).delta[0]


def test_definitions(fitted) -> None:
    data, split = fitted
    table = means(data)
    control = table.loc["control"]
    change = table.drop(index="control") - control
    train = change.loc[[label for label in split.conditions("train") if label != "control"]]
    pair = split.conditions("test")[0]
    first, second = pair.split("+")
    fit = {name: one.fit(data, split) for name, one in baselines.baselines(combinations=True, contexts=True).items()}
    np.testing.assert_allclose(delta(fit["no change"], pair), 0)
    np.testing.assert_allclose(delta(fit["mean"], pair), train.mean(), atol=1e-9)
    np.testing.assert_allclose(delta(fit["additive"], pair), change.loc[first] + change.loc[second], atol=1e-9)
    np.testing.assert_allclose(
        delta(fit["matching mean"], pair), (change.loc[first] + change.loc[second]) / 2, atol=1e-9
    )
    both = delta(fit["additive"], "g00+unknown")
    singles = train[~train.index.str.contains("+", regex=False)].mean()
    np.testing.assert_allclose(both, change.loc["g00"] + singles, atol=1e-9)
    np.testing.assert_allclose(delta(fit["context mean"], pair), train.mean(), atol=1e-9)


def test_cells_or_perturbations_are_counted() -> None:
    data, _ = screen(n_cells=30, combinations=False)
    few = np.r_[np.flatnonzero(data.is_control), data.cells_of("g00"), data.cells_of("g01")[:10], data.cells_of("g02")]
    part = data.select(few)
    split = evaluate.Split("own", (("control", "x"), ("g00", "x"), ("g01", "x")), (), (("g02", "x"),))
    table = means(part)
    change = table - table.loc["control"]
    for weights, share in (("perturbations", 0.5), ("cells", 0.75)):
        got = delta(baselines.Mean(weights).fit(part, split), "g02")
        np.testing.assert_allclose(got, share * change.loc["g00"] + (1 - share) * change.loc["g01"], atol=1e-9)
    with pytest.raises(InputError, match="weights"):
        baselines.Mean("genes")


def test_the_bilinear_model_is_the_published_formula(fitted) -> None:
    data, split = fitted
    table = means(data)
    train = [label for label in split.conditions("train") if label != "control"]
    everything = table.loc[[*train, "control"]].to_numpy().T
    centred = everything - everything.mean(axis=0)
    u, s, _ = np.linalg.svd(centred, full_matrices=False)
    g = u[:, :10] * s[:10]
    place = pd.DataFrame(g, index=data.genes)
    p = np.stack([*(place.loc[label.split("+")].sum() for label in train), np.zeros(10)]).T
    y = np.stack([*(table.loc[label] - table.loc["control"] for label in train), np.zeros(data.n_genes)]).T
    b = y.mean(axis=1, keepdims=True)
    ridge = 0.1 * np.eye(10)
    w = np.linalg.inv(g.T @ g + ridge) @ g.T @ (y - b) @ p.T @ np.linalg.inv(p @ p.T + ridge)
    label = split.conditions("test")[0]
    expected = g @ w @ place.loc[label.split("+")].sum().to_numpy() + b[:, 0]
    np.testing.assert_allclose(delta(baselines.Linear().fit(data, split), label), expected, atol=1e-6)


def test_ridge_is_scikit_learns_at_its_penalty(fitted) -> None:
    from sklearn.linear_model import Ridge

    data, split = fitted
    model = baselines.Ridge().fit(data, split)
    training = model.training_
    x = np.stack([model._place(one) for one in training.perturbations])
    other = Ridge(alpha=model.penalty_).fit(x, training.delta)
    label = split.conditions("test")[0]
    place = model._place(Perturbation.parse(label))
    np.testing.assert_allclose(delta(model, label), other.predict(place[None])[0], atol=1e-8)
    errors = []
    for penalty in (model.penalty_ / 10**0.5, model.penalty_, model.penalty_ * 10**0.5):
        left_out = [
            ((Ridge(alpha=penalty).fit(np.delete(x, i, 0), np.delete(training.delta, i, 0)).predict(x[[i]])
              - training.delta[i]) ** 2).sum() for i in range(len(x))
        ]  # fmt: skip
        errors.append(np.sum(left_out))
    assert np.argmin(errors) == 1


def test_neighbours(fitted) -> None:
    data, split = fitted
    random = np.random.default_rng(0)
    table = pd.DataFrame(random.normal(size=(12, 4)), index=[f"g{i:02d}" for i in range(12)])
    model = baselines.Nearest(table).fit(data, split)
    training = model.training_
    label = split.conditions("test")[0]
    place = table.loc[label.split("+")].sum()
    distance = [np.linalg.norm(table.loc[list(one.genes)].sum() - place) for one in training.perturbations]
    np.testing.assert_allclose(delta(model, label), training.delta[np.argsort(distance)[:5]].mean(axis=0))


def test_an_unknown_gene_gets_the_mean_and_is_named(fitted) -> None:
    data, split = fitted
    model = baselines.Linear().fit(data, split)
    said = model.predict([Perturbation.parse("absent")])
    np.testing.assert_allclose(said.delta[0], model.training_.mean_delta)
    assert "absent" in said.checks


def test_they_are_predictors(fitted) -> None:
    for model in baselines.baselines(combinations=True, contexts=True).values():
        with pytest.raises(NotFittedError):
            model.predict(Perturbation.parse("g00"))
        model.fit(*fitted)
        assert isinstance(model, Predictor)
        assert model.predict(Perturbation.parse("g00")).regime == "baseline"
        assert model.available()["available"].all()


def test_embeddings_from_everywhere(tmp_path) -> None:
    random = np.random.default_rng(0)
    member = random.random((30, 50)) < 0.2
    member[member.sum(1) == 0, 0] = True
    sets = {f"t{j}": [f"g{i:02d}" for i in range(30) if member[i, j]] for j in range(50) if member[:, j].any()}
    (tmp_path / "s.gmt").write_text("".join(f"{name}\tx\t" + "\t".join(genes) + "\n" for name, genes in sets.items()))
    table = table_of(tmp_path / "s.gmt")
    dense = np.array([[gene in genes for genes in sets.values()] for gene in table.index], dtype=float)
    u, s, _ = np.linalg.svd(dense - dense.mean(0), full_matrices=False)
    np.testing.assert_allclose(np.abs(table), np.abs(u[:, :10] * s[:10]), atol=1e-7)
    pd.testing.assert_frame_equal(table, table_of(sets))
    table.to_csv(tmp_path / "e.csv")
    np.testing.assert_allclose(table_of(tmp_path / "e.csv"), table)
    other, _ = screen(n_cells=20, seed=3, combinations=False)
    assert table_of(other).shape == (12, 10)
    with pytest.raises(InputError, match="embedding"):
        table_of(3)  # type: ignore[arg-type]


@pytest.fixture(scope="module")
def norman(shared) -> PerturbationData:
    adata = anndata.read_h5ad(shared / "data/response/norman_mcfaline_devel.h5ad")
    return PerturbationData.from_anndata(adata[adata.obs["cell_type"] == "k562"].copy())


def test_norman_doubles_are_additive(norman) -> None:
    singles = {label for label in norman.condition_labels if "+" not in label}
    doubles = [one for one in norman.condition_labels if "+" in one and set(one.split("+")) <= singles]
    test = tuple((label, "all") for label in doubles)
    train = tuple((label, "all") for label in norman.condition_labels if label not in doubles)
    split = evaluate.Split("fully seen doubles", train, (), test)
    table = evaluate.response({}, norman, split, n_bootstrap=20).table()
    assert len(doubles) == 5
    expected = {"additive": (0.446, 0.870), "matching mean": (0.752, 0.870)}
    for name, (distance, correlation) in expected.items():
        assert table.loc[name, "l2"] == pytest.approx(distance, abs=6e-4)
        assert table.loc[name, "pearson_delta"] == pytest.approx(correlation, abs=6e-4)
    assert table.loc["no change", "l2"] == pytest.approx(1.374, abs=6e-4)
    assert table.loc["additive", "l2"] < table.loc["split half", "l2"] * 1.05


def test_systematic_variation_of_norman_and_mcfaline(shared) -> None:
    adata = anndata.read_h5ad(shared / "data/response/norman_mcfaline_devel.h5ad")
    table = evaluate.response_diagnostics(PerturbationData.from_anndata(adata, covariates="cell_type"))
    values = table[table["check"] == "systematic variation"].set_index("context")["value"]
    for context, expected in {"k562": 0.356, "A172": 0.734, "T98G": 0.719, "U87MG": 0.702}.items():
        assert values[context] == pytest.approx(expected, abs=6e-4)


def test_kang_mean_shift(shared) -> None:
    adata = anndata.read_h5ad(shared / "data/response/kang_ifnb.h5ad")
    data = PerturbationData.from_anndata(adata, perturbation="group_id", covariates="cluster_id", layer="logcounts")
    expected = {"B cells": (0.845, 0.944), "CD14+ Monocytes": (0.560, 0.813), "CD4 T cells": (0.915, 0.939),
                "CD8 T cells": (0.912, 0.913), "FCGR3A+ Monocytes": (0.684, 0.925)}  # fmt: skip
    bulk = data.pseudobulk()
    for context, (before, after) in expected.items():
        split = evaluate.split(data, "unseen-context", contexts=context, val_share=0.0)
        real = bulk.means[bulk.position("stim", context)]
        control = bulk.means[bulk.position("control", context)]
        shift = baselines.ContextTransfer().fit(data, split).predict([data.conditions[1]], contexts=[context])
        assert np.corrcoef(control, real)[0, 1] ** 2 == pytest.approx(before, abs=2e-3)
        assert np.corrcoef(control + shift.delta[0], real)[0, 1] ** 2 == pytest.approx(after, abs=0.02)
