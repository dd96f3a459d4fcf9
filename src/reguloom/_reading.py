"""What a reader trips over in a file whose content is not as it should be, in one sentence; tables by pandas."""

from __future__ import annotations

import csv
import os
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from reguloom._errors import InputError, ReguloomError, ResourceError
from reguloom._files import existing, open_text

if TYPE_CHECKING:
    import pandas as pd

_TRIPPED: tuple[type[Exception], ...] = (
    ValueError, TypeError, LookupError, AttributeError, ArithmeticError, OSError, RuntimeError, EOFError, MemoryError,
    zlib.error, zipfile.BadZipFile, csv.Error,
)  # fmt: skip
"""What decoders and the code behind them raise when a file's bytes or values are not what its kind says."""


@contextmanager
def content_errors(
    path: str | os.PathLike[str],
    *,
    what: str,
    kind: type[ReguloomError] = InputError,
    mend: str = "",
    also: tuple[type[Exception], ...] = (),
) -> Iterator[None]:
    """Turn what reading a broken file raises inside the block into one sentence.

    Parameters
    ----------
    path
        The file.
    what
        What it should be, such as ``table of genes``.
    kind
        ``InputError`` for what a user made, ``ResourceError`` for what this library wrote.
    mend
        What to do; to look at the file, or to make it again, if left out.
    also
        Exceptions of a format's own library that mean the same.

    Raises
    ------
    ReguloomError
        Of that kind.
    """
    tripped = (*_TRIPPED, *also)
    try:
        yield
    except ReguloomError:
        raise
    except tripped as error:
        why = " ".join(str(error).split())[:150] or type(error).__name__
        usual = "it may be cut short; copy it" if kind is ResourceError else "look at it"
        advice = mend or f"{usual}, or make it again"
        msg = f"{path} is no {what}, or one that cannot be read ({why}): {advice}."
        raise kind(msg) from error


def read_frame(path: str | os.PathLike[str], *, what: str, **options: Any) -> pd.DataFrame:
    """Return a text table, plain or ``.gz``, that pandas reads.

    Parameters
    ----------
    path
        The file.
    what
        What it should be, for messages.
    options
        Of :func:`pandas.read_csv`.

    Raises
    ------
    InputError
        If there is no such file, or it is no table.
    """
    import pandas as pd

    found = existing(Path(path), what=what)
    with content_errors(found, what=what), open_text(found) as handle:
        return pd.read_csv(handle, **options)
