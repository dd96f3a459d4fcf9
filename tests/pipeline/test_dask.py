"""The same bytes from a cluster as from threads, also when workers die and others join."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import reguloom as rl
from reguloom._units import map_units
from reguloom.pipeline import scheduler
from reguloom.pipeline._dask import DaskMapper, check_address

distributed = pytest.importorskip("distributed", reason="needs the extra distributed")
# The workers cannot import a file of tests.
pytest.importorskip("cloudpickle").register_pickle_by_value(sys.modules[__name__])


def _cluster_process(*arguments: str) -> subprocess.Popen:
    return subprocess.Popen([sys.executable, "-m", "dask", *arguments], stderr=subprocess.PIPE, text=True)


class Cluster:
    """A scheduler and its workers, each a process of its own."""

    def __init__(self) -> None:
        self.scheduler = _cluster_process("scheduler", "--host", "127.0.0.1", "--port", "0", "--no-dashboard")
        self.address = ""
        for line in self.scheduler.stderr:
            if "Scheduler at:" in line:
                self.address = line.split()[-1]
                break
        threading.Thread(target=self.scheduler.stderr.read, daemon=True).start()
        self.workers: list[subprocess.Popen] = []

    def add_worker(self) -> subprocess.Popen:
        arguments = ("worker", self.address, "--nthreads", "1", "--no-dashboard", "--no-nanny", "--host", "127.0.0.1")
        worker = _cluster_process(*arguments)
        threading.Thread(target=worker.stderr.read, daemon=True).start()
        self.workers.append(worker)
        return worker

    def stop(self) -> None:
        for process in [*self.workers, self.scheduler]:
            with contextlib.suppress(ProcessLookupError):
                process.kill()
            process.wait()


@pytest.fixture(scope="module")
def cluster() -> Iterator[Cluster]:
    made = Cluster()
    for _ in range(2):
        made.add_worker()
    with distributed.Client(made.address) as client:
        client.wait_for_workers(2)
    yield made
    made.stop()


@pytest.fixture(scope="module")
def cells() -> pd.DataFrame:
    rng = np.random.default_rng(0)
    factors = rng.gamma(1.0, 1.0, (200, 8))
    rates = factors @ rng.gamma(0.3, 1.0, (8, 72))
    values = np.column_stack([rng.poisson(factors * 2), rng.poisson(rates)])
    return pd.DataFrame(values.astype(np.float32), columns=[f"G{i}" for i in range(80)])


class Slow:
    """A unit of work that takes a while, leaves a trace when it begins, and from `gate` on waits for a file."""

    def __init__(self, folder: Path, gate: int) -> None:
        self.folder, self.gate = folder, gate

    def __call__(self, item: int) -> tuple[int, int]:
        with (self.folder / "trace").open("a") as file:
            file.write(f"{item} {os.getpid()}\n")
        time.sleep(0.1)
        while item >= self.gate and not (self.folder / "open").exists():
            time.sleep(0.02)
        return item, item**2

    def begun_by(self, pid: int) -> list[int]:
        """Return the units that a process has begun."""
        lines = (line.split() for line in (self.folder / "trace").read_text().splitlines())
        return [int(item) for item, who in lines if who == str(pid)]


def wait_until(condition: Callable[[], bool], seconds: float = 120.0) -> None:
    """Wait for something that other processes do."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it did not come about"
        time.sleep(0.01)


def test_networks_are_equal(cluster: Cluster, cells: pd.DataFrame) -> None:
    tfs = [f"G{i}" for i in range(8)]
    for method in ("grnboost2", "pearson"):
        here = rl.grn.infer(cells, tfs, method=method, rng=3)
        with scheduler(cluster.address):
            there = rl.grn.infer(cells, tfs, method=method, rng=3)
        pd.testing.assert_frame_equal(here.to_frame(), there.to_frame(), check_exact=True)
        assert here.provenance == there.provenance


def test_motif_tables_are_equal(cluster: Cluster) -> None:
    rng = np.random.default_rng(1)
    genes = [f"G{i}" for i in range(600)]
    ranks = np.argsort(rng.random((80, 600)), axis=1).astype(np.int16)
    table = pd.DataFrame(ranks, [f"m{i}" for i in range(80)], genes)
    table.attrs["name"] = "made"
    top = np.argsort(ranks, axis=1)
    sets = {f"s{i}": [genes[j] for j in rng.choice(top[i, :60], 30, replace=False)] for i in range(40)}
    options = {"rank_threshold": 300, "nes_threshold": 2.0}
    here = rl.cistarget.enrich(sets, [table], **options)
    with scheduler(cluster.address):
        there = rl.cistarget.enrich(sets, [table], **options)
    assert len(here) >= 40
    pd.testing.assert_frame_equal(here, there, check_exact=True)


def test_fits_and_screens_are_equal(cluster: Cluster, cells: pd.DataFrame) -> None:
    import anndata

    adata = anndata.AnnData(cells)
    adata.obs["kind"] = pd.Categorical(["a", "b"] * 100)
    adata.obs["time"] = np.linspace(0, 1, 200)
    adata.obsm["X_umap"] = np.c_[adata.obs["time"] * 5, np.random.default_rng(0).normal(size=200)]
    prior = rl.Network.from_edges([f"G{i % 8}" for i in range(72)], [f"G{i}" for i in range(8, 80)])
    field = rl.oracle.development(adata, pseudotime="time", basis="umap")

    def answer() -> pd.DataFrame:
        model = rl.oracle.fit(adata, prior, groupby="kind", normalize=True, n_bags=3, p=None, n_bootstrap=5)
        table = rl.oracle.screen(model, field, nulls=("rewired", "matched"), n_null=5, n_bootstrap=5, n_neighbors=30)
        return model.network.to_frame().astype(str), table

    here = answer()
    with scheduler(cluster.address):
        there = answer()
    for one, other in zip(here, there, strict=True):
        pd.testing.assert_frame_equal(one, other, check_exact=True)


