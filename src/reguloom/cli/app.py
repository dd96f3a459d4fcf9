"""The ``reguloom`` program: finds the command, runs it, turns errors into one sentence and an exit code.

Exit codes: 0 ok, 1 internal, 2 usage, 3 bad input, 4 resource missing or corrupt, 5 optional dependency missing,
6 empty or not converged, 130 interrupted, 143 terminated.
"""

from __future__ import annotations

import difflib
import os
import shlex
import signal
import sys
import traceback
from pathlib import Path
from types import FrameType, TracebackType
from typing import Any, NoReturn

import rich_click as click
from click.exceptions import NoArgsIsHelpError

from reguloom._errors import ReguloomError
from reguloom._version import __version__
from reguloom.cli import _common

#: panel of the help → command → (its module, what it does): the help is shown without importing a single command.
PANELS = {
    "All of it: one configuration, one folder, one report": {
        "run": ("run", "Every stage that run.toml asks for, resumable: counts to regulons to knock-outs."),
    },
    "Regulons: which factors regulate which genes, and where are they active?": {
        "scenic": ("scenic", "All of SCENIC in one go: network, regulons, activity, figures."),
        "grn": ("grn", "Infer the network: expression and regulators to adjacencies."),
        "add-cor": ("add_cor", "Add the correlation and its sign to adjacencies."),
        "merge": ("merge", "Join the parts of a network that was inferred in shards."),
        "consensus": ("consensus", "What recurs over seeds or subsamples: stable edges and regulons."),
        "ctx": ("ctx", "Prune modules to regulons by motif enrichment (cisTarget)."),
        "aucell": ("aucell", "Score the activity of regulons in every cell."),
        "binarize": ("binarize", "Turn activity into on and off."),
        "rss": ("rss", "Regulon specificity scores of groups of cells."),
    },
    "What if: which way do cells move when a gene is perturbed?": {
        "oracle": ("oracle", "Knock factors out in silico: fit, simulate, score, screen, base-grn."),
        "vectorfield": ("vectorfield", "Follow the flow: fit, jacobian, perturb, screen, path, diagnose."),
        "response": ("response", "Learn from a perturbation screen: train, predict, interactions."),
    },
    "Trust: does it hold against a known answer, chance and the baselines?": {
        "evaluate": ("evaluate", "Score networks against a known one, with intervals and baselines."),
    },
    "Time: which genes answer early, which late, and what drives them?": {
        "temporal": ("temporal", "Modules and timing of a time course: fit, times, motifs, links, plot."),
    },
    "Mechanism: which states are stable, and what if it is rewired?": {
        "boolean": ("boolean", "Boolean networks: attractors, fates, perturbations, rules from data."),
        "ode": ("ode", "Cells simulated from rules, and what perturbations do to them."),
    },
    "Show: everything that a run found, on one page": {
        "report": ("report", "Write one HTML file that opens offline: cells, regulons, network, knock-outs, what-if."),
    },
    "Files: what is it, where do I get it, how do I convert it?": {
        "resources": ("resources", "Fetch, check and find motif rankings, annotations and TF lists."),
        "convert": ("convert", "The same data in another format."),
        "info": ("info", "Say what a file holds."),
    },
    "Machine: does it work here?": {
        "doctor": ("doctor", "Check the installation, the machine and the cache."),
        "demo": ("demo", "Recover a known network from simulated cells, in two minutes."),
    },
}
#: command → the module that holds it, in the order of an analysis.
COMMANDS = {name: module for panel in PANELS.values() for name, (module, _) in panel.items()}


class _Program(_common.LazyGroup):
    """The commands, in the order of an analysis."""

    lazy = {name: entry for panel in PANELS.values() for name, entry in panel.items()}


@click.group(cls=_Program, context_settings=_common.CONTEXT)
@click.version_option(__version__, "--version", "-V", prog_name="reguloom")
@_common.verbosity_options
@click.rich_config(
    help_config={
        "command_groups": {"reguloom": [{"name": name, "commands": list(panel)} for name, panel in PANELS.items()]}
    }
)
def app() -> None:
    """Find the regulators in single-cell data, and test them in silico.

    Data go to files or stdout, messages to stderr. A file that exists is never replaced without --force.
    """


