"""Answers to a stimulus over hours: planted shapes, and the times that follow from them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

MODULES = ("early", "transient", "late", "repressed", "static")
"""What genes do: up within two hours for good, up and down again, up after nine hours, down, nothing."""
HALF = {"early": 1.5, "transient": 1.2, "late": 9.0, "repressed": 4.0}
"""Hours at which a typical gene is half way, in log expression."""
SHUT_OFF = 7.5
"""Hours at which a transient gene is half way down again."""
TIME_SD, AMPLITUDE_SD = 0.12, 0.3
"""Standard deviation of the log of a gene's own tempo and amplitude."""
AMPLITUDE = 1.6
"""Typical change of log expression; e**1.6 is five-fold."""
GRID = np.linspace(0.0, 24.0, 2401)


@dataclass(frozen=True)
class Track:
    """One course: cells of one type under one condition.

    Parameters
    ----------
    cell_type, condition
        What ``obs`` says of its cells.
    delay
        Factor of all times.
    strength
        Factor of all amplitudes.
    blocked
        Whether new protein is missing: late genes stay silent, and nothing shuts transient ones off.
    """

    cell_type: str = "alpha"
    condition: str = "stimulus"
    delay: float = 1.0
    strength: float = 1.0
    blocked: bool = False

    @property
    def name(self) -> str:
        """Return both parts of its name."""
        return f"{self.cell_type}:{self.condition}"


@dataclass(frozen=True)
class Design:
    """How a time course is sampled.

    Parameters
    ----------
    times
        Hours.
    tracks
        The courses.
    depth
        Relative depth at the first and at the last time.
    dropout
        Share of molecules lost at the first and at the last time.
    cells
        Relative number of cells at the first and at the last time.
    """

    times: tuple[float, ...] = (0.0, 3.0, 6.0, 12.0, 24.0)
    tracks: tuple[Track, ...] = (Track(),)
    depth: tuple[float, float] = (1.0, 1.0)
    dropout: tuple[float, float] = (0.1, 0.1)
    cells: tuple[float, float] = (1.0, 1.0)


DESIGNS = {
    "uneven": Design(),
    "dense": Design(times=(0.0, 0.5, 1.0, 2.0, 3.0, 4.0, 6.0, 8.0, 10.0, 12.0, 18.0, 24.0)),
    "cell_types": Design(tracks=(Track(), Track("beta", delay=1.4, strength=0.8))),
    "conditions": Design(tracks=(Track(), Track(condition="stimulus+block", blocked=True))),
    "crossed": Design(
        tracks=(
            Track(),
            Track("beta", delay=1.5, strength=0.8),
            Track(condition="stimulus+block", blocked=True),
            Track("beta", "stimulus+block", delay=1.5, strength=0.8, blocked=True),
        )
    ),
    "varying": Design(depth=(1.0, 0.35), dropout=(0.05, 0.35), cells=(1.3, 0.6)),
}
"""Six designs as they come from the bench."""


@dataclass(frozen=True, eq=False)
class Answers:
    """What each gene does, ``(n_genes,)`` each.

    Parameters
    ----------
    module
        One of :data:`MODULES`.
    tempo
        Factor of its times.
    amplitude
        Change of log expression at full answer; 0 for static genes.
    """

    module: NDArray[np.object_]
    tempo: NDArray[np.float64]
    amplitude: NDArray[np.float64]

    @classmethod
    def draw(cls, module: NDArray[np.object_], rng: np.random.Generator) -> Answers:
        """Draw tempo and amplitude of genes of the given modules."""
        tempo = rng.lognormal(0.0, TIME_SD, len(module))
        amplitude = rng.lognormal(np.log(AMPLITUDE), AMPLITUDE_SD, len(module))
        return cls(module, tempo, np.where(module == "static", 0.0, amplitude))

    def log_fold(self, hours: NDArray[np.float64], track: Track) -> NDArray[np.float64]:
        """Return the change of log expression since time 0, ``(n_genes, n_times)``."""
        found = np.zeros((len(self.module), len(hours)))
        for name in HALF:
            rows = np.flatnonzero(self.module == name)
            scaled = hours[None, :] / (self.tempo[rows, None] * track.delay)
            found[rows] = shape(name, scaled, blocked=track.blocked)
        return found * self.amplitude[:, None] * track.strength


def shape(module: str, hours: NDArray[np.float64], *, blocked: bool = False) -> NDArray[np.float64]:
    """Return the answer of a typical gene of a module between 0 and 1 (repressed: 0 and -1)."""
    if module == "late":
        return np.zeros_like(hours) if blocked else _hill(hours, HALF["late"], 4)
    if module == "repressed":
        return -_hill(hours, HALF["repressed"], 2)
    if module == "transient":
        return _hill(hours, HALF["transient"], 3) * (1.0 if blocked else 1.0 - _hill(hours, SHUT_OFF, 5))
    return _hill(hours, HALF["early"], 2)


def _hill(hours: NDArray[np.float64], half: float, power: int) -> NDArray[np.float64]:
    """Return a rise that is half way at `half`."""
    raised = (hours / half) ** power
    return raised / (1.0 + raised)


def timing(answers: Answers, genes: list[str], tracks: tuple[Track, ...]) -> pd.DataFrame:
    """Return when each gene answers, one row for each track and gene that moves.

    Measured on the expression itself, not its log: onset is the first time at 20 % of the largest change since
    time 0, half-time at 50 %, peak the time of the largest change within the 24 hours.
    """
    tables = []
    for track in tracks:
        change = np.expm1(answers.log_fold(GRID, track))
        size = np.abs(change)
        largest = size.max(axis=1)
        rows = np.flatnonzero(largest > 0)
        share = size[rows] / largest[rows, None]
        table = pd.DataFrame(
            {
                "track": track.name,
                "gene": np.array(genes, dtype=object)[rows],
                "onset": GRID[(share >= 0.2).argmax(axis=1)],
                "half_time": GRID[(share >= 0.5).argmax(axis=1)],
                "peak": GRID[share.argmax(axis=1)],
                "retention": share[:, -1],
            }
        )
        tables.append(table)
    return pd.concat(tables, ignore_index=True)
