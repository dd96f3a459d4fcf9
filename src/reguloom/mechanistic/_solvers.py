"""AEON and biobalm (extra ``boolean``) for what is too large to be searched state by state, with a time limit."""

from __future__ import annotations

import contextlib
import importlib.util
import json
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from reguloom._errors import InputError, MissingDependencyError
from reguloom._logging import logger
from reguloom.mechanistic import _spaces
from reguloom.mechanistic.attractors import Attractor, Limits, advice, refuse_many
from reguloom.mechanistic.formula import Formula, to_text, variable

if TYPE_CHECKING:
    from reguloom.mechanistic.boolean_network import BooleanNetwork

_PACKAGES = {"trap-spaces": "biobalm", "biobalm": "biobalm", "aeon": "biodivine_aeon", "fixed-points": "biodivine_aeon"}


def require(n_genes: int, limit: int, what: str) -> None:
    """Check that the solvers are installed before they are needed.

    Raises
    ------
    MissingDependencyError
        If one is not; the message says why it is needed.
    """
    for module in ("biodivine_aeon", "biobalm"):
        if importlib.util.find_spec(module) is None:
            msg = (
                f"{n_genes} genes are free, and {what} are searched without help up to {limit}; {module} goes further: "
                "pip install 'reguloom[boolean]', or fix some genes."
            )
            raise MissingDependencyError(msg)


def minimal_trap_spaces(network: BooleanNetwork, known: Mapping[str, int], limits: Limits) -> list[dict[str, int]]:
    """Return the minimal trap spaces of a network, constants included.

    Raises
    ------
    InputError
        If there are too many, or time runs out; the message names the inputs to fix.
    """
    names, rules = _encoded(network, known)
    answer = _ask(["trap-spaces"], rules, limits)
    if answer is None:
        msg = f"no minimal trap spaces within {limits.time_limit:g} s; {advice(network)}, or raise time_limit."
        raise InputError(msg)
    if len(answer) > limits.max_attractors:
        raise refuse_many(network, f"more than {limits.max_attractors:,}", limits.max_attractors)
    return [{**known, **{names[key]: int(value) for key, value in space.items()}} for space in answer]


def fixed_points(network: BooleanNetwork, known: Mapping[str, int], limits: Limits) -> list[Attractor]:
    """Return the fixed points of a network.

    Raises
    ------
    InputError
        If there are too many, or time runs out; the message names the inputs to fix.
    """
    names, rules = _encoded(network, known)
    answer = _ask(["fixed-points"], rules, limits)
    if answer is None:
        msg = f"fixed points not counted within {limits.time_limit:g} s; {advice(network)}, or raise time_limit."
        raise InputError(msg)
    if answer["count"] > limits.max_attractors:
        raise refuse_many(network, f"{answer['count']:,} fixed points among its", limits.max_attractors)
    points = [{"size": 1, "space": state, "states": None} for state in answer["states"]]
    return [_attractor(network, known, names, point) for point in points]


def attractors(network: BooleanNetwork, known: Mapping[str, int], limits: Limits) -> list[Attractor] | None:
    """Return the asynchronous attractors, from whichever solver is first; None if neither is in time or able."""
    names, rules = _encoded(network, known)
    try:
        answer = _ask(["aeon", "biobalm"], rules, limits)
    except InputError:  # both gave up; their reasons are in the log
        return None
    return None if answer is None else [_attractor(network, known, names, one) for one in answer]


def _encoded(network: BooleanNetwork, known: Mapping[str, int]) -> tuple[dict[str, str], str]:
    """Return the solver's names → genes, and the rules of the genes that are not known as .bnet text."""
    inside = _spaces.within(network, known)
    # the solvers order their diagrams by name, so names are numbered such that the file's order is kept
    short = {gene: f"x{i:05d}" for i, gene in enumerate(inside)}

    def rename(node: Formula) -> Formula:
        return variable(short[node.name])

    lines = [f"{short[gene]}, {to_text(rule.substitute(rename))}" for gene, rule in inside.items()]
    return {key: gene for gene, key in short.items()}, "\n".join(lines) + "\n"


