"""Draw overview.png from a run of the demo: ``python docs/images/make_overview.py demo``."""

from __future__ import annotations

import io
import sys
from pathlib import Path

import anndata
from matplotlib.figure import Figure
from PIL import Image

import reguloom as rl

WIDTH = 1500
GAP = 20


def picture(figure: Figure, width: int) -> Image.Image:
    """Return a figure as a picture of the given width."""
    buffer = io.BytesIO()
    figure.savefig(buffer, dpi=200, bbox_inches="tight")
    drawn = Image.open(buffer).convert("RGB")
    return drawn.resize((width, round(drawn.height * width / drawn.width)), Image.Resampling.LANCZOS)


def main(folder: Path) -> None:
    """Put the embedding above, specificity and the network below."""
    adata = anndata.read_h5ad(folder / "result" / "result.h5ad")
    rss = adata.uns["aucell"]["rss_cell_type"]
    groups = ["alpha", "beta", "gamma"]
    best = [rss.loc[group].idxmax() for group in groups]
    above = picture(rl.pl.regulon_embedding(adata, best, groupby="cell_type", basis="X_pca", ncols=4), WIDTH)
    regulons = rl.Regulons.from_adata(adata)
    below = [
        picture(rl.pl.rss(adata, groupby="cell_type", groups=groups[:2], ncols=1, n_top=4), round(0.36 * WIDTH)),
        picture(rl.pl.network(regulons, [name[:-3] for name in best], n_targets=14), round(0.6 * WIDTH)),
    ]
    height = above.height + GAP + max(one.height for one in below)
    sheet = Image.new("RGB", (WIDTH, height), "white")
    sheet.paste(above, (0, 0))
    sheet.paste(below[0], (0, above.height + GAP))
    sheet.paste(below[1], (WIDTH - below[1].width, above.height + GAP))
    sheet.quantize(220).save(Path(__file__).with_name("overview.png"), optimize=True)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
