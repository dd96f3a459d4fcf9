"""The regulon network around chosen transcription factors."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from reguloom._errors import InputError
from reguloom._random import SeedLike, accepts_seed, child_seed, root_seed
from reguloom.core import Network, Regulons
from reguloom.pl import _inputs, _style
from reguloom.pl._labels import halo, push_apart, text_boxes

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from matplotlib.text import Text

N_DEFAULT = 3
"""TFs drawn when none are named."""
COLORS = {1: _style.UP, -1: _style.DOWN, 0: _style.UNSIGNED}
TIE = 0.9
TF_BOX = "#2F3542"
WORDS = {1: "activates", -1: "represses", 0: "regulates"}


@dataclass(frozen=True, eq=False)
class _Graph:
    """What is drawn.

    Parameters
    ----------
    nodes
        Genes, TFs first.
    n_tfs
        How many of them are the chosen TFs.
    edges
        ``source``, ``target`` (positions in `nodes`), ``weight`` from 0 to 1 within each TF, ``sign``.
    places
        ``(n_nodes, 2)``.
    """

    nodes: list[str]
    n_tfs: int
    edges: pd.DataFrame
    places: NDArray[np.float64]


@accepts_seed
def network(
    network: Network | Regulons,
    tfs: str | Iterable[str] | None = None,
    *,
    n_targets: int = 20,
    n_labels: int | None = None,
    title: str | None = None,
    ax: Axes | None = None,
    rng: SeedLike = 0,
) -> Figure:
    """Draw chosen transcription factors with their strongest targets, shared targets between their regulators.

    Activation is blue with an arrow, repression vermilion with a bar, an unknown sign grey with an arrow; lines are
    wider the larger the weight is among the edges of the same TF.

    Parameters
    ----------
    network
        A network, or regulons.
    tfs
        Names of TFs (or of regulons); the three with the largest total weight if left out.
    n_targets
        Strongest targets of each TF that are drawn. Edges among these and to the other TFs are drawn too.
    n_labels
        Targets of each TF that are named, the strongest first; as many as stay readable if left out.
    title
        Above the panel.
    ax
        Where to draw.
    rng
        Seed of the layout (springs, from rustworkx).

    Returns
    -------
    Figure
        One panel.

    Raises
    ------
    MissingKeyError
        If a TF has no edges; the closest names are given.
    InputError
        If the network is empty.

    Examples
    --------
    >>> figure = rl.pl.network(regulons, ["Gata1", "Spi1"])  # doctest: +SKIP
    """
    edges = _edges(network)
    chosen = _choose_tfs(edges, tfs)
    graph = _graph(edges, chosen, n_targets, root_seed(rng))
    if n_labels is None:
        n_labels = max(4, min(n_targets, 90 // len(chosen)))
    with _style.style():
        if ax is None:
            side = float(np.clip(2.4 + 0.32 * np.sqrt(len(graph.nodes)), 3.2, 8.5))
            figure = _style.new_figure(side * 1.12, side)
            figure.set_layout_engine(None)
            ax = figure.add_axes((0.02, 0.02, 0.96, 0.92))
        else:
            figure = ax.get_figure()  # type: ignore[assignment]
        _frame(ax, graph)
        _draw_edges(ax, graph)
        _draw_nodes(ax, graph)
        _draw_names(ax, graph, _named(graph, n_labels))
        _legend(ax, graph)
        ax.set_title("" if title is None else title)
    return figure


def _edges(network: Network | Regulons) -> pd.DataFrame:
    """Return source, target, weight and sign, of parallel edges the strongest, no self-edges."""
    if isinstance(network, Regulons):
        network = network.to_network()
    if not isinstance(network, Network) or len(network) == 0:
        msg = f"there is nothing to draw in {network!r:.60}; a Network or Regulons with at least one edge is needed."
        raise InputError(msg)
    frame = network.to_frame()[["source", "target", "weight", "sign"]].astype({"source": str, "target": str})
    frame["weight"] = frame["weight"].abs()
    frame = frame[frame["source"] != frame["target"]].sort_values("weight", ascending=False, kind="stable")
    return frame.drop_duplicates(["source", "target"]).reset_index(drop=True)


def _choose_tfs(edges: pd.DataFrame, tfs: str | Iterable[str] | None) -> list[str]:
    """Return the TFs to draw; a regulon's name stands for its TF."""
    from reguloom.core.regulon import parse_name

    total = edges.groupby("source", sort=False)["weight"].sum().sort_values(ascending=False, kind="stable")
    if tfs is None:
        return [str(name) for name in total.index[:N_DEFAULT]]
    asked = [tfs] if isinstance(tfs, str) else list(tfs)
    plain = [name if name in total.index else parse_name(str(name))[0] for name in asked]
    table = pd.DataFrame(columns=total.index)
    return _inputs.choose(table, plain, what="regulator")


