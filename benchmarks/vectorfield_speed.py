"""The field against Dynamo 1.5.3 in one run: fit, Jacobian, screen; and memory at 200,000 cells.

``python benchmarks/vectorfield_speed.py [--dynamo PY] [--cells 20000] [--large 200000] [-o FILE.json]``

PY is the Python of an environment that holds Dynamo. Every job runs in its own process with two threads; imports are
not timed. "iterations" are those of the expectation maximisation: Dynamo's stops after two or three where the fixed
volume of its outliers wins, so seconds per iteration stand beside seconds.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np

K, M = 30, 1000


def data(n: int) -> tuple[np.ndarray, np.ndarray]:
    """Return states whose spread falls off as a PCA's, and a smooth field with noise."""
    rng = np.random.default_rng(0)
    x = rng.normal(size=(n, K)) * np.linspace(5, 0.5, K)
    v = np.sin(x @ rng.normal(size=(K, K)) * 0.1) + 0.3 * rng.normal(size=x.shape)
    return x, v / np.linalg.norm(v, axis=1, keepdims=True) * 0.5


def timed(function: Callable[[], object]) -> tuple[float, float, object]:
    """Return wall and CPU seconds, and what came out."""
    wall, cpu = time.perf_counter(), time.process_time()
    made = function()
    return time.perf_counter() - wall, time.process_time() - cpu, made


def ours(n: int, dtype: str) -> dict[str, float]:
    from reguloom import vectorfield as vf

    vf.sparsevfc(*data(300), n_control=50)  # imports and compiles
    x, v = data(n)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    wall, cpu, made = timed(lambda: vf.sparsevfc(x, v, n_control=M, dtype=dtype))
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
    return {"fit_s": wall, "fit_cpu_s": cpu, "iterations": made.n_iter, "beyond_input_gb": peak / 2**20}


def ours_more(n: int) -> dict[str, float]:
    import pandas as pd

    from reguloom import vectorfield as vf

    x, v = data(n)
    rng = np.random.default_rng(1)
    q = np.linalg.qr(rng.normal(size=(1000, K)))[0]
    space = vf.StateSpace("pca", pd.Index([f"t{i}" for i in range(1000)]), q, np.ones(1000), np.full(1000, 4.0))
    made = vf.sparsevfc(x[:3000], v[:3000], n_control=M)
    names = pd.Index([f"c{i}" for i in range(n)])
    field = vf.VectorField(made.control_points, made.coefficients, made.bandwidth, space, x, v, np.ones(n), names)
    field.jacobian(x[:10])
    jacobian, jacobian_cpu, _ = timed(field.jacobian)
    screen, screen_cpu, _ = timed(lambda: vf.screen(field))
    return {"jacobian_s": jacobian, "jacobian_cpu_s": jacobian_cpu, "screen_s": screen, "screen_cpu_s": screen_cpu}


def dynamo(n: int, dtype: str) -> dict[str, float]:
    from dynamo.vectorfield.scVectorField import SparseVFC
    from dynamo.vectorfield.utils import Jacobian_rkhs_gaussian

    x, v = data(n)
    SparseVFC(*data(300), data(50)[0], M=50, MaxIter=2, verbose=0)
    wall, cpu, made = timed(lambda: SparseVFC(x, v, x[:50], M=M, MaxIter=100, verbose=0))
    jacobian, jacobian_cpu, _ = timed(lambda: Jacobian_rkhs_gaussian(x, made))
    return {"fit_s": wall, "fit_cpu_s": cpu, "iterations": int(made["iteration"]), "jacobian_s": jacobian,
            "jacobian_cpu_s": jacobian_cpu}  # fmt: skip


def job(python: str, name: str, *arguments: object) -> dict[str, float]:
    """Run one worker in its own process."""
    threads = {f"{one}_NUM_THREADS": "2" for one in ("OMP", "OPENBLAS", "MKL", "NUMBA")}
    command = [python, __file__, "--worker", name, *map(str, arguments)]
    done = subprocess.run(command, capture_output=True, text=True, env={**os.environ, **threads})
    if done.returncode:
        return {"error": done.stderr.strip().splitlines()[-1][:200]}  # type: ignore[dict-item]
    return json.loads(done.stdout.splitlines()[-1])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--dynamo", default=os.environ.get("REGULOOM_PEER_DYNAMO"))
    parser.add_argument("--cells", type=int, default=20_000)
    parser.add_argument("--large", type=int, default=0)
    parser.add_argument("--worker", nargs="+")
    parser.add_argument("-o", "--output", type=Path)
    asked = parser.parse_args()
    if asked.worker:
        name, n, *rest = asked.worker
        workers = {"ours": ours, "more": ours_more, "dynamo": dynamo}
        print(json.dumps(workers[name](int(n), *rest)))
        return
    made = {f"ours {kind}": job(sys.executable, "ours", asked.cells, kind) for kind in ("float64", "float32")}
    made["ours jacobian and screen of 1,000 genes"] = job(sys.executable, "more", asked.cells)
    if asked.dynamo:
        made["dynamo"] = job(asked.dynamo, "dynamo", asked.cells, "float64")
    if asked.large:
        made[f"ours {asked.large} cells"] = job(sys.executable, "ours", asked.large, "float32")
        made[f"ours {asked.large} cells float64"] = job(sys.executable, "ours", asked.large, "float64")
    for name, row in made.items():
        print(name, {key: round(value, 2) if isinstance(value, float) else value for key, value in row.items()})
    if asked.output:
        asked.output.write_text(json.dumps(made, indent=1))


if __name__ == "__main__":
    main()
