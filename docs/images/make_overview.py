"""Draw overview.png from a run of the demo: ``python docs/images/make_overview.py demo``."""

from __future__ import annotations

import io
import sys
from pathlib import Path

import anndata
from matplotlib.figure import Figure
from PIL import Image

import reguloom as rl
from reguloom.oracle.persistence import read_oracle

WIDTH = 1600
GAP = 40


def picture(figure: Figure, share: float) -> Image.Image:
    """Return a figure as a picture that takes a share of the sheet's width."""
    buffer = io.BytesIO()
    figure.savefig(buffer, dpi=200, bbox_inches="tight")
    drawn = Image.open(buffer).convert("RGB")
    width = round(share * WIDTH)
    return drawn.resize((width, round(drawn.height * width / drawn.width)), Image.Resampling.LANCZOS)


def regulons(folder: Path) -> tuple[Image.Image, list[Image.Image]]:
    """Return the activity of regulons on the embedding; what is special to a type, and one regulon's targets."""
    adata = anndata.read_h5ad(folder / "result" / "result.h5ad")
    specificity = adata.uns["aucell"]["rss_cell_type"]
    best = [specificity.loc[group].idxmax() for group in ("progenitor", "alpha", "beta")]
    network = rl.Regulons.from_adata(adata)
    return picture(rl.pl.regulon_embedding(adata, best, groupby="cell_type", basis="X_pca", ncols=4), 1.0), [
        picture(rl.pl.rss(adata, groupby="cell_type", groups=["progenitor", "alpha"], ncols=2, n_top=4), 0.6),
        picture(rl.pl.network(network, best[0][:-3], n_targets=10), 0.32),
    ]


def knockout(folder: Path) -> Image.Image:
    """Return where cells go without the first factor of the screen."""
    model = read_oracle(folder / "result" / "oracle" / "result.h5ad")
    cells = anndata.read_h5ad(folder / "result" / "result.h5ad")[model.cells]
    development = rl.oracle.development(cells, pseudotime="pseudotime", basis="pca")
    factor = rl.io.read_table(folder / "result" / "oracle" / "screen.csv").index[0]
    score = rl.oracle.perturbation_score(model.predict(rl.Perturbation.knockout(factor)), development)
    return picture(rl.pl.oracle_flow(score, groups=cells.obs["cell_type"]), 1.0)


def answers() -> Image.Image:
    """Return early and late modules of cells after a stimulus."""
    world = rl.datasets.time_course("uneven", n_cells=150, n_genes=500, rng=0)
    found = rl.temporal.fit(world.adata, time="time", batch="replicate", method="pca-gmm", rng=0)
    return picture(rl.pl.temporal_courses(found), 1.0)


def main(folder: Path) -> None:
    """Put regulons above, a knock-out below, the modules of a time course last."""
    activity, targets = regulons(folder)
    rows = [[activity], targets, [knockout(folder)], [answers()]]
    sheet = Image.new("RGB", (WIDTH, sum(max(one.height for one in row) + GAP for row in rows) - GAP), "white")
    top = 0
    for row in rows:
        height = max(one.height for one in row)
        sheet.paste(row[0], (0, top + (height - row[0].height) // 2))
        for one in row[1:]:
            sheet.paste(one, (WIDTH - one.width, top + (height - one.height) // 2))
        top += height + GAP
    sheet.quantize(220).save(Path(__file__).with_name("overview.png"), optimize=True)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
