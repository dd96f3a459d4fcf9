"""The wiring of a small network: every gene, every signed edge."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from reguloom._errors import InputError
from reguloom._random import SeedLike, accepts_seed, generator, root_seed
from reguloom.core import Network
from reguloom.pl import _style

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from matplotlib.text import Text

COLORS = {1: _style.UP, -1: _style.DOWN, 0: _style.UNSIGNED}
WORDS = {1: "activates", -1: "represses", 0: "both, or unknown"}
MOST = 120
"""Genes up to which a wiring is drawn."""


@accepts_seed
def wiring(
    network: Network, *, layout: str = "auto", title: str | None = None, ax: Axes | None = None, rng: SeedLike = 0
) -> Figure:
    """Draw every gene of a network and every edge with its sign.

    Activation is blue with an arrow, repression vermilion with a bar, and grey what is both, depending on the other
    regulators. A gene that regulates itself has a loop.

    Parameters
    ----------
    network
        Signed edges, such as ``BooleanNetwork.to_network()``.
    layout
        ``circle``, ordered so that connected genes are near; ``spring``; ``auto`` takes the circle up to 14 genes.
    title
        Above the panel.
    ax
        Where to draw.
    rng
        Seed of the layout.

    Returns
    -------
    Figure
        One panel.

    Raises
    ------
    InputError
        If the network has no edges or more than 120 genes, or the layout is none of these.

    Examples
    --------
    >>> figure = rl.pl.wiring(network.to_network())  # doctest: +SKIP
    """
    genes = [str(gene) for gene in network.genes]
    if not len(network) or len(genes) > MOST:
        msg = f"the network has {len(network)} edges among {len(genes)} genes; a wiring is drawn for 1 to {MOST} genes."
        raise InputError(msg)
    if layout not in ("auto", "circle", "spring"):
        msg = f"the layout is {layout!r}; accepted are auto, circle and spring."
        raise InputError(msg)
    edges = _edges(network, genes)
    circle = layout == "circle" or (layout == "auto" and len(genes) <= 14)
    places = _circle(edges, len(genes), root_seed(rng)) if circle else _spring(edges, len(genes), root_seed(rng))
    with _style.style():
        if ax is None:
            side = float(np.clip(1.5 + 0.62 * np.sqrt(len(genes)), 2.6, 8.5))
            figure = _style.new_figure(side * 1.12, side)
            figure.set_layout_engine(None)  # boxes are measured, so the axes must stay where they are
            ax = figure.add_axes((0.01, 0.08, 0.98, 0.86))
        else:
            figure = ax.get_figure()  # type: ignore[assignment]
        ax.set_aspect("equal")
        margin = 0.22 if circle else 0.12
        ax.set(xlim=(-1 - margin * 1.3, 1 + margin * 1.3), ylim=(-1 - margin, 1 + margin))
        ax.set_axis_off()
        texts = [_name(ax, gene, place) for gene, place in zip(genes, places, strict=True)]
        figure.canvas.draw()
        _draw_edges(ax, edges, places, texts, circle=circle)
        _legend(ax, edges)
        if title:
            ax.set_title(title, loc="left")
    return figure


def _edges(network: Network, genes: list[str]) -> list[tuple[int, int, int]]:
    """Return source, target and sign as positions."""
    place = {gene: i for i, gene in enumerate(genes)}
    frame = network.to_frame()
    columns = zip(frame["source"].astype(str), frame["target"].astype(str), frame["sign"], strict=True)
    return [(place[source], place[target], int(sign)) for source, target, sign in columns]


def _circle(edges: list[tuple[int, int, int]], n: int, seed: int) -> NDArray[np.float64]:
    """Return places on a circle; swapping pairs of genes shortens the edges."""
    draws = generator(seed, "circle")
    linked = np.zeros((n, n))
    for source, target, _ in edges:
        if source != target:
            linked[source, target] += 1
            linked[target, source] += 1

    def length(slots: NDArray[np.int64]) -> float:
        apart = np.abs(slots[:, None] - slots[None])
        return float((linked * np.minimum(apart, n - apart) ** 1.5).sum())

    slots = np.arange(n)
    best = length(slots)
    for _ in range(400 * min(n, 12)):
        i, j = draws.integers(n, size=2)
        slots[[i, j]] = slots[[j, i]]
        now = length(slots)
        if now <= best:
            best = now
        else:
            slots[[i, j]] = slots[[j, i]]
    angle = np.pi / 2 - 2 * np.pi * slots / n
    return np.stack([np.cos(angle), np.sin(angle)], axis=1)


def _spring(edges: list[tuple[int, int, int]], n: int, seed: int) -> NDArray[np.float64]:
    """Return places by springs, spread to fill the square."""
    import rustworkx as rx

    graph = rx.PyGraph(multigraph=False)
    graph.add_nodes_from(range(n))
    graph.add_edges_from_no_data([(source, target) for source, target, _ in edges if source != target])
    draws = generator(seed, "spring")
    begin = {i: tuple(draws.normal(size=2)) for i in range(n)}
    found = rx.spring_layout(graph, pos=begin, k=2.6 / np.sqrt(n), num_iter=400, seed=int(draws.integers(2**31)))
    places = np.array([found[i] for i in range(n)], dtype=np.float64)
    places -= (places.max(axis=0) + places.min(axis=0)) / 2
    return places / np.maximum(np.abs(places).max(axis=0), 1e-9)


def _name(ax: Axes, gene: str, place: NDArray[np.float64]) -> Text:
    """Write a gene in its box."""
    box: dict[str, Any] = {
        "boxstyle": "round,pad=0.32,rounding_size=0.5",
        "facecolor": "#F1F3F6",
        "edgecolor": _style.MUTED,
        "linewidth": 0.7,
    }
    x, y = (float(value) for value in place)
    return ax.text(x, y, _style.shorten(gene, 16), ha="center", va="center", fontsize=_style.TEXT, bbox=box, zorder=5)


def _draw_edges(
    ax: Axes, edges: list[tuple[int, int, int]], places: NDArray[np.float64], texts: list[Text], *, circle: bool
) -> None:
    """Draw the edges from box to box, bent so that opposite ones stand apart."""
    from matplotlib.patches import FancyArrowPatch
    from matplotlib.path import Path

    halves = _half_sizes(ax, texts)
    pairs = {(source, target) for source, target, _ in edges}
    for source, target, sign in edges:
        if source == target:
            curve = _loop(places[source], halves[source], outward=circle)
        else:
            bend = 0.17 if (target, source) in pairs else 0.07
            curve = _between(places[source], places[target], halves[source], halves[target], bend)
        codes = [Path.MOVETO, *[Path.CURVE3 if len(curve) == 3 else Path.CURVE4] * (len(curve) - 1)]
        ax.add_patch(
            FancyArrowPatch(
                path=Path(curve, codes),
                arrowstyle="|-|,widthA=0,widthB=2.4" if sign < 0 else "-|>,head_length=3.4,head_width=1.8",
                color=COLORS[sign],
                linewidth=1.0,
                mutation_scale=1.0,
                alpha=0.85,
                zorder=3,
            )
        )


def _half_sizes(ax: Axes, texts: list[Text]) -> NDArray[np.float64]:
    """Return half the width and height of each gene's box, in units of the axes."""
    to_data = ax.transData.inverted()
    boxes = [text.get_bbox_patch().get_window_extent() for text in texts]  # type: ignore[union-attr]
    corners = np.array([to_data.transform([[box.x0, box.y0], [box.x1, box.y1]]) for box in boxes])
    return np.asarray((corners[:, 1] - corners[:, 0]) / 2)


