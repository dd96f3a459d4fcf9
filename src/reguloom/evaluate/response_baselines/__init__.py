"""Predictors that cost nothing: no table of responses is without them."""

from __future__ import annotations

from collections.abc import Mapping

from reguloom.evaluate.response_baselines._baseline import Baseline, Training
from reguloom.evaluate.response_baselines.additive import Additive
from reguloom.evaluate.response_baselines.context_mean import ContextMean
from reguloom.evaluate.response_baselines.context_transfer import ContextTransfer
from reguloom.evaluate.response_baselines.embeddings import Source, read_gene_sets, table_of
from reguloom.evaluate.response_baselines.linear import Linear
from reguloom.evaluate.response_baselines.matching_mean import MatchingMean
from reguloom.evaluate.response_baselines.mean import Mean
from reguloom.evaluate.response_baselines.nearest import Nearest
from reguloom.evaluate.response_baselines.no_change import NoChange
from reguloom.evaluate.response_baselines.ridge import Ridge

__all__ = [
    "Additive",
    "Baseline",
    "ContextMean",
    "ContextTransfer",
    "Linear",
    "MatchingMean",
    "Mean",
    "Nearest",
    "NoChange",
    "Ridge",
    "Training",
    "baselines",
    "read_gene_sets",
]


def baselines(
    *, combinations: bool, contexts: bool, embeddings: Mapping[str, Source] | None = None
) -> dict[str, Baseline]:
    """Return every baseline that has a meaning here, by name.

    Parameters
    ----------
    combinations
        Whether combinations are asked for, which the additive ones need.
    contexts
        Whether there is more than one context.
    embeddings
        Name → embedding; each adds a linear model, neighbours and a ridge regression.
    """
    found: list[Baseline] = [NoChange(), Mean(), Mean("cells"), ContextMean(), ContextTransfer(), Additive(),
                             MatchingMean()]  # fmt: skip
    found = [one for one in found if combinations or not one.needs_combinations]
    found = [one for one in found if contexts or not one.needs_contexts]
    sources: list[tuple[str | None, Source]] = [(None, "pca")]
    sources += [(title, table_of(source)) for title, source in (embeddings or {}).items()]
    for title, source in sources:
        found += [Linear(source, title=title), Nearest(source, title=title), Ridge(source, title=title)]
    return {one.name: one for one in found}
