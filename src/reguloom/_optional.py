"""Optional dependencies: asked for by name, and refused with the command that installs them."""

from __future__ import annotations

import importlib
from types import ModuleType

from reguloom._errors import MissingDependencyError


def import_optional(module: str, *, extra: str) -> ModuleType:
    """Import `module`, or say which extra brings it.

    Parameters
    ----------
    module
        Dotted name of the module.
    extra
        Name of the extra of reguloom that installs it.

    Raises
    ------
    MissingDependencyError
        If the module is not installed.
    """
    try:
        return importlib.import_module(module)
    except ImportError as error:
        msg = f"{module} is not installed; it comes with the extra: pip install 'reguloom[{extra}]'."
        raise MissingDependencyError(msg) from error
