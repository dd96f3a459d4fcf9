"""``reguloom temporal motifs``: what tells early modules from late ones."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import rich_click as click

from reguloom.cli import _common as common
from reguloom.cli._temporal_options import read_labels

if TYPE_CHECKING:
    import pandas as pd


@common.command("motifs")
@click.argument("modules", type=common.INPUT)
@click.option("--rankings", multiple=True, required=True, type=common.INPUT, help="Motif ranking databases.")
@click.option("--annotations", required=True, type=common.INPUT, help="Motif annotations.")
@click.option("-o", "--output", required=True, type=click.Path(path_type=Path), help="Folder for the results.")
@click.option("--timing", type=common.INPUT, default=None, help="Table of times, for factors that come in time.")
@click.option("--contrast", nargs=2, default=None, metavar="A B", help="Modules to contrast.  [default: first, last]")
@click.option("--nes-threshold", type=float, default=3.0, show_default=True, help="Smallest enrichment.")
@click.option("--n-permutations", type=click.IntRange(min=0), default=100, show_default=True,
              help="How often the labels are dealt out anew.")  # fmt: skip
@click.option("--min-genes", type=click.IntRange(min=3), default=10, show_default=True, help="Of a module.")
@common.seed_option
@common.workers_option
@common.force_option
def command(modules: Path, output: Path, seed: int, num_workers: int | None, force: bool, **options: Any) -> None:
    """Find the motifs of each module among the genes that move, contrast early and late, and ask for onsets.

    MODULES is a folder of temporal fit, its result.h5ad, or a table Gene,Cluster. The folder gets motifs.csv,
    factors.csv, contrast.csv and figures/motifs.png.
    """
    from reguloom.cli._temporal_fit import MOTIF_FILES

    common.check_outputs(*(output / name for name in MOTIF_FILES), force=force)
    labels, timing = _modules(modules, options.pop("timing"))
    lines = write_motifs(labels, timing, options.pop("rankings"), options.pop("annotations"), output, seed=seed,
                         num_workers=num_workers, force=force, **options)  # fmt: skip
    for line in lines:
        click.echo(line)


def _modules(path: Path, timing: Path | None) -> tuple[pd.Series, pd.DataFrame | None]:
    """Return the labels, and the times if there are any."""
    if path.is_dir() or path.suffix == ".h5ad":
        from reguloom.temporal import TemporalModules

        result = TemporalModules.read(path)
        labels, table = result.modules, result.timing
    else:
        labels, table = read_labels(path), None
    if timing is not None:
        table = read_times(timing)
    return labels, table if table is not None and len(table) else None


def read_times(path: Path) -> pd.DataFrame:
    """Return the table ``timing.csv`` that a fit wrote to `path`."""
    from reguloom._reading import read_frame

    return read_frame(path, what="table of times", keep_default_na=False, na_values=["", "nan"])


def write_motifs(
    labels: pd.Series, timing: pd.DataFrame | None, rankings: tuple[Path, ...], annotations: Path | None,
    output: Path, *, seed: int, num_workers: int | None, force: bool, contrast: tuple[str, str] | None = None,
    nes_threshold: float = 3.0, n_permutations: int = 100, min_genes: int = 10,
) -> list[str]:  # fmt: skip
    """Write the tables and the figure, and return what to say."""
    from reguloom import pl
    from reguloom._files import atomic_write
    from reguloom.pipeline.temporal_motifs import temporal_motifs

    found = temporal_motifs(labels, list(rankings), annotations, timing=timing, contrast=contrast or None, rng=seed,
                            nes_threshold=nes_threshold, n_permutations=n_permutations, min_genes=min_genes,
                            n_jobs=num_workers)  # fmt: skip
    for name in ("motifs", "factors", "contrast"):
        with atomic_write(output / f"{name}.csv", force=force) as temporary:
            getattr(found, name).to_csv(temporary, index=False, lineterminator="\n")
    if len(found.factors):
        (output / "figures").mkdir(parents=True, exist_ok=True)
        pl.temporal_motifs(found.factors).savefig(output / "figures" / "motifs.png")
    lines = [_line(str(name), rows) for name, rows in found.factors.groupby("module", sort=False)]
    if not lines:
        lines = [f"no motif passes NES {nes_threshold:g} in any module"]
    if found.contrasted is not None and len(found.contrast):
        first, last = found.contrasted
        called = int((found.contrast["q"] < 0.05).sum())
        lines.append(f"{first} against {last}: {called} of {len(found.contrast)} motifs differ (q < 0.05)")
    return [*lines, *(f"note: {one}" for one in found.notes)]


def _line(module: str, rows: pd.DataFrame) -> str:
    """Return the strongest factors of a module."""
    shown = []
    for row in rows.head(5).to_dict("records"):
        verdict = f", {row['verdict']}" if isinstance(row.get("verdict"), str) else ""
        p = f", p {row['p_permuted']:.2g}" if "p_permuted" in row else ""
        shown.append(f"{row['factor']} (NES {row['nes']:.1f}{p}{verdict})")
    return f"{module}: {'; '.join(shown)}"
