from __future__ import annotations

import numpy as np

import reguloom as rl
from reguloom.mechanistic import BooleanNetwork, OdeModel, phase_plane


def test_nullclines_cross_at_the_points_of_rest():
    model = OdeModel.from_network(BooleanNetwork.from_rules({"A": "not B", "B": "not A"}), hill=4)
    plane = phase_plane(model, ["A", "B"])
    figure = rl.pl.phase_plane(plane, title="toggle")
    ax = figure.axes[0]
    dots = [line for line in ax.lines if len(line.get_xdata()) == 1 and line.get_marker() == "o"]
    drawn = sorted((float(dot.get_xdata()[0]), float(dot.get_ydata()[0])) for dot in dots)
    np.testing.assert_allclose(drawn, sorted(map(tuple, plane.rests)))
    assert len({dot.get_markerfacecolor() for dot in dots}) == 2
    assert ax.get_xlabel().startswith("A") and ax.get_ylabel().startswith("B") and ax.get_title() == "toggle"
    assert rl.pl.phase_plane(plane, ax=ax) is figure
