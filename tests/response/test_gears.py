"""GEARS against the original's numbers, its graph convolution against dense algebra, and its loss by hand."""

from __future__ import annotations

import json

import numpy as np
import pandas as pd
import pytest

torch = pytest.importorskip("torch", reason="the extra deep is not installed")

from scipy.sparse import csr_array  # noqa: E402

import reguloom as rl  # noqa: E402
from reguloom import InputError  # noqa: E402
from reguloom.core import PerturbationData  # noqa: E402
from reguloom.response._torch.gears import GearsNet, gears_loss, grid_normed  # noqa: E402
from reguloom.response._torch.layers import GraphConvolution  # noqa: E402
from reguloom.response.gene_graphs import annotation_graph, coexpression_graph, normalised  # noqa: E402


@pytest.fixture(scope="module")
def golden(shared):
    """What cell-gears 0.1.2 made of the simulated screen."""
    folder = shared / "golden" / "gears" / "sim_a"
    data = np.load(folder / "input.npz", allow_pickle=True)
    return {
        "genes": pd.Index(data["genes"].astype(str)),
        "X": data["X"],
        "condition": data["condition"].astype(str),
        "name": data["condition_name"].astype(str),
        "terms": json.loads((folder / "gene2go.json").read_text()),
        "splits": json.loads((folder / "splits.json").read_text()),
        "used": json.loads((folder / "uns_non_zeros_gene_idx.json").read_text()),
        "metrics": json.loads((folder / "metrics.json").read_text()),
        "forward": np.load(folder / "forward_init.npz", allow_pickle=True),
        "annotation": pd.read_csv(folder / "go_edges_jaccard.csv.gz"),
        "coexpression": pd.read_csv(folder / "coexpression_network.csv.gz"),
    }


def edges(graph: csr_array, names: pd.Index) -> dict[tuple[str, str], float]:
    whole = graph.tocoo()
    return {(names[s], names[t]): w for t, s, w in zip(*whole.coords, whole.data, strict=True)}


def expected(table: pd.DataFrame) -> dict[tuple[str, str], float]:
    return {(a, b): w for a, b, w in table[["source", "target", "importance"]].itertuples(index=False)}


def coexpressed(golden) -> csr_array:
    train = golden["splits"]["simulation_seed1"]["sets"]["train"]
    chosen = [one in train and "ctrl" in one for one in golden["condition"]]
    return coexpression_graph(golden["X"][chosen])


def test_graphs_are_the_originals(golden) -> None:
    nodes, graph = annotation_graph(golden["terms"], golden["genes"], n_neighbors=10_000)
    found, wanted = edges(graph, nodes), expected(golden["annotation"])
    assert found.keys() == wanted.keys()
    assert max(abs(found[pair] - wanted[pair]) for pair in wanted) < 1e-12
    found, wanted = edges(coexpressed(golden), golden["genes"]), expected(golden["coexpression"])
    assert found.keys() == wanted.keys()
    # The original's correlations are of single precision; 7.4e-6 is measured.
    assert max(abs(found[pair] - wanted[pair]) for pair in wanted) < 1e-5


def test_forward_pass_and_loss_are_the_originals(golden) -> None:
    forward = golden["forward"]
    _, graph = annotation_graph(golden["terms"], golden["genes"])
    net = GearsNet(normalised(coexpressed(golden)), normalised(graph), hidden=32, compat=True).eval()
    weights = {name[3:].replace(".network.", "."): torch.from_numpy(forward[name]) for name in forward.files
               if name.startswith("w::")}  # fmt: skip
    missing, unused = net.load_state_dict(weights, strict=False)
    assert not missing
    assert all(name.startswith(("pert_w", "bn_pert_base_trans")) for name in unused)
    design = np.zeros((32, 120), dtype=np.float32)
    for row, genes in zip(design, forward["pert_idx"], strict=True):
        row[genes[genes >= 0]] += 1
    x = torch.from_numpy(forward["x"].reshape(32, 120))
    with torch.no_grad():
        predicted = x + net(torch.from_numpy(design))[0]
    assert np.abs(predicted.numpy() - forward["pred"]).max() < 1e-5

    labels = list(dict.fromkeys(forward["pert"]))
    used = np.zeros((len(labels), 120), dtype=np.float32)
    names = dict(zip(golden["condition"], golden["name"], strict=True))
    for row, label in zip(used, labels, strict=True):
        row[golden["used"].get(names[label], slice(None))] = 1
    loss = gears_loss(
        torch.from_numpy(forward["pred"]),
        torch.from_numpy(forward["y"]),
        condition=torch.tensor([labels.index(one) for one in forward["pert"]]),
        used=torch.from_numpy(used),
        control=torch.from_numpy(golden["X"][golden["condition"] == "ctrl"].mean(axis=0)),
    )
    assert loss.item() == pytest.approx(golden["metrics"]["loss_fct"], rel=1e-5)


