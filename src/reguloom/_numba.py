"""The one door to numba: kernels are cached on disk and release the GIL, so that threads share the matrix."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numba
from numba.core import cgutils, types
from numba.extending import intrinsic

from reguloom import _random


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

#: Inside a kernel: :func:`reguloom._random.splitmix64`, and the step of its counter.
mix: Any = njit(_random.splitmix64, inline="always")
GOLDEN = _random.GOLDEN


def _borrow(typing_context: Any, array: Any) -> Any:
    """Tell numba how to copy an array's description without its reference count."""

    def lower(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        view = context.make_array(array)(context, builder, arguments[0])
        view.meminfo = cgutils.get_null_value(view.meminfo.type)
        view.parent = cgutils.get_null_value(view.parent.type)
        return view._getvalue()

    return (array(array), lower) if isinstance(array, types.Array) else None


#: Inside a kernel: the same array without its reference count. Numba counts references with atomic operations, also
#: for every slice and every helper that is called, and in short loops they take more time than the work. The caller's
#: own reference keeps a borrowed array alive.
borrowed: Any = intrinsic(_borrow)