def _attractor(
    network: BooleanNetwork, known: Mapping[str, int], names: Mapping[str, str], found: Mapping[str, Any]
) -> Attractor:
    """Return what a solver found as an attractor of the whole network."""
    space = {**known, **{names[key]: int(value) for key, value in found["space"].items()}}
    text = _spaces.text_of(space, network.genes)
    states = None
    if found["size"] == 1:
        states = np.array([[letter == "1" for letter in text]])
    elif found["states"] is not None:
        rows = [{**known, **{names[key]: int(value) for key, value in state.items()}} for state in found["states"]]
        states = np.array([[bool(row[gene]) for gene in network.genes] for row in rows])
        states = states[np.lexsort(states.T)]
    return Attractor(text, int(found["size"]), states)


def _ask(tasks: Sequence[str], rules: str, limits: Limits) -> Any:
    """Start a process for each task and return the first answer; None if none comes in time.

    Raises
    ------
    InputError
        If every solver gives up before the time is over, with its reason.
    """
    deadline = time.monotonic() + limits.time_limit
    reason = ""
    with _processes(tasks, rules, limits) as running:
        while running and time.monotonic() < deadline:
            for task, process in list(running.items()):
                if process.poll() is None:
                    continue
                del running[task]
                output, errors = process.communicate()
                if process.returncode == 0:
                    return json.loads(output.strip().splitlines()[-1])
                reason = _report(task, errors)
            time.sleep(0.005)
        if running:
            return None
    msg = f"{reason}; fix some genes with with_fixed (--fix GENE=0), or restrict the network."
    raise InputError(msg)


@contextlib.contextmanager
def _processes(tasks: Sequence[str], rules: str, limits: Limits) -> Iterator[dict[str, _Process]]:
    """Run one process for each task; what still runs at the end is stopped."""
    import tempfile

    script = Path(__file__).with_name("_solver_process.py")
    started: list[_Process] = []
    running: dict[str, _Process] = {}
    with contextlib.ExitStack() as stack:
        try:
            for task in tasks:
                question = {
                    "task": task,
                    "rules": rules,
                    "limit": limits.max_attractors,
                    "max_states": limits.max_states,
                }
                # files, not pipes: a full pipe would stop the solver until somebody reads
                streams = [stack.enter_context(tempfile.TemporaryFile("w+")) for _ in range(3)]
                json.dump(question, streams[0])
                streams[0].seek(0)
                process = _Process([sys.executable, str(script)], *streams)
                started.append(process)
                running[task] = process
            yield running
        finally:
            for process in started:
                if process.poll() is None:
                    process.kill()
                process.wait()


class _Process(subprocess.Popen[str]):
    """A process whose output goes to a file, read when it has ended."""

    def __init__(self, command: list[str], stdin: Any, stdout: Any, stderr: Any) -> None:
        super().__init__(command, stdin=stdin, stdout=stdout, stderr=stderr, text=True)
        self._files = (stdout, stderr)

    def communicate(self, *_: Any, **__: Any) -> tuple[str, str]:
        """Return what was written to stdout and stderr."""
        self.wait()
        texts = []
        for handle in self._files:
            handle.seek(0)
            texts.append(handle.read())
        return texts[0], texts[1]


def _report(task: str, errors: str) -> str:
    """Say why a solver gave up, and return it."""
    lines = errors.strip().splitlines() or ["no message"]
    exhausted = any(word in errors for word in ("MemoryError", "bad_alloc", "memory allocation"))
    reason = f"{_PACKAGES[task]} {'ran out of memory' if exhausted else 'failed: ' + lines[-1].strip()}"
    logger.info(reason)
    return reason
