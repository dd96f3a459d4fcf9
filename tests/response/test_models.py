"""What every model has to do: learn, repeat, resume, save, answer for every gene, and never see a perturbed cell."""

from __future__ import annotations

import pickle

import numpy as np
import pandas as pd
import pytest

torch = pytest.importorskip("torch", reason="the extra deep is not installed")
pytest.importorskip("safetensors", reason="the extra deep is not installed")

import reguloom as rl  # noqa: E402
from reguloom import InputError, MissingKeyError, NotFittedError, ResourceError  # noqa: E402
from reguloom.core import PerturbationData  # noqa: E402

TERMS = {f"G{i:02d}": {f"T{i // 2}", f"T{i % 3}x"} for i in range(30)}
SMALL = {
    "gears": {"annotation": TERMS, "hidden": 16, "max_epochs": 100, "lr": 5e-3, "lr_step": 60},
    "cpa": {"hidden": 48, "n_layers": 1, "n_latent": 16, "max_epochs": 80, "lr": 5e-3, "batch_size": 64,
            "patience": None, "adversary_steps": 2, "adversary_weight": 10.0, "adversary_lr": 3e-3, "penalty": 0.1,
            "pretrain_epochs": 5},
    "scgen": {"hidden": 64, "n_layers": 1, "n_latent": 10, "max_epochs": 25, "patience": None, "dropout": 0.0,
              "lr": 3e-3},
    "latent-additive": {"hidden": 48, "n_latent": 16, "max_epochs": 30, "batch_size": 64, "lr": 5e-3},
    "linear": {},
}  # fmt: skip
LEARNED = [name for name in SMALL if name != "linear"]
#: Least correlation with the true change, and the largest error beside that of no change (1).
GOALS = {"gears": (0.5, 0.9), "cpa": (0.3, 0.98), "scgen": (0.8, 0.7), "latent-additive": (0.8, 0.7)}


def make(name: str, **more):
    return rl.response.models()[name](**{**SMALL[name], **more})


@pytest.fixture(scope="module")
def fitted(screen, pairs_held_out):
    """Every model, fitted once."""
    return {name: make(name).fit(screen, pairs_held_out, rng=0) for name in SMALL}


@pytest.mark.parametrize("name", LEARNED)
def test_a_planted_additive_world_is_learnt(name, fitted, screen, pairs_held_out) -> None:
    model, bulk = fitted[name], screen.pseudobulk()
    found = model.predict(list(pairs_held_out.conditions("test")))
    for label, delta in zip(found.rows, found.delta, strict=True):
        truth = bulk.delta[bulk.position(label, "all")]
        assert np.corrcoef(delta, truth)[0, 1] > GOALS[name][0], label
        assert np.linalg.norm(delta - truth) < GOALS[name][1] * np.linalg.norm(truth), label


@pytest.mark.parametrize("name", LEARNED)
def test_the_same_seed_gives_the_same_bytes(name, screen, pairs_held_out) -> None:
    made = []
    before = torch.get_num_threads()
    for threads, seed in ((1, 3), (2, 3), (1, 4)):
        torch.set_num_threads(threads)
        made.append(make(name, max_epochs=2).fit(screen, pairs_held_out, rng=seed).predict(["G00", "G03+G04"]).delta)
    torch.set_num_threads(before)
    assert np.array_equal(made[0], made[1])
    assert not np.array_equal(made[0], made[2])


@pytest.mark.parametrize("name", LEARNED)
def test_a_killed_training_ends_as_if_it_had_not_been(name, screen, pairs_held_out, tmp_path, monkeypatch) -> None:
    from reguloom._torch.trainer import Trainer

    whole = make(name, max_epochs=4).fit(screen, pairs_held_out, rng=0)
    run_epoch = Trainer._run_epoch

    def dying(self):
        if self.epoch == 2:
            raise KeyboardInterrupt
        self.checkpoint_seconds = 0.0
        run_epoch(self)

    monkeypatch.setattr(Trainer, "_run_epoch", dying)
    with pytest.raises(KeyboardInterrupt):
        make(name, max_epochs=4).fit(screen, pairs_held_out, rng=0, folder=tmp_path)
    monkeypatch.setattr(Trainer, "_run_epoch", run_epoch)
    again = make(name, max_epochs=4).fit(screen, pairs_held_out, rng=0, folder=tmp_path, resume=True)
    assert again.history_.equals(whole.history_)
    assert np.array_equal(again.predict(["G00+G01"]).delta, whole.predict(["G00+G01"]).delta)
    with pytest.raises(InputError, match="different: params"):
        make(name, max_epochs=4, lr=1e-5).fit(screen, pairs_held_out, rng=0, folder=tmp_path, resume=True)


