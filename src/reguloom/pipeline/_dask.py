"""Units of work on a Dask cluster: what they share is scattered once, each unit is one future.

Workers may die and join. A unit whose worker dies is done again by another one, which Dask sees to; if every copy of
what the units share died with them, it is scattered anew from here. Each unit has its own seed and no unit depends on
another, so the results are those of threads on one machine, byte for byte.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import CancelledError
from contextlib import ExitStack, contextmanager
from functools import cache
from typing import Any

from reguloom._errors import InputError, ReguloomError
from reguloom._logging import logger
from reguloom._optional import import_optional
from reguloom._threads import available_cores
from reguloom._units import elsewhere

LOCAL = "local"
#: How often a unit may be lost with its worker before it is taken to be what kills the workers.
MOST_LOSSES = 10
_SECONDS_TO_CONNECT, _SECONDS_TO_SETTLE = 20, 0.3


class DaskMapper:
    """Does units of work on a cluster.

    Parameters
    ----------
    client
        A connected ``distributed.Client``.
    """

    def __init__(self, client: Any) -> None:
        self.client = client
        self._lost = _losses()

    def __call__(self, work: Callable[[Any], Any], items: Sequence[Any]) -> Iterator[Any]:
        """Yield ``work(item)`` for each item, in their order."""
        shared = self._scatter(work)
        futures = [self._submit(shared, item) for item in items]
        try:
            for place, item in enumerate(items):
                for loss in range(MOST_LOSSES + 1):
                    try:
                        result = futures[place].result()
                        break
                    except self._lost as error:
                        if loss == MOST_LOSSES:
                            raise _gone(error) from error
                        logger.warning("warning: a worker was lost with its work; it is done again elsewhere")
                        time.sleep(_SECONDS_TO_SETTLE)  # until the cluster knows what else is gone
                        if shared.status != "finished":
                            shared = self._scatter(work)
                            self._renew(futures, items, place, shared)
                        else:
                            futures[place] = self._submit(shared, item)
                futures[place] = None
                yield result
        finally:
            self.client.cancel([one for one in futures if one is not None], force=True)

    def _scatter(self, work: Callable[[Any], Any]) -> Any:
        """Send what the units share to every worker."""
        self.client.wait_for_workers(1, timeout=None)
        return self.client.scatter(work, broadcast=True, hash=False)

    def _submit(self, shared: Any, item: Any) -> Any:
        """Ask for one unit."""
        return self.client.submit(_do, shared, item, pure=False)

    def _renew(self, futures: list[Any], items: Sequence[Any], start: int, shared: Any) -> None:
        """Ask again for every unit that is not done yet, with what they share sent anew."""
        for place in range(start, len(items)):
            if futures[place].status != "finished":
                futures[place] = self._submit(shared, items[place])


def _do(work: Callable[[Any], Any], item: Any) -> Any:
    """Do one unit, on a worker."""
    _keep_blas_on_one_thread()
    return work(item)


@cache
def _keep_blas_on_one_thread() -> Any:
    """Keep matrix products on the calling thread for as long as the worker lives: their sums depend on the number."""
    from threadpoolctl import threadpool_limits

    return threadpool_limits(limits=1, user_api="blas")


def _losses() -> tuple[type[BaseException], ...]:
    """Return what Dask raises when results are lost with their workers."""
    killed = import_optional("distributed.scheduler", extra="distributed").KilledWorker
    return (CancelledError, killed)


def _gone(error: BaseException) -> ReguloomError:
    """Return what to say when workers die over and over."""
    msg = (
        f"a unit of work was lost with its worker {MOST_LOSSES} times ({type(error).__name__}); the workers may be out "
        "of memory: give each more, or fewer threads."
    )
    return InputError(msg)


@contextmanager
def scheduler(address: str | None) -> Iterator[None]:
    """Have network inference, motif enrichment, knock-out screens and bootstrap fits in the block done on a cluster.

    Parameters
    ----------
    address
        ``"tcp://host:port"`` of a running Dask scheduler; ``"local"`` or ``"local:4"`` for that many worker processes
        on this machine, which end with the block; None changes nothing.

    Returns
    -------
    A context manager.

    Raises
    ------
    InputError
        If the address is none, or nobody answers there.
    MissingDependencyError
        If the extra ``distributed`` is not installed.

    Examples
    --------
    >>> with scheduler(None):
    ...     pass
    """
    if address is None:
        yield
        return
    check_address(address)
    distributed = import_optional("distributed", extra="distributed")
    with ExitStack() as stack:
        if address.partition(":")[0] == LOCAL:
            client = stack.enter_context(_local(distributed, address.partition(":")[2]))
        else:
            client = stack.enter_context(_connect(distributed, address))
        workers = client.scheduler_info(n_workers=-1)["workers"]
        logger.info("%s: %d workers", address, len(workers))
        stack.enter_context(elsewhere(DaskMapper(client)))
        yield


def check_address(address: str) -> str:
    """Return the `address` of a scheduler, or say what one looks like.

    Raises
    ------
    InputError
        If it is none.
    """
    kind, _, rest = address.partition(":")
    if kind == LOCAL and (not rest or (rest.isdigit() and int(rest) > 0)) and (rest or ":" not in address):
        return address
    if kind in ("tcp", "tls", "ucx", "ws", "wss") and rest.startswith("//") and len(rest) > 2:
        return address
    msg = f"{address} is no scheduler; give tcp://host:port, or local:N for N worker processes on this machine."
    raise InputError(msg)


@contextmanager
def _local(distributed: Any, number: str) -> Iterator[Any]:
    """Yield a client of a cluster of processes on this machine."""
    n_workers = int(number) if number else available_cores()
    settings = {"n_workers": n_workers, "threads_per_worker": 1, "dashboard_address": None, "silence_logs": 50}
    with distributed.LocalCluster(**settings) as cluster, distributed.Client(cluster) as client:
        yield client


@contextmanager
def _connect(distributed: Any, address: str) -> Iterator[Any]:
    """Yield a client of a running scheduler."""
    try:
        client = distributed.Client(address, timeout=_SECONDS_TO_CONNECT)
    except (OSError, ValueError) as error:
        msg = f"no scheduler answers at {address} within {_SECONDS_TO_CONNECT} s; start one with `dask scheduler`."
        raise InputError(msg) from error
    with client:
        yield client
