"""Network inference: which regulators explain each gene's expression."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from reguloom.grn._registry import methods
from reguloom.grn.infer import infer
from reguloom.grn.merge_shards import merge_shards

if TYPE_CHECKING:
    from reguloom.grn.add_correlation import add_correlation
    from reguloom.grn.consensus import consensus, consensus_regulons, infer_runs
    from reguloom.grn.permutation import permutation_fdr

_LAZY = {
    "add_correlation": "add_correlation",
    "consensus": "consensus",
    "consensus_regulons": "consensus",
    "infer_runs": "consensus",
    "permutation_fdr": "permutation",
}
__all__ = [
    "add_correlation",
    "consensus",
    "consensus_regulons",
    "infer",
    "infer_runs",
    "merge_shards",
    "methods",
    "permutation_fdr",
]


def __getattr__(name: str) -> Any:
    """Load what compiles kernels when it is first used."""
    if name in _LAZY:
        import importlib

        # Some modules have their function's name, and importing one binds the module here: put the function in place.
        module = importlib.import_module(f"reguloom.grn.{_LAZY[name]}")
        globals().update({entry: getattr(module, entry) for entry, where in _LAZY.items() if where == _LAZY[name]})
        return globals()[name]
    msg = f"module 'reguloom.grn' has no attribute {name!r}"
    raise AttributeError(msg)
