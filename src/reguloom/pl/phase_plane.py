"""The plane of two genes: nullclines, the way levels go, and where they rest."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from reguloom.pl import _style

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure


def phase_plane(plane: Any, *, title: str | None = None, ax: Axes | None = None) -> Figure:
    """Draw the plane of two genes with both nullclines; full dots are stable states, open ones are not.

    Parameters
    ----------
    plane
        From :func:`reguloom.mechanistic.phase_plane`.
    title
        Above the panel.
    ax
        Where to draw.

    Returns
    -------
    The figure.

    Examples
    --------
    >>> figure = rl.pl.phase_plane(rl.mechanistic.phase_plane(model, ["Gata1", "Pu.1"]))  # doctest: +SKIP
    """
    first, second = _style.GROUPS[0], _style.GROUPS[5]
    with _style.style():
        figure: Any = _style.new_figure(3.0, 3.0) if ax is None else ax.figure
        ax = figure.add_subplot() if ax is None else ax
        speed = np.hypot(plane.dx, plane.dy)
        ax.streamplot(plane.x, plane.y, plane.dx, plane.dy, color=_style.REST, density=1.1, arrowsize=0.6,
                      linewidth=0.35 + 0.9 * np.sqrt(speed / max(speed.max(), 1e-12)), zorder=1)  # fmt: skip
        for change, color in ((plane.dx, first), (plane.dy, second)):
            ax.contour(plane.x, plane.y, change, levels=[0.0], colors=[color], linewidths=1.6, zorder=3)
        for (x, y), stable in zip(plane.rests, plane.stable, strict=True):
            ax.plot(x, y, "o", markersize=6, markerfacecolor=_style.INK if stable else _style.PAPER,
                    markeredgecolor=_style.INK, markeredgewidth=1.0, zorder=5, clip_on=False)  # fmt: skip
        x_name, y_name = (_style.shorten(name, 18) for name in plane.genes)
        handles = [ax.plot([], [], color=color, linewidth=1.6)[0] for color in (first, second)]
        handles += [ax.plot([], [], "o", markersize=5, markerfacecolor=face, markeredgecolor=_style.INK)[0]
                    for face in (_style.INK, _style.PAPER)]  # fmt: skip
        labels = [f"{x_name} at rest", f"{y_name} at rest", "stable", "unstable"]
        kept = [True, True, bool(plane.stable.any()), bool((~plane.stable).any())]
        figure.legend([h for h, k in zip(handles, kept, strict=True) if k],
                      [one for one, k in zip(labels, kept, strict=True) if k],
                      loc="outside lower center", ncols=2, handlelength=1.4, columnspacing=1.0)  # fmt: skip
        ax.set(xlim=(0, plane.x[-1]), ylim=(0, plane.y[-1]), xlabel=f"{x_name} (share of maximum)",
               ylabel=f"{y_name} (share of maximum)")  # fmt: skip
        ax.set_aspect("equal")
        if title:
            ax.set_title(title)
    return figure
