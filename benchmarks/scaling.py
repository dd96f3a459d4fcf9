"""How time and memory grow: with cells, genes, factors, motifs, threads and workers, stage by stage.

    python benchmarks/scaling.py            # measure, fit the powers that `reguloom run --dry-run` uses, and write the
                                            # tables and figures of docs/howto/scale.md
    python benchmarks/scaling.py --peers FOLDER              # also hold it against the peers in FOLDER (peers/make.sh)
    python benchmarks/scaling.py --stage grn --vary threads  # measure these again, and write everything anew
    python benchmarks/scaling.py --draw     # write everything anew from what was measured

Each point is a fresh process: data are made, the code is warmed up on a small part, and then the stage alone is timed.
Time is that of the processor, which other work on the machine hardly touches; the peak is that of the stage.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import subprocess
import sys
from pathlib import Path
from typing import Any

import _scale_page as page

HERE = Path(__file__).parent
RESULT = HERE / "results" / "scaling.json"
FITTED = HERE.parent / "src" / "reguloom" / "pipeline" / "scaling.json"
PICTURES = HERE.parent / "docs" / "images"

BASE: dict[str, dict[str, int]] = {
    "grn": {"cells": 3000, "genes": 1000, "tfs": 100},
    "ctx": {"modules": 600, "motifs": 2000},
    "aucell": {"cells": 12_000, "genes": 2000, "tfs": 200},
    "binarize": {"cells": 10_000, "tfs": 100},
    "oracle fit": {"cells": 4000, "genes": 1000, "tfs": 50},
    "oracle screen": {"cells": 3000, "genes": 500, "tfs": 20, "draws": 20},
    "vectorfield": {"cells": 4000, "genes": 1000},
    "input": {"values": 4_000_000},
    "result": {"values": 4_000_000, "tfs": 50},
}
STEPS = (0.25, 0.5, 2)
TINY = {"cells": 300, "genes": 200, "tfs": 10, "modules": 5, "motifs": 100, "draws": 10, "values": 100_000}
FEWEST = {"draws": 10}  # half of them for each of two nulls, which take five at least
THREADED = ("grn", "ctx", "aucell", "oracle fit", "oracle screen", "vectorfield")
SPREAD = ("grn", "ctx", "oracle screen")
DENSITY, FILLED = 0.1, 0.2
"""What rates are scaled by, and the share of values other than 0 that comes of it."""
DEPTH = 0.6
"""Standard deviation of the log of the cells' depth, as in real counts; it makes trees grow as many as on these."""


def points() -> list[dict[str, Any]]:
    """Return what is measured: a tiny case, the base case, each size alone around it, then threads, then workers."""
    made: list[dict[str, Any]] = []
    for stage, base in BASE.items():
        made.append({"stage": stage, "vary": "tiny", "sizes": {name: TINY[name] for name in base}})
        made.append({"stage": stage, "vary": "base", "sizes": base})
        for name in base:
            sizes = [int(base[name] * step) for step in STEPS if base[name] * step >= FEWEST.get(name, 1)]
            made += [{"stage": stage, "vary": name, "sizes": {**base, name: size}} for size in sizes]
    for stage in THREADED:
        made += [{"stage": stage, "vary": "threads", "sizes": BASE[stage], "threads": n} for n in (1, 2)]
    for stage in SPREAD:
        made += [{"stage": stage, "vary": "workers", "sizes": BASE[stage], "workers": n} for n in (1, 2)]
    return made


# ------------------------------------------------------------------------------------------- one point, in a process


