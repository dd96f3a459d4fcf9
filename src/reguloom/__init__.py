"""reguloom: find the regulators in single-cell data, and test them in silico.

The stages are modules (``grn``, ``cistarget``, ``activity`` ...), their nouns are at the top level, and everything is
loaded when first used.

>>> import reguloom as rl
>>> rl.Perturbation.knockout("Gata1").label
'Gata1=0'
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

from reguloom._errors import (
    ConvergenceWarning,
    EmptyResultError,
    InputError,
    MissingDependencyError,
    MissingKeyError,
    NotFittedError,
    ReguloomError,
    ResourceError,
    ValidityWarning,
)
from reguloom._version import __version__

if TYPE_CHECKING:
    from reguloom import (
        activity,
        cistarget,
        core,
        datasets,
        evaluate,
        grn,
        io,
        manifold,
        mechanistic,
        oracle,
        pipeline,
        pl,
        report,
        resources,
        response,
        temporal,
        vectorfield,
    )
    from reguloom.core import Network, Perturbation, Prediction, Predictor, Provenance, Regulon, Regulons
    from reguloom.pipeline.citations import citations
    from reguloom.pipeline.scenic import scenic

_MODULES = (
    "activity",
    "cistarget",
    "core",
    "datasets",
    "evaluate",
    "grn",
    "io",
    "manifold",
    "mechanistic",
    "motifs",
    "oracle",
    "pipeline",
    "pl",
    "report",
    "resources",
    "response",
    "temporal",
    "vectorfield",
)
_NAMES = {
    **dict.fromkeys(
        ("Network", "Perturbation", "Prediction", "Predictor", "Provenance", "Regulon", "Regulons"), "reguloom.core"
    ),
    **dict.fromkeys(("citations", "scenic"), "reguloom.pipeline"),
}

__all__ = [
    "ConvergenceWarning",
    "EmptyResultError",
    "InputError",
    "MissingDependencyError",
    "MissingKeyError",
    "Network",
    "NotFittedError",
    "Perturbation",
    "Prediction",
    "Predictor",
    "Provenance",
    "Regulon",
    "Regulons",
    "ReguloomError",
    "ResourceError",
    "ValidityWarning",
    "__version__",
    "activity",
    "cistarget",
    "citations",
    "core",
    "datasets",
    "evaluate",
    "grn",
    "io",
    "manifold",
    "mechanistic",
    "oracle",
    "pipeline",
    "pl",
    "report",
    "resources",
    "response",
    "scenic",
    "temporal",
    "vectorfield",
]


def __getattr__(name: str) -> Any:
    """Load a module or a noun when it is first used."""
    if name in _MODULES:
        return importlib.import_module(f"reguloom.{name}")
    if name in _NAMES:
        value = getattr(importlib.import_module(_NAMES[name]), name)
        globals()[name] = value
        return value
    msg = f"module 'reguloom' has no attribute {name!r}"
    raise AttributeError(msg)


def __dir__() -> list[str]:
    """List the public names, loaded or not."""
    return sorted(set(__all__) | set(_MODULES))
