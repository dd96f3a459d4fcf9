"""The page in a real browser: every panel renders, pickers and keys work, and nothing is asked of the network."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import anndata
import numpy as np
import pandas as pd
import pytest
from tests.report.browser import Browser
from tests.report.conftest import FACTORS, NASTY, make_cells
from tests.report.test_build import contents

from reguloom import report
from reguloom.core import Perturbation
from reguloom.manifold import Neighborhood
from reguloom.oracle import Oracle
from reguloom.report._payload import decode

ALL = "overview cells regulons specificity network knockout ranking whatif flow temporal tables checks record".split()
#: Share of a canvas that is painted.
PAINTED = """(canvas => {
  const copy = document.createElement('canvas'); copy.width = canvas.width; copy.height = canvas.height;
  const pen = copy.getContext('2d'); pen.drawImage(canvas, 0, 0);
  const pixels = pen.getImageData(0, 0, copy.width, copy.height).data;
  let n = 0; for (let i = 3; i < pixels.length; i += 4) n += pixels[i] > 0;
  return n / (pixels.length / 4); })"""
CANVAS = "document.querySelector('#{panel} canvas.{kind}')"


@pytest.fixture(scope="module")
def opened(chromium: Browser, page: Path) -> Browser:
    chromium.size(1280, 900)
    chromium.scheme("light")
    chromium.open(page)
    return chromium


@pytest.fixture
def tab(opened: Browser) -> Iterator[Browser]:
    """The open page; afterwards nothing may have been complained of or asked for."""
    yield opened
    assert opened.complaints == []
    assert opened.requests == []


def text(tab: Browser, selector: str) -> str:
    return str(tab.run(f"document.querySelector({selector!r}).textContent"))


def pick(tab: Browser, panel: str, label: str, words: str) -> None:
    """Choose from a combobox by keyboard: focus, type, enter."""
    tab.run(
        f"[...document.querySelectorAll('#{panel} .combobox')].find(one => one.querySelector('label').textContent"
        f".startsWith({label!r})).querySelector('input').focus()"
    )
    tab.run("document.activeElement.select()")
    tab.type(words)
    tab.key("Enter")


def test_every_panel_renders(tab: Browser) -> None:
    assert tab.run("[...document.querySelectorAll('main > section')].map(one => one.id)") == ALL
    assert tab.run("document.querySelectorAll('.alarm').length") == 0
    assert tab.run("[...document.querySelectorAll('#nav a')].map(one => one.hash.slice(1))") == ALL
    heights = tab.run("[...document.querySelectorAll('main > section .body')].map(one => one.clientHeight)")
    assert min(heights) >= 40
    assert tab.run("document.title") == "A <b>run</b> & more"
    assert text(tab, "h1") == "A <b>run</b> & more"
    over = ("network", "knockout", "whatif", "flow")
    drawn = [("cells", "points"), ("knockout", "points"), ("flow", "points"), *((one, "over") for one in over)]
    for panel, kind in drawn:
        tab.until(PAINTED + "(" + CANVAS.format(panel=panel, kind=kind) + ") > 0.005")


def test_names_are_only_names(tab: Browser, page: Path) -> None:
    assert tab.run("document.querySelectorAll('main img, main b:not(.facts b), main script').length") == 0
    n_parts = len(contents(page)[1])
    assert tab.run("document.querySelectorAll('body > script').length") == n_parts + 2
    shown = tab.run("[...document.querySelectorAll('#regulons tbody button')].map(one => one.textContent)")
    assert f"{FACTORS[2]}(+)" in shown
    names = tab.run("reguloom.data.cells.channels.filter(one => one.kind === 'gene').map(one => one.name)")
    assert set(NASTY) <= set(names)
    for name in NASTY:
        tab.run(f"reguloom.say('gene', {name!r})")
        tab.until(f"document.querySelector('#cells .scale strong').textContent === {name!r}")


def test_cells_are_coloured_by_a_typed_name(tab: Browser) -> None:
    before = tab.run("document.querySelectorAll('#cells canvas.points')[1].toDataURL()")
    pick(tab, "cells", "Colour by", "Target0")
    tab.until("document.querySelector('#cells .scale strong').textContent.startsWith('Target0')")
    tab.until(f"document.querySelectorAll('#cells canvas.points')[1].toDataURL() !== {before!r}")
    swatch = "document.querySelectorAll('#cells .swatch')"
    assert tab.run(f"{swatch}.length") == 3
    tab.run(f"{swatch}[1].click()")
    tab.until(f"{swatch}[1].getAttribute('aria-pressed') === 'true'")
    tab.run(f"{swatch}[1].click()")


def test_the_table_is_searched_and_sorted(tab: Browser) -> None:
    rows = "[...document.querySelectorAll('#regulons .listing tbody tr')]"
    assert tab.run(f"{rows}.length") == 3
    tab.run("const field = document.querySelector('#regulons input[type=search]'); field.focus()")
    tab.type("spi1")
    tab.until(f"{rows}.length === 1")
    assert "Spi1(+)" in tab.run(f"{rows}[0].textContent")
    tab.run("field.select()")
    tab.key("Backspace", code=8)
    tab.until(f"{rows}.length === 3")
    head = "[...document.querySelectorAll('#regulons thead th')].find(one => one.textContent === 'NES')"
    tab.run(f"{head}.querySelector('button').click()")
    assert tab.run(f"{head}.getAttribute('aria-sort')") == "descending"
    assert FACTORS[2] in tab.run(f"{rows}[0].textContent")
    tab.run(f"{head}.querySelector('button').click()")
    assert "Gata1(+)" in tab.run(f"{rows}[0].textContent")


def test_a_regulon_leads_to_targets_cells_network_and_knock_out(tab: Browser) -> None:
    tab.run(
        "[...document.querySelectorAll('#regulons tbody button')].find(one => one.textContent === 'Spi1(+)').click()"
    )
    tab.until("document.querySelector('#regulons .detail h3').textContent === 'Spi1(+)'")
    tab.until("document.querySelector('#cells .scale strong').textContent === 'Spi1(+)'")
    assert "motif Spi1" in text(tab, "#regulons .detail")
    assert tab.run("document.querySelectorAll('#regulons .detail .chips li').length") > 5
    buttons = "[...document.querySelectorAll('#regulons .detail .actions button')]"
    tab.run(f"{buttons}.find(one => one.textContent.startsWith('Show in')).click()")
    tab.until("document.querySelector('#network .about h3')?.textContent === 'Spi1'")
    tab.run(f"{buttons}.find(one => one.textContent.startsWith('Knock out')).click()")
    tab.until("document.querySelector('#knockout .about h3').textContent === 'Spi1'")
    assert tab.run("document.activeElement.id") == "knockout"


def test_the_network_is_searched_and_the_flow_is_chosen(tab: Browser) -> None:
    pick(tab, "network", "Any gene", "Target1")
    tab.until("document.querySelector('#network .about h3').textContent.startsWith('Target1')")
    assert "Regulated by" in text(tab, "#network .about")
    drawn = tab.run(f"{CANVAS.format(panel='knockout', kind='over')}.toDataURL()")
    pick(tab, "knockout", "Factor", "Gata")
    tab.until("document.querySelector('#knockout .about h3').textContent === 'Gata1'")
    tab.until(f"{CANVAS.format(panel='knockout', kind='over')}.toDataURL() !== {drawn!r}")
    tab.run("[...document.querySelectorAll('#knockout .pair button')][1].click()")
    tab.until("document.querySelector('#knockout .about h3').textContent !== 'Gata1'")


def test_lineages_are_chosen_and_a_factor_leads_to_its_flow(tab: Browser) -> None:
    tab.run("const lineage = document.querySelector('#ranking select'); lineage.selectedIndex = 1")
    tab.run("lineage.dispatchEvent(new Event('change'))")
    assert tab.run("document.querySelector('#ranking svg').getAttribute('aria-label')").endswith(
        tab.run("lineage.value")
    )
    tab.run("[...document.querySelectorAll('#ranking tbody button')].find(one => one.textContent === 'Spi1').click()")
    tab.until("document.querySelector('#knockout .about h3').textContent === 'Spi1'")
    assert "baseline" in text(tab, "#tables tbody")


def test_the_flow_has_lines_colours_checks_and_drivers(tab: Browser) -> None:
    lines = "streamlines({...reguloom.data.flow.grid, kept: one[0], u: one[1], v: one[2]})"
    names = "['grid.kept', 'u', 'v'].map(name => name.split('.').reduce((at, key) => at[key], reguloom.data.flow))"
    found = tab.run(f"Promise.all({names}.map(load)).then(one => {lines}.map(line => line.map(at => at.slice(0, 2))))")
    assert len(found) > 10 and all(-0.1 < value < 1.1 for line in found for at in line for value in at)
    points = f"{CANVAS.format(panel='flow', kind='points')}.toDataURL()"
    before = tab.run(points)
    for name in ("speed", "divergence", "group"):
        tab.run(f"const colour_{name} = document.querySelector('#flow select'); colour_{name}.value = {name!r}")
        tab.run(f"colour_{name}.dispatchEvent(new Event('change'))")
        tab.until(f"{points} {'===' if name == 'group' else '!=='} {before!r}")
    assert "enough <i>genes</i>" in text(tab, "#flow") and "too few" in text(tab, "#flow .warnings")
    group = "[...document.querySelectorAll('#flow select')].at(-1)"
    tab.run(f"{group}.selectedIndex = 1; {group}.dispatchEvent(new Event('change'))")
    tables = "[...document.querySelectorAll('#flow table caption')].map(one => one.textContent)"
    assert tab.run(f"{tables}.at(-1)").endswith(tab.run(f"{group}.value"))


def test_keys_alone_reach_and_move_everything(tab: Browser) -> None:
    tab.run("document.activeElement.blur(); window.scrollTo(0, 0)")
    tab.run("document.querySelector('.skip').focus()")
    seen = []
    for _ in range(20):
        here = "document.activeElement"
        seen.append(tab.run(f"{here}.className + ' ' + {here}.textContent.slice(0, 20)"))
        tab.key("Tab")
    assert (
        any("brand" in one for one in seen)
        and any("Cells" in one for one in seen)
        and any("Dark" in one for one in seen)
    )
    outline = tab.run("getComputedStyle(document.activeElement).outlineStyle")
    assert outline != "none"
    canvas = CANVAS.format(panel="cells", kind="over")
    for key, code in (("ArrowLeft", 37), ("+", 187), ("0", 48)):
        tab.run(f"{canvas}.focus()")
        before = tab.run("document.querySelector('#cells canvas.points').toDataURL()")
        tab.key(key, code=code, text=key if len(key) == 1 else "")
        tab.until(f"document.querySelector('#cells canvas.points').toDataURL() !== {before!r}")
    assert tab.run(f"{canvas}.getAttribute('aria-label')").startswith("Cells by group")
    field = "document.querySelector('#cells .combobox input')"
    tab.run(f"{field}.focus()")
    tab.key("ArrowDown")
    tab.until(f"{field}.getAttribute('aria-expanded') === 'true'")
    tab.key("ArrowDown")
    assert tab.run(f"{field}.getAttribute('aria-activedescendant')")
    tab.key("Escape")
    tab.until(f"{field}.getAttribute('aria-expanded') === 'false'")
    named = "one.textContent.trim() || one.getAttribute('aria-label') || one.labels?.length"
    controls = "[...document.querySelectorAll('button, input, select, [role=img], nav')]"
    assert tab.run(f"{controls}.filter(one => !({named})).length") == 0


def test_the_theme_follows_the_system_and_the_button(tab: Browser) -> None:
    page_color = "getComputedStyle(document.body).backgroundColor"
    light = tab.run(page_color)
    tab.scheme("dark")
    tab.until(f"{page_color} !== {light!r}")
    tab.run("document.getElementById('theme').click()")
    assert tab.run(page_color) == light
    tab.scheme("light")


# ---------------------------------------------------------------------------------------------------------- what if

LEVELS = [
    {"Gata1": 0.0}, {"Spi1": 1.5}, {"Gata1": 0.0, "Spi1": 0.7}, {FACTORS[2]: 3.0, "Gata1": 2.2},
]  # fmt: skip


def asked(levels: dict[str, float]) -> Perturbation:
    made = None
    for gene, level in levels.items():
        one = Perturbation.knockout(gene) if level == 0 else Perturbation.overexpress(gene, level=level)
        made = one if made is None else made | one
    assert made is not None
    return made


def simulate(tab: Browser, levels: dict[str, float]) -> dict[str, list[float]]:
    pairs = ",".join(f"[model.index.get({gene!r}), {level}]" for gene, level in levels.items())
    return tab.run(
        f"(() => {{ const model = reguloom.data.simulator; const levels = new Map([{pairs}]);"
        "const { shift, growth } = model.run(levels); const { u, v } = model.direction(shift);"
        "return { shift: Array.from(shift), growth, u: Array.from(u), v: Array.from(v),"
        "checks: model.checks(levels, shift, growth) }; })()"
    )


@pytest.mark.parametrize("levels", LEVELS, ids=lambda levels: " ".join(levels)[:20])
def test_the_page_simulates_what_python_does(
    tab: Browser, page: Path, run_folder: Path, fitted: Oracle, levels: dict[str, float]
) -> None:
    data, blobs = contents(page)
    what = data["whatif"]
    rows, genes = decode(what["cells"], blobs), fitted.genes.get_indexer(what["genes"])
    prediction = fitted.predict(asked(levels))
    found = simulate(tab, levels)
    shift = np.array(found["shift"]).reshape(len(genes), -1).T
    assert np.abs(prediction.delta[rows]).max() > 0.1
    assert np.abs(shift - prediction.delta[np.ix_(rows, genes)]).max() < 1e-4
    places = anndata.read_h5ad(run_folder / "oracle" / "result.h5ad").obsm["oracle_embedding"][rows]
    near = Neighborhood.of(fitted.expression[rows], places, n_neighbors=what["n_neighbors"])
    assert np.array_equal(near.indices.ravel(), decode(what["neighbors"], blobs))
    direction = np.column_stack([found["u"], found["v"]])
    assert np.abs(direction - near.shift(prediction.delta[rows])).max() < 2e-3
    top = fitted.limits[1]
    outside = [gene for gene, level in levels.items() if level > top[fitted.genes.get_loc(gene)]]
    assert outside == [gene for gene in levels if any(line.startswith(f"{gene} is set to") for line in found["checks"])]
    assert ("out_of_range" in prediction.checks) == any(
        "leave their observed range" in line for line in found["checks"]
    )


def test_a_slider_moves_the_answer(tab: Browser) -> None:
    dose = "document.querySelector('#whatif .dose')"
    first = text(tab, "#whatif .dose label")
    assert "knock-out" in text(tab, "#whatif .dose output")
    before = tab.run(f"{CANVAS.format(panel='whatif', kind='over')}.toDataURL()")
    bars = text(tab, "#whatif .side .bars")
    tab.run(f"const slider = {dose}.querySelector('input'); slider.value = slider.max")
    tab.run("slider.dispatchEvent(new Event('input'))")
    tab.until("document.querySelector('#whatif .dose output').dataset.outside === 'true'")
    tab.until(f"document.querySelector('#whatif .side .bars').textContent !== {bars!r}")
    tab.until(f"{CANVAS.format(panel='whatif', kind='over')}.toDataURL() !== {before!r}")
    assert "failed" in text(tab, "#whatif .status") and "local-linear" in text(tab, "#whatif .status")
    tab.run("slider.focus()")
    tab.key("ArrowLeft")
    tab.until("Number(slider.value) < Number(slider.max)")
    other = "Spi1" if first != "Spi1" else "Gata1"
    pick(tab, "whatif", "Add a factor", other)
    tab.until("document.querySelectorAll('#whatif .dose').length === 2")
    buttons = "[...document.querySelectorAll('#whatif .dose button')]"
    tab.run(f"{buttons}.find(one => one.getAttribute('aria-label') === 'Remove {other}').click()")
    tab.until("document.querySelectorAll('#whatif .dose').length === 1")


# --------------------------------------------------------------------------------------------------- other surroundings


def test_a_plain_canvas_serves_where_there_is_no_webgl(chromium: Browser, page: Path) -> None:
    chromium.open(page, query="?canvas")
    assert chromium.run("document.querySelector('#cells .frame').dataset.drawn") == "canvas"
    chromium.until(PAINTED + "(" + CANVAS.format(panel="cells", kind="points") + ") > 0.005")
    assert chromium.complaints == [] and chromium.requests == []


def test_it_prints_and_fits_a_narrow_window(chromium: Browser, page: Path, tmp_path: Path) -> None:
    chromium.size(390, 800)
    chromium.open(page)
    assert chromium.run("document.documentElement.scrollWidth") <= 390
    assert chromium.run("document.querySelectorAll('.alarm').length") == 0
    chromium.size(1280, 900)
    chromium.scheme("dark")
    chromium.open(page)
    chromium.pdf(tmp_path / "report.pdf")
    assert (tmp_path / "report.pdf").stat().st_size > 50_000
    assert chromium.run("document.documentElement.dataset.theme") == "dark"
    assert chromium.complaints == [] and chromium.requests == []
    chromium.scheme("light")


def test_a_real_leaderboard_and_real_modules_are_shown(chromium: Browser, judged: Path) -> None:
    chromium.open(judged)
    shown = text(chromium, "#tables")
    assert "technical duplicate" in shown and "additive" in shown and "<b>oracle</b>" in shown
    table = pd.read_csv(judged.parent / "evaluation" / "leaderboard.csv")
    names = "[...document.querySelectorAll('#tables tbody th')].map(one => one.firstChild.textContent)"
    marks = "[...document.querySelectorAll('#tables tbody tr')].map(one => one.querySelector('.tag')?.textContent)"
    for metric, falls in (("score", True), ("l2", False)):
        chromium.run(f"document.querySelector('#tables select').value = {metric!r}")
        chromium.run("document.querySelector('#tables select').dispatchEvent(new Event('change'))")
        mine = table[(table["metric"] == metric) & (table["stratum"] == "all") & table["value"].notna()]
        ordered = mine.sort_values("value", ascending=not falls, kind="stable")
        assert chromium.run(names) == ordered["model"].tolist()
        kinds = {"baseline": "baseline", "control": "ceiling", "model": None}
        assert chromium.run(marks) == [kinds[kind] for kind in ordered["kind"]]
        assert chromium.run("document.querySelectorAll('#tables svg .span').length") == mine["low"].notna().sum()
        assert chromium.run("document.querySelectorAll('#tables svg .null').length") == 1
    assert chromium.run("document.querySelectorAll('#tables svg .strong').length") == 2
    assert chromium.run("document.querySelectorAll('#temporal figure svg polyline').length") == 2
    assert chromium.run("document.querySelectorAll('#temporal svg.full line').length") > 16
    assert "k-means" in text(chromium, "#temporal") or "kmeans" in text(chromium, "#temporal")
    assert "held-out log-likelihood" in text(chromium, "#temporal") and "baseline" in text(chromium, "#temporal")
    assert chromium.run("document.querySelectorAll('.alarm').length") == 0
    assert chromium.complaints == [] and chromium.requests == []


def test_a_page_without_regulons_says_what_would_fill_it(chromium: Browser, tmp_path: Path) -> None:
    adata, _, _ = make_cells(120)
    chromium.open(report.build(adata, tmp_path / "bare.html"))
    shown = chromium.run("[...document.querySelectorAll('main > section')].map(one => one.id)")
    assert shown == ["overview", "cells", "checks", "record"]
    assert "reguloom scenic" in chromium.run("document.querySelector('#checks').textContent")
    assert chromium.complaints == [] and chromium.requests == []


def test_cells_without_labels_are_drawn(chromium: Browser, tmp_path: Path) -> None:
    adata = anndata.AnnData(np.ones((50, 3), np.float32))
    adata.obsm["X_pca"] = np.random.default_rng(0).normal(size=(50, 2))
    chromium.open(report.build(adata, tmp_path / "plain.html"))
    assert chromium.run("document.querySelectorAll('.alarm').length") == 0
    chromium.until(PAINTED + "(" + CANVAS.format(panel="cells", kind="points") + ") > 0.0005")
    assert chromium.complaints == [] and chromium.requests == []
