"""What belongs to CPA alone: its likelihoods, mixed cells, focused classifiers, drawn states, and its own metric."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

torch = pytest.importorskip("torch", reason="the extra deep is not installed")
pytest.importorskip("safetensors", reason="the extra deep is not installed")

import reguloom as rl  # noqa: E402
from reguloom import InputError  # noqa: E402
from reguloom.core import PerturbationData  # noqa: E402
from reguloom.response._torch.cpa import CpaNet, Inputs  # noqa: E402
from reguloom.response._torch.cpa_metric import cpa_metric, purity, r2  # noqa: E402
from reguloom.response._torch.cpa_task import Mix, _mixed, focal_loss  # noqa: E402
from reguloom.response._torch.likelihood import zinb_log_likelihood  # noqa: E402

SMALL = {"hidden": 32, "n_layers": 1, "n_latent": 8, "max_epochs": 4, "lr": 5e-3, "batch_size": 64, "patience": None}


@pytest.fixture(scope="module")
def counted(make_screen):
    return PerturbationData.from_anndata(make_screen(counts=True, n_cells=30))


def net(likelihood: str, **more) -> CpaNet:
    torch.manual_seed(0)
    plain = {"n_vocabulary": 3, "n_contexts": 1, "n_batches": 1, "n_conditions": 3, "features": None, "n_latent": 4,
             "hidden": 8, "n_layers": 1, "dropout": 0.0, "dose": "linear", "control_embedding": False,
             "adversary_hidden": 4, "adversary_layers": 1}  # fmt: skip
    return CpaNet(6, likelihood=likelihood, **{**plain, **more}).eval()


def cells(n: int = 5) -> Inputs:
    values = torch.from_numpy(np.random.default_rng(0).poisson(2.0, (n, 6)).astype(np.float32))
    nothing = torch.zeros(n, dtype=torch.int64)
    return Inputs(values, torch.full((n,), 0.7), nothing, nothing)


def test_more_zeros_than_a_negative_binomial() -> None:
    counts, mean, theta, odds = (one.ravel() for one in np.meshgrid(
        np.arange(12.0), [0.2, 3.0], [0.5, 8.0], [-2.0, 0.0, 1.5]))  # fmt: skip
    found = zinb_log_likelihood(*(torch.tensor(one) for one in (counts, mean, theta, odds))).numpy()
    share = 1 / (1 + np.exp(-odds))
    wanted = (1 - share) * stats.nbinom.pmf(counts, theta, theta / (theta + mean)) + share * (counts == 0)
    assert np.allclose(np.exp(found), wanted, atol=1e-10)


def test_moments_and_expected_logarithm_count_the_zeros() -> None:
    model, given = net("zinb"), cells(1)
    with torch.no_grad():
        z = torch.randn(1, 4)
        found = model.decode(z, given)
        share = torch.sigmoid(found.zeros)[0].numpy().astype(float)
        mean, theta = found.mean[0].numpy().astype(float), float(found.spread[0, 0])
        k = np.arange(3000)[:, None]
        inside = stats.nbinom.pmf(k, theta, theta / (theta + mean)) * (1 - share)
        assert np.allclose(found.expected()[0], (k * inside).sum(axis=0), rtol=1e-4)
        second = (k**2 * inside).sum(axis=0)
        assert np.allclose(found.variance()[0], second - (k * inside).sum(axis=0) ** 2, rtol=1e-3)
        wanted = (np.log1p(0.7 * k) * inside).sum(axis=0)
        assert np.allclose(model.log_expression(z, given)[0], wanted, atol=0.02)


def test_cells_that_are_told_with_ease_count_less() -> None:
    logits, weights = torch.tensor([[4.0, 0.0], [0.5, 0.0], [0.0, 1.0]]), torch.tensor([1.0, 2.0])
    wanted = torch.tensor([0, 0, 1])
    plain = torch.nn.functional.cross_entropy(logits, wanted, weight=weights)
    assert focal_loss(logits, wanted, weights, 0.0) == plain
    p = torch.softmax(logits, dim=1)[torch.arange(3), wanted].numpy()
    own = np.array([1.0, 1.0, 2.0])
    by_hand = -(own * (1 - p) ** 2 * np.log(p)).sum() / own.sum()
    assert float(focal_loss(logits, wanted, weights, 2.0)) == pytest.approx(by_hand, rel=1e-5)
    assert by_hand < 0.5 * float(plain)


def test_mixed_cells_are_between_their_partners(counted) -> None:
    values = torch.arange(6.0).reshape(3, 2)
    mixed = _mixed(values, Mix(0.25, torch.tensor([1, 2, 0])))
    assert torch.equal(mixed, 0.25 * values + 0.75 * values[[1, 2, 0]])
    assert _mixed(values, None) is values
    told = {one: rl.response.CPA(**SMALL, **settings).fit(counted, rng=0).history_ for one, settings in {
        "plain": {}, "mixed": {"mixup": 0.3}, "late": {"mixup": 0.3, "mixup_warmup": 4}, "half": {"mixup": 0.3,
        "mixup_warmup": 2}}.items()}  # fmt: skip
    assert told["late"].equals(told["plain"])
    assert told["half"].iloc[:2].equals(told["plain"].iloc[:2])
    assert not np.isclose(told["half"]["reconstruction"].iloc[2], told["plain"]["reconstruction"].iloc[2])
    assert not np.isclose(told["mixed"]["reconstruction"].iloc[0], told["plain"]["reconstruction"].iloc[0])


def test_basal_states_are_drawn_while_training_and_held_near_the_normal(counted) -> None:
    model, given = net("nb", variational=True), cells()
    with torch.no_grad():
        mean, divergence = model.encode(given)
        assert torch.equal(mean, model.basal(given))
        inside = model.encoder[0](torch.log1p(given.values))
        spread = torch.sqrt(torch.nn.functional.softplus(model.spread(inside)) + 1e-4)
        wanted = torch.distributions.kl_divergence(torch.distributions.Normal(mean, spread),
                                                   torch.distributions.Normal(0.0, 1.0)).sum(dim=1).mean()  # fmt: skip
        assert float(divergence) == pytest.approx(float(wanted), rel=1e-4)
        model.train()
        torch.manual_seed(1)
        drawn = model.basal(given)
        assert not torch.allclose(drawn, model.basal(given))
    held, free = (rl.response.CPA(**SMALL, variational=True, kl_weight=weight).fit(counted, rng=0)
                  for weight in (20.0, 0.0))  # fmt: skip
    assert held.history_["divergence"].iloc[-1] < 0.5 * free.history_["divergence"].iloc[-1]
    assert "divergence" not in rl.response.CPA(**{**SMALL, "max_epochs": 1}).fit(counted, rng=0).history_


def test_the_originals_metric_by_hand() -> None:
    rng = np.random.default_rng(0)
    labels = np.repeat([0, 1, 2], 15)
    basal = rng.normal(size=(45, 4))
    after = basal + 10 * np.eye(4)[labels]
    far = np.linalg.norm(after[:, None] - after[None], axis=2)
    order = np.argsort(far, axis=1)[:, 1:11]
    assert purity(after, labels, n_neighbors=10) == pytest.approx((labels[order] == labels[:, None]).mean()) == 1.0
    observed = rng.gamma(2.0, 1.0, (45, 8)) * np.linspace(0.5, 3, 8)
    exact = {"observed": observed, "expected": observed, "variance": np.zeros_like(observed)}
    # Perfect means and variances; 14 of the 30 neighbours can have the same label.
    gained = purity(after, labels) - purity(basal, labels)
    assert purity(after, labels) == pytest.approx(14 / 30)
    assert cpa_metric(**exact, basal=basal, after=after, labels=labels) == pytest.approx(1.5 + np.exp(gained))
    assert cpa_metric(**exact, basal=basal, after=basal, labels=labels) == pytest.approx(2.5)
    dull = {**exact, "expected": np.broadcast_to(observed.mean(axis=0), observed.shape)}
    lost = r2(observed.var(axis=0), np.zeros(8))
    assert cpa_metric(**dull, basal=basal, after=basal, labels=labels) == pytest.approx(2 + 0.5 * lost)
    spread = {**dull, "variance": np.broadcast_to(observed.var(axis=0), observed.shape)}
    assert cpa_metric(**spread, basal=basal, after=basal, labels=labels) == pytest.approx(2.5)


def test_it_can_stop_by_the_originals_metric(counted) -> None:
    model = rl.response.CPA(**{**SMALL, "max_epochs": 8, "patience": 2}, stop_by="cpa_metric").fit(counted, rng=0)
    told = model.history_["val_cpa_metric"]
    best = int(told.idxmax())
    assert len(told) == min(best + 3, 8)
    again = rl.response.CPA(**{**SMALL, "max_epochs": best + 1}, stop_by="cpa_metric").fit(counted, rng=0)
    assert np.array_equal(model.predict(["G00"]).delta, again.predict(["G00"]).delta)
    with pytest.raises(InputError, match="stop_by is 'luck'; accepted are error, cpa_metric"):
        rl.response.CPA(stop_by="luck")


@pytest.mark.parametrize("settings", [{"likelihood": "zinb"}, {"variational": True}])
def test_a_saved_one_is_the_same(settings, counted, tmp_path) -> None:
    model = rl.response.CPA(**SMALL, **settings).fit(counted, rng=0)
    model.save(tmp_path)
    assert np.array_equal(rl.response.load(tmp_path).predict(["G00"]).delta, model.predict(["G00"]).delta)
    with pytest.raises(InputError, match="likelihood='zinb' needs counts"):
        rl.response.CPA(likelihood="zinb").fit(_logged(counted))


def _logged(screen: PerturbationData) -> PerturbationData:
    import anndata

    adata = anndata.AnnData(screen.values(np.arange(screen.n_cells)), obs=screen.obs)
    adata.var_names = list(screen.genes)
    return PerturbationData.from_anndata(adata, values="log")