def make_cells(cells: int, genes: int, tfs: int) -> Any:
    """Return counts in which every gene follows a few factors, a fifth of them not 0, with a line of development."""
    import anndata
    import numpy as np
    import pandas as pd
    from scipy.sparse import csr_matrix

    rng = np.random.default_rng(0)
    time = rng.random(cells)
    phase, speed = rng.random(tfs) * 6.28, rng.integers(1, 4, tfs)
    activity = np.exp(
        np.sin(phase[None, :] + speed[None, :] * time[:, None] * 6.28) + 0.5 * rng.normal(size=(cells, tfs))
    )
    blocks = []
    depth = np.exp(DEPTH * rng.normal(size=cells))
    chosen = rng.integers(0, tfs, (genes, 3))
    for start in range(0, genes, 500):
        rate = activity[:, chosen[start : start + 500]].mean(axis=2)
        rate *= rng.gamma(0.5, 2.0, rate.shape[1])[None, :]
        rate *= DENSITY / np.maximum(1 - np.exp(-rate).mean(), 1e-9) * depth[:, None]
        blocks.append(csr_matrix(rng.poisson(np.minimum(rate, 30)).astype(np.float32)))
    from scipy.sparse import hstack

    made = anndata.AnnData(csr_matrix(hstack(blocks)))
    made.obs_names, made.var_names = [f"c{i}" for i in range(cells)], [f"G{i}" for i in range(genes)]
    made.obs["pseudotime"], made.obs["kind"] = time, pd.Categorical((time * 4).astype(int).astype(str))
    angle = time * 5
    noise = 0.15 * rng.normal(size=(cells, 2))
    made.obsm["X_umap"] = np.c_[np.cos(angle), np.sin(angle)] * (1 + angle)[:, None] + noise
    return made


