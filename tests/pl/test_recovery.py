from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

import reguloom as rl
from reguloom import pl


def table(n: int = 200) -> pd.DataFrame:
    rank = np.arange(n)
    hit = np.where(rank < 60, rank / 4.0, 15.0)
    return pd.DataFrame({"mean": rank / 20.0, "sd": np.full(n, 1.0), "motif one": hit, "motif two": hit / 2})


def line(ax, label):
    return next(one for one in ax.lines if str(one.get_label()).startswith(label))


def test_curves_background_and_leading_edge():
    ax = pl.recovery(table()[["mean", "sd", "motif one"]]).axes[0]
    np.testing.assert_allclose(line(ax, "motif one").get_ydata(), table()["motif one"])
    np.testing.assert_allclose(line(ax, "mean + 2 SD").get_ydata(), table()["mean"] + 2)
    # furthest above mean + 2 sd where the curve stops rising
    assert ax.collections[-1].get_offsets().tolist() == [[60.0, 15.0]]


def test_given_ranks_and_scores_are_written():
    figure = pl.recovery(table(), rank_at_max=[30, 50], nes={"motif one": 6.25, "motif two": 3.1}, title="Gata1")
    ax = figure.axes[0]
    labels = [text.get_text() for text in ax.get_legend().texts]
    assert labels[2] == "motif one\nNES 6.2, 7.5 genes up to rank 30"
    assert ax.get_title(loc="left") == "Gata1"
    assert [c.get_offsets().tolist()[0][0] for c in ax.collections[1:]] == [30.0, 50.0]


def test_takes_std_and_an_explicit_rank():
    frame = table().rename(columns={"sd": "std"}).assign(rank=np.arange(1, 201))
    ax = pl.recovery(frame).axes[0]
    assert line(ax, "motif two").get_xdata()[0] == 1


def test_takes_what_enrichment_returns():
    world = rl.datasets.regulon_world(50, 2, 4, n_genes=80, n_database_genes=400, n_random_motifs=20)
    cistarget = pytest.importorskip("reguloom.cistarget")
    genes = list(world.regulons)[0].targets
    found = cistarget.recovery({"module": genes}, world.rankings, n_motifs=2, rank_threshold=100)
    ax = pl.recovery(found).axes[0]
    assert ax.get_title(loc="left") == "module"
    assert [c.get_offsets().tolist()[0][0] for c in ax.collections[1:]] == found.rank_at_max.tolist()


def test_errors():
    with pytest.raises(rl.InputError, match="needs mean, sd"):
        pl.recovery(table().drop(columns="sd"))
    with pytest.raises(rl.InputError, match="0 recovery curves"):
        pl.recovery(table()[["mean", "sd"]])
    with pytest.raises(rl.InputError, match="2 motifs"):
        pl.recovery(table(), rank_at_max=[1])
    with pytest.raises(rl.InputError, match="is a list"):
        pl.recovery([1, 2])
