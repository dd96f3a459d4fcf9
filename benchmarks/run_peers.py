"""Run every comparison with the environments that ``peers/make.sh`` made: ``python benchmarks/run_peers.py FOLDER``.

Results go to FOLDER as one JSON per comparison; comparisons whose peers are not there are left out and named.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).parent
#: script → (option that takes a peer's interpreter, or its command, and the peer)
COMPARISONS = {
    "grn_speed.py": (("--arboreto", "pyscenic"), ("--rustscenic", "rustscenic")),
    "ctx_speed.py": (("--peer", "pyscenic"),),  # a command of the peer's own, not a Python
    "aucell_speed.py": (("--pyscenic", "pyscenic"), ("--decoupler", "decoupler"), ("--rustscenic", "rustscenic")),
}


def main(folder: Path) -> int:
    """Run the comparisons and return how many failed."""
    failed = 0
    for script, peers in COMPARISONS.items():
        command = [sys.executable, str(HERE / script)]
        for option, name in peers:
            interpreter = folder / name / "bin" / ("pyscenic" if option == "--peer" else "python")
            if interpreter.exists():
                command += [option, str(interpreter)]
            else:
                print(f"{script}: {name} is not in {folder}, left out", file=sys.stderr)
        print("+", *command, file=sys.stderr)
        failed += subprocess.run([*command, "--output", str(folder / f"{Path(script).stem}.json")]).returncode != 0
    return failed


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
