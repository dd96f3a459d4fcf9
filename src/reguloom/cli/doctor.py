"""``reguloom doctor``: does it work here, and if not, what is missing."""

from __future__ import annotations

from typing import TYPE_CHECKING

import rich_click as click

from reguloom.cli._common import command as make_command

if TYPE_CHECKING:
    from reguloom.cli._checkup import Finding


@make_command("doctor")
@click.option("--no-self-test", is_flag=True, help="Leave out the test run.")
def command(no_self_test: bool) -> None:
    """Check the packages, the machine and the cache, and run a small analysis with a known answer.

    Paste the output into a report. Exit code 0: all is well; 5: a package is missing or too old; 1: an answer is
    wrong.
    """
    import logging

    from reguloom._errors import MissingDependencyError, ReguloomError
    from reguloom._logging import logger
    from reguloom._version import __version__
    from reguloom.cli import _checkup

    if logger.level == logging.INFO:
        logger.setLevel(logging.WARNING)  # the test run's messages say nothing here
    click.echo(f"reguloom {__version__}")
    sections = {
        "Packages": _checkup.packages,
        "Extras": _checkup.extras,
        "Machine": _checkup.machine,
        "Cache": _checkup.cache,
        "Self-test": _checkup.self_test,
    }
    if no_self_test:
        del sections["Self-test"]
    bad: list[Finding] = []
    for title, look in sections.items():
        click.secho(f"\n{title}", bold=True)
        for finding in look():
            _say(finding)
            bad += [finding] if finding.state == "bad" else []
    click.echo()
    if bad:
        kind = MissingDependencyError if bad[0].exit_code == MissingDependencyError.exit_code else ReguloomError
        msg = f"{bad[0].what}: {bad[0].says}."
        raise kind(msg)
    click.echo("All is well.")


def _say(finding: Finding) -> None:
    """Write one finding."""
    marks = {"ok": ("ok", "green"), "note": ("--", "yellow"), "bad": ("!!", "red")}
    mark, colour = marks[finding.state]
    click.secho(f"  {mark} ", fg=colour, nl=False)
    click.echo(f"{finding.what:<18} {finding.says}")
