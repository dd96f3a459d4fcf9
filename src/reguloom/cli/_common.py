"""What the commands share: options, logging, and how a matrix is read."""

from __future__ import annotations

import importlib
import logging
import os
import sys
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, TextIO, TypeVar, cast

import rich_click as click

from reguloom._logging import logger

if TYPE_CHECKING:
    from anndata import AnnData

Function = TypeVar("Function", bound=Callable[..., Any])


def _dashes(token: str) -> str:
    """Take ``--num_workers`` for ``--num-workers`` and ``add_cor`` for ``add-cor``."""
    return token.replace("_", "-")


CONTEXT: dict[str, Any] = {"help_option_names": ["-h", "--help"], "token_normalize_func": _dashes}
_state = {"verbose": 0, "quiet": 0}


def reset() -> None:
    """Forget the verbosity of an earlier run in this process."""
    _state.update(verbose=0, quiet=0)


def internal_traceback_wanted() -> bool:
    """Tell whether ``-vv`` asked for the full traceback of an error."""
    return _state["verbose"] > 1


class Command(click.RichCommand):
    """A command whose repeatable options also take several values at once, as pySCENIC's do.

    ``--rankings a b`` is ``--rankings a --rankings b``; the values end at the next option.
    """

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Write ``--option a b`` as ``--option a --option b``, then parse."""
        repeatable = {
            _dashes(name)
            for parameter in self.params
            if isinstance(parameter, click.Option) and parameter.multiple
            for name in parameter.opts
        }
        return super().parse_args(ctx, _repeat_options(args, repeatable))


def _repeat_options(args: list[str], repeatable: set[str]) -> list[str]:
    """Put the option's name before each of its values."""
    spread: list[str] = []
    current, n_values = "", 0
    for token in args:
        if token.startswith("-") and token != "-":
            current, n_values = (token, 0) if _dashes(token) in repeatable else ("", 0)
            spread.append(token)
        elif current and n_values:
            spread += [current, token]
        else:
            spread.append(token)
            n_values += 1
    return spread


def command(name: str, **settings: Any) -> Callable[[Callable[..., Any]], click.RichCommand]:
    """Make a command with both spellings of every option, ``-v`` and ``-q``.

    Parameters
    ----------
    name
        What the user types.
    settings
        Passed on to click.
    """

    def decorate(function: Callable[..., Any]) -> click.RichCommand:
        made: click.RichCommand = click.command(name, cls=Command, context_settings=CONTEXT, **settings)(
            verbosity_options(function)
        )
        made.params.sort(key=lambda parameter: parameter.name in ("verbose", "quiet"))  # last in the help
        return made

    return decorate


def _count(ctx: click.Context, parameter: click.Parameter, count: int) -> None:
    """Add up ``-v`` or ``-q``, before and after the command's name alike, and set up the messages."""
    _state[str(parameter.name)] += int(count)
    detail = logging.DEBUG if _state["verbose"] else logging.INFO
    setup_logging(logging.WARNING if _state["quiet"] else detail)


def verbosity_options(function: Function) -> Function:
    """Give a command ``-v`` (detail; ``-vv`` with the traceback of an error) and ``-q`` (warnings and errors alone)."""
    settings: dict[str, Any] = {
        "count": True,
        "metavar": " ",
        "expose_value": False,
        "callback": _count,
        "is_eager": True,
    }
    function = click.option("-q", "--quiet", help="Say warnings and errors alone.", **settings)(function)
    return click.option("-v", "--verbose", help="Say more; -vv shows the traceback of an error.", **settings)(function)


class _Stderr(logging.StreamHandler[TextIO]):
    """Writes to whatever ``sys.stderr`` is now, so that redirection in tests and notebooks works."""

    def emit(self, record: logging.LogRecord) -> None:
        """Write one line."""
        self.stream = sys.stderr
        super().emit(record)


def setup_logging(level: int) -> None:
    """Send reguloom's messages, warnings and progress to stderr.

    Parameters
    ----------
    level
        From :mod:`logging`.
    """
    from reguloom import _progress

    for handler in [old for old in logger.handlers if isinstance(old, _Stderr)]:
        logger.removeHandler(handler)
    handler = _Stderr()
    handler.setFormatter(logging.Formatter("%(asctime)s %(message)s", "%H:%M:%S"))
    logger.addHandler(handler)
    logger.setLevel(level)
    _progress.enable(level <= logging.INFO)
    warnings.showwarning = _show_warning


def _show_warning(message: Warning | str, category: type[Warning], *_where: Any, **_more: Any) -> None:
    """Say a warning of reguloom's in one line; leave other packages' to the debug level."""
    ours = category.__module__.startswith("reguloom")
    logger.log(logging.WARNING if ours else logging.DEBUG, "%s%s", "warning: " if ours else "", message)


