"""Optional dependencies: asked for by name, and refused with the command that installs them."""

from __future__ import annotations

import importlib
import importlib.util
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


def require_optional(module: str, *, extra: str) -> None:
    """Say which extra brings `module` if it is not there, without importing it.

    Parameters
    ----------
    module
        Name of the package.
    extra
        Name of the extra of reguloom that installs it.

    Raises
    ------
    MissingDependencyError
        If the module is not installed.
    """
    if importlib.util.find_spec(module) is None:
        msg = f"{module} is not installed; it comes with the extra: pip install 'reguloom[{extra}]'."
        raise MissingDependencyError(msg)