def test_graph_convolution_is_dense_algebra() -> None:
    rng = np.random.default_rng(0)
    dense = rng.random((9, 9)) * (rng.random((9, 9)) < 0.4)
    np.fill_diagonal(dense, [0.7, 0, 0, 0.3, 0, 0, 0, 0, 0])
    whole = dense + np.diag(np.where(np.diag(dense) == 0, 1.0, 0.0))  # missing loops have weight 1, others stay
    scale = 1 / np.sqrt(whole.sum(axis=1))
    matrix = scale[:, None] * whole * scale[None]
    assert np.allclose(normalised(csr_array(dense)).toarray(), matrix)
    layer = GraphConvolution(normalised(csr_array(dense)), 5, 3).double()
    layer.product.forward_matrix = layer.product.forward_matrix.double()
    layer.product.transposed = layer.product.transposed.double()
    x = torch.tensor(rng.normal(size=(9, 5)), requires_grad=True)
    weight, bias = (one.detach().numpy() for one in (layer.lin.weight, layer.lin.bias))
    made = layer(x)
    assert np.allclose(made.detach().numpy(), matrix @ x.detach().numpy() @ weight.T + bias, atol=1e-6)
    made.pow(2).sum().backward()
    assert np.allclose(x.grad.numpy(), matrix.T @ (2 * made.detach().numpy()) @ weight, atol=1e-5)


def small_net(*, compat: bool) -> GearsNet:
    rng = np.random.default_rng(0)
    graph = normalised(csr_array(rng.random((12, 12)) * (rng.random((12, 12)) < 0.4)))
    torch.manual_seed(0)
    return GearsNet(graph, graph, hidden=8, compat=compat)


def test_only_the_compatible_net_treats_the_first_cell_apart() -> None:
    design = np.zeros((4, 12), dtype=np.float32)
    design[:, 3] = 1.0
    for compat in (True, False):
        net = small_net(compat=compat).eval()
        with torch.no_grad():
            made, alone = (net(torch.from_numpy(rows))[0] for rows in (design, design[:1]))
        assert torch.allclose(made[1], made[3])
        assert torch.allclose(made[0], alone[0], atol=1e-6)
        assert torch.allclose(made[0], made[1], atol=1e-6) != compat


@pytest.mark.parametrize("training", [True, False])
def test_normalising_a_grid_is_batch_normalisation_of_all_pairs(training: bool) -> None:
    torch.manual_seed(0)
    norms = [torch.nn.BatchNorm1d(5).train(training) for _ in range(2)]
    for norm in norms:
        norm.weight.data, norm.bias.data = torch.arange(1.0, 6), torch.ones(5)
        norm.running_mean, norm.running_var = torch.ones(5), torch.full((5,), 2.0)
    genes, cells = torch.randn(7, 5, requires_grad=True), torch.randn(3, 5, requires_grad=True)
    wanted = norms[0]((genes[:, None] + cells[None]).reshape(-1, 5))
    one, other = grid_normed(norms[1], genes, cells)
    found = (one[:, None] + other[None]).reshape(-1, 5)
    assert torch.allclose(found, wanted, atol=1e-5)
    for name, value in norms[0].state_dict().items():
        assert torch.allclose(norms[1].state_dict()[name], value, atol=1e-6), name
    weight = torch.randn_like(wanted)
    slopes = [torch.autograd.grad((table * weight).sum(), (genes, cells)) for table in (wanted, found)]
    assert all(torch.allclose(a, b, atol=1e-4) for a, b in zip(*slopes, strict=True))


