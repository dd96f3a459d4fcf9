"""GRNBoost2 against arboreto and rustscenic on one core: CPU seconds per tree and in total, and peak memory.

``python benchmarks/grn_speed.py --arboreto PY --rustscenic PY [-o FILE.json] [--cases 2k-counts ...]``

Each PY is the Python of an environment that holds that program (or set ``REGULOOM_PEER_ARBORETO`` and
``REGULOOM_PEER_RUSTSCENIC``). arboreto must stand on scikit-learn 1.2.2 or older, where its stopping rule works.
Every program runs in its own process, one after the other, on one thread and the same cells, and fits a target before
the clock starts (imports, compilation). rustscenic stops after some 27 trees, as arboreto on a newer scikit-learn
does, so that its fixed costs fall on few trees: it runs a second time with 250 trees for each target, which is fairer.

The matrix is simulated: genes follow 20 hidden programs, log-normal rates, Poisson counts; 28 % of the regulators'
entries are not 0, which is denser, and so harder, than most single-cell data. ``log`` is log(1 + 10^4 x / total),
whose values are nearly all different.

This file is its own worker, and imports nothing but the standard library and numpy at the top.
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
from pathlib import Path

import numpy as np

#: case -> cells, regulators, targets for us, for arboreto, for rustscenic, kind of values
CASES = {
    "2k-counts": (2_000, 100, 40, 4, 40, "counts"),
    "2k-log": (2_000, 100, 40, 4, 40, "log"),
    "5k-counts": (5_000, 800, 8, 1, 1, "counts"),
    "5k-log": (5_000, 800, 8, 1, 1, "log"),
}
PROGRAMS = ("reguloom", "arboreto", "rustscenic", "rustscenic-250")
TARGETS = {"2k": 20.0, "5k": 40.0}
ONE_THREAD = dict.fromkeys(
    ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "RAYON_NUM_THREADS", "NUMBA_NUM_THREADS"), "1"
)


def make_cells(n_cells: int, n_genes: int, kind: str) -> np.ndarray:
    """Return simulated cells x genes."""
    rng = np.random.default_rng(0)
    programs = rng.normal(size=(n_cells, 20))
    loadings = rng.normal(size=(20, n_genes)) * (rng.random((20, n_genes)) < 0.2)
    rates = np.exp(0.5 * programs @ loadings + rng.normal(-1.6, 1.2, n_genes))
    counts = rng.poisson(rates * rng.lognormal(0, 0.3, (n_cells, 1)))
    if kind == "log":
        counts = np.log1p(counts / np.maximum(counts.sum(axis=1, keepdims=True), 1) * 1e4 * n_genes / 2e4)
    return counts.astype(np.float32)


def fit_reguloom(cells: np.ndarray, n_tfs: int, n_targets: int) -> tuple[int, float]:
    """Fit targets and return the number of trees and the CPU seconds, binning of the regulators included."""
    import pandas as pd

    from reguloom import grn

    names = [f"g{i}" for i in range(cells.shape[1])]
    frame = pd.DataFrame(cells, columns=names)

    def run(targets: list[str]) -> int:
        _, meta = grn.infer(frame, names[:n_tfs], targets=targets, n_jobs=1, return_meta=True)
        return int(meta["n_estimators"].sum())

    return _timed(run, names[n_tfs : n_tfs + n_targets])


def fit_arboreto(cells: np.ndarray, n_tfs: int, n_targets: int) -> tuple[int, float]:
    """Fit targets as arboreto does: its parameters, its stopping monitor, scikit-learn's model."""
    from arboreto.core import SGBM_KWARGS, EarlyStopMonitor, fit_model

    def run(targets: list[int]) -> int:
        total = 0
        for target in targets:
            model = fit_model("GBM", SGBM_KWARGS, cells[:, :n_tfs], cells[:, target].astype(float),
                              early_stop_window_length=EarlyStopMonitor().window_length, seed=1)  # fmt: skip
            total += len(model.estimators_)
        return total

    return _timed(run, list(range(n_tfs, n_tfs + n_targets)))


def fit_rustscenic(cells: np.ndarray, n_tfs: int, n_targets: int, **options: int) -> tuple[int, float]:
    """Fit targets with rustscenic."""
    import pandas as pd
    import rustscenic.grn

    names = [f"g{i}" for i in range(cells.shape[1])]

    def run(targets: list[str]) -> int:
        # It fits every gene it is given, so it is given few, and the regulators' own fits are counted as well.
        chosen = names[:n_tfs] + targets
        frame = pd.DataFrame(cells[:, : n_tfs + len(targets)], columns=chosen)
        found = rustscenic.grn.infer(frame, names[:n_tfs], verbose=False, **options)
        fit = found.attrs["grn_fit"]
        return round(fit["fitted_trees_mean"] * fit["target_count"])

    return _timed(run, names[n_tfs : n_tfs + n_targets])


