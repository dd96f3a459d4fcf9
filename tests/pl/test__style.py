from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest

from reguloom.pl import _style


def luminance(rgb) -> float:
    linear = np.where(np.asarray(rgb) <= 0.04045, np.asarray(rgb) / 12.92, ((np.asarray(rgb) + 0.055) / 1.055) ** 2.4)
    return float(linear @ [0.2126, 0.7152, 0.0722])


def test_activity_darkens_all_the_way():
    shades = _style.activity_map()(np.linspace(0, 1, 64))[:, :3]
    assert (np.diff([luminance(shade) for shade in shades]) < 0).all()


def test_group_colours_are_distinct_up_to_thirty_two():
    assert len(set(_style.group_colors(32))) == 32
    assert _style.group_colors(3) == list(_style.GROUPS[:3])
    assert len(_style.group_colors(100)) == 100


def test_long_names_lose_their_middle():
    assert _style.shorten("Gata1(+)") == "Gata1(+)"
    short = _style.shorten("a" * 20 + "middle" + "b" * 20, 21)
    assert len(short) == 21 and short.startswith("aaa") and short.endswith("bbb") and "…" in short


def test_label_rotation_follows_the_room():
    assert _style.label_rotation(["B", "T"], 0.5)["rotation"] == 0
    assert _style.label_rotation(["plasmacytoid dendritic"], 0.5)["rotation"] == 45
    assert _style.label_rotation(["plasmacytoid dendritic"], 0.05)["rotation"] == 90


@pytest.mark.parametrize("suffix", ["png", "svg", "pdf"])
def test_the_same_figure_gives_the_same_bytes(adata, tmp_path, suffix):
    from reguloom import pl

    for name in ("one", "two"):
        pl.rss(adata, groupby="kind").savefig(tmp_path / f"{name}.{suffix}")
    assert (tmp_path / f"one.{suffix}").read_bytes() == (tmp_path / f"two.{suffix}").read_bytes()


def test_notebooks_show_a_figure(adata):
    from reguloom import pl

    assert pl.rss(adata, groupby="kind")._repr_png_().startswith(b"\x89PNG")


def test_importing_plots_does_not_import_matplotlib():
    code = "import sys, reguloom.pl; sys.exit('matplotlib' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