def main(args: list[str] | None = None) -> NoReturn:
    """Run the program and exit with its code.

    Parameters
    ----------
    args
        Arguments in place of those of the process.
    """
    if args is None:
        # A batch system ends a job with SIGTERM: leave by the same door, so that temporary files are removed.
        signal.signal(signal.SIGTERM, _terminate)
        sys.excepthook = _report_defect
    _common.reset()
    sys.exit(_run(sys.argv[1:] if args is None else args))


def _run(args: list[str]) -> int:
    """Run the program and return its exit code."""
    try:
        settings: dict[str, Any] = {
            "prog_name": "reguloom",
            "standalone_mode": False,
            "color": False if _plain() else None,
        }
        code = app.main(args=_expand_argument_files(args), **settings)
        return code if isinstance(code, int) else 0
    except NoArgsIsHelpError as error:
        error.show()
        return 2
    except click.ClickException as error:
        return _fail(_usage_message(error), 2)
    except (KeyboardInterrupt, click.Abort):
        return _fail("interrupted", 130)
    except ReguloomError as error:
        _show_traceback()
        return _fail(str(error), error.exit_code)
    except BrokenPipeError:
        # The reader of our output went away (`| head`); Python would complain again while closing stdout.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except OSError as error:
        _show_traceback()
        return _fail(
            f"{error.filename or 'the output'}: {error.strerror or error}; check the name, rights and space.", 3
        )
    except MemoryError as error:
        _show_traceback()
        return _fail(f"out of memory ({error}); use fewer cells (--subsample), fewer threads or a larger machine.", 1)


def _fail(message: str, code: int) -> int:
    """Say why on stderr and return the code."""
    click.secho("error: ", fg="red", bold=True, err=True, nl=False, color=False if _plain() else None)
    click.echo(message, err=True)
    return code


def _plain() -> bool:
    """Tell whether the user wants no colours (https://no-color.org); rich asks by itself, click does not."""
    return bool(os.environ.get("NO_COLOR"))


def _usage_message(error: click.ClickException) -> str:
    """Return what is wrong with the command line in one line, and where its help is."""
    message = " ".join(error.format_message().split())
    context = getattr(error, "ctx", None)
    group = getattr(context, "command", None)
    if message.startswith("No such command") and context is not None and isinstance(group, click.Group):
        typed = message.split("'")[1]
        near = difflib.get_close_matches(typed.replace("_", "-"), group.list_commands(context), n=1)
        message = f"there is no command {typed!r}" + (f"; did you mean '{near[0]}'?" if near else ".")
    path = context.command_path if context is not None else "reguloom"
    stop = "" if message.endswith((".", "?", ")")) else "."
    return f"{message}{stop} See '{path} --help'."


def _show_traceback() -> None:
    """Show the traceback of the error being handled, if ``-vv`` asked for it."""
    if _common.internal_traceback_wanted():
        click.echo(traceback.format_exc(), err=True)


def _terminate(signum: int, frame: FrameType | None) -> NoReturn:
    """Leave in order when the system asks us to."""
    raise SystemExit(128 + signum)


def _report_defect(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
    """Show an error that nobody foresaw, and say that it is ours."""
    traceback.print_exception(kind, error, trace)
    text = f"internal: {kind.__name__}; this is a defect of reguloom {__version__}, please report it with these lines."
    _fail(text, 1)


def _expand_argument_files(arguments: list[str]) -> list[str]:
    """Replace ``@file`` by the lines of the file, one argument (or one option with its value) each."""
    expanded: list[str] = []
    for argument in arguments:
        path = Path(argument[1:])
        if argument.startswith("@") and path.is_file():
            for line in path.read_text(encoding="utf-8").splitlines():
                text = line.strip()
                expanded += shlex.split(text) if text.startswith("-") else [text] if text else []
        else:
            expanded.append(argument)
    return expanded