@pytest.mark.parametrize("name", SMALL)
def test_a_saved_model_answers_the_same_without_a_pickle(name, fitted, tmp_path, monkeypatch) -> None:
    def refuse(*_args, **_more):
        raise AssertionError("a pickle was made or read")

    for module, attribute in ((pickle, "dump"), (pickle, "dumps"), (pickle, "load"), (pickle, "loads"),
                              (torch, "load"), (torch, "save")):  # fmt: skip
        monkeypatch.setattr(module, attribute, refuse)
    model = fitted[name]
    model.save(tmp_path)
    loaded = rl.response.load(tmp_path)
    asked = ["G00", "G00+G01", "G20", "NOBODY"]
    first, second = model.predict(asked), loaded.predict(asked)
    assert np.array_equal(first.delta, second.delta)
    assert dict(first.checks) == dict(second.checks)
    assert loaded.available().equals(model.available())
    assert loaded.provenance().to_dict() == model.provenance().to_dict()
    with pytest.raises(InputError, match="exists already"):
        model.save(tmp_path)


@pytest.mark.parametrize("name", SMALL)
def test_a_gene_that_nothing_is_known_of_gets_the_mean_change_and_a_flag(name, fitted) -> None:
    model = fitted[name]
    found = model.predict(["NOBODY", "G00"])
    assert found.obs["source"].tolist()[0] == "mean"
    assert found.obs["source"].tolist()[1] == "trained" or name == "linear"
    assert any(key.startswith("NOBODY") for key in found.checks)
    assert found.rows.tolist() == ["NOBODY", "G00"]
    if name != "linear":
        assert np.allclose(found.delta[0], model.state.mean_change[0])
        assert found.obs["nearest"].iloc[1] == "G00"
        assert found.obs["cosine_distance"].iloc[1] == pytest.approx(0, abs=1e-5)
    assert found.to_anndata().obs["source"].tolist() == found.obs["source"].tolist()


@pytest.mark.parametrize("name", LEARNED)
def test_control_changes_nothing_and_one_question_gives_a_row_per_cell(name, fitted, screen) -> None:
    model = fitted[name]
    assert not model.predict(["control"]).delta.any()
    start = screen.select(np.flatnonzero(screen.is_control)[:5])
    cells = model.predict("G00", start)
    assert cells.delta.shape == (5, screen.n_genes)
    assert cells.rows.tolist() == start.cells.tolist()
    assert np.allclose(cells.delta.mean(axis=0), model.predict(["G00"], start).delta[0], atol=1e-6)


@pytest.mark.parametrize("name", LEARNED)
def test_predictions_start_from_controls_alone(name, fitted, make_screen) -> None:
    model, cells = fitted[name], make_screen()
    controls = cells[cells.obs["perturbation"] == "control"].copy()
    # Perturbed cells beside the controls change nothing; perturbed cells alone are refused.
    assert np.array_equal(model.predict(["G02"], cells).delta, model.predict(["G02"], controls).delta)
    with pytest.raises(InputError, match="every cell in adata is perturbed"):
        model.predict(["G02"], cells[cells.obs["perturbation"] == "G02"].copy())
    with pytest.raises(MissingKeyError, match="lack"):
        model.predict(["G02"], controls[:, :10].copy())


@pytest.mark.parametrize("name", SMALL)
def test_before_the_fit_there_is_no_answer(name) -> None:
    with pytest.raises(NotFittedError, match="fit"):
        make(name).predict(["G00"])


@pytest.mark.parametrize("name", SMALL)
def test_every_model_is_a_predictor_with_a_source(name, fitted) -> None:
    assert isinstance(fitted[name], rl.Predictor)
    assert fitted[name].citations
    assert fitted[name].citations[0] in rl.citations(fitted[name].predict(["G00"]))[0]
    assert {"available", "reason"} <= set(fitted[name].available())


def test_an_ensemble_tells_how_far_its_members_are_apart(screen, pairs_held_out, tmp_path) -> None:
    model = make("latent-additive", max_epochs=3, n_members=3).fit(screen, pairs_held_out)
    found = model.predict(["G00", "G00+G01"])
    assert found.layers["sd"].shape == found.delta.shape
    assert (found.layers["sd"].mean(axis=1) > 0).all()
    assert sorted(model.history_["member"].unique()) == [0, 1, 2]
    model.save(tmp_path)
    assert np.array_equal(rl.response.load(tmp_path).predict(["G00"]).layers["sd"], model.predict(["G00"]).layers["sd"])


