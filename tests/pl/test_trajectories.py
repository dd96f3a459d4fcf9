from __future__ import annotations

import pytest

import reguloom as rl
from reguloom.mechanistic import BooleanNetwork, OdeModel, time_courses


@pytest.fixture(scope="module")
def courses():
    model = OdeModel.from_network(BooleanNetwork.from_rules({"A": "not B", "B": "not A"}), t_max=3)
    return time_courses(model, 12, n_times=20)


def test_one_panel_a_gene_one_line_a_trajectory(courses):
    figure = rl.pl.trajectories(courses)
    assert [ax.get_title() for ax in figure.axes] == ["A", "B"]
    n_fates = courses["fate"].nunique()
    assert len([line for line in figure.axes[1].lines if len(line.get_xdata())]) == 12 + n_fates
    assert figure.axes[0].get_ylim()[0] == 0
    assert figure.axes[0].get_ylim()[1] >= courses[["A", "B"]].to_numpy().max()


def test_single_panel_and_errors(courses):
    own = rl.pl.trajectories(courses, "A").axes[0]
    assert rl.pl.trajectories(courses, "B", ax=own) is own.figure
    with pytest.raises(rl.MissingKeyError, match="gene 'Z'"):
        rl.pl.trajectories(courses, "Z")
    with pytest.raises(rl.InputError, match="time_courses"):
        rl.pl.trajectories(courses[["A", "B"]])
    with pytest.raises(rl.InputError, match="one panel"):
        rl.pl.trajectories(courses, ax=own)
