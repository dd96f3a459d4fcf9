"""Every metric against a loop over genes and perturbations, or a library."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from scipy.stats import pearsonr, rankdata, wasserstein_distance
from tests.evaluate._screens import screen

from reguloom import evaluate
from reguloom._errors import InputError
from reguloom.evaluate import _response_metrics as metrics
from reguloom.evaluate._response_table import joined
from reguloom.evaluate._response_truth import Truth, duplicates, halves

N, G = 6, 40


@pytest.fixture
def truth() -> Truth:
    random = np.random.default_rng(0)
    control = random.gamma(2, 1, (1, G)).repeat(N, axis=0)
    observed = control + random.normal(size=(N, G))
    return Truth(
        units=tuple((f"p{i}", "x" if i < 4 else "y") for i in range(N)),
        genes=pd.Index([f"g{i}" for i in range(G)]),
        observed=observed,
        control=control,
        reference=control + 0.3 * random.normal(size=(1, G)),
        variance=np.ones((N, G)),
        n_cells=np.full(N, 10),
        p_adjusted=random.uniform(size=(N, G)) ** 3,
        against_rest=random.normal(size=(N, G)) * 3,
        targets=tuple(np.array([i]) for i in range(N)),
    )


@pytest.fixture
def predicted(truth: Truth) -> np.ndarray:
    return truth.observed + 0.7 * np.random.default_rng(1).normal(size=(N, G))


def test_errors(truth: Truth, predicted: np.ndarray) -> None:
    difference = predicted - truth.observed
    np.testing.assert_allclose(metrics.l2(predicted, truth), np.linalg.norm(difference, axis=1))
    np.testing.assert_allclose(metrics.mse(predicted, truth), (difference**2).mean(1))
    np.testing.assert_allclose(metrics.mae(predicted, truth), np.abs(difference).mean(1))


def test_the_most_expressed_genes_and_ties() -> None:
    control = np.tile(np.r_[np.ones(600), np.zeros(600), np.full(300, 2.0)], (1, 1))
    one = Truth((("p", "x"),), pd.RangeIndex(1500).astype(str), control + 1, control, control, control, np.array([5]),
                control, control, (np.array([0]),))  # fmt: skip
    mask = one.expressed[0]
    assert mask.sum() == 1000 and mask[:600].all() and mask[600:700].all() and not mask[700:1200].any()
    assert metrics.l2(control, one)[0] == pytest.approx(np.sqrt(1000))


@pytest.mark.parametrize(
    ("function", "base"), [(metrics.pearson_delta, "control"), (metrics.pearson_perturbed, "reference")]
)
def test_correlations(truth: Truth, predicted: np.ndarray, function, base: str) -> None:
    zero = getattr(truth, base)
    expected = [pearsonr(predicted[i] - zero[i], truth.observed[i] - zero[i])[0] for i in range(N)]
    np.testing.assert_allclose(function(predicted, truth), expected)
    assert np.isnan(function(np.broadcast_to(zero, predicted.shape), truth)).all()


def test_correlation_over_the_most_telling_genes(truth: Truth, predicted: np.ndarray) -> None:
    for i, got in enumerate(metrics.pearson_perturbed_top20(predicted, truth)):
        top = np.argsort(-np.abs(truth.against_rest[i]))[:20]
        zero = truth.reference[i, top]
        assert got == pytest.approx(pearsonr(predicted[i, top] - zero, truth.observed[i, top] - zero)[0])


def test_centroid_accuracy(truth: Truth, predicted: np.ndarray) -> None:
    got = metrics.centroid_accuracy(predicted, truth)
    for rows in (range(4), range(4, 6)):
        for i in rows:
            distance = {j: np.linalg.norm(predicted[i] - truth.observed[j]) for j in rows}
            others = [distance[j] > distance[i] for j in rows if j != i]
            assert got[i] == pytest.approx(np.mean(others))
    assert metrics.centroid_accuracy(truth.observed, truth).tolist() == [1.0] * N


def test_discrimination_leaves_out_the_target(truth: Truth, predicted: np.ndarray) -> None:
    got = metrics.discrimination(predicted, truth)
    for i in range(4):
        keep = np.arange(G) != i
        real = (truth.observed - truth.control)[:, keep]
        said = predicted[i, keep] - truth.control[i, keep]
        distance = [np.abs(said - real[j]).sum() for j in range(4)]
        assert got[i] == pytest.approx(1 - (rankdata(distance)[i] - 1) / 4)
    cheat = truth.control.copy()
    cheat[np.arange(N), np.arange(N)] = truth.observed[np.arange(N), np.arange(N)]
    np.testing.assert_allclose(metrics.discrimination(cheat, truth), metrics.discrimination(truth.control, truth))


def test_changed_genes(truth: Truth, predicted: np.ndarray) -> None:
    overlap, direction = metrics.de_overlap(predicted, truth), metrics.de_direction(predicted, truth)
    for i in range(N):
        changed = set(np.flatnonzero(truth.p_adjusted[i] < 0.05))
        said, real = predicted[i] - truth.control[i], truth.observed[i] - truth.control[i]
        top = set(np.argsort(-np.abs(said))[: len(changed)])
        assert overlap[i] == pytest.approx(len(top & changed) / len(changed))
        assert direction[i] == pytest.approx(np.mean([np.sign(said[g]) == np.sign(real[g]) for g in changed]))
    assert np.isnan(metrics.de_overlap(truth.control, truth)).all()


def test_weights(truth: Truth, predicted: np.ndarray) -> None:
    error, r2 = metrics.weighted_mse(predicted, truth), metrics.weighted_r2(predicted, truth)
    for i in range(N):
        t = np.abs(truth.against_rest[i])
        w = ((t - t.min()) / (t.max() - t.min())) ** 2
        w /= w.sum()
        expected = (w * (predicted[i] - truth.observed[i]) ** 2).sum()
        real = truth.observed[i] - truth.reference[i]
        assert error[i] == pytest.approx(expected)
        assert r2[i] == pytest.approx(1 - expected / (w * (real - (w * real).sum()) ** 2).sum())


def test_the_truth_is_perfect(truth: Truth) -> None:
    for metric in metrics.METRICS.values():
        if metric.name != "de_overlap":
            np.testing.assert_allclose(metric.function(truth.observed, truth), metric.perfect, atol=1e-12)


def test_duplicates_have_the_noise_of_an_experiment() -> None:
    data, _ = screen(n_cells=50)
    units = tuple(unit for unit in data.pseudobulk().units if unit[0] != "control")
    noise = data.pseudobulk().variances[1:] / 50
    random = np.random.default_rng(0)
    ratios = [
        ((first - second) ** 2).sum() / noise.sum()
        for first, second in (duplicates(data, units, random) for _ in range(5))
    ]
    # Two experiments differ by twice the variance of a mean; halves of one by four times.
    assert np.mean(ratios) == pytest.approx(2 * 49 / 50, rel=0.05)
    first, second = halves(data, units, random)
    assert ((first - second) ** 2).sum() / noise.sum() == pytest.approx(4.0, rel=0.07)


def test_wasserstein_is_scipys() -> None:
    random = np.random.default_rng(0)
    one, other = random.normal(size=(30, 3)), random.normal(0.5, 1, size=(50, 3))
    expected = np.mean([wasserstein_distance(one[:, i], other[:, i]) for i in range(3)])
    assert evaluate.wasserstein(one, other) == pytest.approx(expected)


def test_clouds_of_the_same_source_are_at_no_distance() -> None:
    random = np.random.default_rng(0)
    same = [(random.normal(size=(40, 5)), random.normal(size=(40, 5))) for _ in range(100)]
    energy = np.array([evaluate.energy_distance(*pair) for pair in same])
    discrepancy = np.array([evaluate.maximum_mean_discrepancy(*pair) for pair in same])
    for values in (energy, discrepancy):
        assert abs(values.mean()) < 3 * values.std() / 10
        assert values.std() > 0
    far = random.normal(size=(40, 5)), random.normal(1.0, 1, size=(40, 5))
    assert evaluate.energy_distance(*far) > energy.max()
    assert evaluate.maximum_mean_discrepancy(*far) > discrepancy.max()


def test_energy_distance_by_hand() -> None:
    one, other = np.array([[0.0], [2.0]]), np.array([[1.0], [4.0]])
    across = np.mean([1, 16, 1, 4])
    assert evaluate.energy_distance(one, other) == pytest.approx(2 * across - 4 - 9)
    with pytest.raises(InputError, match="same features"):
        evaluate.energy_distance(one, np.zeros((2, 3)))


def test_systematic_variation() -> None:
    assert evaluate.systematic_variation(np.tile([1.0, 2.0], (4, 1))) == pytest.approx(1.0)
    delta = np.array([[1.0, 0.0], [0.0, 1.0]])
    assert evaluate.systematic_variation(delta) == pytest.approx(np.sqrt(0.5))


@pytest.mark.parametrize("method", ["t-test", "wilcoxon"])
def test_differential_expression_is_scipys(method: str, tmp_path) -> None:
    from scipy.stats import mannwhitneyu, ttest_ind

    data, _ = screen(n_cells=25, combinations=False)
    found = evaluate.differential_expression(data, method=method, cache=tmp_path)
    dense = data.values(np.arange(data.n_cells)).astype(float)
    row = found.units.index(("g03", "x"))
    mine, controls = dense[data.cells_of("g03")], dense[data.is_control]
    t, p = ttest_ind(mine, controls, equal_var=False)
    np.testing.assert_allclose(found.statistic[row], t, rtol=1e-5)
    p = p if method == "t-test" else mannwhitneyu(mine, controls, method="asymptotic").pvalue
    np.testing.assert_allclose(found.p[row], p, rtol=1e-4)
    rest = dense[data.condition_codes != data.condition("g03")]
    np.testing.assert_allclose(found.against_rest[row], ttest_ind(mine, rest, equal_var=False)[0], rtol=1e-5)
    (file,) = tmp_path.glob("de_*.npz")
    stamp = file.stat().st_mtime_ns
    again = evaluate.differential_expression(data, method=method, cache=tmp_path)
    np.testing.assert_array_equal(again.p_adjusted, found.p_adjusted)
    assert file.stat().st_mtime_ns == stamp
    file.write_bytes(b"cut")
    np.testing.assert_array_equal(evaluate.differential_expression(data, method=method, cache=tmp_path).p, found.p)
    other, _ = screen(n_cells=25, combinations=False, seed=5)
    evaluate.differential_expression(other, method=method, cache=tmp_path)
    assert len(list(tmp_path.glob("de_*.npz"))) == 2


def test_far_off_no_prediction_lives_on_its_direction_and_no_hair_decides() -> None:
    scale = np.array([0.4, 0.001, 0.0, -0.001, -0.05, -0.1, -0.5])
    good = np.full(scale.shape, 0.9)
    score = joined({"scale": scale, "direction": good, "discrimination": good})
    mean = (scale + 1.8) / 3
    np.testing.assert_allclose(score[:3], mean[:3])
    assert abs(score[3] - score[1]) < 0.02
    assert score[4] == pytest.approx((mean[4] + scale[4]) / 2)
    np.testing.assert_allclose(score[5:], scale[5:])
    # What is bad all over is not lifted, and without the family of scale there is nothing to hold down.
    assert joined({"scale": np.array([-0.5]), "direction": np.array([-1.5])})[0] == pytest.approx(-1.0)
    assert joined({"direction": np.array([0.9])})[0] == pytest.approx(0.9)
