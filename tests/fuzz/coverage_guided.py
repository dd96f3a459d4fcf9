"""Coverage-guided fuzzing of the readers of binary files: ``python -m tests.fuzz.coverage_guided --cases 100000``.

atheris watches which branches of the library each broken file reaches, and breaks those further that reach new ones.
Each reader runs in a process of its own, since the fuzzer ends the process it runs in. The limit of time is wide: HDF5
itself works for minutes on some damaged files before it gives up.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
from pathlib import Path

#: Readers whose bytes we interpret ourselves, or hand to a library that does.
READERS = (
    "read_rankings (v1)",
    "read_rankings (v2)",
    "read_network (parquet)",
    "read_table (parquet)",
    "read_10x (tar)",
    "read (csv.gz)",
    "read (h5ad)",
    "read (loom)",
    "read_10x (h5)",
    "read (gradient)",
)


def main() -> int:
    """Fuzz each reader in turn; return 1 if one failed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--cases", type=int, default=100_000)
    parser.add_argument("--reader", action="append", help="name of a reader; all binary ones by default")
    parser.add_argument("--inside", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.inside:
        _fuzz(options.inside, options.cases)
        return 0
    failed = [name for name in options.reader or READERS if not _passes(name, options.cases)]
    print(f"{'FAILED: ' + ', '.join(failed) if failed else 'passed'}, {options.cases} cases for each reader")
    return 1 if failed else 0


def _passes(name: str, cases: int) -> bool:
    """Fuzz one reader in a process of its own; print the end of what it says if it fails."""
    command = [sys.executable, "-m", "tests.fuzz.coverage_guided", "--inside", name, "--cases", str(cases)]
    run = subprocess.run(command, capture_output=True, text=True, errors="replace", check=False)
    print(f"{name}: {'passed' if run.returncode == 0 else f'exit code {run.returncode}'}", flush=True)
    if run.returncode:
        print(run.stderr[-3000:], flush=True)
    return run.returncode == 0


def _fuzz(name: str, cases: int) -> None:
    """Hand one reader to the fuzzer, which ends the process."""
    import atheris

    with atheris.instrument_imports(include=["reguloom.io", "reguloom.oracle.development"]):
        import reguloom.io
        import reguloom.oracle.development  # noqa: F401
    from .readers import binary_targets, hdf5_targets

    scratch = "/dev/shm" if Path("/dev/shm").is_dir() else None
    folder = Path(tempfile.mkdtemp(dir=scratch))
    # Not all targets: some need a model to be fitted for their files, and kernels cannot be compiled under the fuzzer.
    target = next(one for one in (*binary_targets(folder), *hdf5_targets(folder)) if one.name == name)
    corpus = folder / "corpus"
    corpus.mkdir()
    for i, seed in enumerate(target.seeds):
        (corpus / str(i)).write_bytes(seed)

    def one_input(data: bytes) -> None:
        if data:
            target.survives(data, folder)

    options = [
        f"-runs={cases}",
        "-max_len=65536",
        "-timeout=1800",
        "-rss_limit_mb=6000",
        "-seed=1",
        "-print_final_stats=0",
    ]
    os.chdir(folder)  # where it leaves the file that broke something
    atheris.Setup([sys.argv[0], *options, str(corpus)], one_input)
    atheris.Fuzz()


if __name__ == "__main__":
    sys.exit(main())