def make_regulons(genes: int, tfs: int) -> Any:
    """Return one regulon of 40 targets for each factor."""
    import numpy as np

    from reguloom.core import Regulon, Regulons

    rng = np.random.default_rng(1)
    sets = [np.sort(rng.choice(genes, min(40, genes // 3), replace=False)) for _ in range(tfs)]
    return Regulons([Regulon(f"G{i}", 1, [f"G{j}" for j in one if j != i]) for i, one in enumerate(sets)])


def prepare_grn(sizes: dict[str, int]) -> Any:
    from reguloom import grn

    cells = make_cells(**sizes)
    names = [f"G{i}" for i in range(sizes["tfs"])]
    grn.infer(cells[:200].copy(), names[:10], targets=names[:10], n_jobs=1)
    return lambda threads: grn.infer(cells, names, n_jobs=threads)


def prepare_ctx(sizes: dict[str, int]) -> Any:
    import numpy as np
    import pandas as pd

    from reguloom import cistarget

    rng, genes = np.random.default_rng(0), 10_000
    names = [f"G{i}" for i in range(genes)]
    ranks = np.argsort(rng.random((sizes["motifs"], genes)), axis=1).astype(np.int16)
    table = pd.DataFrame(ranks, [f"m{i}" for i in range(sizes["motifs"])], names)
    table.attrs["name"] = "made"
    sets = {f"s{i}": [names[j] for j in rng.choice(genes, 100, replace=False)] for i in range(sizes["modules"])}
    cistarget.enrich(dict(list(sets.items())[:2]), [table.iloc[:100].copy()], n_jobs=1)
    return lambda threads: cistarget.enrich(sets, [table], n_jobs=threads)


def prepare_aucell(sizes: dict[str, int]) -> Any:
    from reguloom import activity

    cells, regulons = make_cells(**sizes), make_regulons(sizes["genes"], sizes["tfs"])
    activity.aucell_frame(cells[:50].copy(), regulons, n_jobs=1)
    return lambda threads: activity.aucell_frame(cells, regulons, n_jobs=threads)


def prepare_binarize(sizes: dict[str, int]) -> Any:
    import numpy as np
    import pandas as pd

    from reguloom import activity

    rng = np.random.default_rng(0)
    on = rng.random((sizes["cells"], sizes["tfs"])) < 0.3
    table = pd.DataFrame(rng.normal(0.1 + 0.2 * on, 0.03), columns=[f"G{i}(+)" for i in range(sizes["tfs"])])
    activity.find_thresholds(table.iloc[:200, :2], n_jobs=1)
    return lambda threads: activity.find_thresholds(table, n_jobs=threads)


def _fit(cells: Any, regulons: Any, threads: int | None) -> Any:
    from reguloom import oracle

    return oracle.fit(cells, regulons, groupby="kind", normalize=True, n_jobs=threads)


def prepare_oracle_fit(sizes: dict[str, int]) -> Any:
    cells, regulons = make_cells(**sizes), make_regulons(sizes["genes"], sizes["tfs"])
    _fit(cells[:400].copy(), regulons, 1)
    return lambda threads: _fit(cells, regulons, threads)


def prepare_oracle_screen(sizes: dict[str, int]) -> Any:
    from reguloom import oracle

    draws = sizes["draws"]
    shape = {name: sizes[name] for name in ("cells", "genes", "tfs")}
    made = make_cells(**shape), make_regulons(sizes["genes"], sizes["tfs"])

    def ready(cells: Any) -> Any:
        return _fit(cells, made[1], 1), oracle.development(cells, pseudotime="pseudotime", basis="umap", n_jobs=1)

    def screen(model: Any, field: Any, threads: int | None, **few: Any) -> Any:
        return oracle.screen(model, field, nulls=("rewired", "matched"), n_null=draws // 2, n_jobs=threads, **few)

    screen(*ready(made[0][:600].copy()), 1, perturbations=["G0"])
    model, field = ready(made[0])
    return lambda threads: screen(model, field, threads)


def prepare_vectorfield(sizes: dict[str, int]) -> Any:
    import numpy as np

    from reguloom import vectorfield
    from reguloom.core import Expression
    from reguloom.oracle._input import normalized
    from reguloom.oracle.impute import principal_components

    cells = make_cells(**sizes, tfs=50)
    scores = principal_components(normalized(Expression.of(cells)), 30)
    cells.obsm["X_pca"] = scores
    later = np.argsort(np.argsort(cells.obs["pseudotime"].to_numpy()))
    order = np.argsort(later)
    ahead = order[np.minimum(later + 20, len(order) - 1)]
    cells.obsm["velocity_pca"] = scores[ahead] - scores
    vectorfield.fit(cells[:300].copy(), n_jobs=1)

    def work(threads: int | None) -> Any:
        field = vectorfield.fit(cells, n_jobs=threads)
        return vectorfield.geometry(cells, field)

    return work


def prepare_input(sizes: dict[str, int]) -> Any:
    import tempfile

    from reguloom.pipeline._cells import prepare_cells
    from reguloom.pipeline.config import InputSection

    genes = 2000
    folder = Path(tempfile.mkdtemp())
    make_cells(int(sizes["values"] / genes / FILLED), genes, 50).write_h5ad(folder / "cells.h5ad")
    options = InputSection(expression=folder / "cells.h5ad", normalize=True)
    return lambda _threads: prepare_cells(options, folder / "out.h5ad")


def prepare_result(sizes: dict[str, int]) -> Any:
    import tempfile

    from reguloom import activity
    from reguloom.pipeline._assemble import assemble
    from reguloom.pipeline._figures import draw_all
    from reguloom.pipeline._regulon_work import Found, write_results

    genes = 2000
    folder = Path(tempfile.mkdtemp())
    cells, regulons = make_cells(int(sizes["values"] / genes / FILLED), genes, 50), make_regulons(genes, sizes["tfs"])
    auc = activity.aucell_frame(cells, regulons, n_jobs=1)
    thresholds = activity.find_thresholds(auc, n_jobs=1)
    binary = (auc > thresholds["threshold"]).astype(int)
    found = Found(regulons.to_network(), regulons, auc, binary, thresholds, activity.rss(auc, cells.obs["kind"]))

    def work(_threads: int | None) -> None:
        result = assemble(cells, found, "kind")
        write_results(cells, result, found, folder / "result.h5ad", folder / "scope.loom", title="", groupby="kind")
        draw_all(result, found, groupby="kind", rankings=(), enrichment={}, folder=folder / "figures", basis="X_umap")

    return work


def measure(point: dict[str, Any]) -> dict[str, Any]:
    """Run one point in this process and return what it took."""
    from contextlib import nullcontext

    from reguloom.pipeline._measure import measured

    work = globals()[f"prepare_{point['stage'].replace(' ', '_')}"](point["sizes"])
    threads = point.get("threads", 1)
    place: Any = nullcontext()
    if "workers" in point:
        from reguloom.pipeline import scheduler

        place = scheduler(f"local:{point['workers']}")
    with place, measured() as cost:
        work(threads)
    return {**point, **cost}


def run_all(stages: list[str], vary: list[str]) -> list[dict[str, Any]]:
    """Measure the points of some stages, or all, each in a process of its own."""
    found = []
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
    for point in points():
        if not wanted(point, stages, vary):
            continue
        command = [sys.executable, __file__, "--point", json.dumps(point)]
        done = subprocess.run(command, capture_output=True, text=True, env=environment, check=True)
        found.append(json.loads(done.stdout.splitlines()[-1]))
        one = found[-1]
        sizes = ", ".join(f"{name} {value}" for name, value in one["sizes"].items())
        print(f"{one['stage']:14} {one['vary']:8} {sizes:45} {one['cpu_s']:7.2f} s cpu {one['wall_s']:7.2f} s wall "
              f"{one['peak_mb']:7.0f} MB", flush=True)  # fmt: skip
    return found


def wanted(point: dict[str, Any], stages: list[str], vary: list[str]) -> bool:
    """Tell whether a point is among those asked for."""
    return (not stages or point["stage"] in stages) and (not vary or point["vary"] in vary)


# ------------------------------------------------------------------------------------------------ fits and pictures


def fit(found: list[dict[str, Any]]) -> dict[str, Any]:
    """Return powers of each size for time and memory, by stage."""
    import numpy as np

    stages = {}
    for stage in BASE:
        base = sizes_of(stage, BASE[stage])
        rows = [one for one in found if one["stage"] == stage and one["vary"] in (*BASE[stage], "base")]
        rows = [{**one, "sizes": sizes_of(stage, one["sizes"])} for one in rows]
        if not rows:
            continue
        # What the tiny case takes is what code, compiler and interpreter take.
        tiny = [one["peak_mb"] for one in found if one["stage"] == stage and one["vary"] == "tiny"]
        rest = min([*tiny, *(one["peak_mb"] for one in rows)])
        # What the tiny case takes hardly depends on any size: figures, most of all.
        least = [one["cpu_s"] for one in found if one["stage"] == stage and one["vary"] == "tiny"]
        fixed = min([*least, *(0.8 * one["cpu_s"] for one in rows)])
        varied = [name for name in base if any(one["sizes"][name] != base[name] for one in rows)]
        logs = {name: np.log([one["sizes"][name] / base[name] for one in rows]) for name in varied}
        design = np.column_stack([np.ones(len(rows)), *logs.values()])
        entry: dict[str, Any] = {"base": base, "at_rest_mb": round(rest, 1), "gain": gain(found, stage)}
        entry["fixed_s"] = round(fixed, 2)
        values = {
            "seconds": np.maximum([one["cpu_s"] - fixed for one in rows], 0.01),
            "megabytes": np.maximum([one["peak_mb"] - rest for one in rows], 1.0),
        }
        for name, measured in values.items():
            solution = np.linalg.lstsq(design, np.log(measured), rcond=None)[0]
            off = np.exp(np.abs(design @ solution - np.log(measured)).max())
            # What was not varied is taken to add to the time in proportion, and nothing to the memory.
            exponents = dict.fromkeys(base, 1.0 if name == "seconds" else 0.0)
            powers = zip(varied, solution[1:], strict=True)
            exponents |= {size: round(float(max(power, 0)), 3) for size, power in powers}
            entry[name] = {"at_base": round(float(np.exp(solution[0])), 4), "exponents": exponents,
                           "worst_ratio": round(float(off), 2)}  # fmt: skip
        stages[stage] = entry
    return stages


def sizes_of(stage: str, sizes: dict[str, int]) -> dict[str, int]:
    """Return the sizes that time is a power of: a screen's factors and draws make one, its knock-outs."""
    from reguloom.pipeline.estimate import knockouts

    if stage != "oracle screen":
        return sizes
    kept = {name: size for name, size in sizes.items() if name not in ("tfs", "draws")}
    return {**kept, "knockouts": knockouts(sizes["tfs"], sizes["draws"])}


def gain(found: list[dict[str, Any]], stage: str) -> float:
    """Return the power of the number of threads by which a stage gets faster, between 0 and 1."""
    import numpy as np

    walls = {one["threads"]: one["wall_s"] for one in found if one["stage"] == stage and one["vary"] == "threads"}
    if 2 not in walls:
        return 0.0
    return round(float(np.clip(np.log2(walls[1] / max(walls[2], 1e-9)), 0, 1)), 2)


def draw(found: list[dict[str, Any]]) -> None:
    """Draw time and memory against each size, one panel for each stage."""
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot as plt
    from matplotlib.ticker import FormatStrFormatter, LogLocator

    stages = [one["stage"] for one in found if one["vary"] == "base"]
    stages = [stage for stage in BASE if stage in stages]
    for unit, label, name in (("cpu_s", "processor seconds", "time"), ("peak_mb", "peak memory (MB)", "memory")):
        figure, axes = plt.subplots(3, 3, figsize=(10, 9), layout="constrained")
        for axis in axes.ravel()[len(stages) :]:
            axis.axis("off")
        for axis, stage in zip(axes.ravel(), stages, strict=False):
            for size in BASE[stage]:
                rows = [one for one in found if one["stage"] == stage and one["vary"] in (size, "base")]
                rows.sort(key=lambda one: one["sizes"][size])
                steps = [one["sizes"][size] / BASE[stage][size] for one in rows]
                axis.plot(steps, [one[unit] for one in rows], "o-", label=f"{size} ({BASE[stage][size]:,})", ms=4)
            axis.set(xscale="log", yscale="log", title=stage)
            axis.set_xticks([0.25, 0.5, 1, 2, 4], ["1/4", "1/2", "1", "2", "4"], minor=False)
            axis.yaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
            axis.yaxis.set_major_formatter(FormatStrFormatter("%g"))
            axis.minorticks_off()
            axis.legend(fontsize=8, frameon=False)
        figure.supxlabel("size, in multiples of the base case (in brackets)")
        figure.supylabel(label)
        figure.savefig(PICTURES / f"scaling_{name}.png", dpi=110, metadata={"Software": None})
        plt.close(figure)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--point", help="measure one point, given as JSON, in this process")
    parser.add_argument("--draw", action="store_true", help="fit and draw what was measured")
    parser.add_argument("--stage", action="append", default=[], choices=list(BASE), help="measure this stage alone")
    parser.add_argument("--vary", action="append", default=[], help="vary this alone: a size, threads or workers")
    parser.add_argument(
        "--peers", type=Path, metavar="FOLDER", help="also run the comparisons with peers installed there"
    )
    options = parser.parse_args()
    if options.point:
        print(json.dumps(measure(json.loads(options.point))))
        return
    if options.peers:
        subprocess.run([sys.executable, str(HERE / "run_peers.py"), str(options.peers)], check=False)
        page.take_peers(options.peers)
    if not options.draw:
        RESULT.parent.mkdir(exist_ok=True)
        made = run_all(options.stage, options.vary)
        old = json.loads(RESULT.read_text())["points"] if RESULT.exists() else []
        made = [*(one for one in old if not wanted(one, options.stage, options.vary)), *made]
        machine = {"machine": platform.machine(), "python": platform.python_version(), "cores": os.cpu_count()}
        RESULT.write_text(json.dumps({**machine, "points": made}, indent=1) + "\n")
    stored = json.loads(RESULT.read_text())
    about = "Written by benchmarks/scaling.py: powers of sizes fitted to what was measured on one machine."
    fitted = {"about": about, "machine": {key: stored[key] for key in ("machine", "python", "cores")}}
    stages = fit(stored["points"])
    FITTED.write_text(json.dumps({**fitted, "stages": stages}, indent=1) + "\n")
    draw(stored["points"])
    page.draw_parallel(stored["points"])
    page.write_page(stored["points"], stages)


if __name__ == "__main__":
    main()
