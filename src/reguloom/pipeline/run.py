"""A run: the stages of a configuration, done in order into a folder that explains itself and can be resumed."""

from __future__ import annotations

import logging
import shutil
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from reguloom._errors import InputError
from reguloom._files import atomic_write, check_output
from reguloom._logging import logger
from reguloom._version import __version__
from reguloom.pipeline._checks import check_run
from reguloom.pipeline._config_file import as_toml
from reguloom.pipeline._fingerprint import file_fingerprint
from reguloom.pipeline._manifest import Manifest
from reguloom.pipeline._regulon_work import CHECKPOINT, PARTIAL, Found, describe_regulons
from reguloom.pipeline.config import RunConfig
from reguloom.pipeline.estimate import Estimate, Sizes, estimate
from reguloom.pipeline.stages import REPORT, RESULT, Stage, Workplace, find_stage, make_stages

if TYPE_CHECKING:
    pass

MANIFEST, RESOLVED, LOG, README, LOCK = "manifest.json", "run.resolved.toml", "run.log", "README.txt", ".lock"


@dataclass(frozen=True)
class Planned:
    """One line of a plan.

    Parameters
    ----------
    stage
        Name of the stage.
    summary
        What it does.
    done
        Whether it is up to date and would be kept.
    estimate
        What it is likely to take, or None where nothing was measured.
    """

    stage: str
    summary: str
    done: bool
    estimate: Estimate | None


def plan(
    config: RunConfig, *, start: str | None = None, until: str | None = None, n_jobs: int | None = None
) -> list[Planned]:
    """Return what a run would do, and what that is likely to take, without doing it.

    Parameters
    ----------
    config
        From :func:`read_config`.
    start, until
        As for :func:`run`.
    n_jobs
        Threads.

    Raises
    ------
    InputError
        As for :func:`run`.
    """
    cells = check_run(config)
    stages = _selected(config, until)
    again = _again(stages, start)
    manifest = _open(config, stages)
    sizes = Sizes.of(config, cells)
    lines = []
    for one in stages:
        key = manifest.key(one.name, _deciding(one), one.needs)
        done = one.name not in again and manifest.is_done(one.name, key, list(one.outputs))
        lines.append(Planned(one.name, one.summary, done, None if done else estimate(one.name, sizes, n_jobs=n_jobs)))
    return lines


def run(
    config: RunConfig,
    *,
    start: str | None = None,
    until: str | None = None,
    force: bool = False,
    n_jobs: int | None = None,
) -> list[str]:
    """Run the stages of a configuration that are not up to date.

    A run that was interrupted, killed even, goes on where it stopped when it is given again, and its files are then
    byte for byte those of an uninterrupted one (the log, and the times in the manifest, are not).

    Parameters
    ----------
    config
        From :func:`read_config`.
    start
        Do this stage again, and all that build on it, though they are up to date.
    until
        Stop after this stage.
    force
        Whether a folder that holds a run on other cells, or other files, may be overwritten.
    n_jobs
        Threads; changes nothing but the time.

    Returns
    -------
    A summary, line by line.

    Raises
    ------
    InputError
        If an input cannot be used, the folder holds something else, or another run is at work in it.
    EmptyResultError
        If no regulon passes the thresholds; what was done before is kept.
    """
    check_run(config)
    stages = _selected(config, until)
    again = _again(stages, start)
    folder = config.output
    check_output(folder / MANIFEST)
    with ExitStack() as open_files:
        open_files.enter_context(_alone(folder))
        manifest = _open(config, stages, force=force)
        manifest.record["title"], manifest.record["reguloom"] = config.title or folder.name, __version__
        known = {one.name for one in make_stages(config)}
        manifest.forget([*again, *(name for name in manifest.record["stages"] if name not in known)])
        manifest.write()  # first of all, so that a folder of ours is known as such after a kill
        _sweep(folder, [RESOLVED, README, MANIFEST, *(name for one in stages for name in one.outputs)])
        _write(folder / RESOLVED, as_toml(config))
        _write(folder / README, _explain(config))
        open_files.enter_context(_logged(folder / LOG))
        place = Workplace(config, folder, n_jobs=n_jobs)
        for one in stages:
            with manifest.stage(one.name, _deciding(one), list(one.outputs), needs=one.needs) as needed:
                if needed:
                    _clear(folder, one)
                    one.work(place)
        return _summary(config, place, stages)


def _selected(config: RunConfig, until: str | None) -> list[Stage]:
    """Return the stages up to the last one that is wanted."""
    stages = make_stages(config)
    return stages if until is None else stages[: find_stage(stages, until, option="--until") + 1]


def _again(stages: list[Stage], start: str | None) -> list[str]:
    """Return the names of a stage and of all that build on it."""
    if start is None:
        return []
    again = {stages[find_stage(stages, start, option="--from")].name}
    for one in stages:
        if again & set(one.needs):
            again.add(one.name)
    return [one.name for one in stages if one.name in again]