def _between(
    start: NDArray[np.float64],
    end: NDArray[np.float64],
    half_a: NDArray[np.float64],
    half_b: NDArray[np.float64],
    bend: float,
) -> NDArray[np.float64]:
    """Return the part of a bent line (a quadratic Bézier curve) that is outside both boxes."""
    across = end - start
    control = (start + end) / 2 + bend * np.array([across[1], -across[0]])
    t = np.linspace(0, 1, 201)[:, None]
    points = (1 - t) ** 2 * start + 2 * t * (1 - t) * control + t**2 * end
    gap = 0.012
    inside_a = (np.abs(points - start) <= half_a + gap).all(axis=1)
    inside_b = (np.abs(points - end) <= half_b + gap).all(axis=1)
    first = float(t[np.flatnonzero(inside_a)[-1], 0])
    last = float(t[np.flatnonzero(inside_b)[0], 0])
    if last <= first:  # boxes that touch
        first, last = 0.45, 0.55

    def blossom(u: float, v: float) -> NDArray[np.float64]:
        return (1 - u) * ((1 - v) * start + v * control) + u * ((1 - v) * control + v * end)

    return np.array([blossom(first, first), blossom(first, last), blossom(last, last)])


def _loop(place: NDArray[np.float64], half: NDArray[np.float64], *, outward: bool) -> NDArray[np.float64]:
    """Return a loop above or below a gene's box, on the side away from the middle."""
    side = -1.0 if outward and place[1] < -0.05 else 1.0
    edge = place[1] + side * (half[1] + 0.012)
    reach, height = 0.45 * half[0], 0.19
    x = place[0]
    return np.array(
        [
            [x - reach, edge],
            [x - 1.6 * reach, edge + side * height],
            [x + 1.6 * reach, edge + side * height],
            [x + reach, edge],
        ]
    )


def _legend(ax: Axes, edges: list[tuple[int, int, int]]) -> None:
    """Say what the colours mean, for the signs that are there."""
    from matplotlib.lines import Line2D

    signs = [sign for sign in (1, -1, 0) if any(edge[2] == sign for edge in edges)]
    handles: list[Any] = [Line2D([], [], color=COLORS[sign], linewidth=1.4, label=WORDS[sign]) for sign in signs]
    ax.legend(
        handles=handles, loc="upper center", bbox_to_anchor=(0.5, 0.0), ncols=3, handlelength=1.6, borderaxespad=0.2
    )
