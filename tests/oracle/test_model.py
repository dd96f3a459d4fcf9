"""The fitted oracle: what it answers, refuses and warns of."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from reguloom import oracle
from reguloom._errors import InputError, MissingKeyError, ValidityWarning
from reguloom.core import Network, Perturbation, Predictor

KO = Perturbation.knockout("Tf0")


def test_it_is_a_predictor(model) -> None:
    assert isinstance(model, Predictor)
    assert "Oracle(240 cells x 40 genes" in repr(model)


def test_a_knock_out_moves_its_targets_down(model, world) -> None:
    prediction = model.predict(KO)
    assert prediction.regime == "local-linear"
    assert not prediction.calibrated
    column = model.genes.get_loc("Tf0")
    assert np.allclose(prediction.delta[:, column], -model.expression[:, column])
    late = np.flatnonzero(model.groups == "a")
    edges = model.network.to_frame().query("source == 'Tf0' and group == 'a'")
    up = edges.loc[edges["weight"] > 0.3, "target"]
    assert len(up) > 3
    assert (prediction.delta[np.ix_(late, model.genes.get_indexer(up))].mean(axis=0) < 0).mean() > 0.7


def test_several_perturbations_give_a_row_each(model) -> None:
    both = model.predict([KO, Perturbation.knockout("Tf1")])
    assert both.delta.shape == (2, 40)
    assert np.allclose(both.delta[0], model.predict(KO).delta.mean(axis=0))


def test_levels_doses_combinations_and_masks(model, world) -> None:
    column = model.genes.get_loc("Tf0")
    half = model.predict(Perturbation.knockdown("Tf0", 0.5)).delta[:, column]
    assert np.allclose(half, -0.5 * model.expression[:, column])
    top = model.predict(Perturbation.overexpress("Tf0")).delta[:, column] + model.expression[:, column]
    assert np.allclose(top, model.limits[1][column])
    pair = model.predict(Perturbation.knockout("Tf0+Tf1")).delta
    assert np.allclose(pair[:, model.genes.get_loc("Tf1")], -model.expression[:, model.genes.get_loc("Tf1")])
    series = model.dose_series("Tf0", n_doses=3)
    assert [one.targets["Tf0"].value for one in series] == pytest.approx(
        [0, model.limits[1][column] / 2, model.limits[1][column]]
    )
    masked = world[0].copy()
    masked.obs["treated"] = np.arange(240) < 100
    found = model.predict(Perturbation.knockout("Tf0", mask="treated"), masked).delta
    assert not found[100:].any()
    assert found[:100, column].all()


def test_every_gene_is_listed_with_a_reason(model, world) -> None:
    prior = Network.from_edges(["Nowhere", "Tf0"], ["Gene00", "Gene00"])
    small = oracle.fit(world[0], prior, n_neighbors=5, p=None, n_jobs=1)
    table = small.available()
    assert table.index[0] == "Tf0"
    assert table.loc["Tf0", "available"]
    assert table.loc["Nowhere", "reason"] == "not in the expression matrix"
    assert table.loc["Gene05", "reason"] == "no regulator in the prior network"
    assert set(model.available().index) == set(model.genes)
    renamed = world[0].copy()
    renamed.var_names = ["Zfp784", *renamed.var_names[1:]]
    alias = oracle.fit(renamed, Network.from_edges(["Znf784", "Tf1"], ["Gene00", "Gene00"]), impute=False, p=None)
    assert "which has Zfp784" in alias.available().loc["Znf784", "reason"]


@pytest.mark.parametrize(
    ("perturbation", "error", "says"),
    [
        (
            Perturbation.knockout("Tf00"),
            MissingKeyError,
            "not in the expression matrix; the closest that can be are Tf",
        ),
        (Perturbation.knockout("Gene00"), InputError, "not a regulator"),
        (Perturbation.overexpress("Tf0", level=-1.0), InputError, "accepted are 0 to"),
        (Perturbation.overexpress("Tf0", level=99.0), InputError, "extrapolate=True"),
        (Perturbation.parse("Tf0"), InputError, "knockout"),
        (Perturbation.knockout("Tf0", mask="x"), MissingKeyError, "adata="),
        ([], InputError, "empty"),
    ],
)
def test_what_cannot_be_done_is_said(model, perturbation, error: type[Exception], says: str) -> None:
    with pytest.raises(error, match=says):
        model.predict(perturbation)


def test_many_steps_are_warned_of_and_growth_is_shown(model) -> None:
    with pytest.warns(ValidityWarning, match=r"above 3 .* steps is 0\.\d+, \d"):
        model.predict(KO, n_propagation=5)
    with pytest.raises(InputError, match="n_propagation is 11"):
        model.predict(KO, n_propagation=11)
    growth = model.growth(KO)
    assert list(growth.index) == [0, 1, 2, 3, 4, 5]
    assert growth[0] == pytest.approx(model.expression[:, model.genes.get_loc("Tf0")].mean())


def test_checks_name_what_fails(model, world) -> None:
    adata = world[0].copy()
    adata.X[adata.obs["state"] == "b", 0] = 0.0
    fitted = oracle.fit(adata, world[1], groupby="state", impute=False, p=None, n_jobs=1)
    checks = fitted.predict(KO).checks
    assert "not expressed in b" in checks["not_expressed_Tf0"]
    extreme = fitted.predict(Perturbation.overexpress("Tf0", fold=1.9))
    assert "of the cells" in extreme.checks["out_of_range"]
    beyond = fitted.out_of_range(extreme)
    assert beyond.index[0] == "Tf0"
    high = fitted.limits[1][0]
    values = extreme.control[:, 0] + extreme.delta[:, 0]
    assert beyond.loc["Tf0", "share_cells"] == pytest.approx((values > high).mean())
    assert beyond.loc["Tf0", "farthest"] == pytest.approx((values.max() - high) / high)  # Tf0 is 0 in branch b


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (lambda x: np.rint(5 * x), "raw counts"),
        (lambda x: x - x.mean(axis=0), "looks scaled"),
        (lambda x: 100 * x, "not logarithmic"),
        (lambda x: np.where(x == x.max(), np.nan, x), "NaN"),
    ],
)
def test_unsuitable_values_are_refused(world, change, says: str) -> None:
    adata = world[0].copy()
    adata.X = change(np.asarray(adata.X))
    with pytest.raises(InputError, match=says):
        oracle.fit(adata, world[1])


def test_counts_are_normalised_when_asked(world) -> None:
    adata = world[0].copy()
    adata.X = np.rint(20 * np.asarray(adata.X))
    fitted = oracle.fit(adata, world[1], normalize=True, impute=False, p=None, n_jobs=1)
    size = adata.X.sum(axis=1, keepdims=True)
    assert np.allclose(fitted.expression, np.log1p(adata.X / size * np.median(size)))


def test_the_network_must_share_genes_and_groups_must_exist(world) -> None:
    with pytest.raises(InputError, match="0 of 2 regulators"):
        oracle.fit(world[0], Network.from_edges(["TF0", "TF1"], ["GENE00", "GENE01"]))
    with pytest.raises(MissingKeyError, match="no column 'kind'"):
        oracle.fit(world[0], world[1], groupby="kind")
    with pytest.raises(InputError, match="compat"):
        oracle.fit(world[0], world[1], compat="old")


SCRIPT = """
import hashlib, sys
sys.path.insert(0, {folder!r})
from conftest import make_world
from reguloom import oracle
adata, network = make_world(n_cells=120)
made = oracle.fit(adata, network, groupby="state", n_neighbors=5, p=None, n_bootstrap=5, n_jobs={n})
field = oracle.development(adata, pseudotime="time", n_neighbors=30, n_grid=12, n_jobs={n})
table = oracle.screen(made, field, n_null=5, n_bootstrap=5, n_neighbors=30, n_jobs={n})
text = table.to_csv() + made.links.to_frame().to_csv() + made.network.to_frame().to_csv()
print(hashlib.sha256(text.encode()).hexdigest())
"""


@pytest.mark.slow
def test_bytes_do_not_depend_on_threads_or_hash_seeds() -> None:
    found = set()
    for n, seed in ((1, "0"), (2, "1"), (2, "77")):
        script = SCRIPT.format(folder=str(Path(__file__).parent), n=n)
        command = [sys.executable, "-W", "ignore", "-c", script]
        environment = {**os.environ, "PYTHONHASHSEED": seed}
        done = subprocess.run(command, capture_output=True, text=True, check=True, env=environment)
        found.add(done.stdout.strip())
    assert len(found) == 1
    assert len(found.pop()) == len(hashlib.sha256().hexdigest())