def _graph(edges: pd.DataFrame, tfs: list[str], n_targets: int, seed: int) -> _Graph:
    """Return the part of the network that is drawn, with the place of each gene."""
    own = edges[edges["source"].isin(tfs)]
    rank = own.groupby("source", sort=False).cumcount()
    shown = set(own.loc[rank < n_targets, "target"]) | set(tfs)
    # of the weaker edges, those between genes that are here anyway: they show which targets are shared
    kept = own[own["target"].isin(shown)].copy()
    nodes = [*tfs, *dict.fromkeys(name for name in kept["target"] if name not in tfs)]
    position = {name: i for i, name in enumerate(nodes)}
    kept["source"], kept["target"] = kept["source"].map(position), kept["target"].map(position)
    kept["weight"] = kept["weight"] / kept.groupby("source")["weight"].transform("max").replace(0.0, 1.0)
    kept = kept.reset_index(drop=True)
    return _Graph(nodes, len(tfs), kept, _layout(len(nodes), len(tfs), kept, seed))


def _layout(n_nodes: int, n_tfs: int, edges: pd.DataFrame, seed: int) -> NDArray[np.float64]:
    """Return places: TFs start on a circle and targets around their regulators; springs do the rest."""
    import rustworkx

    rng = np.random.default_rng(child_seed(seed, "layout"))
    start = np.empty((n_nodes, 2))
    turn = 2 * np.pi * np.arange(n_tfs) / max(n_tfs, 1) + np.pi / 2
    start[:n_tfs] = np.stack([np.cos(turn), np.sin(turn)], axis=1) * (1.0 if n_tfs > 1 else 0.0)
    for node in range(n_tfs, n_nodes):
        regulators = edges.loc[edges["target"] == node, "source"]
        start[node] = start[regulators].mean(axis=0) + rng.normal(0.0, 0.35, 2)
    graph = rustworkx.PyGraph(multigraph=False)
    graph.add_nodes_from(range(n_nodes))
    graph.add_edges_from([(int(a), int(b), 1.0) for a, b in zip(edges["source"], edges["target"], strict=True)])
    # weak ties between TFs keep those without a common target in the picture
    tied = {(int(a), int(b)) for a, b in zip(edges["source"], edges["target"], strict=True)}
    graph.add_edges_from([(a, b, TIE / n_tfs) for a in range(n_tfs) for b in range(a) if not {(a, b), (b, a)} & tied])
    places = rustworkx.spring_layout(
        graph,
        weight_fn=float,
        pos={i: (float(x), float(y)) for i, (x, y) in enumerate(start)},
        k=1.6 / np.sqrt(max(n_nodes, 1)),
        num_iter=300,
        seed=int(rng.integers(2**31)),
    )
    found = np.array([places[i] for i in range(n_nodes)], dtype=np.float64)
    found -= found.mean(axis=0)
    return found / max(float(np.abs(found).max()), 1e-9)


def _frame(ax: Axes, graph: _Graph) -> None:
    """Fit the axes to the layout, with room for names at the edges."""
    low, high = graph.places.min(axis=0), graph.places.max(axis=0)
    span = np.maximum(high - low, 0.5)
    ax.set(
        xlim=(low[0] - 0.13 * span[0], high[0] + 0.13 * span[0]), ylim=(low[1] - 0.1 * span[1], high[1] + 0.1 * span[1])
    )
    ax.set_axis_off()


def _draw_edges(ax: Axes, graph: _Graph) -> None:
    """Draw the edges, weak ones first."""
    from matplotlib.patches import FancyArrowPatch

    for edge in graph.edges.sort_values("weight", kind="stable").itertuples(index=False):
        to_tf = edge.target < graph.n_tfs
        strength = float(np.sqrt(max(edge.weight, 0.0)))
        ax.add_patch(
            FancyArrowPatch(
                tuple(graph.places[edge.source]),
                tuple(graph.places[edge.target]),
                arrowstyle="|-|,widthA=0,widthB=2.2" if edge.sign < 0 else "-|>,head_length=3,head_width=1.5",
                connectionstyle="arc3,rad=0.12" if to_tf else "arc3,rad=0.0",
                shrinkA=9,
                shrinkB=11 if to_tf else 4,
                linewidth=0.4 + 1.0 * strength,
                color=COLORS[int(edge.sign)],
                alpha=0.35 + 0.45 * strength,
                mutation_scale=1.0,
                zorder=1,
            )
        )


