"""The network: no leak, planted modules, the same bytes for any number of threads, resume, collapse, other forms."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

pytest.importorskip("torch")

import torch

from reguloom import temporal
from reguloom._errors import ConvergenceWarning, InputError
from reguloom.temporal._torch.course import Observed, gaps, inputs
from reguloom.temporal._torch.fit import fit_vrnn
from reguloom.temporal._torch.vrnn import VRNN, Sizes, divergences, mixture_divergence
from reguloom.temporal.baselines import BASELINES
from reguloom.temporal.baselines.kmeans import kmeans
from reguloom.temporal.consensus import adjusted_rand
from reguloom.temporal.noise import estimate_noise
from reguloom.temporal.options import VrnnOptions, passes, vrnn_options
from reguloom.temporal.profile import Profile
from reguloom.temporal.thinning import thin

from .simulated import course

SMALL = VrnnOptions(n_hidden=16, lr=2e-2, batch_size=64, max_epochs=60, patience=60)
CPU = torch.device("cpu")


def halves(n_tracks: int = 2, **options):
    """Return both halves of a small time course, its profile, and its modules."""
    data, module = course(96, n_tracks=n_tracks, n_replicates=2, alpha=0.02, **options)
    noise = estimate_noise(data)
    train, test = thin(data, noise, np.random.default_rng(0))
    return train, test, Profile.of(data, noise), pd.factorize(module)[0]


@pytest.fixture(scope="module")
def trained():
    train, test, profile, module = halves()
    return fit_vrnn(train, test, options=SMALL, seed=1), profile, module


def test_it_finds_planted_modules(trained) -> None:
    fitted, profile, module = trained
    assert not fitted.collapsed
    assert adjusted_rand(kmeans(fitted.latent(profile)[0], 4, 0), module) > 0.9
    decoded = fitted.decoded(profile)
    assert ((decoded - profile.values) ** 2).mean() < 0.2 * profile.values.var()


def test_without_its_latents_the_fit_is_worse(trained) -> None:
    """The prior's mean in place of z, and no w: a decoder that saw the input would not mind."""
    fitted, profile, _ = trained
    x, step = inputs(profile, CPU), gaps(profile.times, CPU)
    shape = torch.from_numpy(np.moveaxis(profile.shape, 2, 0).astype(np.float32))
    with torch.no_grad():
        whole = fitted.module(x, step).course
        of_prior = fitted.module(x, step, latent="prior").course
        blind = fitted.module(torch.zeros_like(x), step, latent="prior").course
    errors = [float(((one - shape) ** 2).mean()) for one in (whole, of_prior, blind)]
    assert errors[0] < errors[1] < errors[2]
    assert errors[2] > 3 * errors[0]


@pytest.mark.parametrize("sizes", [Sizes(2), Sizes(2, n_static=0), Sizes(2, decay=True), Sizes(2, n_components=3)])
def test_the_input_at_a_time_reaches_the_output_through_the_latents_alone(sizes: Sizes) -> None:
    torch.manual_seed(0)
    module = VRNN(sizes)
    x = torch.randn(5, 3, 6)
    step = torch.ones(5)
    other = x.clone()
    other[2] += 1.0
    fixed = module.encode(x, step)
    module.encode = lambda *_: fixed  # w as it was: what is left of the way are the z
    with torch.no_grad():
        same = module(x, step, latent="prior").course, module(other, step, latent="prior").course
        free = module(x, step).course, module(other, step).course
    assert torch.equal(*same)
    assert torch.equal(free[0][:2], free[1][:2])
    assert not torch.allclose(free[0][2], free[1][2])


def test_the_autoregressive_form_sees_the_past_alone() -> None:
    torch.manual_seed(0)
    module = VRNN(Sizes(1, n_static=0, autoregressive=True))
    x = torch.randn(5, 3, 3)
    other = x.clone()
    other[2] += 1.0
    with torch.no_grad():
        one, two = (module(which, torch.ones(5), latent="prior").course for which in (x, other))
    assert torch.equal(one[:3], two[:3])
    assert not torch.allclose(one[3], two[3])


