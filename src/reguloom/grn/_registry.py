"""The methods of network inference and what is to be known about each."""

from __future__ import annotations

import importlib
import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import pandas as pd

from reguloom._errors import InputError


@dataclass(frozen=True)
class Method:
    """One method.

    Parameters
    ----------
    name
        What the user types.
    module, function
        Where its ``prepare`` is.
    summary
        What it does, in a line.
    signed
        Whether its edges have a sign.
    random
        Whether it depends on the seed.
    weight
        What the weight of an edge means.
    citation
        DOI of the method.
    block
        Targets in one unit of work.
    """

    name: str
    module: str
    function: str
    summary: str
    signed: bool
    random: bool
    weight: str
    citation: str
    block: int

    def prepare(self) -> Callable[..., Any]:
        """Import the method's ``prepare``."""
        return getattr(importlib.import_module(f"reguloom.grn.{self.module}"), self.function)  # type: ignore[no-any-return]

    def params(self, given: Mapping[str, Any]) -> dict[str, Any]:
        """Return all parameters of the method, the given ones in place of the defaults.

        Raises
        ------
        InputError
            If a parameter is not one of the method's.
        """
        signature = inspect.signature(self.prepare()).parameters
        defaults = {name: p.default for name, p in signature.items() if p.kind is p.KEYWORD_ONLY}
        unknown = [name for name in given if name not in defaults]
        if unknown:
            accepted = ", ".join(defaults) or "none"
            msg = f"{self.name} has no parameter {unknown[0]!r}; its parameters are: {accepted}."
            raise InputError(msg)
        return {**defaults, **given}


_TREES = "10.1371/journal.pone.0012776"
METHODS = {
    method.name: method
    for method in (
        Method(
            *("grnboost2", "grnboost2", "prepare", "gradient boosting, stopped by the out-of-bag loss", False, True),
            *("impurity decrease; sums to the number of trees of the target", "10.1093/bioinformatics/bty916", 4),
        ),
        Method(
            *("genie3", "genie3", "prepare", "random forest", False, True),
            *("impurity decrease; sums to 1 for each target", _TREES, 1),
        ),
        Method(
            *("extratrees", "genie3", "prepare_extra_trees", "extremely randomised trees", False, True),
            *("impurity decrease; sums to 1 for each target", "10.1007/s10994-006-6226-1", 1),
        ),
        Method(
            *("reference", "reference", "prepare", "GRNBoost2 on scikit-learn's trees (slow; for parity)", False, True),
            *("impurity decrease; sums to the number of trees of the target", "10.1093/bioinformatics/bty916", 1),
        ),
        Method(
            *("pearson", "correlation", "prepare_pearson", "Pearson correlation", True, False),
            *("absolute correlation", "", 64),
        ),
        Method(
            *("spearman", "correlation", "prepare_spearman", "Spearman rank correlation", True, False),
            *("absolute correlation", "", 64),
        ),
        Method(
            *("partial_correlation", "partial_correlation", "prepare"),
            *("partial correlation given all other regulators, shrunken", True, False),
            *("absolute partial correlation", "10.2202/1544-6115.1175", 64),
        ),
    )
}


def find(name: str) -> Method:
    """Return a method by name.

    Raises
    ------
    InputError
        If there is no such method.
    """
    if name not in METHODS:
        msg = f"method {name!r} is not known; accepted are {', '.join(METHODS)}."
        raise InputError(msg)
    return METHODS[name]


def methods() -> pd.DataFrame:
    """List the methods of network inference.

    Returns
    -------
    One row per method: ``name`` (index), ``summary``, ``signed``, ``random``, ``weight``, ``citation``.

    Examples
    --------
    >>> list(methods().index)[:3]
    ['grnboost2', 'genie3', 'extratrees']
    """
    columns = ("name", "summary", "signed", "random", "weight", "citation")
    rows = [[getattr(method, column) for column in columns] for method in METHODS.values()]
    return pd.DataFrame(rows, columns=list(columns)).set_index("name")