def _open(config: RunConfig, stages: list[Stage], *, force: bool = True) -> Manifest:
    """Open the record of the run's folder."""
    inputs = {"expression": _fingerprint(config.input.expression)}
    return Manifest(config.output, inputs, force=force, name=MANIFEST, costs=True)


def _fingerprint(path: Path, _known: dict[tuple[Path, int, int], str] = {}) -> str:  # noqa: B006
    """Return the hash of a file, read once for as long as it does not change."""
    status = path.stat()
    key = (path, status.st_mtime_ns, status.st_size)
    if path.is_dir():
        return file_fingerprint(path)
    if key not in _known:
        _known[key] = file_fingerprint(path)
    return _known[key]


def _deciding(stage: Stage) -> dict[str, Any]:
    """Return everything that decides a stage's result besides the stages that it builds on."""
    return {**stage.params, "files": [_fingerprint(path) for path in stage.files]}


@contextmanager
def _alone(folder: Path) -> Iterator[None]:
    """Hold the folder for this process; the system lets go of it when the process ends, however it ends."""
    try:
        import fcntl
    except ImportError:  # another system than POSIX: two runs in one folder are then the user's to avoid
        yield
        return
    with (folder / LOCK).open("w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            msg = f"another run is at work in {folder}; wait for it, stop it, or give another folder (-o)."
            raise InputError(msg) from error
        yield


@contextmanager
def _logged(path: Path) -> Iterator[None]:
    """Send messages to a file as well, whatever the terminal shows of them."""
    handler = logging.FileHandler(path, encoding="utf-8")
    handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(message)s"))
    level, others = logger.level, [(one, one.level) for one in logger.handlers]
    for one, old in others:
        one.setLevel(max(old, level))
    logger.addHandler(handler)
    logger.setLevel(min(level or logging.INFO, logging.INFO))
    try:
        yield
    finally:
        logger.removeHandler(handler)
        logger.setLevel(level)
        for one, old in others:
            one.setLevel(old)
        handler.close()


def _sweep(folder: Path, names: list[str]) -> None:
    """Remove temporary files that a killed run left beside its files."""
    for name in names:
        for left in folder.glob(f".{name.rpartition('/')[2]}.*") if "/" not in name else ():
            shutil.rmtree(left) if left.is_dir() else left.unlink()


def _clear(folder: Path, stage: Stage) -> None:
    """Empty the stage's own folder but for work that can be taken up, so that nothing of an earlier run stays."""
    own = folder / stage.name
    for name in stage.outputs:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        if (folder / name).is_dir():
            shutil.rmtree(folder / name)
    for path in own.iterdir() if own.is_dir() else ():
        if not path.name.startswith((CHECKPOINT, PARTIAL)):
            shutil.rmtree(path) if path.is_dir() else path.unlink()


def _write(path: Path, text: str) -> None:
    """Write a small file, whole or not at all."""
    with atomic_write(path) as temporary:
        temporary.write_text(text, encoding="utf-8")


def _explain(config: RunConfig) -> str:
    """Return what lies where in the folder."""
    stages = make_stages(config)
    lines = [f"{config.title or config.output.name}: a run of reguloom {__version__}", ""]
    width = max(len(name) for one in stages for name in one.outputs)
    for one in stages:
        lines += [f"{name:<{width}}  {what}" for name, what in one.outputs.items()]
    own = {
        RESOLVED: "what was asked for, every default spelled out",
        MANIFEST: "of each stage: what decided it, wall and processor time (s), peak memory (MB)",
        LOG: "what was said while it ran",
    }
    lines += ["", *(f"{name:<{width}}  {what}" for name, what in own.items()), ""]
    lines.append(f"To go on after an interruption, or after a change: reguloom run {RESOLVED}")
    return "\n".join(lines) + "\n"


def _summary(config: RunConfig, place: Workplace, stages: list[Stage]) -> list[str]:
    """Return what was found, in a few lines."""
    lines, done = [], {one.name for one in stages}
    if done & {"ctx", "aucell"}:
        found = Found.read(place.files, regulons=place.given_regulons)
        lines += [f"{len(found.network or ())} edges, {len(found.regulons or ())} regulons."]
        lines += describe_regulons(found)
    if "oracle" in done:
        import pandas as pd

        from reguloom.pipeline._oracle_work import describe_screen

        lines += describe_screen(pd.read_csv(config.output / "oracle" / "screen.csv"))
    if "response" in done:
        lines.append((config.output / "response" / "headline.txt").read_text(encoding="utf-8").strip())
    first = next((name for name in (REPORT, RESULT) if (config.output / name).exists()), README)
    return [*lines, f"Results are in {config.output}; {README} says what lies where; begin with {first}."]
