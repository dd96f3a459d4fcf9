"""The parts of ``reguloom doctor``: packages, machine, cache, and a run too small to be wrong about."""

from __future__ import annotations

import os
import platform
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

State = Literal["ok", "note", "bad"]


@dataclass(frozen=True)
class Finding:
    """One line of the report.

    Parameters
    ----------
    what
        What was looked at.
    says
        What was found, and how to mend it.
    state
        ``"ok"``; ``"note"``: worth knowing; ``"bad"``: reguloom does not work like this.
    exit_code
        What the program exits with if this is bad.
    """

    what: str
    says: str
    state: State = "ok"
    exit_code: int = 1


def packages() -> Iterator[Finding]:
    """Yield the version of Python and of every package that reguloom needs."""
    yield Finding("python", f"{platform.python_version()} ({sys.executable})")
    for name, accepted, extra in _requirements():
        if not extra:
            yield _package(name, accepted)


def extras() -> Iterator[Finding]:
    """Yield which extras are installed, and how to get the others."""
    groups: dict[str, list[str]] = {}
    for name, _, extra in _requirements():
        if extra and extra != "all":
            groups.setdefault(extra, []).append(name)
    for extra, names in groups.items():
        missing = [name for name in names if not _version(name)]
        if missing:
            says = f"not installed ({', '.join(missing)}); to have it: pip install 'reguloom[{extra}]'"
            yield Finding(extra, says, "note")
        else:
            yield Finding(extra, ", ".join(f"{name} {_version(name)}" for name in names))


def machine() -> Iterator[Finding]:
    """Yield what the machine offers to this process."""
    from reguloom._threads import available_cores, resolve_n_jobs

    cores, threads = available_cores(), resolve_n_jobs(None)
    hidden = f" of {os.cpu_count()}" if os.cpu_count() != cores else ""
    yield Finding("system", f"{platform.system()} {platform.release()} {platform.machine()}")
    yield Finding("cores", f"{cores}{hidden}; {threads} used unless --num-workers says otherwise")
    free = available_memory()
    if free is not None:
        says = f"{free / 2**30:.1f} GiB free"
        yield Finding("memory", says, "ok" if free > 2 * 2**30 else "note")
    import numba

    yield Finding("numba", f"{numba.__version__}, kernels cached in {_kernel_cache()}")


def available_memory() -> int | None:
    """Return the bytes that this process may still take: of the machine, and of its container; None if unknown."""
    limits = []
    try:
        lines = Path("/proc/meminfo").read_text(encoding="ascii").splitlines()
        limits += [1024 * int(line.split()[1]) for line in lines if line.startswith("MemAvailable:")]
        folder = Path("/sys/fs/cgroup")
        limit = (folder / "memory.max").read_text(encoding="ascii").strip()
        if limit.isdigit():
            limits.append(int(limit) - int((folder / "memory.current").read_text(encoding="ascii")))
    except OSError:
        pass
    return min(limits, default=None)


def cache() -> Iterator[Finding]:
    """Yield what the resource cache holds."""
    from reguloom.resources import cache_dir, list_resources

    folder, table = cache_dir(), list_resources()
    present = list(table.index[table["state"] == "cached"])
    nearest = next(parent for parent in (folder, *folder.absolute().parents) if parent.exists())
    if not os.access(nearest, os.W_OK) or not nearest.is_dir():
        yield Finding("folder", f"{folder} cannot be written; set REGULOOM_CACHE to another folder", "note")
    else:
        yield Finding("folder", str(folder))
    hint = "nothing yet; 'reguloom resources fetch --species mouse' gets all that a mouse analysis needs"
    yield Finding("resources", ", ".join(present) or hint, "ok" if present else "note")