def test_a_worker_that_dies_is_made_up_for_and_one_that_joins_is_used(cluster: Cluster, tmp_path: Path) -> None:
    doomed = cluster.add_worker()
    with distributed.Client(cluster.address) as client:
        client.wait_for_workers(3)
    work, results = Slow(tmp_path, gate=6), []
    with scheduler(cluster.address):
        for result in map_units(work, range(60)):
            results.append(result)
            if len(results) == 6:
                wait_until(lambda: any(unit >= work.gate for unit in work.begun_by(doomed.pid)))
                os.kill(doomed.pid, signal.SIGKILL)  # in the midst of a unit
                doomed.wait()
                joined = cluster.add_worker()
                with distributed.Client(cluster.address) as client:
                    client.wait_for_workers(3)
                (tmp_path / "open").touch()
    assert results == [(i, i**2) for i in range(60)]
    assert len((tmp_path / "trace").read_text().splitlines()) > 60  # what the dead worker was at was begun again
    assert work.begun_by(joined.pid)


def test_what_is_lost_with_the_last_worker_is_sent_again(tmp_path: Path) -> None:
    own = Cluster()
    try:
        only, results = own.add_worker(), []
        with scheduler(own.address):
            for result in map_units(Slow(tmp_path, gate=99), range(20)):
                results.append(result)
                if len(results) == 3:
                    os.kill(only.pid, signal.SIGKILL)
                    only.wait()
                    own.add_worker()
        assert results == [(i, i**2) for i in range(20)]
    finally:
        own.stop()


def test_a_network_survives_the_death_of_a_worker(cluster: Cluster, cells: pd.DataFrame) -> None:
    tfs = [f"G{i}" for i in range(8)]
    wide = pd.concat([cells, cells.rename(columns=lambda name: f"H{name}") + 1], axis=1)
    here = rl.grn.infer(wide, tfs, rng=3)
    doomed = cluster.add_worker()
    with distributed.Client(cluster.address) as client:
        client.wait_for_workers(3)
    killer = threading.Timer(0.5, lambda: os.kill(doomed.pid, signal.SIGKILL))
    killer.start()
    with scheduler(cluster.address):
        there = rl.grn.infer(wide, tfs, rng=3)
    killer.join()
    pd.testing.assert_frame_equal(here.to_frame(), there.to_frame(), check_exact=True)


def test_an_error_of_a_unit_is_the_callers(cluster: Cluster) -> None:
    def refuse(item: int) -> int:
        if item == 3:
            msg = "three is refused."
            raise rl.InputError(msg)
        return item

    with scheduler(cluster.address), pytest.raises(rl.InputError, match="three is refused"):
        list(map_units(refuse, range(6)))


def test_after_the_block_work_is_done_here(cluster: Cluster) -> None:
    with scheduler(cluster.address):
        assert list(map_units(_pid, range(2))) != [os.getpid()] * 2
    assert list(map_units(_pid, range(2))) == [os.getpid()] * 2
    with scheduler(None):
        assert list(map_units(_pid, range(1))) == [os.getpid()]


def _pid(_item: int) -> int:
    return os.getpid()


def test_a_cluster_on_this_machine_comes_and_goes() -> None:
    with scheduler("local:1"):
        (pid,) = map_units(_pid, range(1))
    assert pid != os.getpid()
    deadline = time.monotonic() + 10
    while time.monotonic() < deadline and Path(f"/proc/{pid}").exists():
        time.sleep(0.05)
    assert not Path(f"/proc/{pid}").exists()


@pytest.mark.parametrize("address", ["localhost:8786", "local:", "local:0", "local:two", "tcp:", "tcp://", ""])
def test_an_address_that_is_none_is_refused(address: str) -> None:
    with pytest.raises(rl.InputError, match="is no scheduler; give tcp://host:port"):
        check_address(address)


def test_nobody_at_the_address_is_said_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("reguloom.pipeline._dask._SECONDS_TO_CONNECT", 1)
    with (
        pytest.raises(rl.InputError, match="no scheduler answers at tcp://127.0.0.1:9"),
        scheduler("tcp://127.0.0.1:9"),
    ):
        pass


def test_workers_that_die_again_and_again_are_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    from concurrent.futures import CancelledError

    class Dead:
        status = "finished"

        def result(self) -> None:
            raise CancelledError

    class Client:
        def wait_for_workers(self, *_what: object, **_how: object) -> None: ...
        def scatter(self, *_what: object, **_how: object) -> Dead:
            return Dead()

        def submit(self, *_what: object, **_how: object) -> Dead:
            return Dead()

        def cancel(self, *_what: object, **_how: object) -> None: ...

    monkeypatch.setattr("reguloom.pipeline._dask._SECONDS_TO_SETTLE", 0)
    with pytest.raises(rl.InputError, match="lost with its worker 10 times"):
        list(DaskMapper(Client())(_pid, [1]))
