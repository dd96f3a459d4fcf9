"""The long run: ``python -m tests.fuzz.campaign --cases 100000`` breaks every reader's files that many times.

Each reader has a process of its own, with a limit of memory, so that a crash, a hang or a file that asks for all
memory is counted like any other failure. A failure is named by its kind and place, with the number of the first case
that shows it; ``--reader NAME --case N`` runs that one alone. The HDF5 library itself crashes, or searches for
minutes, in a few damaged files; where the innermost frame is h5py's, that is told, and is no failure of ours.
"""

from __future__ import annotations

import argparse
import faulthandler
import multiprocessing
import multiprocessing.connection
import resource
import signal
import sys
import tempfile
import time
import traceback
from pathlib import Path
from types import FrameType

from reguloom._errors import ReguloomError

from .mutate import mutate
from .readers import every_target
from .target import Target

MEMORY = 4 * 2**30
#: Of processor time, since other work may hold the machine.
SECONDS_PER_CASE = 60
#: Cases after which a crash would have to be looked for again.
CHUNK = 2000
#: By the clock: a signal waits for compiled code, and HDF5 can go round in circles for ever.
SECONDS_IN_C = 600
#: Where a process writes what it was doing when it died.
FAULT = "fault"
#: What is said of a case that breaks the HDF5 library itself.
HDF5 = " in HDF5 itself"


class Hang(Exception):
    """A case took too long."""


def main() -> int:
    """Run the campaign; return 1 if anything failed."""
    options = _options()
    with tempfile.TemporaryDirectory(dir=options.folder) as folder:
        targets = [t for t in every_target(Path(folder)) if options.reader in (None, t.name)]
        if options.case is not None:
            return sum(_one(target, options.case, Path(folder)) for target in targets)
        failed = 0
        for target in targets:
            failed += _campaign(target, options.cases, Path(folder))
    print(f"{'FAILED' if failed else 'passed'}: {len(targets)} readers, {options.cases} cases each, {failed} failures")
    return min(failed, 1)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--cases", type=int, default=100_000)
    parser.add_argument("--reader", help="name of one reader; all by default")
    parser.add_argument("--case", type=int, help="run this case alone, and show what happens")
    parser.add_argument("--folder", default="/dev/shm" if Path("/dev/shm").is_dir() else None, help="scratch space")
    return parser.parse_args()


def _campaign(target: Target, cases: int, folder: Path) -> int:
    """Run all cases of one reader in chunks; print what failed, and return how many kinds of failure there are."""
    began, read, found = time.monotonic(), 0, {}
    context = multiprocessing.get_context("fork")
    start = 0
    while start < cases:
        receive, send = context.Pipe(duplex=False)
        stop = min(start + CHUNK, cases)
        worker = context.Process(target=_chunk, args=(target, start, stop, folder, send))
        worker.start()
        send.close()
        case = start
        try:
            while (message := receive.recv()) is not None:
                kind, case, text = message
                if kind == "failed":
                    found.setdefault(text, case)
                elif kind == "read":
                    read += case
        except EOFError:
            worker.join()
            stop = int((folder / "now").read_text()) + 1  # the rest of the chunk is still to be done
            found.setdefault(f"the process died ({worker.exitcode}){_last_place(folder)}", stop - 1)
        worker.join()
        start = stop
    ours = [text for text in found if not text.endswith(HDF5)]
    print(
        f"{target.name}: {cases} cases, {read} read, {len(ours)} kinds of failure, {time.monotonic() - began:.0f} s",
        flush=True,
    )
    for text, case in found.items():
        print(f"    case {case}: {text}", flush=True)
    return len(ours)


def _chunk(target: Target, start: int, stop: int, folder: Path, send: multiprocessing.connection.Connection) -> None:
    """Run some cases; send each failure, then how many files were read, then None."""
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    signal.signal(signal.SIGPROF, _hang)
    fault = (folder / FAULT).open("w")
    faulthandler.enable(fault, all_threads=False)
    read = 0
    for case in range(start, stop):
        signal.setitimer(signal.ITIMER_PROF, SECONDS_PER_CASE)
        faulthandler.dump_traceback_later(SECONDS_IN_C, exit=True, file=fault)
        (folder / "now").write_text(str(case))
        try:
            read += target.survives(mutate(target.seeds, case), folder)
        except Exception as error:  # noqa: BLE001 - whatever escapes a reader is what we look for
            send.send(("failed", case, _place(error)))
        signal.setitimer(signal.ITIMER_PROF, 0)
    faulthandler.cancel_dump_traceback_later()
    send.send(("read", read, ""))
    send.send(None)


def _hang(signum: int, frame: FrameType | None) -> None:
    msg = f"took more than {SECONDS_PER_CASE} s"
    raise Hang(msg)


def _place(error: BaseException) -> str:
    """Name an error by its kind and its innermost place in the library."""
    frames = traceback.extract_tb(error.__traceback__)
    if isinstance(error, Hang) and any("/h5py/" in frame.filename for frame in frames[-3:]):
        return f"{error}{HDF5}"
    ours = [frame for frame in frames if "/reguloom/" in frame.filename] or frames
    last = ours[-1]
    return f"{type(error).__name__} at {last.filename.rpartition('/reguloom/')[2]}:{last.lineno} in {last.name}"


def _last_place(folder: Path) -> str:
    """Return where the process was when it died, if that was in h5py."""
    lines = [line for line in (folder / FAULT).read_text().splitlines() if line.startswith("  File ")]
    return HDF5 if lines and "/h5py/" in lines[0] else ""


def _one(target: Target, case: int, folder: Path) -> int:
    """Run one case and let its traceback be seen; a refusal in words is no failure."""
    data = mutate(target.seeds, case)
    print(data[:2000])
    try:
        print("read" if target.survives(data, folder) else "refused in words")
    except ReguloomError:
        raise
    except Exception:  # noqa: BLE001 - see above
        traceback.print_exc()
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
