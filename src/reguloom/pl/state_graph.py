"""The state graph of a small Boolean network under synchronous updating: every state, its successor, its basin."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from reguloom._errors import InputError
from reguloom.pl import _style

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

MOST = 4096
"""States up to which the graph is drawn."""
NEEDED = ("state", "next_state", "attractor", "steps")


@dataclass(frozen=True, eq=False)
class _Basin:
    """One attractor with all that flows into it, laid out around its centre."""

    name: str
    states: NDArray[np.int64]
    places: NDArray[np.float64]
    half: NDArray[np.float64]


def state_graph(
    transitions: pd.DataFrame, *, names: dict[str, str] | None = None, title: str | None = None, ax: Axes | None = None
) -> Figure:
    """Draw every state and where it goes, one flower for each basin of attraction.

    The attractor is in the middle, its states large; each state stands one ring further out than its successor, so a
    state's distance from the centre is the number of steps that it takes.

    Parameters
    ----------
    transitions
        What :func:`reguloom.mechanistic.transition_table` returned, up to 4,096 states.
    names
        Attractor → what to call it.
    title
        Above the panel.
    ax
        Where to draw.

    Returns
    -------
    Figure
        One panel; each basin has its colour, and its name and number of states below it.

    Raises
    ------
    InputError
        If the table lacks columns or has more than 4,096 states.

    Examples
    --------
    >>> figure = rl.pl.state_graph(rl.mechanistic.transition_table(network))  # doctest: +SKIP
    """
    missing = [name for name in NEEDED if name not in transitions]
    if missing or not 0 < len(transitions) <= MOST:
        msg = f"the table has {len(transitions)} states and lacks {missing}; up to {MOST} states are drawn."
        raise InputError(msg)
    place = {state: i for i, state in enumerate(transitions["state"])}
    successor = transitions["next_state"].map(place).to_numpy()
    steps = transitions["steps"].to_numpy()
    labels = transitions["attractor"].to_numpy()
    order = transitions["attractor"].value_counts(sort=True).index
    basins = [_lay_out(str(name), np.flatnonzero(labels == name), successor, steps) for name in order]
    centres = _pack(np.array([basin.half for basin in basins]))
    with _style.style():
        figure, ax = _axes(basins, centres, ax)
        colors = _style.group_colors(len(basins))
        for basin, centre, color in zip(basins, centres, colors, strict=True):
            _draw(ax, basin, centre, color, successor, steps)
            label = (names or {}).get(basin.name, basin.name)
            share = f"{label}\n{len(basin.states):,} states"
            ax.text(
                centre[0], centre[1] - basin.half[1] + 0.05, share, ha="center", va="top", fontsize=_style.SMALL,
                color=_style.INK, linespacing=1.15,
            )  # fmt: skip
        if title:
            ax.set_title(title, loc="left")
    return figure


def _lay_out(name: str, states: NDArray[np.int64], successor: NDArray[np.int64], steps: NDArray[np.int32]) -> _Basin:
    """Place a basin: the cycle on a small ring, every tree in a sector as wide as its share of the leaves."""
    children: dict[int, list[int]] = {int(state): [] for state in states}
    for state in states:
        if steps[state] > 0:
            children[int(successor[state])].append(int(state))
    leaves: dict[int, int] = {}
    for state in sorted((int(one) for one in states), key=lambda one: -int(steps[one])):
        leaves[state] = max(1, sum(leaves[child] for child in children[state]))
    cycle = _cycle(states, successor, steps)
    total = sum(leaves[state] for state in cycle)
    deepest = int(steps[states].max(initial=0))
    ring = max(0.55, 0.16 * total / (2 * np.pi * max(deepest, 1)) if deepest else 0.55)
    inner = 0.0 if len(cycle) == 1 else max(0.55, ring * max(0.5, 0.17 * len(cycle)))
    where: dict[int, tuple[float, float]] = {}
    angle = 0.0
    waiting: list[tuple[int, float, float]] = []
    for state in cycle:
        width = 2 * np.pi * (0.6 * leaves[state] / total + 0.4 / len(cycle))  # no two states of a cycle close together
        waiting.append((state, angle, width))
        angle += width
    while waiting:
        state, begin, width = waiting.pop()
        away = inner + ring * int(steps[state])
        middle = begin + width / 2
        where[state] = (away * np.cos(middle), away * np.sin(middle))
        for child in children[state]:
            part = width * leaves[child] / leaves[state] if children[state] else width
            waiting.append((child, begin, part))
            begin += part
    places = np.array([where[int(state)] for state in states])
    low, high = places.min(axis=0), places.max(axis=0)
    return _Basin(name, states, places - (low + high) / 2, (high - low) / 2 + 0.3)


def _cycle(states: NDArray[np.int64], successor: NDArray[np.int64], steps: NDArray[np.int32]) -> list[int]:
    """Return the attractor's states in order."""
    start = int(states[np.flatnonzero(steps[states] == 0)[0]])
    cycle, state = [start], int(successor[start])
    while state != start:
        cycle.append(state)
        state = int(successor[state])
    return cycle


