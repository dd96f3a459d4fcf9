"""Everything reguloom raises or warns, in one place.

::

    Exception
    └── ReguloomError                      exit code 1
        ├── InputError (ValueError)        exit code 3   what you gave cannot be used
        ├── MissingKeyError (KeyError)     exit code 3   a slot, column or gene is not there
        ├── ResourceError (OSError)        exit code 4   a file is missing, cut short or corrupt
        ├── MissingDependencyError (ImportError)   exit code 5   an extra is not installed
        ├── EmptyResultError (ValueError)  exit code 6   nothing passed the thresholds
        └── NotFittedError                 exit code 1   a model is asked before it is fitted

    UserWarning
    ├── ConvergenceWarning                 an iteration stopped before it converged
    └── ValidityWarning                    the answer is computed, but a condition for trusting it fails

Every message says what was seen, what is accepted and how to mend it.
"""

from __future__ import annotations

import sys
import warnings
from pathlib import Path


class ReguloomError(Exception):
    """Base of every error that reguloom raises on purpose."""

    exit_code = 1


class InputError(ReguloomError, ValueError):
    """The data or an argument cannot be used as given."""

    exit_code = 3


class MissingKeyError(ReguloomError, KeyError):
    """An AnnData slot, a column or a gene that was asked for is not there."""

    exit_code = 3

    def __str__(self) -> str:
        """Return the message itself; ``KeyError`` would show its ``repr``."""
        return str(self.args[0]) if self.args else ""


class ResourceError(ReguloomError, OSError):
    """A file or download is missing, cut short or corrupt."""

    exit_code = 4


class MissingDependencyError(ReguloomError, ImportError):
    """An optional dependency is needed and not installed."""

    exit_code = 5


class EmptyResultError(ReguloomError, ValueError):
    """The computation ran, but nothing passed its thresholds."""

    exit_code = 6


class NotFittedError(ReguloomError):
    """A model was asked for a result before it was fitted."""


class ConvergenceWarning(UserWarning):
    """An iteration stopped before it converged."""


class ValidityWarning(UserWarning):
    """A result was computed, but a condition for trusting it does not hold."""


def warn(message: str, category: type[Warning] = ValidityWarning) -> None:
    """Warn, pointing at the first line outside reguloom.

    Parameters
    ----------
    message
        One sentence: what was seen, and what it means for the result.
    category
        The warning's class.
    """
    package = str(Path(__file__).parent)
    level, frame = 2, sys._getframe(1)
    while frame.f_back is not None and frame.f_code.co_filename.startswith(package):
        frame = frame.f_back
        level += 1
    warnings.warn(message, category, stacklevel=level)
