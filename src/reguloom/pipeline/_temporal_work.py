"""A time course into a folder: what ``reguloom temporal fit`` and ``reguloom run`` share."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from reguloom._files import atomic_write

if TYPE_CHECKING:
    from reguloom.pipeline.config import TemporalSection
    from reguloom.temporal import TemporalModules

READING, COURSE = ("time", "unit"), ("groupby", "condition", "batch", "likelihood", "n_bins", "pool")
FIGURES = ("timing", "number", "training", "latent", "modules", "genes", "heatmap", "stability", "motifs")
FITTING = ("method", "n_modules", "max_modules", "fdr", "n_top", "n_seeds", "n_draws", "device")


def group_by_course(
    options: TemporalSection, data: Sequence[Path], folder: Path, *, checkpoint: Path, seed: int, n_jobs: int | None
) -> TemporalModules:
    """Group genes by their course in time, and write and draw the result.

    Parameters
    ----------
    options
        What is asked for.
    data
        Files of the time course.
    folder
        Where the files go.
    checkpoint
        Folder of unfinished training, which is taken up and removed in the end.
    seed, n_jobs
        Root seed, and threads of the training.
    """
    from reguloom import temporal

    given = options.model_dump()
    course = temporal.as_course(
        temporal.read(tuple(data), **{name: given[name] for name in READING}), **{name: given[name] for name in COURSE}
    )
    again: dict[str, Any] = {"folder": checkpoint, "resume": checkpoint.exists()} if options.method == "vrnn" else {}
    epochs = {} if options.max_epochs is None else {"max_epochs": options.max_epochs}
    fitting = {name: given[name] for name in FITTING}
    result = temporal.fit(course, options=epochs, rng=seed, n_jobs=n_jobs or 1, **fitting, **again)
    result.write(folder, force=True)
    draw_course(result, folder / "figures")
    if checkpoint.exists():
        shutil.rmtree(checkpoint)
    return result


def draw_course(result: TemporalModules, folder: Path) -> None:
    """Draw what there is to draw into `folder`."""
    from reguloom import pl

    folder.mkdir(parents=True, exist_ok=True)
    for name in FIGURES:
        (folder / f"{name}.png").unlink(missing_ok=True)  # of an earlier run, and perhaps not drawn again

    def save(figure: Any, name: str) -> None:
        with atomic_write(folder / f"{name}.png") as temporary:
            figure.savefig(temporary)

    if len(result.timing):
        save(pl.temporal_timing(result.timing), "timing")
    if len(result.selection):
        save(pl.temporal_number(result), "number")
    if len(result.history):
        save(pl.training_curves(result.history.rename(columns={"seed": "member"})), "training")
    if (result.modules != "static").sum() > 2:
        save(pl.temporal_latent(result), "latent")
    if not result.names:
        return
    save(pl.temporal_courses(result), "modules")
    save(pl.temporal_genes(result), "genes")
    save(pl.temporal_heatmap(result), "heatmap")
    save(pl.temporal_stability(result), "stability")
