"""Genetic interactions: dcor against its definition, scores against the original, types on Norman's fits."""

from __future__ import annotations

import json

import numpy as np
import pandas as pd
import pytest
from tests.evaluate._screens import screen

from reguloom import evaluate
from reguloom._errors import InputError, MissingKeyError
from reguloom.evaluate.interactions import derived


def dcor(x: np.ndarray, y: np.ndarray) -> float:
    def centred(points: np.ndarray) -> np.ndarray:
        d = np.linalg.norm(points[:, None] - points[None], axis=2)
        return d - d.mean(0) - d.mean(1)[:, None] + d.mean()

    a, b = centred(x), centred(y)
    return float(np.sqrt((a * b).mean() / np.sqrt((a * a).mean() * (b * b).mean())))


@pytest.mark.parametrize("n", [10, 700])
def test_distance_correlation_is_its_definition(n: int) -> None:
    random = np.random.default_rng(0)
    x = random.normal(size=(n, 2))
    y = x[:, :1] ** 2 + 0.3 * random.normal(size=(n, 1))
    assert evaluate.distance_correlation(x, y[:, 0]) == pytest.approx(dcor(x, y), abs=1e-10)
    assert evaluate.distance_correlation(x, x) == pytest.approx(1.0)
    assert evaluate.distance_correlation(x, np.ones(n)) == 0.0


def test_coefficients_of_a_planted_combination() -> None:
    random = np.random.default_rng(0)
    a, b = random.normal(size=(2, 150))
    both = 1.2 * a + 0.3 * b + 0.02 * random.normal(size=150)
    both[:10] += 5.0
    found = evaluate.interaction(a, b, both)
    assert found["c1"] == pytest.approx(1.2, abs=0.03) and found["c2"] == pytest.approx(0.3, abs=0.03)
    assert found["magnitude"] == pytest.approx(np.hypot(found["c1"], found["c2"]))
    assert found["dominance"] == pytest.approx(np.log10(found["c1"] / found["c2"]))
    with pytest.raises(InputError, match="same genes"):
        evaluate.interaction(a, b, both[:5])


def test_a_screen_gives_its_complete_pairs() -> None:
    data, _ = screen()
    table = evaluate.interactions(data, ["g04+g00"])
    assert list(table.index) == ["g00+g04"]
    assert 0.5 < table.loc["g00+g04", "c1"] < 1.3 and table.loc["g00+g04", "dcor"] > 0.5
    with pytest.raises(InputError, match="lacks a single or the double"):
        evaluate.interactions(data, ["g00+g01x"])
    with pytest.raises(MissingKeyError, match="magnitude"):
        evaluate.interaction_types(table[["c1"]])


def test_scores_of_the_original(shared) -> None:
    folder = shared / "golden/gears/sim_a"
    golden = pd.read_csv(folder / "gi_params_true_means.csv", index_col=0).rename(columns={"mag": "magnitude"})
    with np.load(folder / "input.npz", allow_pickle=True) as file:
        values, labels = file["X"].astype(np.float64), file["condition"]
    control = values[labels == "ctrl"].mean(axis=0)
    rows = {}
    for label in pd.unique(labels):
        genes = [part for part in label.split("+") if part != "ctrl"]
        if genes:
            rows["+".join(genes)] = values[labels == label].mean(axis=0) - control
    table = evaluate.interactions(pd.DataFrame(rows).T, list(golden.index))
    # The spatial median stops at a tolerance of 1e-3, so coefficients carry the last digits of the input: 1.4e-4 here.
    for name, tolerance in {"c1": 2e-4, "c2": 2e-4, "magnitude": 2e-4, "dominance": 2e-4, "corr_fit": 5e-5,
                            "dcor": 1e-5, "dcor_singles": 1e-5, "dcor_first": 1e-5, "dcor_second": 1e-5,
                            "eq_contr": 1e-5}.items():  # fmt: skip
        np.testing.assert_allclose(table[name], golden[name], atol=tolerance)


def test_norman_fits_and_types(shared) -> None:
    fits = pd.read_csv(shared / "data/response/norman_regr_fits.csv")
    columns = fits[["ts_coef_first", "ts_coef_second", "dcor_first", "dcor_second"]].to_numpy()
    scores = pd.DataFrame([derived(*row) for row in columns])
    np.testing.assert_allclose(scores["magnitude"], fits["ts_norm2"], rtol=1e-12)
    np.testing.assert_allclose(scores["dominance"], fits["abs_log_ts_ratio"].abs(), rtol=1e-9)
    scores = scores.assign(dcor=fits["dcor"], corr_fit=fits["corr_fit"])
    scores.index = ["+".join(sorted(name.split("_"))) for name in fits["name"]]
    types = evaluate.interaction_types(scores)
    curated = json.loads((shared / "data/response/norman_GI_types.json").read_text())
    expected = {"NEOMORPHIC": "neomorphism", "REDUNDANT": "redundancy", "SUPPRESSOR": "suppressor",
                "SYNERGY_SIMILAR_PHENO": "synergy", "SYNERGY_DISSIMILAR_PHENO": "synergy", "POTENTIATION": "synergy",
                "EPISTASIS": "epistasis"}  # fmt: skip
    for curated_name, name in expected.items():
        pairs = ["+".join(sorted(pair.split("+"))) for pair in curated[curated_name]]
        called = types.loc[[pair for pair in pairs if pair in types.index], name]
        assert called.mean() >= 0.65
        assert called.mean() > types[name].mean() + 0.25


def test_gears_metrics_are_the_originals(shared) -> None:
    folder = shared / "golden/gears/sim_a"
    golden = json.loads((folder / "metrics.json").read_text())
    with np.load(folder / "input.npz", allow_pickle=True) as file:
        values, labels, full = file["X"].astype(np.float64), file["condition"], file["condition_name"]
        genes = {str(gene): i for i, gene in enumerate(file["genes"])}
    ranks = json.loads((folder / "uns_rank_genes_groups_cov_all.json").read_text())
    names = dict(zip(map(str, labels), map(str, full), strict=True))
    with np.load(folder / "test_results.npz", allow_pickle=True) as file:
        predicted, observed, which = file["pred"], file["truth"], file["pert_cat"]
    ranked = {str(one): [genes[gene] for gene in ranks[names[str(one)]]] for one in np.unique(which)}
    control = values[labels == "ctrl"].mean(axis=0)
    table = evaluate.gears_metrics(predicted, observed, which, control=control, ranked=ranked)
    compared = 0
    for name in table:
        for source in ("metrics_pert", "deeper"):
            reference = pd.DataFrame(golden[source]).T
            # The original divides by 200 where there are 120 genes.
            if name in reference and name != "frac_correct_direction_200":
                np.testing.assert_allclose(table[name].loc[reference.index], reference[name], atol=2e-6)
                compared += 1
    assert compared >= 17
