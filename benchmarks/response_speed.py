"""One training step of GEARS beside cell-gears at the size of Norman et al.; memory of a screen with its graphs.

    python benchmarks/response_speed.py --gears PEER/bin/python      # steps of both, CPU seconds, one thread each
    python benchmarks/response_speed.py --memory [--backed]          # peak memory of data, graphs and an epoch

The shapes are those of the Norman screen: 5,045 genes, 9,853 genes in the annotation graph with 202,314 edges, 5,995
edges of co-expression, batches of 32 cells. Both tools get the same graphs, batches and weights; in `compat` the
forward pass, with the original's defect of applying the co-expression graph to the first cell alone, has to be equal.
"""

from __future__ import annotations

import argparse
import json
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

GENES, NODES, BATCH, EDGES_GO, EDGES_CO = 5045, 9853, 32, 202_314, 5995


def graphs(n_genes: int, n_nodes: int) -> dict[str, np.ndarray]:
    """Random edges (source, target) with weights; every node with itself."""
    rng = np.random.default_rng(0)
    made = {}
    for name, n, n_edges in (
        ("co", n_genes, n_genes * EDGES_CO // GENES),
        ("go", n_nodes, n_nodes * EDGES_GO // NODES),
    ):
        pairs = rng.integers(0, n, size=(2 * n_edges, 2))
        pairs = np.unique(pairs[pairs[:, 0] != pairs[:, 1]], axis=0)
        pairs = rng.permutation(pairs)[: n_edges - n]
        own = np.repeat(np.arange(n)[:, None], 2, axis=1)
        made[name] = np.concatenate([own, pairs])
        made[f"{name}_weight"] = np.concatenate([np.ones(n), rng.uniform(0.1, 0.9, len(pairs))]).astype(np.float32)
    return made


def batch(n_genes: int, n_nodes: int) -> dict[str, np.ndarray]:
    """Expression of a batch, and the genes that each cell received: two, or none for the last two cells."""
    rng = np.random.default_rng(1)
    x = rng.poisson(1.0, size=(2, BATCH, n_genes)).astype(np.float32)
    return {"x": np.log1p(x[0]), "y": np.log1p(x[1]), "perturbed": rng.integers(0, n_nodes, size=(BATCH - 2, 2))}


def theirs(options: argparse.Namespace) -> dict[str, float]:
    """Run in the other tool's environment; nothing of reguloom is imported."""
    import torch
    from gears.model import GEARS_Model
    from gears.utils import loss_fct
    from torch_geometric.data import Batch, Data

    torch.set_num_threads(1)
    torch.manual_seed(0)
    g, b = graphs(options.genes, options.nodes), batch(options.genes, options.nodes)
    args = {
        "num_genes": options.genes, "num_perts": options.nodes, "hidden_size": 64, "uncertainty": False,
        "num_go_gnn_layers": 1, "num_gene_gnn_layers": 1, "decoder_hidden_size": 16, "no_perturb": False,
        "device": "cpu", "coexpress_threshold": 0.4, "num_similar_genes_go_graph": 20,
        "num_similar_genes_co_express_graph": 20, "pert_emb_lambda": 0.2,
        "G_coexpress": torch.tensor(g["co"].T), "G_coexpress_weight": torch.tensor(g["co_weight"]),
        "G_go": torch.tensor(g["go"].T), "G_go_weight": torch.tensor(g["go_weight"]),
    }  # fmt: skip
    model = GEARS_Model(args)
    lists = [*b["perturbed"].tolist(), [-1], [-1]]
    cells = [Data(x=torch.tensor(x[:, None]), pert_idx=one, y=torch.tensor(y[None]))
             for x, y, one in zip(b["x"], b["y"], lists, strict=True)]  # fmt: skip
    whole = Batch.from_data_list(cells)
    model.eval()
    with torch.no_grad():
        model(whole)  # embeddings are shortened in place at the first look-up
        forward = model(whole).numpy()
    state = {name: one.numpy() for name, one in model.state_dict().items()}
    np.savez(options.exchange, forward=forward, **{f"w::{name}": one.copy() for name, one in state.items()})
    names = [f"A{i}+B{i}" for i in range(BATCH - 2)] + ["ctrl", "ctrl"]
    used = {name: np.arange(options.genes) for name in names}
    adam = torch.optim.Adam(model.parameters(), lr=1e-3, weight_decay=5e-4)
    control = torch.tensor(b["x"].mean(axis=0))

    def step() -> None:
        adam.zero_grad()
        loss = loss_fct(model(whole), whole.y, names, ctrl=control, dict_filter=used, direction_lambda=0.1)
        loss.backward()
        torch.nn.utils.clip_grad_value_(model.parameters(), 1.0)
        adam.step()

    model.train()
    return timed(step, options.steps)


def ours(options: argparse.Namespace) -> dict[str, float]:
    """Run reguloom on the same graphs, batch and weights."""
    import torch
    from scipy.sparse import coo_array, csr_array

    from reguloom.response._torch.gears import GearsNet, gears_loss
    from reguloom.response.gene_graphs import normalised

    torch.set_num_threads(1)
    torch.manual_seed(0)
    g, b = graphs(options.genes, options.nodes), batch(options.genes, options.nodes)
    made = [normalised(csr_array(coo_array((g[f"{name}_weight"], (g[name][:, 1], g[name][:, 0])), shape=(n, n))))
            for name, n in (("co", options.genes), ("go", options.nodes))]  # fmt: skip
    design = np.zeros((BATCH, options.nodes), dtype=np.float32)
    for row, pair in zip(design, b["perturbed"], strict=False):
        np.add.at(row, pair, 1.0)
    x, y, design = (torch.from_numpy(one) for one in (b["x"], b["y"], design))
    found = {}
    if options.exchange.exists():
        with np.load(options.exchange) as stored:
            weights = {name[3:].replace(".network.", "."): torch.from_numpy(stored[name]) for name in stored.files
                       if name.startswith("w::")}  # fmt: skip
            copy = GearsNet(*made, compat=True).eval()
            copy.load_state_dict(weights, strict=False)
            with torch.no_grad():
                forward = (x + copy(design)[0]).numpy()
            found["compat_difference"] = float(np.abs(forward - stored["forward"]).max())
            copy.compat = False
            with torch.no_grad():
                mended = (x + copy(design)[0]).numpy()
            found["first_cell_defect"] = float(np.abs(mended - stored["forward"])[1:].max())
    net = GearsNet(*made)
    adam = torch.optim.Adam(net.parameters(), lr=1e-3, weight_decay=5e-4)
    condition = torch.tensor([*range(BATCH - 2), BATCH - 2, BATCH - 2])
    used, control = torch.ones((BATCH - 1, options.genes)), x.mean(dim=0)

    def step() -> None:
        adam.zero_grad()
        loss = gears_loss(x + net(design)[0], y, condition=condition, used=used, control=control)
        loss.backward()
        torch.nn.utils.clip_grad_value_(net.parameters(), 1.0)
        adam.step()

    net.train()
    return {**timed(step, options.steps), **found}


def timed(step: object, n: int) -> dict[str, float]:
    """Return CPU and wall seconds of the fastest of `n` steps after the first, and the peak memory."""
    step()
    cpu, wall = [], []
    for _ in range(n):
        begun = (time.process_time(), time.perf_counter())
        step()
        cpu.append(time.process_time() - begun[0])
        wall.append(time.perf_counter() - begun[1])
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e3
    return {"cpu_s": min(cpu), "wall_s": min(wall), "peak_mb": peak}


def memory(options: argparse.Namespace) -> dict[str, float]:
    """Make a screen of the size of Norman's on disk, then read it, build the graphs and take batches."""
    path = options.exchange.with_suffix(".h5ad")
    subprocess.run([sys.executable, __file__, "--side", "screen", "--exchange", str(path)], check=True)
    found = {}
    for name in options.models:
        more = ["--backed"] if options.backed else []
        made = subprocess.run([sys.executable, __file__, "--side", "memory", "--exchange", str(path), "--models", name,
                               "--batches", str(options.batches), *more],
                              check=True, capture_output=True, text=True)  # fmt: skip
        found[name] = json.loads(made.stdout.splitlines()[-1])
    return found


def write_screen(path: Path) -> None:
    """91,000 cells, 5,000 genes, nearly a tenth of the values above 0; 100 single genes, 131 pairs."""
    import anndata
    import pandas as pd
    from scipy import sparse

    rng = np.random.default_rng(0)
    n_cells, n_genes, per_cell = 91_000, 5000, 500
    columns = np.sort(rng.integers(0, n_genes, (n_cells, per_cell), dtype=np.int32), axis=1)
    data = np.log1p(rng.poisson(1.0, columns.size) + 1).astype(np.float32)
    X = sparse.csr_matrix((data, columns.ravel(), np.arange(0, columns.size + 1, per_cell)), shape=(n_cells, n_genes))
    X.sum_duplicates()
    genes = [f"G{i}" for i in range(n_genes)]
    singles = genes[:100]
    pairs = [f"{singles[i % 100]}+{singles[(7 * i + 3) % 100]}" for i in range(131)]
    labels = ["control", *singles, *pairs]
    obs = pd.DataFrame({"perturbation": pd.Categorical([labels[i] for i in rng.integers(0, len(labels), n_cells)])})
    obs.index = [f"c{i}" for i in range(n_cells)]
    anndata.AnnData(X, obs=obs, var=pd.DataFrame(index=genes)).write_h5ad(path)


def measure_memory(path: Path, name: str, n_batches: int, backed: bool) -> dict[str, float]:
    """Return the peak after reading and after an epoch cut to so many updates, in MB, and seconds of an update.

    The peak of a whole epoch is that of its first updates; the validation at its end is whole.
    """
    import itertools

    import anndata

    from reguloom import response
    from reguloom.core import PerturbationData
    from reguloom.response._torch import cpa_task, gears_task, latent_additive, scgen

    def peak() -> float:
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e3

    rng = np.random.default_rng(0)
    terms = {f"G{i}": {f"T{one}" for one in rng.integers(0, 2000, 12)} for i in range(5000)}
    data = PerturbationData.from_anndata(anndata.read_h5ad(path, backed="r" if backed else None))
    found = {"read_mb": peak()}
    model = response.models()[name](annotation=terms, max_epochs=1)
    model._state = model._remember(data, np.arange(data.n_cells), {}, 0, None)
    found["graphs_mb"] = peak()
    begun = []

    def few(*args: object, **more: object) -> object:
        begun.append(time.process_time())
        yield from itertools.islice(whole(*args, **more), n_batches)
        begun.append(time.process_time())

    whole = gears_task.shuffled
    for module in (cpa_task, gears_task, latent_additive, scgen):
        module.shuffled = few
    model.fit(data)
    found["epoch_mb"] = peak()
    found["cpu_s_per_update"] = round((begun[1] - begun[0]) / n_batches, 3)
    return found


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--gears", type=Path, default=None, help="Python of an environment with cell-gears.")
    parser.add_argument("--memory", action="store_true")
    parser.add_argument("--backed", action="store_true", help="Leave the matrix on disk.")
    parser.add_argument("--models", nargs="+", default=["gears", "cpa", "scgen", "latent-additive"])
    parser.add_argument("--batches", type=int, default=10)
    parser.add_argument("--genes", type=int, default=GENES)
    parser.add_argument("--nodes", type=int, default=NODES)
    parser.add_argument("--steps", type=int, default=3)
    parser.add_argument("--side", choices=["ours", "theirs", "screen", "memory"], default=None)
    parser.add_argument("--exchange", type=Path, default=None)
    options = parser.parse_args()
    if options.side == "screen":
        write_screen(options.exchange)
    elif options.side == "memory":
        print(json.dumps(measure_memory(options.exchange, options.models[0], options.batches, options.backed)))
    elif options.side:
        print(json.dumps({"ours": ours, "theirs": theirs}[options.side](options)))
    else:
        with tempfile.TemporaryDirectory() as folder:
            options.exchange = Path(folder) / "exchange.npz"
            if options.memory:
                print(json.dumps(memory(options), indent=1))
                return
            found = {}
            for side, python in (("theirs", options.gears), ("ours", Path(sys.executable))):
                if python is not None:
                    command = [python, __file__, "--side", side, "--exchange", options.exchange, "--genes",
                               options.genes, "--nodes", options.nodes, "--steps", options.steps]  # fmt: skip
                    done = subprocess.run([str(one) for one in command], check=True, capture_output=True, text=True)
                    found[side] = json.loads(done.stdout.splitlines()[-1])
            if "theirs" in found:
                found["times_faster"] = round(found["theirs"]["cpu_s"] / found["ours"]["cpu_s"], 2)
            print(json.dumps(found, indent=1))


if __name__ == "__main__":
    main()
