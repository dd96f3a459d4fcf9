"""Options that the subcommands of ``reguloom oracle`` share."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import rich_click as click

from reguloom.cli import _common as common

if TYPE_CHECKING:
    from anndata import AnnData

fit_options = common.apply(
    click.option("--base-network", "--base-grn", "base_network", required=True, type=common.INPUT,
                 help="Prior: CellOracle base network, regulons, or any edge list."),
    click.option("--groupby", default=None, metavar="KEY", help="Column of obs: a network for each of its groups."),
    click.option("--normalize/--no-normalize", default=None, show_default="if X holds counts",
                 help="Scale counts to the median library size and take log1p."),
    click.option("--impute/--no-impute", default=True, show_default=True, help="Smooth over neighbouring cells."),
    click.option("-m", "--method", type=click.Choice(["bagging_ridge", "ridge", "bayesian_ridge"]),
                 default="bagging_ridge", show_default=True, help="How edges are weighed."),
    click.option("--alpha", type=click.FloatRange(min=0), default=10.0, show_default=True, help="Ridge penalty."),
    click.option("--n-bags", type=click.IntRange(min=2), default=20, show_default=True, help="Bags."),
    click.option("--n-edges", type=click.IntRange(min=1), default=10_000, show_default=True,
                 help="Edges that each group keeps."),
    click.option("--compat", type=click.Choice(["celloracle"]), default=None, help="Follow the original's rules."),
)  # fmt: skip
development_options = common.apply(
    click.option("--basis", default="umap", show_default=True, help="Embedding in obsm."),
    click.option("--pseudotime", default=None, metavar="KEY", help="Column of obs that grows along development."),
    click.option("--time", default=None, metavar="KEY", help="Column of obs with numeric time labels."),
    click.option("--velocity", default=None, metavar="KEY", help="Slot of obsm with velocity on the embedding."),
    click.option("--transition", default=None, metavar="KEY", help="Slot of obsp with transition probabilities."),
    click.option("--gradient", default=None, type=common.INPUT, help="CellOracle gradient file of the same cells."),
)  # fmt: skip


def fit_settings(options: dict[str, Any]) -> dict[str, Any]:
    """Return the keyword arguments of ``oracle.fit``."""
    names = ("layer", "groupby", "impute", "method", "alpha", "n_bags", "n_edges", "compat")
    settings = {name: options[name] for name in names}
    return {**settings, "normalize": "auto" if options["normalize"] is None else options["normalize"]}


def read_development(adata: AnnData, options: dict[str, Any], n_jobs: int | None) -> Any:
    """Return the field of development that the options name."""
    from reguloom.pipeline import _oracle_work as work

    keys = {name: options[name] for name in ("pseudotime", "time", "velocity", "transition")}
    return work.read_development(adata, gradient=options["gradient"], basis=options["basis"], n_jobs=n_jobs, **keys)


def read_lineages(adata: AnnData, key: str | None) -> Any:
    """Return the lineage of each cell from the column that an option names, or None."""
    from reguloom._errors import MissingKeyError

    if key is None:
        return None
    if key not in adata.obs:
        msg = f"the cells have no column {key!r} in obs; they have {sorted(map(str, adata.obs.columns))[:20]}."
        raise MissingKeyError(msg)
    return adata.obs[key].astype(str)
