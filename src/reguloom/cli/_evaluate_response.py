"""``reguloom evaluate ADATA``: models of perturbation responses on held-out perturbations, beside the baselines."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import rich_click as click

from reguloom.cli import _common as common

if TYPE_CHECKING:
    from reguloom.core import PerturbationData
    from reguloom.evaluate import ResponseScores, Split

KINDS = ("simulation", "simulation_single", "combo_seen0", "combo_seen1", "combo_seen2", "single",
         "unseen-combination", "unseen-context", "k-fold")  # fmt: skip
FILES = ("leaderboard.csv", "diagnostics.csv", "units.csv", "headline.txt")

screen_options = common.apply(
    click.option("--perturbation", default=None, metavar="COLUMN", show_default="found",
                 help="Column of obs with the perturbation."),
    click.option("--control", multiple=True, metavar="LABEL", help="Further names of controls, beside the usual ones."),
    click.option("--covariates", multiple=True, metavar="COLUMN", help="Columns whose values make a cell's context."),
    click.option("--batch", default=None, metavar="COLUMN", help="Column with the batch; controls are matched by it."),
    click.option("--dose", default=None, metavar="COLUMN", help="Column with the dose."),
    click.option("--layer", default=None, help="Layer to use in place of X."),
    click.option("--backed", is_flag=True, help="Leave the matrix of an h5ad file on disk, and read it in blocks."),
    click.option("--counts-layer", default=None, help="Layer with counts, for models that need them."),
    click.option("--target-mode", type=click.Choice(["unknown", "knockout", "overexpression"]), default="unknown",
                 show_default=True, help="What was done to a gene."),
)  # fmt: skip


@common.command("response")
@click.argument("adata", type=common.INPUT)
@click.option("--models", "-m", multiple=True, metavar="NAME", help="Models to train (names with commas), saved models "
              "(folders) and predictions of other tools (csv, tsv, h5ad), also as NAME=FILE; the baselines are there "
              "anyway.")  # fmt: skip
@click.option("--split", "kind", default="simulation", show_default=True, metavar="KIND",
              help=f"How perturbations are held out: {', '.join(KINDS)}; or a split in a JSON file.")  # fmt: skip
@click.option("--n-splits", type=click.IntRange(min=1), default=3, show_default=True, help="Seeds (or folds).")
@click.option("--contexts", multiple=True, metavar="NAME", help="Contexts held out by unseen-context.  [default: each]")
@click.option("--test-share", type=click.FloatRange(0, 1, min_open=True, max_open=True), default=None,
              help="Share held out.  [default: of the kind]")  # fmt: skip
@click.option(
    "--gene-sets", type=common.INPUT, default=None, help="GMT file (GO): for the graph of GEARS, and for baselines."
)
@click.option("--embedding", "embeddings", multiple=True, metavar="NAME=FILE",
              help="Table of genes x dimensions (csv), or GMT; adds three baselines.")  # fmt: skip
@click.option("--option", "settings", multiple=True, metavar="KEY=VALUE",
              help="Parameter of the models that have it, such as max_epochs=20.")  # fmt: skip
@click.option("--de", type=click.Choice(["t-test", "wilcoxon"]), default="t-test", show_default=True,
              help="How changed genes are found.")  # fmt: skip
@click.option("--bootstrap", type=click.IntRange(min=10), default=1000, show_default=True,
              help="Samples for the intervals.")  # fmt: skip
@click.option("--device", default=None, help="cpu, cuda or mps.  [default: chosen]")
@click.option("--cache", type=click.Path(path_type=Path), default=None, help="Folder that keeps the tests of genes.")
@click.option("-o", "--output", required=True, type=click.Path(path_type=Path), help="Folder for the results.")
@screen_options
@common.seed_option
@common.force_option
def command(adata: Path, output: Path, seed: int, force: bool, **options: Any) -> None:
    """Score models of perturbation responses on held-out perturbations of ADATA, beside the baselines.

    The folder gets leaderboard.csv (every model, metric and stratum with interval, ceiling and whether the metric tells
    anything here), diagnostics.csv, units.csv, the splits and figures/. The headline goes to stdout.
    """
    from reguloom import evaluate
    from reguloom.pipeline._response_work import draw_responses

    common.check_outputs(*(output / name for name in FILES), force=force)
    embeddings = _embeddings(options["embeddings"], options["gene_sets"])
    models = _models(options)
    kind, split_options = _split(options)
    screen = read_screen(adata, options)
    scores = evaluate.response(
        models, screen, kind, n_splits=options["n_splits"], split_options=split_options, embeddings=embeddings,
        de=options["de"], cache=options["cache"], n_bootstrap=options["bootstrap"], device=options["device"], rng=seed,
    )  # fmt: skip
    scores.write(output, force=force)
    draw_responses(scores, output / "figures")
    for line in _summary(scores):
        click.echo(line)


def read_screen(path: Path, options: dict[str, Any]) -> PerturbationData:
    """Return the screen in a file, read as `options` say."""
    from reguloom import io
    from reguloom.core import PerturbationData

    names = ("perturbation", "batch", "dose", "layer", "counts_layer", "target_mode")
    return PerturbationData.from_anndata(
        io.read(path, backed=options["backed"]),
        control=list(options["control"]),
        covariates=[name for part in options["covariates"] for name in part.split(",") if name],
        **{name: options[name] for name in names},
    )


def _split(options: dict[str, Any]) -> tuple[str | Split, dict[str, Any]]:
    """Return the kind of split with its options, or the split in a file."""
    from reguloom.evaluate import Split

    kind = options["kind"]
    if kind not in KINDS:
        if Path(kind).suffix == ".json":
            return Split.from_json(Path(kind)), {}
        msg = f"there is no split {kind!r}; accepted are {', '.join(KINDS)}, and a JSON file."
        raise click.UsageError(msg)
    given: dict[str, Any] = {}
    if options["contexts"] and kind == "unseen-context":
        given["contexts"] = list(options["contexts"])
    if options["test_share"] is not None:
        given["test_share"] = options["test_share"]
    return kind, given


def _embeddings(named: tuple[str, ...], gene_sets: Path | None) -> dict[str, Any]:
    """Return name → file."""
    found: dict[str, Any] = {} if gene_sets is None else {"gene sets": gene_sets}
    for one in named:
        name, equals, file = one.partition("=")
        if not equals:
            msg = f"--embedding {one} has no name; write NAME=FILE."
            raise click.UsageError(msg)
        found[name] = Path(file)
    return found


def _models(options: dict[str, Any]) -> dict[str, Any]:
    """Return name → model: trained anew, saved, or what another tool predicted."""
    asked = [name for part in options["models"] for name in part.split(",") if name]
    found: dict[str, Any] = {}
    for one in asked:
        name, equals, file = one.partition("=")
        path = Path(file if equals else one)
        if path.exists() or equals:
            found[name if equals else path.stem] = _saved(path)
        else:
            # The baselines are in the table without being asked for.
            if one not in ("linear", "mean", "additive", "no-change", "ridge", "nearest"):
                found[one] = _untrained(one, options)
    return found


def _saved(path: Path) -> Any:
    """Return a saved model, or the path of predictions."""
    if not path.is_dir():
        return path
    from reguloom import response

    return response.load(path)


def _untrained(name: str, options: dict[str, Any]) -> Any:
    """Return a model of the response stage, with those of the settings that it has."""
    from reguloom import response

    known = response.models()
    if name not in known:
        msg = f"there is no model {name!r}; there are {', '.join(known)}, saved models and files of predictions."
        raise click.UsageError(msg)
    settings = dict(_setting(one) for one in options["settings"])
    every = {key for model in known.values() for key in _parameters(model)}
    unknown = sorted(set(settings) - every)
    if unknown:
        msg = f"no model has a parameter {unknown[0]!r}; {name} has {', '.join(_parameters(known[name]))}."
        raise click.UsageError(msg)
    if options["gene_sets"] is not None:
        settings.setdefault("annotation", options["gene_sets"])
    taken = _parameters(known[name])
    return known[name](**{key: value for key, value in settings.items() if key in taken})


def _parameters(model: Any) -> list[str]:
    """Return the names of a model's parameters."""
    import inspect

    return list(inspect.signature(model).parameters)


def _setting(text: str) -> tuple[str, Any]:
    """Return a parameter and its value, a number where it is one."""
    import json

    key, equals, value = text.partition("=")
    if not equals:
        msg = f"--option {text} has no value; write KEY=VALUE."
        raise click.UsageError(msg)
    try:
        return key.replace("-", "_"), json.loads(value)
    except ValueError:
        return key.replace("-", "_"), value


def _summary(scores: ResponseScores) -> list[str]:
    """Return a few lines for the terminal."""
    kind = scores.leaderboard.drop_duplicates("model").set_index("model")["kind"]
    notes = [f"{name}: {note}" for name, kept in scores.notes.items() if kind[name] == "model" for note in kept]
    remarks = scores.diagnostics[scores.diagnostics["remark"] != ""]
    for _, row in remarks.iterrows():
        where = "" if row["context"] in ("", "all") else f" ({row['context']})"
        notes.append(f"{row['check']}{where}: {row['value']:.3g}; {row['remark']}")
    return [scores.headline, *notes]