def test_the_divergence_from_a_mixture_is_on_average_that_of_torch() -> None:
    torch.manual_seed(0)
    module = VRNN(Sizes(1, n_components=2))
    with torch.no_grad():
        # Two equal components are one normal, whose divergence is known.
        module.mixture_mean[:], module.mixture_logvar[:] = 0.5, 0.3
        draws = [module(torch.randn(5, 1, 3).expand(5, 4000, 3), torch.ones(5), sample=True) for _ in range(2)]
        made = draws[0]
        posterior = torch.distributions.Normal(made.w_mean, torch.exp(0.5 * made.w_logvar))
        prior = torch.distributions.Normal(torch.tensor(0.5), torch.exp(torch.tensor(0.15)))
        expected = torch.distributions.kl_divergence(posterior, prior).sum(dim=1)
        assert float(mixture_divergence(module, made).mean()) == pytest.approx(float(expected.mean()), rel=0.05)


def test_a_mixture_prior_learns_modules_as_its_components() -> None:
    train, test, profile, module = halves()
    fitted = fit_vrnn(train, test, options=replace(SMALL, n_components=6, max_epochs=40), seed=1)
    with torch.no_grad():
        w = torch.from_numpy(fitted.latent(profile)[0].astype(np.float32))
        component = fitted.module.log_prior(w).argmax(dim=1).numpy()
    assert not fitted.collapsed
    assert adjusted_rand(component, module) > 0.6


def test_divergences_are_those_of_torch() -> None:
    torch.manual_seed(0)
    made = VRNN(Sizes(1))(torch.randn(4, 6, 3), torch.ones(4), sample=True)
    of_w, of_z = divergences(made)
    normal = torch.distributions.Normal

    def expected(mean, logvar, prior_mean, prior_logvar):
        return torch.distributions.kl_divergence(
            normal(mean, (0.5 * logvar).exp()), normal(prior_mean, (0.5 * prior_logvar).exp())
        )

    zero = torch.zeros_like(made.w_mean)
    assert torch.allclose(of_w, expected(made.w_mean, made.w_logvar, zero, zero), atol=1e-5)
    assert torch.allclose(of_z, expected(made.z_mean, made.z_logvar, made.prior_mean, made.prior_logvar), atol=1e-5)


@pytest.mark.parametrize("likelihood", ["nb", "gaussian"])
def test_the_likelihood_is_that_of_numpy(likelihood: str) -> None:
    from reguloom.temporal._glm import log_likelihood

    data, _ = course(10, likelihood=likelihood)
    noise = estimate_noise(data)
    profile = Profile.of(data, noise)
    observed = Observed.of(data, noise, profile, CPU)
    level = profile.level
    shape = np.zeros(profile.values.shape)
    bent = shape + 0.3 * np.arange(5)
    misfit = torch.tensor(-30.0)
    rows = np.searchsorted(profile.times, data.times)
    own = (0.05 * profile.scale[:, None]) ** 2
    wide = replace(noise, alpha=noise.alpha + own, variance=noise.variance + own)
    difference = []
    for one in (shape, bent):
        tensor = torch.from_numpy(np.moveaxis(one, 2, 0).astype(np.float32))
        ours = -observed.nll(tensor, misfit).numpy()
        eta = level + profile.scale[:, None] * one[:, 0, rows]
        difference.append(ours - log_likelihood(data, wide, eta).sum(axis=1))
    assert difference[0] == pytest.approx(difference[1], abs=2e-2)


def test_the_same_seed_gives_the_same_bytes_whatever_the_threads() -> None:
    train, test, profile, _ = halves()
    quick = replace(SMALL, max_epochs=6)
    before = torch.get_num_threads()
    made = []
    for threads in (1, 2):
        torch.set_num_threads(threads)
        made.append(fit_vrnn(train, test, options=quick, seed=3))
    torch.set_num_threads(before)
    assert made[0].history.equals(made[1].history)
    assert (made[0].latent(profile)[0] == made[1].latent(profile)[0]).all()
    other = fit_vrnn(train, test, options=quick, seed=4)
    assert (made[0].latent(profile)[0] != other.latent(profile)[0]).any()


