"""The knock-out screen into a folder: what ``reguloom oracle screen`` and ``reguloom run`` share."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from reguloom._errors import InputError
from reguloom._files import atomic_write

if TYPE_CHECKING:
    import pandas as pd
    from anndata import AnnData

    from reguloom.oracle import Development, Oracle

SCREEN, NETWORK, MODEL, FIGURES = "screen.csv", "network.parquet", "result.h5ad", "figures"
_N_FIGURES = 3


def read_development(adata: AnnData, *, gradient: Path | None, basis: str, n_jobs: int | None, **keys: Any) -> Any:
    """Return the field of development that the options name.

    Parameters
    ----------
    adata
        The cells.
    gradient
        A gradient file of CellOracle, or None.
    basis
        Embedding in ``obsm``.
    n_jobs
        Threads.
    keys
        ``pseudotime``, ``time``, ``velocity`` or ``transition`` of :func:`reguloom.oracle.development`.

    Raises
    ------
    InputError
        If none is given.
    """
    from reguloom import oracle

    if gradient is not None:
        return oracle.read_gradient(gradient)
    if not any(keys.values()):
        msg = (
            "scoring needs a direction of development: give --pseudotime KEY, --time KEY, --velocity KEY, "
            "--transition KEY or --gradient FILE."
        )
        raise InputError(msg)
    return oracle.development(adata, **keys, basis=basis, n_jobs=n_jobs)


def screen_into(
    folder: Path,
    model: Oracle,
    development: Development,
    *,
    cells: AnnData,
    checkpoint: Path,
    resume: bool,
    force: bool = True,
    genes: Sequence[str] | None = None,
    pairs: Sequence[str] = (),
    shard: str | None = None,
    **options: Any,
) -> pd.DataFrame:
    """Knock every factor out, and write the ranking, the network, the model and the figures.

    Parameters
    ----------
    folder
        Where the files go.
    model, development
        The fitted oracle, and what its shifts are held against.
    cells
        Their annotation and embeddings go into the model's file.
    checkpoint, resume
        File that keeps finished units of work, and whether to take it up; it is removed in the end.
    force
        Whether existing files may be replaced.
    genes, pairs
        What to knock out; every single gene that can be, if left out.
    shard
        Part of the work to do; nothing but the part's own checkpoint is written then.
    options
        Further options of :func:`reguloom.oracle.screen`.

    Returns
    -------
    The ranking.
    """
    from reguloom import io, oracle
    from reguloom.oracle._checkpoint import shard_files
    from reguloom.oracle.persistence import write_oracle

    table = oracle.screen(
        model, development, perturbations=_asked(model, genes, pairs), checkpoint=checkpoint, resume=resume,
        shard=shard, **options,
    )  # fmt: skip
    if shard is not None:
        return table
    io.write_table(table.set_index("gene"), folder / SCREEN, index_label="gene", force=force)
    io.write_network(model.network, folder / NETWORK, force=force)
    write_oracle(model, folder / MODEL, adata=cells, screen=table, development=development, force=force)
    draw_screen(model, development, table, folder / FIGURES)
    for done in (checkpoint, *shard_files(checkpoint)):
        done.unlink(missing_ok=True)
    return table


def _asked(model: Oracle, genes: Sequence[str] | None, pairs: Sequence[str]) -> list[str] | None:
    """Return the genes and pairs to knock out; None for every single gene."""
    if not pairs:
        return list(genes or ()) or None
    return [*(genes or map(str, model.regulators)), *pairs]


def draw_screen(model: Oracle, development: Development, table: pd.DataFrame, folder: Path) -> None:
    """Draw the rankings, the groups' networks, and the flow and scores of the strongest factors, into `folder`."""
    from reguloom import oracle, pl
    from reguloom.core import Perturbation

    folder.mkdir(parents=True, exist_ok=True)

    def save(figure: Any, name: str) -> None:
        with atomic_write(folder / f"{re.sub(r'[^A-Za-z0-9_.+-]+', '_', name)}.png") as temporary:
            figure.savefig(temporary)

    save(pl.development(development), "development")
    for name in dict.fromkeys(table["lineage"]):
        save(pl.tf_ranking(table, lineage=name), f"ranking_{name}")
        if "p" in table:
            save(pl.tf_volcano(table, lineage=name), f"volcano_{name}")
    if table["lineage"].nunique() > 1:
        save(pl.tf_heatmap(table), "heatmap")
    for name in model.network.groups:
        save(pl.network(model.network.filter(group=name), title=str(name)), f"network_{name}")
    first = table[table["lineage"] == table["lineage"].iloc[0]]
    groups = model.groups if model.groupby else None
    for name in first["gene"].head(_N_FIGURES):
        score = oracle.perturbation_score(model.predict(Perturbation.knockout(name)), development)
        save(pl.oracle_flow(score, groups=groups), f"flow_{name}")
        save(pl.perturbation_score(score), f"score_{name}")


def describe_screen(table: pd.DataFrame) -> list[str]:
    """Return what a screen found, a line for each lineage."""
    lines = []
    for name, rows in table.groupby("lineage", sort=False):
        against = rows[rows["net"] < 0]["gene"].head(5)
        along = rows[rows["net"] > 0]["gene"].head(5)
        called = f", {int((rows['q'] < 0.05).sum())} of {len(rows)} with q < 0.05" if "q" in rows else ""
        toward = f"against development {', '.join(against) or '-'}; along it {', '.join(along) or '-'}"
        lines.append(f"{name}: {toward}{called}")
    return lines
