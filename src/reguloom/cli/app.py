"""The ``reguloom`` program: finds the command, runs it, turns errors into one sentence and an exit code.

Exit codes: 0 ok, 1 internal, 2 usage, 3 bad input, 4 resource missing or corrupt, 5 optional dependency missing,
6 empty or not converged, 130 interrupted.
"""

from __future__ import annotations

import importlib
import os
import sys
from pathlib import Path
from typing import NoReturn

import rich_click as click

from reguloom._errors import ReguloomError
from reguloom._version import __version__
from reguloom.cli._common import CONTEXT, internal_traceback_wanted

#: command → the module that holds it, in the order of an analysis.
COMMANDS = {
    "scenic": "scenic",
    "grn": "grn",
    "add-cor": "add_cor",
    "merge": "merge",
    "consensus": "consensus",
    "ctx": "ctx",
    "aucell": "aucell",
    "binarize": "binarize",
    "rss": "rss",
    "resources": "resources",
    "convert": "convert",
    "info": "info",
    "doctor": "doctor",
    "demo": "demo",
}


class LazyGroup(click.RichGroup):
    """A group whose commands are imported when they are asked for."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return the commands in the order of an analysis."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import and return one command, or None if there is no such one."""
        if cmd_name not in COMMANDS:
            return None
        return importlib.import_module(f"reguloom.cli.{COMMANDS[cmd_name]}").command


@click.group(cls=LazyGroup, context_settings=CONTEXT)
@click.version_option(__version__, "--version", "-V", prog_name="reguloom")
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
    arguments = _expand_argument_files(sys.argv[1:] if args is None else args)
    try:
        code = app.main(args=arguments, prog_name="reguloom", standalone_mode=False)
    except click.ClickException as error:
        error.show()
        code = error.exit_code
    except (KeyboardInterrupt, click.Abort):
        code = _fail("interrupted", 130)
    except ReguloomError as error:
        if internal_traceback_wanted():
            raise
        code = _fail(str(error), error.exit_code)
    except BrokenPipeError:
        # The reader of our output went away (`| head`); Python would complain again while closing stdout.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        code = 0
    except OSError as error:
        if internal_traceback_wanted():
            raise
        code = _fail(f"{error.filename or 'a file'}: {error.strerror or error}; check the name, rights and space.", 3)
    except MemoryError as error:
        code = _fail(f"out of memory ({error}); use fewer cells (--subsample), fewer threads or a larger machine.", 1)
    sys.exit(code if isinstance(code, int) else 0)


def _fail(message: str, code: int) -> int:
    """Say why on stderr and return the code."""
    click.secho("error: ", fg="red", bold=True, err=True, nl=False)
    click.echo(message, err=True)
    return code


def _expand_argument_files(arguments: list[str]) -> list[str]:
    """Replace ``@file`` by the lines of the file, one argument each, as pySCENIC does."""
    expanded: list[str] = []
    for argument in arguments:
        path = Path(argument[1:])
        if argument.startswith("@") and path.is_file():
            expanded += [line for line in path.read_text().splitlines() if line.strip()]
        else:
            expanded.append(argument)
    return expanded