def _draw_nodes(ax: Axes, graph: _Graph) -> None:
    """Draw targets as points, those of several TFs darker."""
    n_regulators = np.bincount(graph.edges["target"], minlength=len(graph.nodes))[graph.n_tfs :]
    shade = np.where(n_regulators > 1, _style.INK, _style.MUTED)
    x, y = graph.places[graph.n_tfs :].T
    ax.scatter(x, y, s=14, c=list(shade), edgecolors="white", linewidths=0.5, zorder=2)


def _named(graph: _Graph, n_labels: int) -> list[int]:
    """Return the targets to name: the strongest of each TF."""
    targets = graph.edges[graph.edges["target"] >= graph.n_tfs]
    strongest = targets.sort_values("weight", ascending=False, kind="stable").groupby("source").head(n_labels)
    return sorted({int(node) for node in strongest["target"]})


def _draw_names(ax: Axes, graph: _Graph, named: list[int]) -> None:
    """Write the names of TFs in boxes, and of targets on the side away from their regulators."""
    box = {"boxstyle": "round,pad=0.35,rounding_size=0.6", "facecolor": TF_BOX, "edgecolor": "white", "linewidth": 1.2}
    middle: dict[str, Any] = {"ha": "center", "va": "center"}
    tf_texts = [
        ax.text(
            x,
            y,
            _style.shorten(name, 18),
            fontsize=_style.TEXT,
            weight="bold",
            color="white",
            bbox=box,
            zorder=6,
            **middle,
        )
        for name, (x, y) in zip(graph.nodes[: graph.n_tfs], graph.places.tolist(), strict=False)
    ]
    if not named:
        return
    texts = [
        ax.text(
            float(graph.places[node, 0]),
            float(graph.places[node, 1]),
            _style.shorten(graph.nodes[node], 18),
            fontsize=_style.SMALL - 0.5,
            zorder=5,
            **middle,
        )
        for node in named
    ]
    _settle(ax, graph, named, texts, tf_texts)
    for text in texts:
        halo(text)


def _settle(ax: Axes, graph: _Graph, named: list[int], texts: list[Text], tf_texts: list[Text]) -> None:
    """Move the names of targets off the points, the TFs and each other."""
    to_pixels, to_data = ax.transData, ax.transData.inverted()
    points = to_pixels.transform(graph.places)
    figure: Any = ax.get_figure(root=True)
    scale = figure.dpi / 72
    boxes = text_boxes(texts, pad=0.8 * scale)
    size = boxes[:, 2:] - boxes[:, :2]
    away = np.array([points[node] - points[_regulators(graph, node)].mean(axis=0) for node in named])
    away /= np.maximum(np.linalg.norm(away, axis=1, keepdims=True), 1e-9)
    boxes = boxes + np.tile(away * (size / 2 + 3.0 * scale), 2)
    half = 2.4 * scale
    fixed = np.concatenate([np.hstack([points - half, points + half]), text_boxes(tf_texts, pad=4 * scale)])
    shift = push_apart(boxes, points[named], fixed=fixed)
    middles = (boxes[:, :2] + boxes[:, 2:]) / 2 + shift
    for text, middle in zip(texts, to_data.transform(middles), strict=True):
        text.set_position((float(middle[0]), float(middle[1])))


def _regulators(graph: _Graph, node: int) -> NDArray[np.int64]:
    """Return the TFs of a target."""
    return graph.edges.loc[graph.edges["target"] == node, "source"].to_numpy(dtype=np.int64)


def _legend(ax: Axes, graph: _Graph) -> None:
    """Say what the colours mean, for the signs that are there."""
    from matplotlib.lines import Line2D

    signs = [sign for sign in (1, -1, 0) if (graph.edges["sign"] == sign).any()]
    handles: list[Any] = [Line2D([], [], color=COLORS[sign], linewidth=1.4, label=WORDS[sign]) for sign in signs]
    ax.legend(
        handles=handles, loc="lower right", bbox_to_anchor=(1.0, 1.0), ncols=3, handlelength=1.6, borderaxespad=0.2
    )