def test_a_run_that_was_cut_goes_on(tmp_path: Path) -> None:
    train, test, profile, _ = halves()
    whole = fit_vrnn(train, test, options=replace(SMALL, max_epochs=10), seed=0, folder=tmp_path / "whole")
    assert (tmp_path / "whole" / "last.safetensors").exists()
    again = fit_vrnn(train, test, options=replace(SMALL, max_epochs=10), seed=0, folder=tmp_path / "whole", resume=True)
    assert (again.latent(profile)[0] == whole.latent(profile)[0]).all()
    with pytest.raises(InputError, match="another run"):
        fit_vrnn(train, test, options=SMALL, seed=0, folder=tmp_path / "whole", resume=True)


def test_a_collapsed_network_says_so_and_gives_way() -> None:
    data, module = course(60, n_replicates=2)
    with pytest.warns(ConvergenceWarning, match="collapsed"):
        result = temporal.fit(
            data, n_modules=4, n_seeds=2, n_draws=4, options={"beta": 1e4, "max_epochs": 5, "n_hidden": 8}
        )
    assert any("kmeans on z-scores instead" in note for note in result.notes)
    assert adjusted_rand(pd.factorize(result.modules)[0], pd.factorize(module)[0]) > 0.9


@pytest.fixture(scope="module")
def whole() -> tuple[temporal.TemporalModules, pd.Series]:
    data, module = course(96, static=0.25, n_replicates=2, n_tracks=2, alpha=0.02)
    options = {"n_hidden": 16, "lr": 2e-2, "batch_size": 64, "max_epochs": 40}
    return temporal.fit(data, n_seeds=2, n_draws=6, max_modules=5, options=options, truth=module), module


def test_the_whole_fit_finds_modules_and_shows_every_baseline(whole) -> None:
    result, module = whole
    grouped = ~result.modules.isin(["static", "unassigned"])
    assert adjusted_rand(pd.factorize(result.modules[grouped])[0], pd.factorize(module[grouped])[0]) > 0.85
    assert list(result.benchmark["method"])[0] == "vrnn"
    assert list(result.benchmark["method"])[1:] == list(BASELINES)
    assert "vrnn" in result.banner
    assert result.latent.shape[1] == 4
    assert set(result.history["seed"]) == {0, 1}
    assert {"loss", "val_loss", "kl_w", "kl_z"} <= set(result.history.columns)


def test_a_result_with_a_latent_comes_back_from_its_file(whole, tmp_path: Path) -> None:
    result, _ = whole
    result.write(tmp_path)
    read = temporal.TemporalModules.read(tmp_path)
    pd.testing.assert_frame_equal(read.latent, result.latent, check_names=False)
    pd.testing.assert_frame_equal(read.history, result.history, check_dtype=False)
    assert read.modules.equals(result.modules)


@pytest.mark.parametrize(("n_genes", "expected"), [(74, 100), (250, 100), (400, 62), (500, 50), (20_000, 50)])
def test_few_genes_are_passed_more_often(n_genes: int, expected: int) -> None:
    assert passes(VrnnOptions(), n_genes) == expected
    assert passes(VrnnOptions(max_epochs=7), n_genes) == 7


def test_other_forms_can_be_asked_for() -> None:
    data, _ = course(60, n_replicates=2)
    chung = temporal.fit(
        data, n_modules=3, n_seeds=2, n_draws=4, compat="chung", options={"max_epochs": 20, "lr": 2e-2, "n_hidden": 16}
    )
    assert chung.latent.shape[1] == 4
    original = temporal.fit(
        data, n_top=30, n_seeds=2, compat="vrnn-gene-clustering", options={"max_epochs": 5}, n_modules=3
    )
    grouped = original.genes["probability"].notna()
    assert list(original.genes.index[grouped]) == list(data.genes[:30])
    assert original.latent.shape[1] == 64
    assert any("VRNN_Gene_Clustering" in note for note in original.notes)
    with pytest.raises(InputError, match="no options"):
        vrnn_options({"hidden": 3}, None)
