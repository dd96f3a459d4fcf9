"""Write constraints.txt: `python .ci/pin.py REPORT...`, each REPORT from `pip install --dry-run --report`.

A package that every report resolves to one version is pinned once; else once per Python, told apart by markers.
"""

from __future__ import annotations

import json
import re
import sys
from pathlib import Path

HEADER = """\
# Versions that the tests run with, for every extra and group: one file for the oldest Python and for newer ones.
# Refresh with `make constraints`.
"""
#: Drivers that PyTorch pulls in on some machines; PyTorch pins them itself.
SKIPPED = re.compile(r"(nvidia|cuda)-|triton$|reguloom$")


def pins(report: Path) -> tuple[str, dict[str, str]]:
    """Return the Python version and name → version."""
    content = json.loads(report.read_text())
    found = {}
    for entry in content["install"]:
        name = re.sub(r"[-_.]+", "-", entry["metadata"]["name"]).lower()
        if not SKIPPED.match(name):
            found[name] = entry["metadata"]["version"].split("+")[0]
    return content["environment"]["python_version"], found


def lines(reports: list[Path]) -> list[str]:
    """Return one line per pin; the last report stands for its Python and every later one."""
    resolved = sorted((pins(report) for report in reports), key=lambda item: int(item[0].split(".")[1]))
    (oldest, old), (_, new) = resolved
    oldest_only = f'python_version < "3.{int(oldest.split(".")[1]) + 1}"'
    later = oldest_only.replace("<", ">=")
    made = []
    for name in sorted(old.keys() | new.keys()):
        if old.get(name) == new.get(name):
            made.append(f"{name}=={old[name]}")
            continue
        made += [f"{name}=={one[name]}; {when}" for one, when in ((old, oldest_only), (new, later)) if name in one]
    return made


if __name__ == "__main__":
    if len(sys.argv) != 3:
        sys.exit("give two reports: of the oldest Python and of a newer one")
    Path("constraints.txt").write_text(HEADER + "\n".join(lines([Path(name) for name in sys.argv[1:]])) + "\n")
