"""``reguloom run``: every stage of a configuration, into one folder that can be resumed."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

import rich_click as click

from reguloom.cli import _common as common

if TYPE_CHECKING:
    from reguloom.pipeline.config import RunConfig
    from reguloom.pipeline.run import Planned


@common.command("run")
@click.argument("config", type=common.INPUT, default="run.toml", required=False)
@click.option("-o", "--output", type=common.INPUT, default=None, help="Folder of the results, in place of the file's.")
@click.option("--set", "changes", multiple=True, metavar="SECTION.KEY=VALUE",
              help="Put a value in the place of the file's; may be given again.")  # fmt: skip
@click.option("--from", "start", default=None, metavar="STAGE",
              help="Do this stage again, and all that build on it.")  # fmt: skip
@click.option("--until", default=None, metavar="STAGE", help="Stop after this stage.")
@click.option("--dry-run", is_flag=True, help="Print the plan with estimates of time and memory, and stop.")
@click.option("--print-schema", is_flag=True, help="Print the JSON Schema of the configuration, and stop.")
@click.option("--init", is_flag=True, help="Write an example to CONFIG, every key with its meaning, and stop.")
@common.workers_option
@common.scheduler_option
@common.force_option
def command(
    config: Path, output: Path | None, changes: tuple[str, ...], start: str | None, until: str | None, dry_run: bool,
    print_schema: bool, init: bool, num_workers: int | None, scheduler: str | None, force: bool,
) -> None:  # fmt: skip
    """Run the stages that CONFIG asks for, from counts to regulons, knock-outs and a report.

    CONFIG is a TOML file, run.toml unless given; --init writes one to start from. What is up to date is kept, so that
    the same command goes on after an interruption, and does what is needed after a change.
    """
    if print_schema:
        from reguloom.pipeline.config import RunConfig

        click.echo(json.dumps(RunConfig.model_json_schema(), indent=1))
        return
    if init:
        _init(config, force=force)
        return
    from reguloom import pipeline

    asked = _with_output(pipeline.read_config(config, changes=changes), output)
    if dry_run:
        for line in _table(pipeline.plan(asked, start=start, until=until, n_jobs=num_workers)):
            click.echo(line)
        return
    with pipeline.scheduler(scheduler):
        summary = pipeline.run(asked, start=start, until=until, force=force, n_jobs=num_workers)
    for line in summary:
        click.echo(line)


def _init(path: Path, *, force: bool) -> None:
    """Write the example."""
    from reguloom._files import atomic_write
    from reguloom.pipeline._config_file import example

    with atomic_write(path, force=force) as temporary:
        temporary.write_text(example(), encoding="utf-8")
    click.echo(f"{path} is written: give your files in it, delete the sections you do not want, then reguloom run.")


def _with_output(config: RunConfig, output: Path | None) -> RunConfig:
    """Return the configuration with the folder of the command line, which is relative to where one is."""
    return config if output is None else config.model_copy(update={"output": output.resolve()})


def _table(lines: list[Planned]) -> list[str]:
    """Return the plan as aligned text."""
    from reguloom._progress import duration

    rows = [("stage", "", "time", "memory", "what")]
    for one in lines:
        guess = one.estimate
        times = ("", "") if guess is None else (f"~ {duration(guess.seconds)}", f"~ {guess.megabytes / 1000:.1f} GB")
        rows.append((one.stage, "up to date" if one.done else "to do", *times, one.summary))
    widths = [max(len(row[i]) for row in rows) for i in range(5)]
    text = ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows]
    left = [one.estimate.seconds for one in lines if one.estimate is not None]
    if left:
        text.append(f"About {duration(sum(left))} in all. Times and memory are estimates, from measurements elsewhere.")
    return text
