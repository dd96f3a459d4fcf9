"""Run as a process of its own: asks AEON or biobalm one question, so that it can be stopped when time is up.

Reads ``{"task": …, "rules": .bnet text, "limit": n, "max_states": n}`` from stdin and writes one JSON line. Imports
nothing of the package, so that it starts quickly.
"""

from __future__ import annotations

import json
import sys
from typing import Any


def main() -> None:
    """Answer the question on stdin."""
    question = json.load(sys.stdin)
    _limit_memory()
    answer = TASKS[question["task"]](question)
    sys.stdout.write(json.dumps(answer) + "\n")


def _limit_memory(share: float = 0.6) -> None:
    """Fail rather than let a decision diagram fill the machine, where the system can."""
    try:
        import os
        import resource

        total = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
        resource.setrlimit(resource.RLIMIT_AS, (int(share * total), int(share * total)))
    except (ImportError, ValueError, OSError):
        return


def _network(question: dict[str, Any]) -> Any:
    """Return AEON's network; regulators without effect, which it refuses, are taken out of its graph."""
    from biodivine_aeon import BooleanNetwork

    return BooleanNetwork.from_bnet(question["rules"]).infer_valid_graph()


def minimal_trap_spaces(question: dict[str, Any]) -> list[dict[str, int]]:
    """Return the minimal trap spaces, at most one more than the limit."""
    from biobalm.trappist_core import trappist

    return [dict(space) for space in trappist(_network(question), problem="min", solution_limit=question["limit"] + 1)]


def fixed_points(question: dict[str, Any]) -> dict[str, Any]:
    """Count the fixed points, and list them if they are not too many."""
    from biodivine_aeon import AsynchronousGraph, FixedPoints

    graph = AsynchronousGraph(_network(question))
    found = FixedPoints.symbolic_vertices(graph, graph.mk_unit_colored_vertices())
    count = int(found.cardinality())
    listed = _states(found) if count <= question["limit"] else []
    return {"count": count, "states": listed}


def aeon(question: dict[str, Any]) -> list[dict[str, Any]]:
    """Return the asynchronous attractors by AEON's symbolic search."""
    from biodivine_aeon import AsynchronousGraph, Attractors

    graph = AsynchronousGraph(_network(question))
    return [_described(found.vertices(), question) for found in Attractors.attractors(graph)]


def biobalm(question: dict[str, Any]) -> list[dict[str, Any]]:
    """Return the asynchronous attractors by biobalm's succession diagram."""
    from biobalm import SuccessionDiagram

    diagram = SuccessionDiagram(_network(question))
    diagram.build()
    found = [one for many in diagram.expanded_attractor_sets().values() for one in many]
    return [_described(one, question) for one in found]


def _described(vertices: Any, question: dict[str, Any]) -> dict[str, Any]:
    """Return the size, the enclosing space and, if they are few, the states of an attractor."""
    size = int(vertices.cardinality())
    space = {str(name): int(value) for name, value in vertices.enclosing_named_subspace().items()}
    states = _states(vertices) if 1 < size <= question["max_states"] else None
    return {"size": size, "space": space, "states": states}


def _states(vertices: Any) -> list[dict[str, int]]:
    """Return states as gene → value."""
    return [{name: int(value) for name, value in state.to_named_dict().items()} for state in vertices.items()]


TASKS = {"trap-spaces": minimal_trap_spaces, "fixed-points": fixed_points, "aeon": aeon, "biobalm": biobalm}

if __name__ == "__main__":
    main()
