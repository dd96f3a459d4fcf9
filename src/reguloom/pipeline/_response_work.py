"""Models of responses scored into a folder: what ``reguloom evaluate`` and ``reguloom run`` share."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

from reguloom._errors import InputError
from reguloom._files import atomic_write

if TYPE_CHECKING:
    from reguloom.evaluate import ResponseScores
    from reguloom.pipeline.config import ResponseSection

N_CHANGES = 3
#: Baselines are in the table without being asked for.
ALWAYS = ("linear", "mean", "additive", "no-change", "ridge", "nearest")


def untrained(name: str, settings: dict[str, Any]) -> Any:
    """Return a model of the response stage, with those of the `settings` that it has.

    Raises
    ------
    InputError
        If there is no model called `name`.
    """
    import inspect

    from reguloom import response

    known = response.models()
    if name not in known:
        msg = f"there is no model {name!r}; there are {', '.join(known)}."
        raise InputError(msg)
    taken = inspect.signature(known[name]).parameters
    return known[name](**{key: value for key, value in settings.items() if key in taken})


def score_responses(options: ResponseSection, screen: Path, folder: Path, *, seed: int) -> None:
    """Score models on held-out perturbations of the `screen` in a file, and write and draw the result.

    Parameters
    ----------
    options
        What is asked for.
    screen
        The cells.
    folder
        Where the files go.
    seed
        Root seed.
    """
    from reguloom import evaluate, io
    from reguloom.core import PerturbationData

    names = ("perturbation", "control", "covariates", "batch", "dose", "layer")
    given = {name: getattr(options, name) for name in names}
    data = PerturbationData.from_anndata(io.read(screen), **{name: value for name, value in given.items() if value})
    settings = {"annotation": options.gene_sets, "max_epochs": options.max_epochs}
    settings = {name: value for name, value in settings.items() if value is not None}
    models = {name: untrained(name, settings) for name in options.models if name not in ALWAYS}
    scores = evaluate.response(
        models, data, options.split, n_splits=options.n_splits, n_bootstrap=options.n_bootstrap,
        embeddings=None if options.gene_sets is None else {"gene sets": options.gene_sets}, device=options.device,
        rng=seed,
    )  # fmt: skip
    scores.write(folder, force=True)
    draw_responses(scores, folder / "figures")


def draw_responses(scores: ResponseScores, folder: Path) -> None:
    """Draw the leaderboard, and predicted against observed change of the strongest test perturbations."""
    import pandas as pd

    from reguloom import pl

    folder.mkdir(parents=True, exist_ok=True)
    with atomic_write(folder / "leaderboard.png") as temporary:
        pl.response_leaderboard(scores.leaderboard).savefig(temporary)
    control = scores.observed["control"]
    change = scores.observed["observed"] - control
    ranked = scores.leaderboard[scores.leaderboard["metric"] == "score"].sort_values("value", ascending=False)
    models, standard = (ranked.loc[ranked["kind"] == kind, "model"] for kind in ("model", "baseline"))
    best = [*models[:3], *standard[:2]]
    for unit in (change**2).sum(axis=1).sort_values(ascending=False).index[:N_CHANGES]:
        said = pd.DataFrame({name: scores.predicted[name].loc[unit] - control.loc[unit] for name in best}).T
        if not len(said):
            continue
        name = " in ".join(unit) if unit[1] != "all" else unit[0]
        figure = pl.response_change(said, change.loc[unit], title=name, targets=unit[0].split("+"))
        with atomic_write(folder / f"change_{re.sub(r'[^A-Za-z0-9_.+-]+', '_', name)}.png") as temporary:
            figure.savefig(temporary)
