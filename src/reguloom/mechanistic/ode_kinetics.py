"""Rates of production and decay: BoolODE's mRNA and protein, spliced and unspliced mRNA, or the factor alone."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from reguloom._errors import InputError

RATES: dict[str, dict[str, float]] = {
    "factor": {"production": 0.02, "decay": 0.02},
    "mrna": {"transcription": 20.0, "mrna_decay": 10.0, "translation": 10.0, "protein_decay": 1.0},
    "spliced": {
        "transcription": 1.0,
        "splicing": 2.0,
        "mrna_decay": 0.5,
        "translation": 2.5,
        "protein_decay": 0.25,
    },
}
"""Form of the model → its rates and their defaults. ``factor`` is scanpy's (per its unit of time), ``mrna`` BoolODE's,
``spliced`` per hour: splicing in half an hour, mRNA and protein living two and four hours; mRNA at most 2 and protein
at most 20, as in BoolODE."""
COMPARTMENTS = {"factor": ("factor",), "mrna": ("mrna", "protein"), "spliced": ("unspliced", "spliced", "protein")}
"""Form of the model → what is followed of each gene; the last one regulates."""
STEPS = {"factor": 1.0, "mrna": 0.01, "spliced": 0.1}
"""Form of the model → time step."""
TIMES = {"factor": 800.0, "mrna": 8.0, "spliced": 60.0}
"""Form of the model → how long a cell is followed."""


@dataclass(frozen=True, eq=False)
class Kinetics:
    """Production and decay of every gene.

    ``factor``: ``dx/dt = a f - d x``. ``mrna``: ``dx/dt = m f - l_x x``, ``dp/dt = r x - l_p p``. ``spliced``:
    ``du/dt = a f - b u``, ``ds/dt = b u - g s``, ``dp/dt = l s - d p``.

    Parameters
    ----------
    form
        ``factor``, ``mrna`` or ``spliced``.
    rates
        In the order of :data:`RATES`, shape ``(n_rates, n_genes)``.
    """

    form: str
    rates: NDArray[np.float64]

    @classmethod
    def default(cls, form: str, n_genes: int, rates: Mapping[str, float] | None = None) -> Kinetics:
        """Return the same rates for every gene.

        Parameters
        ----------
        form
            ``factor``, ``mrna`` or ``spliced``.
        n_genes
            Number of genes.
        rates
            Rates that differ from the defaults.

        Raises
        ------
        InputError
            If the form or a rate is unknown, or a rate is not positive.
        """
        if form not in RATES:
            msg = f"the form of the model is {form!r}; accepted are {', '.join(RATES)}."
            raise InputError(msg)
        values = dict(RATES[form])
        for name, value in (rates or {}).items():
            if name not in values or not value > 0:
                msg = (
                    f"the rate {name}={value} does not fit the form {form!r}; it has {', '.join(values)}, all above 0."
                )
                raise InputError(msg)
            values[name] = float(value)
        return cls(form, np.repeat(np.array(list(values.values()))[:, None], n_genes, axis=1))

    @property
    def compartments(self) -> tuple[str, ...]:
        """What is followed of each gene."""
        return COMPARTMENTS[self.form]

    @property
    def highest(self) -> NDArray[np.float64]:
        """Steady state of every compartment at full transcription, ``(n_compartments, n_genes)``."""
        rates = self.rates
        if self.form == "factor":
            return rates[:1] / rates[1:2]
        if self.form == "mrna":
            mrna = rates[0] / rates[1]
            return np.stack([mrna, mrna * rates[2] / rates[3]])
        spliced = rates[0] / rates[2]
        return np.stack([rates[0] / rates[1], spliced, spliced * rates[3] / rates[4]])

    @property
    def leaving(self) -> NDArray[np.float64]:
        """Rates at which compartments lose what is in them; the largest bounds the time step."""
        return np.asarray(self.rates[{"factor": [1], "mrna": [1, 3], "spliced": [1, 2, 4]}[self.form]])

    def fastest(self) -> float:
        """Return the largest rate of decay."""
        return float(self.leaving.max())

    def sampled(self, spread: float, rng: np.random.Generator, *, identical: bool = False) -> Kinetics:
        """Return rates drawn around these, normal with standard deviation ``spread * rate``, within 10 % of them.

        Parameters
        ----------
        spread
            Relative standard deviation.
        rng
            Source of randomness.
        identical
            Draw each rate once, for all genes alike.
        """
        shape = (len(self.rates), 1) if identical else self.rates.shape
        return replace(self, rates=self.rates * truncated(spread, shape, rng))

    def slopes(self, state: NDArray[np.float64], activity: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the time derivative of a state.

        Parameters
        ----------
        state
            ``(n_cells, n_compartments, n_genes)``.
        activity
            Regulation of each gene, ``(n_cells, n_genes)``.
        """
        rates, made = self.rates, self.rates[0] * activity
        if self.form == "factor":
            return (made - rates[1] * state[:, 0])[:, None]
        if self.form == "mrna":
            mrna, protein = state[:, 0], state[:, 1]
            return np.stack([made - rates[1] * mrna, rates[2] * mrna - rates[3] * protein], axis=1)
        unspliced, spliced, protein = state[:, 0], state[:, 1], state[:, 2]
        matured = rates[1] * unspliced
        return np.stack([made - matured, matured - rates[2] * spliced, rates[3] * spliced - rates[4] * protein], axis=1)


def truncated(
    spread: float, shape: tuple[int, ...], rng: np.random.Generator, limit: float = 0.1
) -> NDArray[np.float64]:
    """Return factors from a normal around 1, drawn again until they lie within `limit` of it."""
    factors = np.ones(shape)
    if spread <= 0:
        return factors
    again = np.ones(shape, dtype=bool)
    while again.any():
        factors[again] = rng.normal(1.0, spread, int(again.sum()))
        again = np.abs(factors - 1.0) > limit
    return factors
