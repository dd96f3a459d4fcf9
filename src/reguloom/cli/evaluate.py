"""``reguloom evaluate``: predictions and a known answer in, one table of scores out."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import rich_click as click

from reguloom.cli._common import (
    CONTEXT,
    INPUT,
    Command,
    apply,
    check_outputs,
    force_option,
    is_stdout,
    matrix_options,
    output_option,
    read_matrix,
    seed_option,
    verbosity_options,
)
from reguloom.cli._evaluate_response import command as response_command

if TYPE_CHECKING:
    import pandas as pd

_samples = apply(
    click.option("--bootstrap", type=click.IntRange(min=0), default=1000, show_default=True,
                 help="Samples for the intervals; 0 leaves them out."),
    click.option("--permutations", type=click.IntRange(min=0), default=1000, show_default=True,
                 help="Random orders for the p-values; 0 leaves them out."),
)  # fmt: skip
_json_option = click.option("--json", "as_json", is_flag=True, help="Print the table as JSON, one record for each row.")


class _Group(click.RichGroup):
    """Takes ``evaluate ADATA ...`` for ``evaluate response ADATA ...``."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Put the command in front where none is named."""
        own = {name for parameter in self.get_params(ctx) for name in parameter.opts}
        rest = [token for token in args if token not in own]
        if rest and not set(args) & set(ctx.help_option_names) and (rest[0].startswith("-") or _is_data(rest[0])):
            args = ["response", *args]
        return super().parse_args(ctx, args)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Return a command by its name; what looks like a file stands for the scoring of responses."""
        return super().get_command(ctx, cmd_name) or (response_command if _is_data(cmd_name) else None)


def _is_data(name: str) -> bool:
    """Tell whether a word names a file and no command."""
    return name not in ("response", "network", "dream4") and ("." in name or Path(name).exists())


@click.group("evaluate", cls=_Group, context_settings=CONTEXT)
@verbosity_options
def command() -> None:
    """Score predictions against a known answer, beside chance and the baselines that cost nothing.

    `reguloom evaluate ADATA ...` is short for `reguloom evaluate response ADATA ...`.
    """


command.add_command(response_command)


@command.command("network", cls=Command, context_settings=CONTEXT)
@click.argument("predicted", type=INPUT, nargs=-1, required=True, metavar="PRED...")
@click.option("--truth", type=INPUT, required=True, help="The known network: csv, tsv, parquet or a gmt of regulons.")
@click.option(
    "--expression",
    type=INPUT,
    default=None,
    help="Matrix that the networks were inferred from; adds the correlation baselines.",
)
@click.option("--tfs", type=INPUT, default=None, help="Regulators to score, one name per line.  [default: the truth's]")
@click.option("--genes", type=INPUT, default=None, help="Targets to score, one name per line.  [default: the truth's]")
@output_option
@_json_option
@click.option(
    "--top",
    type=click.IntRange(min=1),
    default=None,
    help="Count precision and recall over so many strongest edges.  [default: all]",
)
@click.option(
    "--null",
    type=click.Choice(["edges", "targets"]),
    default="edges",
    show_default=True,
    help="What the p-value shuffles: edges, or the names of targets (keeps the hubs).",
)
@click.option("--compat", type=click.Choice(["beeline"]), default=None, help="Score as the authors of BEELINE did.")
@_samples
@seed_option
@matrix_options
@force_option
@verbosity_options  # fmt: skip
def _network(
    predicted: tuple[Path, ...], truth: Path, expression: Path | None, tfs: Path | None, genes: Path | None,
    output: Path, as_json: bool, top: int | None, null: str, compat: str | None, bootstrap: int, permutations: int,
    seed: int, transpose: bool | None, cell_id_attribute: str, gene_attribute: str, layer: str | None, force: bool,
) -> None:  # fmt: skip
    """Score networks against a known one.

    PRED are networks (csv, tsv, parquet) or regulons (gmt, json, yaml); each is called after its file, or as NAME=FILE.
    Each number has a 95 % interval, what chance gives, and a p-value. With --expression the correlation baselines are
    in the table.
    """
    from reguloom import evaluate, io

    check_outputs(output, force=force)
    networks = {name: _read(path) for name, path in _named(predicted).items()}
    matrix = None
    if expression is not None:
        matrix = read_matrix(
            expression, transpose=transpose, cell_id_attribute=cell_id_attribute, gene_attribute=gene_attribute
        )
    table = evaluate.network(
        networks,
        _read(truth),
        matrix,
        layer=layer,
        tfs=None if tfs is None else io.read_genes(tfs),
        genes=None if genes is None else io.read_genes(genes),
        top=top,
        null=null,
        n_bootstrap=bootstrap,
        n_permutations=permutations,
        compat=compat,
        rng=seed,
    )
    _give(table, output, as_json=as_json, force=force)


@command.command("dream4", cls=Command, context_settings=CONTEXT)
@click.argument("archive", type=INPUT)
@click.argument("predicted", type=INPUT, nargs=-1, metavar="[PRED]...")
@click.option("--size", type=click.Choice(["10", "100"]), default="10", show_default=True, help="Genes.")
@click.option("--number", type=click.IntRange(1, 5), default=1, show_default=True, help="Which of the five networks.")
@click.option(
    "--dual-knockouts",
    is_flag=True,
    help="PRED are predicted dual knock-outs (tables, pairs x genes) in place of networks.",
)
@click.option(
    "--truth",
    type=INPUT,
    default=None,
    help="True dual knock-outs, pairs x genes, where the archive does not hold them.",
)
@output_option
@_json_option
@_samples
@seed_option
@force_option
@verbosity_options  # fmt: skip
def _dream4(
    archive: Path, predicted: tuple[Path, ...], size: str, number: int, dual_knockouts: bool, truth: Path | None,
    output: Path, as_json: bool, bootstrap: int, permutations: int, seed: int, force: bool,
) -> None:  # fmt: skip
    """Score networks, or predicted dual knock-outs, against DREAM4.

    ARCHIVE is the challenge's tar.gz or the folder it was unpacked to. Without PRED the baselines alone are scored.
    """
    from reguloom import evaluate, io

    check_outputs(output, force=force)
    data = evaluate.read_dream4(archive, size=int(size), number=number)
    if dual_knockouts:
        tables = {name: io.read_table(path) for name, path in _named(predicted).items()}
        observed = None if truth is None else io.read_table(truth)
        _give(data.score_dual_knockouts(tables, truth=observed, rng=seed), output, as_json=as_json, force=force)
        return
    networks = {name: _read(path) for name, path in _named(predicted).items()}
    table = data.score(networks, n_bootstrap=bootstrap, n_permutations=permutations, rng=seed)
    _give(table, output, as_json=as_json, force=force)


def _named(paths: tuple[Path, ...]) -> dict[str, Path]:
    """Return name → file; NAME=FILE gives the name."""
    found: dict[str, Path] = {}
    for path in paths:
        name, equals, file = str(path).partition("=")
        if not equals or path.exists():
            name, file = path.name.removesuffix(".gz").rpartition(".")[0] or path.name, str(path)
        if name in found:
            msg = f"two predictions are called {name}; tell them apart with NAME=FILE."
            raise click.UsageError(msg)
        found[name] = Path(file)
    return found


def _read(path: Path) -> Any:
    """Return the network or the regulons in a file."""
    from reguloom import io

    regulons = path.suffix.lower() in (".gmt", ".json", ".yaml", ".yml")
    return io.read_regulons(path) if regulons else io.read_network(path)


def _give(table: pd.DataFrame, output: Path, *, as_json: bool, force: bool) -> None:
    """Write the table; JSON goes to stdout as well as, or in place of, the file."""
    from reguloom import io

    if as_json:
        click.echo(table.to_json(orient="records", indent=1, double_precision=15))
    if not (as_json and is_stdout(output)):
        io.write_table(table.set_index("method"), output, index_label="method", force=force)
