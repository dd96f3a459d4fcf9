"""scGen against the original's numbers, and the shift that its defect spoils."""

from __future__ import annotations

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="the extra deep is not installed")

import reguloom as rl  # noqa: E402
from reguloom import MissingKeyError  # noqa: E402
from reguloom.core import PerturbationData  # noqa: E402
from reguloom.response._torch.scgen import ScgenNet, decoded, encoded  # noqa: E402
from reguloom.response.scgen import matched_shift, resampled_shift  # noqa: E402

NAMES = (("z_encoder.encoder.fc_layers.Layer ", "encoder."), ("decoder.decoder.fc_layers.Layer ", "decoder."),
         ("z_encoder.mean_encoder", "mean"), ("z_encoder.var_encoder", "log_variance"),
         ("decoder.linear_out", "out"))  # fmt: skip


@pytest.fixture(scope="module")
def golden(shared):
    """What scgen 2.1.0 made of the simulated cells."""
    with np.load(shared / "golden" / "scgen" / "sim_a" / "data.npz", allow_pickle=True) as stored:
        return dict(stored)


def renamed(name: str) -> str:
    for old, new in NAMES:
        name = name.replace(old, new)
    return name


@pytest.fixture(scope="module")
def net(golden) -> ScgenNet:
    made = ScgenNet(150, hidden=64, n_layers=2, n_latent=16, dropout=0.2)
    weights = {renamed(name[3:]): torch.from_numpy(one) for name, one in golden.items() if name.startswith("w::")}
    made.load_state_dict(weights)
    return made


def test_encoder_and_prediction_are_the_originals(golden, net) -> None:
    train, control = golden["train_mask"], golden["condition"] == "control"
    assert np.abs(encoded(net, golden["X"][train]) - golden["latent_train"]).max() < 1e-5
    target = golden["X"][control & (golden["cell_type"] == "C")]
    made = decoded(net, encoded(net, target) + golden["delta"])
    assert np.abs(made - golden["pred"]).max() < 1e-5


def test_the_compatible_shift_is_the_originals_up_to_its_unseeded_draws(golden) -> None:
    train = golden["train_mask"]
    latent, kind = golden["latent_train"], golden["condition"][train]
    context = np.unique(golden["cell_type"][train], return_inverse=True)[1]
    drawn = np.array([resampled_shift(latent, context, kind != "control", kind == "control", np.random.default_rng(i))
                      for i in range(200)])  # fmt: skip
    away = np.linalg.norm(drawn - drawn.mean(axis=0), axis=1)
    golden_away = np.linalg.norm(golden["delta"] - drawn.mean(axis=0))
    assert golden_away < np.quantile(away, 0.99)
    # The original lets controls of the held-out type into the mean: it is far from the shift of matched cells.
    matched = matched_shift(latent, context, kind != "control", kind == "control")
    assert np.linalg.norm(golden["delta"] - matched) > 4 * np.quantile(away, 0.99)


def test_a_matched_shift_does_not_see_contexts_without_a_perturbed_cell() -> None:
    rng = np.random.default_rng(0)
    context = np.repeat([0, 1, 2], [100, 40, 80])
    latent = (rng.normal(0, 0.1, (220, 4)) + 3.0 * context[:, None]).astype(np.float32)
    stimulated = (np.arange(220) % 2 == 0) & (context < 2)
    latent[stimulated] += [1, 0, -1, 0]
    control = ~stimulated
    assert matched_shift(latent, context, stimulated, control) == pytest.approx([1, 0, -1, 0], abs=0.05)
    biased = resampled_shift(latent, context, stimulated, control, rng)
    assert np.abs(biased - [1, 0, -1, 0]).max() > 1


@pytest.fixture(scope="module")
def fitted(make_screen):
    cells = make_screen(contexts=3, n_cells=30)
    data = PerturbationData.from_anndata(cells, covariates="cell_type", values="log")
    split = rl.evaluate.split(data, "unseen-context", contexts="type2")
    model = rl.response.SCGen(hidden=64, n_layers=1, n_latent=8, max_epochs=12, dropout=0.0, lr=3e-3, patience=None)
    return model.fit(data, split), cells, data


def test_a_response_is_carried_to_another_context(fitted) -> None:
    model, _, data = fitted
    bulk = data.pseudobulk()
    start = data.select(data.cells_of("control", "type2"))
    truth = bulk.delta[bulk.position("G03", "type2")]
    for residual in (False, True):
        model.params["residual"] = residual
        found = model.predict(["G03"], start).delta[0]
        assert np.linalg.norm(found - truth) < 0.9 * np.linalg.norm(truth)
        assert np.corrcoef(found, truth)[0, 1] > 0.5
    model.params["residual"] = False


def test_latent_shift_and_batch_removal(fitted) -> None:
    model, cells, _ = fitted
    latent = model.latent(cells)
    assert latent.shape == (cells.n_obs, 8)
    assert latent.index.equals(cells.obs_names)
    assert model.shift("G01").abs().sum() > 0
    with pytest.raises(MissingKeyError, match="not trained on"):
        model.shift("G99")
    controls = cells[cells.obs["perturbation"] == "control"].copy()
    controls.obs["group"] = "one"
    merged = model.remove_batch(controls, batch="cell_type", groupby="group")
    means = merged.to_df().groupby(controls.obs["cell_type"].to_numpy()).mean()
    before = controls.to_df().groupby(controls.obs["cell_type"].to_numpy()).mean()
    assert np.ptp(means.to_numpy(), axis=0).mean() < 0.4 * np.ptp(before.to_numpy(), axis=0).mean()
    assert {"latent", "corrected_latent"} <= set(merged.obsm)
    with pytest.raises(MissingKeyError, match="no column"):
        model.remove_batch(controls, batch="lane", groupby="group")