def test_an_unseen_gene_is_likened_to_annotated_and_embedded_ones(screen, pairs_held_out) -> None:
    model = make("latent-additive", max_epochs=2, annotation={**TERMS, "NEW": TERMS["G00"]}).fit(screen, pairs_held_out)
    found = model.predict(["NEW"])
    assert found.obs["source"].tolist() == ["annotation"]
    assert "G00" in found.checks["NEW: source"]
    table = pd.DataFrame(np.random.default_rng(0).normal(size=(31, 5)), index=[*screen.genes, "NEW"])
    table.loc["NEW"] = table.loc["G02"]
    for name in ("latent-additive", "cpa"):
        embedded = make(name, max_epochs=2, embeddings=table).fit(screen, pairs_held_out)
        found = embedded.predict(["NEW", "G02"])
        assert found.obs["source"].tolist() == ["graph", "trained"]
        assert np.allclose(found.delta[0], found.delta[1], atol=1e-5), name


def test_the_response_grows_with_the_dose(make_screen) -> None:
    cells = make_screen(doses=True, n_cells=40)
    data = PerturbationData.from_anndata(cells, dose="dose", values="log")
    model = make("cpa", max_epochs=25).fit(data)
    low, high = (rl.Perturbation({"G00": rl.core.perturbation.Target("unknown")}, dose=dose) for dose in (0.25, 1.0))
    found = model.predict([low, high])
    assert np.linalg.norm(found.delta[0]) < 0.8 * np.linalg.norm(found.delta[1])
    plain = make("latent-additive", max_epochs=1).fit(data)
    assert "dose" in plain.predict([low]).checks


def test_counts_are_modelled_as_counts(make_screen) -> None:
    cells = make_screen(counts=True)
    data = PerturbationData.from_anndata(cells)
    model = make("cpa", max_epochs=45).fit(data)
    assert model.members_[0].likelihood == "nb"
    bulk = data.pseudobulk()
    found = model.predict(["G00+G01"])
    assert np.corrcoef(found.delta[0], bulk.delta[bulk.position("G00+G01", "all")])[0, 1] > 0.5
    # The same control cells as AnnData are normalised as in training.
    controls = cells[cells.obs["perturbation"] == "control"].copy()
    other = model.predict(["G00+G01"], controls)
    assert np.allclose(other.control, bulk.means[bulk.position("control", "all")], atol=1e-4)
    with pytest.raises(InputError, match="needs counts"):
        make("cpa", likelihood="nb").fit(PerturbationData.from_anndata(make_screen(), values="log"))


def test_a_context_is_named_or_said_to_be_mixed(make_screen) -> None:
    data = PerturbationData.from_anndata(make_screen(contexts=2, n_cells=30), covariates="cell_type", values="log")
    for name in ("cpa", "latent-additive"):
        model = make(name, max_epochs=2).fit(data)
        assert "context" in model.predict(["G00"]).checks
        one = model.predict(["G00"], context="type1")
        assert "context" not in one.checks
        bulk = data.pseudobulk()
        assert np.allclose(one.control, bulk.means[bulk.position("control", "type1")], atol=1e-5)
        # Cells of an AnnData are told apart by the column that the screen was read with.
        cells = make_screen(contexts=2, n_cells=30)
        cells = cells[cells.obs["cell_type"] == "type1"].copy()
        assert np.allclose(model.predict(["G00"], cells).delta, one.delta, atol=1e-5)
        del cells.obs["cell_type"]
        with pytest.raises(MissingKeyError, match="no column 'cell_type'"):
            model.predict(["G00"], cells)
        with pytest.raises(MissingKeyError, match="no context"):
            model.predict(["G00"], context="type7")


def test_folders_without_a_whole_model_are_refused(tmp_path, fitted) -> None:
    with pytest.raises(InputError, match="holds no model"):
        rl.response.load(tmp_path)
    fitted["latent-additive"].save(tmp_path)
    with pytest.raises(InputError, match="of kind 'latent-additive'"):
        rl.response.GEARS.load(tmp_path)
    path = tmp_path / "model.safetensors"
    path.write_bytes(path.read_bytes()[:-100])
    with pytest.raises(ResourceError, match="no whole checkpoint"):
        rl.response.load(tmp_path)


def test_interactions_of_predicted_pairs(fitted) -> None:
    table = rl.response.interactions(fitted["latent-additive"], ["G01+G00", "G03+G04"])
    assert table.index.tolist() == ["G00+G01", "G03+G04"]
    first, second, both = fitted["latent-additive"].predict(["G00", "G01", "G00+G01"]).delta
    expected = rl.evaluate.interaction(first, second, both)
    assert table.loc["G00+G01", "c1"] == pytest.approx(expected["c1"], rel=1e-6)
    assert table.loc["G00+G01", "dcor"] == pytest.approx(expected["dcor"], rel=1e-6)
    assert table["source"].tolist() == ["trained", "trained"]
    with pytest.raises(InputError, match="not two genes"):
        rl.response.interactions(fitted["linear"], ["G00"])
