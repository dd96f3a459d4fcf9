"""The one door to numba: kernels are cached on disk and release the GIL, so that threads share the matrix."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numba


def njit(function: Callable[..., Any] | None = None, **options: Any) -> Any:
    """Compile `function` with numba, cached and without the GIL.

    Parameters
    ----------
    function
        The kernel: numpy arrays and numbers in, arrays out.
    options
        Passed on to ``numba.njit``. ``fastmath`` is off by default: reordered sums would change the last bit.
    """
    settings: dict[str, Any] = {"cache": True, "nogil": True, **options}
    if function is None:
        return lambda inner: numba.njit(**settings)(inner)
    return numba.njit(**settings)(function)


prange = numba.prange