def _timed(run, targets: list) -> tuple[int, float]:
    """Run one target, then all under the clock."""
    run(targets[:1])
    start = time.process_time()
    n_trees = run(targets)
    return n_trees, time.process_time() - start


def work(program: str, folder: Path, n_tfs: int, n_targets: int) -> None:
    """Be the worker: fit, and print the result as JSON."""
    cells = np.load(folder / "cells.npy")
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    if program == "rustscenic-250":
        n_trees, seconds = fit_rustscenic(cells, n_tfs, n_targets, early_stop_window=0, n_estimators=250)
    else:
        n_trees, seconds = globals()[f"fit_{program}"](cells, n_tfs, n_targets)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    print(json.dumps({"trees": n_trees, "cpu_s": seconds, "peak_mb": peak / 1024, "before_mb": before / 1024}))


def measure(program: str, python: str, folder: Path, n_tfs: int, n_targets: int, repeats: int) -> dict[str, float]:
    """Run a worker a few times and keep the least disturbed run."""
    command = [python, __file__, "--worker", program, str(folder), str(n_tfs), str(n_targets)]
    runs = []
    for _ in range(repeats):
        done = subprocess.run(command, env={**os.environ, **ONE_THREAD}, capture_output=True, text=True, check=False)
        if done.returncode:
            sys.exit(f"{program} failed:\n{done.stderr[-2000:]}")
        runs.append(json.loads(done.stdout.strip().splitlines()[-1]))
    best = min(runs, key=lambda run: run["cpu_s"])
    return {**best, "us_per_tree": 1e6 * best["cpu_s"] / best["trees"]}


def case_rows(case: str, pythons: dict[str, str], repeats: int) -> list[dict]:
    """Measure every program on one case."""
    n_cells, n_tfs, ours, arboretos, rusts, kind = CASES[case]
    rows = []
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        np.save(folder / "cells.npy", make_cells(n_cells, n_tfs + 40, kind))
        for program in PROGRAMS:
            python = pythons.get(program.removesuffix("-250"))
            # rustscenic fits the regulators as well: 800 times 250 trees would take it ten minutes.
            if python is None or (program == "rustscenic-250" and n_tfs > 100):
                continue
            n_targets = {"reguloom": ours, "arboreto": arboretos}.get(program, rusts)
            row = {"case": case, "program": program, **measure(program, python, folder, n_tfs, n_targets, repeats)}
            rows.append(row)
            print(f"{case:10} {program:15} {row['us_per_tree']:10.1f} us/tree {row['trees']:7d} trees "
                  f"{row['cpu_s']:8.2f} CPU-s {row['peak_mb']:7.0f} MB (+{row['peak_mb'] - row['before_mb']:.0f})",
                  flush=True)  # fmt: skip
    return rows


def ratios(rows: list[dict]) -> dict[str, dict[str, float]]:
    """Return how many times longer a tree takes elsewhere."""
    found: dict[str, dict[str, float]] = {}
    for case in dict.fromkeys(row["case"] for row in rows):
        per_tree = {row["program"]: row["us_per_tree"] for row in rows if row["case"] == case}
        found[case] = {name: value / per_tree["reguloom"] for name, value in per_tree.items() if name != "reguloom"}
    return found


def main() -> None:
    """Measure, print, store."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for peer in ("arboreto", "rustscenic"):
        parser.add_argument(f"--{peer}", default=os.environ.get(f"REGULOOM_PEER_{peer.upper()}"), metavar="PYTHON")
    parser.add_argument("--cases", nargs="*", default=list(CASES), choices=list(CASES))
    parser.add_argument("--repeats", type=int, default=2)
    parser.add_argument("-o", "--output", type=Path)
    options = parser.parse_args()
    pythons = {"reguloom": sys.executable, "arboreto": options.arboreto, "rustscenic": options.rustscenic}
    pythons = {name: python for name, python in pythons.items() if python}
    rows = [row for case in options.cases for row in case_rows(case, pythons, options.repeats)]
    times = ratios(rows)
    for case, values in times.items():
        goal = TARGETS[case[:2]]
        print(f"{case}: " + ", ".join(f"{value:.1f} x {name}" for name, value in values.items())
              + f"  (goal: {goal:.0f} x arboreto, 4 x rustscenic)")  # fmt: skip
    if options.output:
        report = {"rows": rows, "ratios": times, "machine": platform.processor() or platform.machine(),
                  "python": platform.python_version()}  # fmt: skip
        options.output.write_text(json.dumps(report, indent=1) + "\n")


if __name__ == "__main__":
    if len(sys.argv) > 1 and sys.argv[1] == "--worker":
        work(sys.argv[2], Path(sys.argv[3]), int(sys.argv[4]), int(sys.argv[5]))
    else:
        main()
