"""Each stage on a quarter of its base case of ``scaling.py``, warmed up, on one thread."""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import scaling


def sizes_of(stage: str) -> dict[str, int]:
    """Return a quarter of the base case."""
    return {name: max(size // 4, scaling.FEWEST.get(name, 1)) for name, size in scaling.BASE[stage].items()}


class Stages:
    """What each stage takes."""

    params = list(scaling.BASE)
    param_names = ["stage"]
    timeout = 300
    warmup_time = 0
    rounds = 1
    repeat = (1, 3, 20.0)
    number = 1

    def setup(self, stage: str) -> None:
        """Make the data and compile."""
        self.work = getattr(scaling, f"prepare_{stage.replace(' ', '_')}")(sizes_of(stage))

    def time_stage(self, stage: str) -> None:
        """Run the stage."""
        self.work(1)

    def peakmem_stage(self, stage: str) -> None:
        """Run the stage."""
        self.work(1)


class Start:
    """What the program takes before it does anything."""

    repeat = 3
    number = 1

    def time_import(self) -> None:
        """Import the package in a new interpreter."""
        self._run("import reguloom")

    def time_help(self) -> None:
        """Print the help of the program."""
        self._run("import sys; sys.argv = ['reguloom', '--help']; from reguloom.cli.app import main; main()")

    def _run(self, code: str) -> None:
        import subprocess

        subprocess.run([sys.executable, "-c", code], check=False, capture_output=True)