class LazyGroup(click.RichGroup):
    """A group that imports a command when it is run; its help needs no import at all.

    Subclasses fill `lazy`: command → (module below ``reguloom.cli``, one line for the help).
    """

    lazy: ClassVar[dict[str, tuple[str, str]]] = {}
    _listing = False

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return the commands in the order in which they were defined."""
        return [*self.commands, *self.lazy]

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import and return one command, or None if there is no such one."""
        if cmd_name not in self.lazy:
            return super().get_command(ctx, cmd_name)
        module, summary = self.lazy[cmd_name]
        if self._listing:
            return click.RichCommand(name=cmd_name, help=summary)
        return cast(click.Command, importlib.import_module(f"reguloom.cli.{module}").command)

    def format_help(self, ctx: Any, formatter: Any) -> None:
        """Show the help."""
        self._listing = True
        try:
            super().format_help(ctx, formatter)
        finally:
            self._listing = False


def apply(*options: Callable[[Function], Function]) -> Callable[[Function], Function]:
    """Combine several options into one decorator, shown in the given order."""

    def decorate(function: Function) -> Function:
        for option in reversed(options):
            function = option(function)
        return function

    return decorate


INPUT = click.Path(path_type=Path)


def _check_workers(ctx: click.Context, parameter: click.Parameter, n_threads: int | None) -> int | None:
    """Refuse a number of threads that is none."""
    if n_threads is not None and n_threads < 1 and n_threads != -1:
        msg = f"{n_threads} is no number of threads; give 1 or more, or leave it out to use every core."
        raise click.BadParameter(msg, ctx=ctx, param=parameter)
    return n_threads


output_option = click.option("-o", "--output", type=click.Path(path_type=Path), default="-", show_default="stdout",
                             help="File to write; the suffix decides the format.")  # fmt: skip
force_option = click.option("--force", is_flag=True, help="Replace files that exist.")
seed_option = click.option("--seed", type=click.IntRange(min=0), default=0, show_default=True,
                           help="Seed; the same seed gives the same bytes on any number of threads.")  # fmt: skip
workers_option = click.option("--num-workers", "-j", "--threads", "num_workers", type=int, default=None,
                              callback=_check_workers, show_default="every core",
                              help="Number of threads.")  # fmt: skip


def _check_shard(ctx: click.Context, parameter: click.Parameter, shard: str | None) -> str | None:
    """Refuse a shard that is none before anything is read."""
    number, _, total = (shard or "1/1").partition("/")
    if number.isdigit() and total.isdigit() and 1 <= int(number) <= int(total):
        return shard
    msg = f"{shard} is no shard; give I/N with I from 1 to N, such as 2/10."
    raise click.BadParameter(msg, ctx=ctx, param=parameter)


def shard_option(what: str) -> Callable[[Function], Function]:
    """Return the option ``--shard``, whose help says `what` it does."""
    return click.option("--shard", default=None, metavar="I/N", callback=_check_shard, help=what)


scheduler_option = click.option("--scheduler", default=None, metavar="ADDRESS",
                                help="Do the work on a Dask cluster: tcp://host:port, or local:N for N processes "
                                     "here.  [default: threads]")  # fmt: skip
matrix_options = apply(
    click.option("-t", "--transpose/--no-transpose", "transpose", default=None, show_default="detected",
                 help="A csv/tsv matrix has genes in rows (or, with --no-transpose, cells)."),
    click.option("--cell-id-attribute", default="CellID", show_default=True, help="Loom column attribute: cells."),
    click.option("--gene-attribute", default="Gene", show_default=True, help="Loom row attribute: genes."),
    click.option("--layer", default=None, help="Layer of an AnnData or loom file, or 'raw'.  [default: X]"),
)  # fmt: skip


def read_matrix(
    path: Path, *, transpose: bool | None, cell_id_attribute: str, gene_attribute: str, backed: bool = False
) -> AnnData:
    """Read the expression matrix that a command was given, with the options of :data:`matrix_options`."""
    from reguloom import io

    return io.read(
        path,
        transpose="auto" if transpose is None else transpose,
        cell_attribute=cell_id_attribute,
        gene_attribute=gene_attribute,
        backed=backed,
    )


def check_outputs(*paths: Path | None, force: bool) -> None:
    """Check every output before the work begins, so that nobody waits an hour for a refusal."""
    from reguloom._files import check_output

    for path in paths:
        if path is not None and not is_stdout(path):
            check_output(path, force=force)


def is_stdout(path: Path | str) -> bool:
    """Tell whether the output is ``-``."""
    return os.fspath(path) == "-"
