"""One BLAS thread while our own threads work, so that no result depends on how BLAS splits a product."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from typing import Any


@cache
def _controller() -> Any:
    """Return the handle on the loaded BLAS libraries; looking them up takes milliseconds, so it is done once."""
    from threadpoolctl import ThreadpoolController

    return ThreadpoolController()


@contextmanager
def one_blas_thread() -> Iterator[None]:
    """Keep matrix products on the calling thread."""
    with _controller().limit(limits=1, user_api="blas"):
        yield
