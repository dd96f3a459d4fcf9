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
    model = rl.response.GEARS(hidden=16, max_epochs=8, lr=1e-2, lr_decay=0.9, uncertainty=True).fit(data)
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
