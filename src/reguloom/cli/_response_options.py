"""Options of ``reguloom response``: how a screen is read, and what a model is made of."""

from __future__ import annotations

import ast
import inspect
from pathlib import Path
from typing import TYPE_CHECKING, Any

import rich_click as click

from reguloom.cli import _common as common

if TYPE_CHECKING:
    from reguloom.core import PerturbationData
    from reguloom.evaluate import Split

reading_options = common.apply(
    click.option("--perturbation", default=None, metavar="KEY", help="Column of obs with what each cell received.",
                 show_default="the usual names"),
    click.option("--control", multiple=True, metavar="NAME", help="Names of controls, beside the usual ones."),
    click.option("--covariates", multiple=True, metavar="KEY", help="Columns whose values make a cell's context."),
    click.option("--batch", default=None, metavar="KEY", help="Column with the batch."),
    click.option("--dose", default=None, metavar="KEY", help="Column with the dose."),
    click.option("--layer", default=None, help="Layer of expression.  [default: X]"),
    click.option("--counts-layer", default=None, help="Layer of counts, if the other is log-normalised (cpa)."),
)  # fmt: skip


def model_params(
    kind: type[Any], settings: tuple[str, ...], *, annotation: Path | None, embeddings: Path | None,
    max_epochs: int | None, members: int,
) -> dict[str, Any]:  # fmt: skip
    """Return the parameters of a model from the options.

    Parameters
    ----------
    kind
        Class of the model.
    settings
        ``NAME=VALUE``.
    annotation, embeddings, max_epochs, members
        The options of these names.

    Raises
    ------
    UsageError
        If the model has no such parameter.
    """
    known = [name for name in inspect.signature(kind).parameters if name != "self"]
    table = _table(embeddings)
    if "embedding" in known and table is None:
        # The linear model knows genes by one thing alone, which their terms can be.
        table, annotation = annotation, None
    given: dict[str, Any] = {
        "annotation": annotation,
        "embedding" if "embedding" in known else "embeddings": table,
        "max_epochs": max_epochs,
        "n_members": None if members == 1 else members,
    }
    given = {name: value for name, value in given.items() if value is not None}
    for setting in settings:
        name, sign, text = setting.partition("=")
        if not sign:
            msg = f"--set {setting} is no NAME=VALUE."
            raise click.UsageError(msg)
        given[name.replace("-", "_")] = _value(text)
    for name in given:
        if name not in known:
            msg = f"{kind.__name__} has no parameter {name!r}; it has {', '.join(known)}."
            raise click.UsageError(msg)
    return given


def take_split(data: PerturbationData, split: str, hold_out: tuple[str, ...], seed: int) -> Split | None:
    """Return the split that the options ask for.

    Parameters
    ----------
    data
        The screen.
    split
        A kind, a file, or ``none``.
    hold_out
        Contexts.
    seed
        Seed.
    """
    from reguloom import evaluate

    if split == "none":
        return None
    if split.endswith(".json"):
        return evaluate.Split.from_json(Path(split)).check(data)
    return evaluate.split(data, split, contexts=hold_out, rng=seed)


def read_genes(path: Path) -> list[str]:
    """Return the names in a file, one in each line.

    Parameters
    ----------
    path
        The file.
    """
    from reguloom import io

    return io.read_genes(path)


def _table(path: Path | None) -> Any:
    """Return a table of embeddings."""
    if path is None:
        return None
    from reguloom._reading import content_errors, read_frame

    what = "table of numbers with genes in the first column"
    table = read_frame(path, what=what, index_col=0, sep="\t" if ".tsv" in path.suffixes else ",")
    with content_errors(path, what=what):
        return table.astype(float)


def _value(text: str) -> Any:
    """Return the number, truth value or text that was typed."""
    try:
        return ast.literal_eval({"true": "True", "false": "False", "none": "None"}.get(text.lower(), text))
    except (ValueError, SyntaxError):
        return text
