"""``reguloom response``: learn from a perturbation screen, and ask for perturbations that nobody tried."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import rich_click as click

from reguloom._logging import logger
from reguloom.cli import _common as common
from reguloom.cli._response_options import model_params, read_genes, reading_options, take_split

MODELS = ("gears", "cpa", "scgen", "latent-additive", "linear")
PICTURE = "training.png"


@click.group("response", cls=click.RichGroup, context_settings=common.CONTEXT)
@common.verbosity_options
def command() -> None:
    """Learn from a perturbation screen what unseen genes, combinations, doses and contexts would do.

    train writes a folder that predict and interactions read. Whether a model beats what costs nothing is told by
    'reguloom evaluate', on the same split.
    """


@common.command("train")
@click.argument("adata", type=common.INPUT)
@click.option("--model", type=click.Choice(MODELS), required=True, help="What is trained.")
@click.option("--split", default="none", show_default=True, metavar="KIND|FILE",
              help="What is held out: simulation, unseen-combination, unseen-context, k-fold ..., a split in JSON, or "
                   "none to learn from everything.")  # fmt: skip
@click.option("--hold-out", multiple=True, metavar="CONTEXT", help="Contexts that unseen-context holds out.")
@click.option("--annotation", type=common.INPUT, default=None,
              help="Terms of genes (.gmt; but for linear .gaf, .json too): the graph of gears, what linear knows genes "
                   "by, stand-ins elsewhere.")  # fmt: skip
@click.option("--embeddings", type=common.INPUT, default=None,
              help="Table of embeddings, one row for each gene (cpa, latent-additive, linear).")  # fmt: skip
@click.option("--max-epochs", type=click.IntRange(min=1), default=None, show_default="the model's",
              help="Passes over the data.")  # fmt: skip
@click.option("--members", type=click.IntRange(min=1), default=1, show_default=True, help="Members of an ensemble.")
@click.option("--set", "--option", "settings", multiple=True, metavar="NAME=VALUE",
              help="Any other parameter of the model, such as hidden=128; see the documentation.")  # fmt: skip
@reading_options
@click.option("--device", default="auto", show_default=True, help="auto, cpu, cuda or mps.")
@click.option("-o", "--output", type=common.INPUT, required=True, help="Folder to write.")
@click.option("--resume", is_flag=True, help="Go on with a training that was stopped.")
@click.option("--threads", "-j", "n_threads", type=click.IntRange(min=1), default=1, show_default=True,
              help="CPU threads; above 1 the last digits depend on their number.")  # fmt: skip
@common.seed_option
@common.force_option
def _train(
    adata: Path, model: str, split: str, hold_out: tuple[str, ...], annotation: Path | None, embeddings: Path | None,
    max_epochs: int | None, members: int, settings: tuple[str, ...], device: str, output: Path, resume: bool,
    n_threads: int, seed: int, force: bool, **reading: Any,
) -> None:  # fmt: skip
    """Train a model on the screen in ADATA (.h5ad) and write it to a folder.

    The folder holds model.safetensors and model.json, split.json, history.csv and figures/training.png, and while the
    training runs last.safetensors, from which --resume goes on.
    """
    _clear(output, resume=resume, force=force)
    from reguloom import io, response
    from reguloom.core import PerturbationData

    kind = response.models()[model]
    params = model_params(kind, settings, annotation=annotation, embeddings=embeddings, max_epochs=max_epochs,
                          members=members)  # fmt: skip
    made = kind(**params)
    given: dict[str, Any] = {
        name: list(value) if isinstance(value, tuple) else value for name, value in reading.items() if value
    }
    given["covariates"] = [name for part in given.get("covariates", ()) for name in part.split(",") if name]
    data = PerturbationData.from_anndata(io.read(adata), **given)
    logger.info("%r", data)
    parted = take_split(data, split, hold_out, seed)
    if model == "linear":
        made.fit(data, parted, rng=seed)
    else:
        made.fit(data, parted, folder=output, resume=resume, device=device, rng=seed, n_jobs=n_threads, **given)
    made.save(output, force=True)
    if parted is not None:
        parted.to_json(output / "split.json", force=True)
    _picture(made, output)
    click.echo(repr(made), err=True)


@common.command("predict")
@click.argument("folder", type=common.INPUT)
@click.option("--perturbation", "-p", "perturbations", multiple=True, metavar="A+B",
              help="What is done; several may be given.")  # fmt: skip
@click.option("--test", "held_out", is_flag=True, help="Everything that the model's split held out.")
@click.option("--adata", type=common.INPUT, default=None, help="Control cells to start from (.h5ad).")
@click.option("--context", default=None, help="Only control cells of this context.")
@click.option("--cells", is_flag=True, help="A row for each control cell, for one perturbation.")
@click.option("--delta", is_flag=True, help="Write the change in place of the expression (.csv, .tsv).")
@common.output_option
@common.force_option
def _predict(
    folder: Path, perturbations: tuple[str, ...], held_out: bool, adata: Path | None, context: str | None, cells: bool,
    delta: bool, output: Path, force: bool,
) -> None:  # fmt: skip
    """Ask the model in FOLDER what perturbations do; write expression, perturbations x genes (.h5ad, .csv, .tsv).

    What a prediction rests on stands in obs of the .h5ad, and on stderr where it is not what was asked.
    """
    common.check_outputs(output, force=force)
    if cells and (len(perturbations) != 1 or held_out):
        msg = "--cells gives a row for each cell, so name one --perturbation with it."
        raise click.UsageError(msg)
    if not perturbations and not held_out:
        msg = "say what to predict: --perturbation A, --perturbation A+B, or --test."
        raise click.UsageError(msg)
    import pandas as pd

    from reguloom import io, response
    from reguloom._errors import InputError

    model = response.load(folder)
    asked = list(perturbations)
    if held_out:
        if model.split_ is None or not model.split_.test:
            msg = f"the model in {folder} was trained on everything, so --test has nothing to ask; name perturbations."
            raise InputError(msg)
        asked += list(model.split_.conditions("test"))
    start = None if adata is None else io.read(adata)
    found = model.predict(asked[0] if cells else asked, start, context=context)
    for name, text in found.checks.items():
        click.echo(f"check {name}: {text}", err=True)
    if output.suffix == ".h5ad":
        io.write(found.to_anndata(), output, force=force)
        return
    values = found.delta if delta else found.control + found.delta
    table = pd.DataFrame(values, index=found.rows, columns=found.genes)
    io.write_table(table, output, index_label="perturbation", force=force)


@common.command("interactions")
@click.argument("folder", type=common.INPUT)
@click.option("--pair", "pairs", multiple=True, required=True, metavar="A+B", help="Two genes; several may be given.")
@click.option("--genes", type=common.INPUT, default=None, help="Genes to score over, one in each line.")
@click.option("--context", default=None, help="Only control cells of this context.")
@common.output_option
@common.force_option
def _interactions(
    folder: Path, pairs: tuple[str, ...], genes: Path | None, context: str | None, output: Path, force: bool
) -> None:
    """Score genetic interactions that the model in FOLDER predicts; write pairs x scores."""
    common.check_outputs(output, force=force)
    from reguloom import io, response

    wanted = None if genes is None else read_genes(genes)
    table = response.interactions(response.load(folder), list(pairs), genes=wanted, context=context)
    io.write_table(table, output, index_label="pair", force=force)


def _clear(output: Path, *, resume: bool, force: bool) -> None:
    """Check the folder before anything is read; with --force remove the training that is there."""
    from reguloom._errors import InputError

    if output.is_file():
        msg = f"-o {output} is a file; a model is written to a folder."
        raise InputError(msg)
    there = [output / name for name in ("model.json", "last.safetensors") if (output / name).exists()]
    if there and not (resume or force):
        msg = f"{there[0]} holds a model already; give --resume to go on with it, --force to begin anew."
        raise InputError(msg)
    if force and not resume:
        for path in (*output.glob("last.safetensors"), *output.glob("member*/last.safetensors")):
            path.unlink()


def _picture(model: Any, output: Path) -> None:
    """Draw the training, if there was one."""
    if model.history_.empty:
        return
    from reguloom import pl
    from reguloom._files import atomic_write

    with atomic_write(output / "figures" / PICTURE) as temporary:
        best = "max" if model.monitor_ == "val_cpa_metric" else "min"
        pl.training_curves(model.history_, monitor=model.monitor_, best=best).savefig(temporary)
    with atomic_write(output / "history.csv") as temporary:
        model.history_.to_csv(temporary, index=False, lineterminator="\n")


for _one in (_train, _predict, _interactions):
    command.add_command(_one)