def self_test() -> Iterator[Finding]:
    """Yield whether network inference and activity give the right answer to a question with a known one."""
    import time

    for what, check in (("network inference", _check_grn), ("regulon activity", _check_aucell)):
        start = time.perf_counter()
        wrong = check()
        seconds = time.perf_counter() - start
        yield Finding(what, wrong or f"right, in {seconds:.1f} s", "bad" if wrong else "ok")


def _check_grn() -> str:
    """Infer a network of four genes that two factors drive; return what is wrong, or an empty text."""
    import numpy as np
    import pandas as pd

    from reguloom import grn

    rng = np.random.default_rng(0)
    cells = pd.DataFrame(rng.poisson(4.0, (120, 2)).astype(float), columns=["TF1", "TF2"])
    for number in range(4):
        cells[f"gene{number}"] = rng.poisson(2.0 * cells["TF1" if number % 2 else "TF2"])
    edges = grn.infer(cells, ["TF1", "TF2"], rng=0, n_jobs=1).to_frame()
    best = edges.sort_values("weight").groupby("target", observed=True)["source"].last()
    wrong = [gene for gene in best.index if gene.startswith("gene") and best[gene] != f"TF{2 - int(gene[-1]) % 2}"]
    return f"WRONG: the factor of {', '.join(wrong)} was not found; please report it" if wrong else ""


def _check_aucell() -> str:
    """Score a regulon whose value follows from the definition; return what is wrong, or an empty text."""
    import numpy as np
    import pandas as pd

    from reguloom import Regulon, Regulons, activity

    genes = [f"g{i}" for i in range(100)]
    cells = pd.DataFrame([np.arange(100.0, 0.0, -1.0)], index=["cell"], columns=genes)
    regulons = Regulons([Regulon.from_name("g0(+)", {"g0": 1.0, "g1": 1.0})])
    # 100 genes, threshold 0.05: ranks 0 and 1 of a curve of 5 give ((4 - 0) + (4 - 1)) / (5 * 2).
    seen = float(activity.aucell_frame(cells, regulons).iloc[0, 0])
    return "" if abs(seen - 0.7) < 1e-9 else f"WRONG: AUCell gives {seen:.6g} for 0.7; please report it"


def _requirements() -> Iterator[tuple[str, str, str]]:
    """Yield (package, accepted versions, extra or an empty text) of everything that reguloom asks for."""
    import re
    from importlib.metadata import PackageNotFoundError, requires

    try:
        wanted = requires("reguloom") or []
    except PackageNotFoundError:
        wanted = []
    for text in wanted:
        requirement, _, marker = text.partition(";")
        match = re.match(r"([\w.-]+)(\[.*\])?\s*(.*)", requirement.strip())
        extra = re.search(r"extra == ['\"]([\w-]+)", marker)
        if match and match[1] != "reguloom":
            yield match[1], match[3].strip(" ()"), extra[1] if extra else ""


def _package(name: str, accepted: str) -> Finding:
    """Compare an installed package with what is accepted."""
    version = _version(name)
    mend = f"pip install '{name}{accepted}'"
    if not version:
        return Finding(name, f"MISSING; {mend}", "bad", 5)
    if not _fits(version, accepted):
        return Finding(name, f"{version}, and {accepted} is needed; {mend}", "bad", 5)
    return Finding(name, version)


def _version(name: str) -> str:
    """Return the installed version of a package, or an empty text."""
    from importlib.metadata import PackageNotFoundError, version

    try:
        return version(name)
    except PackageNotFoundError:
        return ""


def _fits(version: str, accepted: str) -> bool:
    """Tell whether a version is accepted."""
    from packaging.specifiers import SpecifierSet

    return SpecifierSet(accepted).contains(version, prereleases=True)


def _kernel_cache() -> str:
    """Return where compiled kernels are kept: beside the code, unless that cannot be written."""
    chosen = os.environ.get("NUMBA_CACHE_DIR")
    package = Path(__file__).parent.parent
    return chosen or (f"{package}" if os.access(package, os.W_OK) else "the user's cache folder")
