"""Genetic interactions that a model predicts: whether two genes together do more, less or other than the sum."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd

from reguloom._errors import InputError
from reguloom.core import Perturbation, Predictor
from reguloom.evaluate.interactions import interactions as scored


def interactions(
    model: Predictor, pairs: Sequence[str], *, genes: Sequence[str] | None = None, context: str | None = None
) -> pd.DataFrame:
    """Return interaction scores and types of pairs of genes by a model's predictions.

    Parameters
    ----------
    model
        A fitted model; it is asked for every pair and for both of its genes.
    pairs
        ``"A+B"``.
    genes
        Genes to score over, such as those with a high mean; all if left out.
    context
        Only control cells of this context.

    Returns
    -------
    One row per pair, see :func:`reguloom.evaluate.interactions`; ``source`` says what the prediction of the pair
    rests on.

    Raises
    ------
    InputError
        If a pair is not of two genes.
    """
    whole = [Perturbation.parse(pair) for pair in pairs]
    wrong = [pair for pair, one in zip(pairs, whole, strict=True) if len(one.genes) != 2]
    if wrong or not whole:
        what = f"{wrong[0]!r} names not two genes" if wrong else "there is no pair"
        msg = f"{what}; give pairs such as 'CEBPA+SPI1'."
        raise InputError(msg)
    doubles = [Perturbation.parse("+".join(sorted(one.genes))) for one in whole]
    singles = [Perturbation.parse(gene) for gene in sorted({gene for one in doubles for gene in one.genes})]
    asked = list(dict.fromkeys([*singles, *doubles]))
    prediction = model.predict(asked) if context is None else model.predict(asked, context=context)  # type: ignore[call-arg]
    labels = ["+".join(one.genes) for one in doubles]
    table = scored(prediction, list(dict.fromkeys(labels)), genes=genes)
    if prediction.obs is not None and "source" in prediction.obs and len(prediction.rows) == len(asked):
        source = dict(zip(["+".join(one.genes) for one in asked], prediction.obs["source"], strict=True))
        table["source"] = [source[label] for label in table.index]
    return table
