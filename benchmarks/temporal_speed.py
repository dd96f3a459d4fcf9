"""CPU time of a time course: one network, the whole fit, and the published network on the same genes.

``python benchmarks/temporal_speed.py [-o FILE.json] [--case 2000x5] [--original 1000x5] [--epochs 10]``

The published network is run from its description (an LSTM cell, 64 latent dimensions, 2,000 epochs, batches of 400); a
part of its epochs is timed and scaled, since each costs the same. One thread.
"""

from __future__ import annotations

import argparse
import json
import resource
import time
import warnings
from pathlib import Path
from typing import Any

import numpy as np

import reguloom as rl
from reguloom.temporal.noise import estimate_noise
from reguloom.temporal.thinning import thin


def course(n_genes: int, n_times: int, seed: int = 0) -> rl.temporal.TimeCourse:
    """Return counts of genes that rise or fall early or late, in two replicates."""
    rng = np.random.default_rng(seed)
    hours = np.linspace(0.0, 24.0, n_times)
    half = rng.choice([2.0, 8.0, 16.0], n_genes) * rng.lognormal(0, 0.15, n_genes)
    sign = rng.choice([-1.0, 1.0], n_genes)
    shape = sign[:, None] / (1.0 + np.exp(-(hours - half[:, None])))
    log_mean = rng.normal(4.0, 1.0, (n_genes, 1)) + 1.2 * shape
    counts = [rng.poisson(np.exp(log_mean) * rng.gamma(30.0, 1 / 30.0, log_mean.shape)) for _ in range(2)]
    return rl.temporal.TimeCourse.from_samples(
        np.hstack(counts), np.tile(hours, 2), genes=[f"g{i}" for i in range(n_genes)], size=np.ones(2 * n_times)
    )


def network(n_genes: int, n_times: int, epochs: int | None = None) -> dict[str, Any]:
    """Return the time of one network; of so many of its epochs, scaled to the most that it may take."""
    from reguloom.temporal._torch.fit import MOST_TRAINED, fit_vrnn
    from reguloom.temporal.options import VrnnOptions, passes

    data = course(n_genes, n_times)
    pair = thin(data, estimate_noise(data), np.random.default_rng(0))
    # The first epoch of a process also pays for what PyTorch loads.
    fit_vrnn(*pair, options=VrnnOptions(max_epochs=1), seed=0)
    most = passes(VrnnOptions(), min(n_genes, MOST_TRAINED))
    start = time.process_time()
    fitted = fit_vrnn(*pair, options=VrnnOptions(max_epochs=epochs or most), seed=0)
    factor = most / epochs if epochs else 1.0
    return {"job": "one network", "cpu_s": (time.process_time() - start) * factor, "epochs": len(fitted.history)}


def whole(n_genes: int, n_times: int, method: str) -> dict[str, Any]:
    """Return the time of a whole fit: test, splits, selection, consensus, timing, all baselines."""
    data = course(n_genes, n_times)
    start = time.process_time()
    result = rl.temporal.fit(data, method=method, n_top=None)
    return {"job": f"whole fit, {method}", "cpu_s": time.process_time() - start, "modules": len(result.names)}


def original(n_genes: int, n_times: int, epochs: int) -> dict[str, Any]:
    """Return the time of the published network, scaled to its 2,000 epochs."""
    from reguloom.temporal._torch.original import EPOCHS, fit_original

    values = np.log1p(course(n_genes, n_times).totals[:, :n_times])
    fit_original(values, seed=0, max_epochs=1)
    start = time.process_time()
    fit_original(values, seed=0, max_epochs=epochs)
    return {"job": "published network", "cpu_s": (time.process_time() - start) * EPOCHS / epochs}


def main() -> None:
    """Time the cases and print them."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("-o", "--output", type=Path)
    parser.add_argument("--case", action="append", default=None)
    parser.add_argument("--original", default="1000x5")
    parser.add_argument("--original-epochs", type=int, default=100)
    parser.add_argument("--methods", default="kmeans")
    parser.add_argument("--epochs", type=int)
    options = parser.parse_args()
    warnings.simplefilter("ignore")
    rows = []
    for case in options.case or ["1000x5", "2000x5"]:
        n_genes, n_times = (int(part) for part in case.split("x"))
        jobs = [network(n_genes, n_times, options.epochs)]
        jobs += [whole(n_genes, n_times, name) for name in options.methods.split(",") if name]
        if case == options.original:
            jobs.append(original(n_genes, n_times, options.original_epochs))
        for job in jobs:
            peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
            rows.append({"case": case, **job, "peak_mb": round(peak)})
            print(rows[-1], flush=True)
    if options.output:
        options.output.write_text(json.dumps(rows, indent=1))


if __name__ == "__main__":
    main()
