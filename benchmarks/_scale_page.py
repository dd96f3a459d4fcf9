"""The tables and the figure of docs/howto/scale.md that ``scaling.py`` writes, from what was measured."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
PAGE = HERE.parent / "docs" / "howto" / "scale.md"
PICTURES = HERE.parent / "docs" / "images"
PEERS = HERE / "results" / "peers.json"
MILLION = {"cells": 1_000_000, "genes": 20_000, "values": 1_000_000_000, "tfs": 1500, "motifs": 10_000, "draws": 200}
ROWS = ("input", "grn", "ctx", "aucell", "binarize", "oracle", "result")

Points = list[dict[str, Any]]


def write_page(found: Points, fitted: dict[str, Any]) -> None:
    """Put every table between its markers.

    Parameters
    ----------
    found
        Measured points.
    fitted
        Powers by stage.
    """
    text = PAGE.read_text(encoding="utf-8")
    tables = {"growth": growth(fitted), "parallel": parallel(found), "million": million(), "peers": peers()}
    for name, table in tables.items():
        marked = re.compile(rf"(<!-- begin {name} -->\n).*?(<!-- end {name} -->)", re.DOTALL)
        text, n = marked.subn(lambda match, table=table: f"{match[1]}{table}\n{match[2]}", text)
        if n != 1:
            raise SystemExit(f"{PAGE} has {n} places marked {name!r}; one is needed")
    PAGE.write_text(text, encoding="utf-8")


def growth(fitted: dict[str, Any]) -> str:
    """Return seconds at the base case and the power of each size."""
    lines = ["| stage | base case | processor time | powers of time | powers of memory |", "|---|---|---|---|---|"]
    for stage, one in fitted.items():
        base = ", ".join(f"{size:,} {name}" for name, size in one["base"].items())
        powers = [", ".join(f"{name} {power:.2g}" for name, power in one[what]["exponents"].items())
                  for what in ("seconds", "megabytes")]  # fmt: skip
        took = f"{one['fixed_s']:.2g} s + {one['seconds']['at_base']:.2g} s"
        lines.append(f"| {stage} | {base} | {took} | {powers[0]} | {powers[1]} |")
    return "\n".join(lines)


def parallel(found: Points) -> str:
    """Return seconds by the clock with threads and with workers, and how much faster two are than one."""
    lines = ["| stage | 1 thread | 2 threads | faster | 1 worker | 2 workers | faster | memory, 1 and 2 threads |",
             "|---|---|---|---|---|---|---|---|"]  # fmt: skip
    for stage in dict.fromkeys(one["stage"] for one in found if one["vary"] == "threads"):
        cells = [stage]
        for vary in ("threads", "workers"):
            wall = walls(found, stage, vary)
            cells += [f"{wall[n]:.2g} s" if n in wall else "" for n in (1, 2)]
            cells.append(f"{wall[1] / wall[2]:.2f}×" if {1, 2} <= set(wall) else "")
        peak = {one["threads"]: one["peak_mb"] for one in found if (one["stage"], one["vary"]) == (stage, "threads")}
        lines.append("| " + " | ".join([*cells, f"{peak[1]:.0f} and {peak[2]:.0f} MB"]) + " |")
    return "\n".join(lines)


def walls(found: Points, stage: str, vary: str) -> dict[int, float]:
    """Return seconds by the clock, by the number of threads or workers."""
    return {one[vary]: one["wall_s"] for one in found if one["stage"] == stage and one["vary"] == vary}


def million() -> str:
    """Return what a million cells are estimated to take."""
    from reguloom.pipeline import estimate

    estimate.measured.cache_clear()
    lines = ["| stage | time on one thread | peak memory |", "|---|---|---|"]
    for stage in ROWS:
        made = estimate.estimate(stage, estimate.Sizes(**MILLION), n_jobs=1)
        lines.append(f"| {stage} | {span(made.seconds)} | {made.megabytes / 1024:.0f} GB |")
    return "\n".join(lines)


def span(seconds: float) -> str:
    """Return a time in the unit that suits it."""
    if seconds >= 7200:
        return f"{seconds / 3600:.0f} h"
    return f"{seconds / 60:.0f} min" if seconds >= 120 else f"{seconds:.0f} s"


def peers() -> str:
    """Return how many times more processor time the original tools take."""
    lines = ["| stage | case | peer | its processor time, ours being 1 | measured by |", "|---|---|---|---|---|"]
    for one in json.loads(PEERS.read_text(encoding="utf-8"))["rows"]:
        lines.append(f"| {one['stage']} | {one['case']} | {one['peer']} | {one['ratio']:.3g}× | `{one['script']}` |")
    return "\n".join(lines)


def take_peers(folder: Path) -> None:
    """Take the ratios that ``run_peers.py`` measured in `folder`; what was not run keeps its last number."""
    stored = json.loads(PEERS.read_text(encoding="utf-8"))
    rows = {(one["stage"], one["case"], one["peer"]): one for one in stored["rows"]}
    for one in (*_grn(folder), *_ctx(folder), *_aucell(folder)):
        rows[one["stage"], one["case"], one["peer"]] = one
    PEERS.write_text(json.dumps({**stored, "rows": list(rows.values())}, indent=1) + "\n", encoding="utf-8")


def _read(folder: Path, name: str) -> dict[str, Any]:
    path = folder / f"{name}.json"
    return json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}


def _grn(folder: Path) -> Points:
    """Return ratios per tree."""
    found = _read(folder, "grn_speed").get("ratios", {})
    return [{"stage": "grn, a tree", "case": case, "peer": peer, "ratio": ratio, "script": "grn_speed.py"}
            for case, peers in found.items() for peer, ratio in peers.items()]  # fmt: skip


def _ctx(folder: Path) -> Points:
    """Return ratios of whole commands."""
    found = _read(folder, "ctx_speed")
    return [{"stage": "ctx", "case": case, "peer": "pyscenic", "ratio": rows["ratio"]["cpu_s"],
             "script": "ctx_speed.py"}
            for case, rows in found.items() if isinstance(rows, dict) and "ratio" in rows]  # fmt: skip


def _aucell(folder: Path) -> Points:
    """Return ratios of scoring."""
    rows = _read(folder, "aucell_speed").get("rows", [])
    ours = {one["size"]: one["cpu_s"] for one in rows if one["program"] == "reguloom"}
    return [{"stage": "aucell", "case": one["size"], "peer": one["program"], "ratio": one["cpu_s"] / ours[one["size"]],
             "script": "aucell_speed.py"}
            for one in rows if one["program"] != "reguloom"]  # fmt: skip


def draw_parallel(found: Points) -> None:
    """Draw how much faster two threads, and two workers, are than one."""
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot as plt

    figure, axes = plt.subplots(1, 2, figsize=(9, 3.4), layout="constrained", sharex=True)
    for axis, vary in zip(axes, ("threads", "workers"), strict=True):
        stages = [
            name for name in dict.fromkeys(one["stage"] for one in found) if {1, 2} <= set(walls(found, name, vary))
        ]
        gains = [walls(found, name, vary)[1] / walls(found, name, vary)[2] for name in stages]
        axis.barh(stages[::-1], gains[::-1], color="#0072B2", height=0.6)
        for i, gain in enumerate(gains[::-1]):
            axis.text(gain + 0.03, i, f"{gain:.2f}×", va="center", fontsize=9)
        for at, style in ((1, "-"), (2, ":")):
            axis.axvline(at, color="#5B6270", lw=1, ls=style)
        axis.set(title=f"2 {vary} against 1", xlim=(0, 2.4), xlabel="times as fast by the clock")
        axis.spines[["top", "right"]].set_visible(False)
    figure.savefig(PICTURES / "scaling_parallel.png", dpi=110, metadata={"Software": None})
    plt.close(figure)
