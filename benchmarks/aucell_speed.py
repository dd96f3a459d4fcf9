"""AUCell against pySCENIC, decoupler, rustscenic and flashscenic: seconds, CPU seconds, peak memory, in one run.

``python benchmarks/aucell_speed.py --pyscenic PY --decoupler PY --rustscenic PY [--flashscenic PY] [-o FILE.json]``

Each PY is the Python of an environment that holds that program (or set ``REGULOOM_PEER_PYSCENIC`` and so on). Every
program runs in its own process, one after the other, on the same counts and gene sets, handed over in the form that
suits it best (CSR, or the dense table that pySCENIC asks for) and with the same number of threads. Reading, imports
and compilation are not timed: each scores 200 cells first. The fastest of several repeats counts.

This file is its own worker, so that it imports nothing but the standard library, numpy and scipy at the top.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import scipy.sparse as sp

PEERS = ("pyscenic", "decoupler", "rustscenic", "flashscenic")
SIZES = {"5k": (5_000, 10_000, 300), "15k": (15_000, 10_000, 300)}
SEED = 777
WARM_UP_CELLS = 200
QUICK_SECONDS = 8.0


def make_input(folder: Path, n_cells: int, n_genes: int, n_sets: int) -> None:
    """Write counts of about 10 % density and gene sets of 20 to 300 genes."""
    rng = np.random.default_rng(0)
    rates = 0.35 * rng.lognormal(-2, 1.5, n_genes)
    blocks = [sp.csr_matrix(rng.poisson(rates, (min(1000, n_cells - at), n_genes)).astype(np.float32))
              for at in range(0, n_cells, 1000)]  # fmt: skip
    sp.save_npz(folder / "counts.npz", sp.vstack(blocks, format="csr"), compressed=False)
    genes = [f"g{i}" for i in range(n_genes)]
    sets = {f"TF{k}(+)": [genes[i] for i in rng.choice(n_genes, rng.integers(20, 300), replace=False)]
            for k in range(n_sets)}  # fmt: skip
    (folder / "sets.json").write_text(json.dumps(sets))


Scorer = Callable[[sp.csr_matrix], np.ndarray]


def reguloom_scorer(genes: list[str], sets: dict[str, list[str]], n_threads: int) -> Scorer:
    """Return our scorer."""
    import anndata
    import pandas as pd

    from reguloom.activity import aucell_frame
    from reguloom.core import Regulons

    regulons = Regulons.from_dict(sets)
    var = pd.DataFrame(index=genes)

    def score(counts: sp.csr_matrix) -> np.ndarray:
        adata = anndata.AnnData(counts, var=var)
        return aucell_frame(adata, regulons, rng=SEED, n_jobs=n_threads)[list(sets)].to_numpy()

    return score


def pyscenic_scorer(genes: list[str], sets: dict[str, list[str]], n_threads: int) -> Scorer:
    """Return pySCENIC's scorer; it takes dense tables alone."""
    import pandas as pd
    from ctxcore.genesig import GeneSignature
    from pyscenic.aucell import aucell

    signatures = [GeneSignature(name=name, gene2weight=dict.fromkeys(members, 1.0)) for name, members in sets.items()]

    def score(counts: sp.csr_matrix) -> np.ndarray:
        names = [f"c{i}" for i in range(counts.shape[0])]
        frame = pd.DataFrame(counts.toarray(), index=names, columns=genes)
        found = aucell(frame, signatures, noweights=True, seed=SEED, num_workers=n_threads)
        return found.loc[names, list(sets)].to_numpy()

    return score


def decoupler_scorer(genes: list[str], sets: dict[str, list[str]], n_threads: int) -> Scorer:
    """Return decoupler's scorer."""
    import anndata
    import decoupler
    import pandas as pd

    net = pd.DataFrame(
        [(name, gene) for name, members in sets.items() for gene in members], columns=["source", "target"]
    )

    def score(counts: sp.csr_matrix) -> np.ndarray:
        adata = anndata.AnnData(counts, var=pd.DataFrame(index=genes))
        decoupler.mt.aucell(adata, net, tmin=0)
        return adata.obsm["score_aucell"][list(sets)].to_numpy()

    return score


def rustscenic_scorer(genes: list[str], sets: dict[str, list[str]], n_threads: int) -> Scorer:
    """Return rustscenic's scorer."""
    import rustscenic.aucell

    return lambda counts: rustscenic.aucell.score((counts, genes), sets)[list(sets)].to_numpy()


def flashscenic_scorer(genes: list[str], sets: dict[str, list[str]], n_threads: int) -> Scorer:
    """Return flashscenic's scorer on the CPU, with all genes of a set (its default keeps 50)."""
    import flashscenic
    import torch

    torch.set_num_threads(n_threads)
    column = {gene: i for i, gene in enumerate(genes)}
    members = np.zeros((len(sets), len(genes)), np.float32)
    for row, names in enumerate(sets.values()):
        members[row, [column[gene] for gene in names]] = 1
    k = int(members.sum(axis=1).max())
    return lambda counts: np.asarray(flashscenic.get_aucell(counts.toarray(), members, k=k, device="cpu", seed=SEED))