def _pack(halves: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return centres of boxes of these half widths and heights, in the rows that fill a landscape page best."""
    best, centres = np.inf, np.zeros(halves.shape)
    for widest in np.linspace(2 * halves[:, 0].max(), 2 * halves[:, 0].sum() + len(halves), 24):
        tried = _rows(halves, float(widest))
        width, height = (tried + halves).max(axis=0) - (tried - halves).min(axis=0)
        if max(width / 1.5, height) < best - 1e-9:
            best, centres = max(width / 1.5, height), tried
    return centres


def _rows(halves: NDArray[np.float64], widest: float) -> NDArray[np.float64]:
    """Return centres of boxes in rows that are not wider than `widest`."""
    gap, label = 0.5, 1.7
    centres = np.zeros(halves.shape)
    x, y, height = 0.0, 0.0, 0.0
    row: list[int] = []
    for i, (half_width, half_height) in enumerate(halves.tolist()):
        if row and x + 2 * half_width > widest:
            y -= height + label
            x, height, row = 0.0, 0.0, []
        height = max(height, 2 * half_height)
        row.append(i)
        centres[i, 0] = x + max(half_width, 0.9)
        x += 2 * max(half_width, 0.9) + gap
        centres[row, 1] = y - height / 2
    return centres


def _axes(basins: list[_Basin], centres: NDArray[np.float64], ax: Axes | None) -> tuple[Any, Axes]:
    """Return figure and axes that hold every basin."""
    halves = np.array([basin.half for basin in basins])
    low = (centres - halves).min(axis=0) - [0.4, 1.6]
    high = (centres + halves).max(axis=0) + 0.2
    if ax is None:
        width, height = high - low
        scale = 7.2 / max(width, height, 8.0)
        figure = _style.new_figure(max(2.4, width * scale), max(1.8, height * scale))
        ax = figure.subplots()
    else:
        figure = ax.get_figure()  # type: ignore[assignment]
    ax.set_aspect("equal")
    ax.set(xlim=(low[0], high[0]), ylim=(low[1], high[1]))
    ax.set_axis_off()
    return figure, ax


def _draw(
    ax: Axes,
    basin: _Basin,
    centre: NDArray[np.float64],
    color: str,
    successor: NDArray[np.int64],
    steps: NDArray[np.int32],
) -> None:
    """Draw one basin: links first, states above, the attractor's with arrows between them."""
    from matplotlib.collections import LineCollection
    from matplotlib.patches import FancyArrowPatch

    where = dict(zip(basin.states.tolist(), (basin.places + centre).tolist(), strict=True))
    transient = [state for state in where if steps[state] > 0]
    lines = [(where[state], where[int(successor[state])]) for state in transient]
    ax.add_collection(LineCollection(lines, colors=color, linewidths=0.45, alpha=0.55, zorder=1))
    small = float(np.clip(260 / max(len(where), 1), 1.2, 9.0))
    if transient:
        x, y = np.array([where[state] for state in transient]).T
        ax.scatter(x, y, s=small, c=color, linewidths=0, zorder=2)
    members = [state for state in where if steps[state] == 0]
    x, y = np.array([where[state] for state in members]).T
    ax.scatter(x, y, s=26, c=color, edgecolors=_style.INK, linewidths=0.8, zorder=4)
    if len(members) > 1:
        for state in members:
            ax.add_patch(
                FancyArrowPatch(
                    where[state], where[int(successor[state])], arrowstyle="-|>,head_length=3,head_width=1.6",
                    connectionstyle="arc3,rad=0.18", mutation_scale=1.0, shrinkA=3.2, shrinkB=3.6, linewidth=0.9,
                    color=_style.INK, zorder=3,
                )
            )  # fmt: skip