def test_order_of_cells_does_not_matter_and_controls_are_left_alone() -> None:
    net = small_net(compat=False).eval()
    design = np.zeros((3, 12), dtype=np.float32)
    design[1, 2] = design[2, [4, 5]] = 1.0
    with torch.no_grad():
        made, turned = net(torch.from_numpy(design))[0], net(torch.from_numpy(design[::-1].copy()))[0]
        assert torch.allclose(made, turned.flip(0), atol=1e-6)
        assert not net.perturbations(torch.from_numpy(design))[0].any()


def test_loss_by_hand_and_the_sign_that_has_no_gradient() -> None:
    predicted = torch.tensor([[1.0, 2.0], [0.0, 1.0], [2.0, 2.0]], requires_grad=True)
    observed = torch.tensor([[2.0, 2.0], [1.0, 3.0], [2.0, 0.0]])
    settings = {"condition": torch.tensor([0, 0, 1]), "control": torch.tensor([1.0, 1.0]),
                "used": torch.tensor([[1.0, 1.0], [0.0, 1.0]])}  # fmt: skip
    loss = gears_loss(predicted, observed, direction=0.1, **settings)
    # Errors to the fourth power plus 0.1 (sign(y - c) - sign(p - c))², means over genes, cells, perturbations.
    cell_1, cell_2 = (1 + 0.1 * 1 + 0 + 0) / 2, (1 + 0.1 * 1 + 16 + 0.1 * 1) / 2
    cell_3 = 16 + 0.1 * 4
    assert loss.item() == pytest.approx(((cell_1 + cell_2) / 2 + cell_3) / 2)
    gradients = []
    for direction, sharpness in ((0.0, None), (5.0, None), (5.0, 2.0)):
        predicted.grad = None
        gears_loss(predicted, observed, direction=direction, sharpness=sharpness, **settings).backward()
        gradients.append(predicted.grad.clone())
    assert torch.equal(gradients[0], gradients[1])
    assert not torch.allclose(gradients[0], gradients[2])


def test_the_uncertainty_head_learns_which_genes_are_noisy(make_screen) -> None:
    cells = make_screen(n_cells=25)
    noisy = np.arange(30) % 2 == 0
    rng = np.random.default_rng(0)
    cells.X = np.clip(cells.X + noisy * rng.normal(0, 0.7, cells.X.shape), 0, None).astype(np.float32)
    data = PerturbationData.from_anndata(cells, values="log")
    model = rl.response.GEARS(hidden=16, max_epochs=40, lr=1e-2, cells_each=4, uncertainty=True).fit(data)
    from reguloom.response._torch.gears_task import changes

    logs = changes(model.members_[0], model.state.sources.resolve(model.state.conditions).design)[1].mean(axis=0)
    assert logs[noisy].mean() > logs[~noisy].mean() + 0.3
    assert (model.predict(["G00"]).obs["uncertainty"] > 0).all()


def test_compat_wants_annotation_and_leaves_unknown_genes_out(make_screen) -> None:
    data = PerturbationData.from_anndata(make_screen(n_cells=20), values="log")
    with pytest.raises(InputError, match="needs annotation"):
        rl.response.GEARS(compat=True).fit(data)
    terms = {f"G{i:02d}": {f"T{i % 3}"} for i in range(1, 30)}
    with pytest.warns(rl.ValidityWarning, match="2 training perturbations are"):
        model = rl.response.GEARS(annotation=terms, compat=True, hidden=8, max_epochs=1).fit(data)
    assert model.predict(["G00"]).obs["source"].tolist() == ["mean"]
    # By default a gene without annotation has a node of its own.
    own = rl.response.GEARS(annotation=terms, hidden=8, max_epochs=1).fit(data)
    assert own.predict(["G00"]).obs["source"].tolist() == ["trained"]


def test_squares_are_least_at_the_mean_and_fourth_powers_are_not() -> None:
    rng = np.random.default_rng(0)
    n = 4000
    # A gene with transcripts in a tenth of the control cells, and in half of the perturbed ones.
    control, observed = (torch.from_numpy(2.0 * (rng.random((n, 1)) < share)) for share in (0.1, 0.5))
    truth = float(observed.mean() - control.mean())
    tried = np.linspace(0, 2, 401)
    told = {"condition": torch.zeros(n, dtype=torch.int64), "used": torch.ones((1, 1)), "control": torch.zeros(1)}
    best = {}
    for focus in (0.0, 2.0):
        losses = [float(gears_loss(control + change, observed, direction=0.0, focus=focus, **told)) for change in tried]
        best[focus] = tried[int(np.argmin(losses))]
    assert best[0.0] == pytest.approx(truth, abs=0.006)
    assert abs(best[2.0] - truth) > 0.05


