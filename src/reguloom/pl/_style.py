"""The house style: one set of fonts, sizes and colours, applied only while a figure of ours is drawn or saved."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.colors import Colormap
    from matplotlib.figure import Figure

INK, MUTED, FAINT, PAPER = "#23272F", "#6B7280", "#D5D8DE", "#FFFFFF"
"""Text, secondary text, hairlines, background."""
UP, DOWN, UNSIGNED = "#0072B2", "#D55E00", "#8A8F98"
"""Activation, repression and unknown sign; blue and vermilion stay apart for every common colour blindness."""
REST, MARK = "#A9B4C4", "#D55E00"
"""What is there, and what is pointed at."""
GROUPS = ("#0072B2", "#E69F00", "#009E73", "#CC79A7", "#56B4E9", "#D55E00", "#8C7A00", "#5B5F97")
"""Okabe and Ito's palette, with a darker yellow (theirs is lost on white) and an indigo for black."""
ACTIVITY = ("#ECECF1", "#F5C9A9", "#F08A62", "#D2405F", "#8A226A", "#35133F")
"""From inactive (nearly the paper) to active, darker all the way, so that it reads in grey too."""
SMALL, TEXT, TITLE = 6.5, 7.5, 9.0
"""Font sizes in points."""

RC: Any = {
    "axes.axisbelow": True,
    "axes.edgecolor": MUTED,
    "axes.grid": False,
    "axes.labelcolor": INK,
    "axes.labelsize": TEXT,
    "axes.linewidth": 0.7,
    "axes.spines.right": False,
    "axes.spines.top": False,
    "axes.titlesize": TITLE,
    "axes.titleweight": "regular",
    "axes.titlepad": 5.0,
    "axes.unicode_minus": True,
    "figure.facecolor": PAPER,
    "font.family": ["DejaVu Sans"],  # comes with matplotlib, so every machine draws the same figure
    "font.size": TEXT,
    "grid.color": FAINT,
    "grid.linewidth": 0.5,
    "legend.fontsize": SMALL,
    "legend.frameon": False,
    "pdf.fonttype": 42,  # text stays text in an editor
    "svg.fonttype": "none",
    "svg.hashsalt": "reguloom",  # the same figure gives the same file
    "text.color": INK,
    "text.usetex": False,
    "xtick.color": MUTED,
    "xtick.labelcolor": INK,
    "xtick.labelsize": SMALL,
    "xtick.major.size": 2.5,
    "xtick.major.width": 0.6,
    "ytick.color": MUTED,
    "ytick.labelcolor": INK,
    "ytick.labelsize": SMALL,
    "ytick.major.size": 2.5,
    "ytick.major.width": 0.6,
}


@contextmanager
def style() -> Iterator[None]:
    """Draw in the house style, and leave matplotlib's settings as they were."""
    from matplotlib import rc_context

    with rc_context(RC):
        yield


def new_figure(width: float, height: float) -> Figure:
    """Return an empty figure of a size in inches that pyplot does not know of, so that nothing has to be closed."""
    from reguloom.pl._figure import HouseFigure

    return HouseFigure(figsize=(width, height), dpi=150, layout="constrained")


def panels(n: int, *, ncols: int | None, width: float, height: float, **kwargs: Any) -> tuple[Figure, list[Axes]]:
    """Return a figure with `n` equal panels in rows.

    Parameters
    ----------
    n
        Number of panels.
    ncols
        Panels in a row; chosen so that the figure is wider than tall if left out.
    width, height
        Of one panel, in inches.
    kwargs
        For ``Figure.subplots``.
    """
    ncols = columns(n) if ncols is None else max(1, min(ncols, n))
    nrows = -(-n // ncols)
    figure = new_figure(width * ncols, height * nrows)
    grid = figure.subplots(nrows, ncols, squeeze=False, **kwargs).ravel().tolist()
    for spare in grid[n:]:
        spare.remove()
    return figure, grid[:n]


def columns(n: int) -> int:
    """Return how many panels stand in a row."""
    if n <= 4:
        return n
    if n <= 24:
        return 3 if n in (5, 6, 9) else 4
    return 6 if n <= 60 else 8


def group_colors(n: int) -> list[str]:
    """Return one colour per group; past eight the palette comes again lighter, then darker."""
    shades: list[str] = list(GROUPS)
    for toward, share in ((1.0, 0.45), (0.0, 0.4), (1.0, 0.7)):
        shades += [_toward(color, toward, share) for color in GROUPS]
    return [shades[i % len(shades)] for i in range(n)]


def _toward(color: str, end: float, share: float) -> str:
    """Return a colour mixed with white (`end` 1) or black (0)."""
    from matplotlib.colors import to_hex, to_rgb

    red, green, blue = ((1 - share) * part + share * end for part in to_rgb(color))
    return to_hex((red, green, blue))


def activity_map() -> Colormap:
    """Return the colour map of activity."""
    from matplotlib.colors import LinearSegmentedColormap

    return LinearSegmentedColormap.from_list("reguloom_activity", ACTIVITY)


def label_rotation(names: Sequence[str], inches_each: float, *, size: float = SMALL) -> dict[str, Any]:
    """Return how tick labels below an axis have to stand to not run into each other."""
    longest = max((len(name) for name in names), default=0)
    if longest * size * 0.62 / 72 <= inches_each * 0.95:
        return {"rotation": 0, "ha": "center"}
    if inches_each < 1.6 * size / 72:
        return {"rotation": 90, "ha": "center", "va": "top"}
    return {"rotation": 45, "ha": "right", "rotation_mode": "anchor"}


def shorten(name: str, longest: int = 28) -> str:
    """Return `name`, its middle left out if it is longer than a label can be."""
    if len(name) <= longest:
        return name
    tail = longest // 3
    return f"{name[: longest - tail - 1]}…{name[-tail:]}"
