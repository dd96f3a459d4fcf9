"""Network inference: which regulators explain each gene's expression."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from reguloom.grn._registry import methods
from reguloom.grn.infer import infer
from reguloom.grn.merge_shards import merge_shards

if TYPE_CHECKING:
    from reguloom.grn.add_correlation import add_correlation

__all__ = ["add_correlation", "infer", "merge_shards", "methods"]


def __getattr__(name: str) -> Any:
    """Load what compiles kernels when it is first used."""
    if name in __all__:
        import importlib

        # The module has the function's name, and importing it binds the module here: put the function in its place.
        function = getattr(importlib.import_module(f"reguloom.grn.{name}"), name)
        globals()[name] = function
        return function
    msg = f"module 'reguloom.grn' has no attribute {name!r}"
    raise AttributeError(msg)