@pytest.mark.parametrize("n_cells", [15, 60])
def test_the_learning_rate_falls_by_updates_and_in_compat_by_epochs(make_screen, n_cells: int) -> None:
    from reguloom.response._torch.gears_task import GearsTask, epochs_of_step

    data = PerturbationData.from_anndata(make_screen(n_cells=n_cells), values="log")
    settings = {"hidden": 4, "lr_step": 30, "cells_each": 4, "batch_size": 8}
    model = rl.response.GEARS(**settings, max_epochs=1).fit(data)
    every = np.arange(data.n_cells)
    epochs = epochs_of_step(model.params, data, every)
    task = GearsTask(model, data, every, every[-9:], module=model.members_[0], seed=0)
    batches = list(task.batches(0, np.random.default_rng(0)))
    assert 30 / 1.5 < epochs * len(batches) < 30 * 1.5
    # Ten steps, where the epochs are not told.
    rates = rl.response.GEARS(**{**settings, "cells_each": 40, "lr_step": 1}).fit(data).history_["lr"]
    assert rates.iloc[0] == 1e-3 and rates.iloc[-1] == pytest.approx(1e-3 * 0.5**9)
    terms = {name: {"T"} for name in data.genes}
    rates = rl.response.GEARS(**settings, annotation=terms, compat=True, max_epochs=3).fit(data).history_["lr"]
    assert rates.tolist() == pytest.approx([1e-3, 5e-4, 2.5e-4])


def test_a_batch_holds_cells_of_a_few_perturbations(make_screen) -> None:
    from reguloom.response._torch.gears_task import GearsTask, units_of

    data = PerturbationData.from_anndata(make_screen(n_cells=30, contexts=2), covariates="cell_type", values="log")
    model = rl.response.GEARS(hidden=4, batch_size=6, cells_each=5, max_epochs=1).fit(data)
    train = np.flatnonzero(data.condition_codes != 3)
    task = GearsTask(model, data, train, train[-9:], module=model.members_[0], seed=0)
    seen, others = [], []
    for cells, partners in task.batches(0, np.random.default_rng(0)):
        sizes = np.unique(units_of(data, cells), return_counts=True)[1]
        assert len(sizes) <= 6 and len(cells) <= 30
        assert data.is_control[partners].all()
        assert (data.context_codes[partners] == data.context_codes[cells]).all()
        seen.append(cells)
        others.append(task.step((cells, partners), None)["loss"].item())
    seen = np.concatenate(seen)
    assert len(np.unique(seen)) == len(seen) > 0.9 * len(train)
    assert set(seen) <= set(train) and np.isfinite(others).all()


def test_contexts_are_told_apart(make_screen) -> None:
    cells = make_screen(n_cells=30, contexts=2)
    effect = cells.uns["effect"]
    perturbed = (cells.obs["perturbation"] == "G00") & (cells.obs["cell_type"] == "type1")
    # In the second type one gene does the opposite of what it does in the first.
    cells.X[perturbed.to_numpy()] -= 2 * effect["G00"].to_numpy()
    cells.X = np.clip(cells.X, 0, None).astype(np.float32)
    data = PerturbationData.from_anndata(cells, covariates="cell_type", values="log")
    model = rl.response.GEARS(hidden=16, lr=5e-3, lr_step=60, max_epochs=45).fit(data)
    bulk = data.pseudobulk()
    agreement = {}
    for context in data.contexts:
        found = model.predict(["G00"], context=context).delta[0]
        agreement[context] = [np.corrcoef(found, bulk.delta[bulk.position("G00", one)])[0, 1] for one in data.contexts]
    assert agreement["type0"][0] > 0.5 > 0 > agreement["type0"][1]
    assert agreement["type1"][1] > 0.5 > 0 > agreement["type1"][0]
    both = model.predict("G00", data.select(np.flatnonzero(data.is_control)))
    where = data.context_codes[data.is_control]
    for code, context in enumerate(data.contexts):
        assert np.allclose(both.delta[where == code], model.predict(["G00"], context=context).delta[0], atol=1e-6)