def work(name: str, folder: Path, n_threads: int, n_repeats: int) -> None:
    """Be the worker: score, and write seconds, memory and scores."""
    counts = sp.load_npz(folder / "counts.npz")
    sets = json.loads((folder / "sets.json").read_text())
    genes = [f"g{i}" for i in range(counts.shape[1])]
    score = globals()[f"{name}_scorer"](genes, sets, n_threads)
    score(counts[:WARM_UP_CELLS])
    before = peak_mb()
    walls, cpus = [], []
    # Quick programs repeat for longer: on a busy machine only the fastest of many runs is undisturbed.
    while len(walls) < n_repeats or (sum(walls) < QUICK_SECONDS and len(walls) < 50):
        wall, cpu = time.perf_counter(), cpu_seconds()
        scores = score(counts)
        walls.append(time.perf_counter() - wall)
        cpus.append(cpu_seconds() - cpu)
    np.save(folder / f"{name}.npy", np.asarray(scores, dtype=np.float64))
    figures = {"wall_s": min(walls), "cpu_s": min(cpus), "peak_mb": peak_mb(), "peak_before_mb": before}
    (folder / f"{name}.json").write_text(json.dumps(figures))


def peak_mb() -> float:
    """Return the largest resident size of this process plus that of its largest child."""
    usage = (resource.getrusage(who).ru_maxrss for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    return sum(usage) / 1024


def cpu_seconds() -> float:
    """Return the CPU time of this process and of its finished children."""
    usage = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(one.ru_utime + one.ru_stime for one in usage)


def measure(name: str, python: str, folder: Path, n_threads: int, n_repeats: int) -> dict[str, float]:
    """Run one program in its own interpreter and return its figures."""
    variables = ("OMP_NUM_THREADS", "NUMBA_NUM_THREADS", "RAYON_NUM_THREADS", "OPENBLAS_NUM_THREADS")
    environment = {**os.environ, **dict.fromkeys(variables, str(n_threads))}
    command = [python, __file__, "--worker", name, str(folder), str(n_threads), str(n_repeats)]
    done = subprocess.run(command, capture_output=True, text=True, env=environment)
    if done.returncode != 0:
        raise SystemExit(f"{name} ended with {done.returncode}:\n{done.stderr[-2000:]}")
    return json.loads((folder / f"{name}.json").read_text())


def agreement(ours: np.ndarray, theirs: np.ndarray) -> dict[str, float]:
    """Return the largest difference, and the median correlation over cells of each gene set."""
    a, b = ours - ours.mean(axis=0), theirs - theirs.mean(axis=0)
    norms = np.sqrt((a**2).sum(axis=0) * (b**2).sum(axis=0))
    correlations = (a * b).sum(axis=0)[norms > 0] / norms[norms > 0]
    return {"max_difference": float(abs(ours - theirs).max()), "median_r": float(np.median(correlations))}


def compare(pythons: dict[str, str], sizes: list[str], n_threads: int, n_repeats: int) -> list[dict[str, object]]:
    """Measure every program at every size."""
    rows: list[dict[str, object]] = []
    for size in sizes:
        with tempfile.TemporaryDirectory() as name:
            folder = Path(name)
            make_input(folder, *SIZES[size])
            for program, python in pythons.items():
                repeats = 1 if program == "flashscenic" else n_repeats
                figures = measure(program, python, folder, n_threads, repeats)
                ours = np.load(folder / "reguloom.npy")
                row = {"size": size, "shape": SIZES[size], "program": program, **figures}
                row.update(agreement(ours, np.load(folder / f"{program}.npy")))
                rows.append(row)
                print(f"{size} {program}: {figures['wall_s']:.3f} s", file=sys.stderr, flush=True)
    return rows


def show(rows: list[dict[str, object]]) -> str:
    """Return the rows as a markdown table, with each program's time as a multiple of ours."""
    lines = [
        "| cells × genes × regulons | program | wall s | CPU s | × ours wall | × ours CPU | peak MB | max diff | r |",
        "|---|---|---|---|---|---|---|---|---|",
    ]
    ours = {row["size"]: row for row in rows if row["program"] == "reguloom"}
    for row in rows:
        base = ours[row["size"]]
        ratios = (float(row[key]) / float(base[key]) for key in ("wall_s", "cpu_s"))
        shape = " × ".join(f"{n:,}" for n in row["shape"])
        wall, cpu = (f"{ratio:.1f}" for ratio in ratios)
        lines.append(
            f"| {shape} | {row['program']} | {row['wall_s']:.3f} | {row['cpu_s']:.2f} | {wall} | {cpu} | "
            f"{row['peak_mb']:.0f} | {row['max_difference']:.1e} | {row['median_r']:.4f} |"
        )
    return "\n".join(lines)


def main() -> None:
    """Read the options and run."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    for peer in PEERS:
        parser.add_argument(f"--{peer}", default=os.environ.get(f"REGULOOM_PEER_{peer.upper()}"), metavar="PYTHON")
    parser.add_argument("--sizes", nargs="+", choices=list(SIZES), default=list(SIZES))
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("-o", "--output", type=Path, default=None, help="write the figures as JSON")
    options = parser.parse_args()
    pythons = {"reguloom": sys.executable}
    pythons |= {peer: getattr(options, peer) for peer in PEERS if getattr(options, peer)}
    rows = compare(pythons, options.sizes, options.threads, options.repeats)
    machine = {"python": platform.python_version(), "cpu_count": os.cpu_count(), "threads": options.threads}
    if options.output is not None:
        options.output.write_text(json.dumps({"machine": machine, "rows": rows}, indent=1) + "\n")
    print(show(rows))


if __name__ == "__main__":
    if sys.argv[1:2] == ["--worker"]:
        work(sys.argv[2], Path(sys.argv[3]), int(sys.argv[4]), int(sys.argv[5]))
    else:
        main()
