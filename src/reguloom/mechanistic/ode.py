"""A Boolean network as differential equations: levels in place of on and off, noise, and time."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from reguloom._errors import InputError
from reguloom._random import SeedLike, accepts_seed, generator, root_seed
from reguloom.core import Network, Perturbation, Prediction, Provenance
from reguloom.mechanistic.hill import ABSENT_EDGE, Regulation, compile_rules
from reguloom.mechanistic.ode_conditions import conditions
from reguloom.mechanistic.ode_kinetics import STEPS, TIMES, Kinetics, truncated
from reguloom.mechanistic.sde import Conditions, Noise, integrate

if TYPE_CHECKING:
    from anndata import AnnData

    from reguloom.mechanistic.boolean_network import BooleanNetwork

COMPATIBLE = ("boolode",)
ABSENT, PRESENT = 0.01, 1.0
"""mRNA at the beginning: of genes that the initial conditions do not name, and of all genes where there are none."""
DIMMEST = 0.1
"""BoolODE draws a cell again if at some time none of its genes reaches this share of the maximum."""
CITATIONS = ("10.1038/s41592-019-0690-6", "10.1186/1752-0509-3-98", "10.1063/1.481811")


@dataclass(frozen=True, eq=False)
class OdeModel:
    """Differential equations of a regulatory network, deterministic and stochastic; a ``Predictor``.

    Make one with :meth:`from_network`.

    Parameters
    ----------
    genes
        Names, in the order of all arrays.
    regulation
        Rules with half-response levels and Hill coefficients.
    kinetics
        Rates of production and decay.
    start
        State at time 0, ``(n_compartments, n_genes)``.
    noise
        How chance enters.
    dt, t_max
        Time step, and how long a cell is followed.
    makes_protein
        Whether the protein of a gene is followed, ``(n_genes,)``; only regulators need it.
    numbers
        Number of each gene in the noise, from 1, so that a part of the model draws what the whole does.
    dimmest
        Trajectories in which no gene reaches this share of the maximum at some moment are drawn again.
    network
        The rules the model was made from.
    """

    genes: tuple[str, ...]
    regulation: Regulation
    kinetics: Kinetics
    start: NDArray[np.float64]
    noise: Noise
    dt: float
    t_max: float
    makes_protein: NDArray[np.bool_]
    numbers: NDArray[np.uint64]
    dimmest: float = 0.0
    network: BooleanNetwork | None = None

    def __repr__(self) -> str:
        """Say how large it is."""
        edges = len(self.regulation.regulator)
        return f"OdeModel({len(self.genes)} genes, {edges} regulations, {self.kinetics.form}, noise {self.noise.kind})"

    @classmethod
    @accepts_seed
    def from_network(
        cls,
        network: BooleanNetwork,
        *,
        form: str = "mrna",
        hill: float | None = None,
        strengths: Network | pd.DataFrame | None = None,
        initial: Mapping[str, float] | None = None,
        rates: Mapping[str, float] | None = None,
        sample_parameters: float = 0.0,
        identical_parameters: bool = False,
        noise: Noise | str | None = None,
        dt: float | None = None,
        t_max: float | None = None,
        compat: str | None = None,
        rng: SeedLike = 0,
    ) -> OdeModel:
        """Turn Boolean rules into differential equations.

        Parameters
        ----------
        network
            The rules.
        form
            ``mrna``: mRNA and protein, with BoolODE's rates; ``spliced``: unspliced and spliced mRNA and protein;
            ``factor``: the factor alone, as in HillCubes and scanpy's simulator.
        hill
            Hill coefficient of every regulation: 10 for ``mrna``, 4 for ``spliced``, 2 for ``factor`` if left out.
        strengths
            Strength of single regulations (a Network, or a table in a known dialect such as BoolODE's ``Gene1``
            target, ``Gene2`` regulator, ``Strength`` read by :func:`read_strengths`): the half-response level is
            divided by it.
        initial
            Gene → mRNA at the beginning, the others being all but absent (0.01). If left out, every gene begins
            at 1, half of its maximum.
        rates
            Rates that differ from the defaults: ``transcription``, ``mrna_decay``, ``translation``,
            ``protein_decay``, ``splicing``; ``production`` and ``decay`` for ``factor``.
        sample_parameters
            Relative standard deviation of rates and half-response levels between genes, cut at 10 %.
        identical_parameters
            Draw each kind of rate once, for all genes alike.
        noise
            A :class:`Noise` or its kind; the chemical Langevin equation if left out.
        dt, t_max
            Time step, and how long a cell is followed; the form's own if left out.
        compat
            ``"boolode"``: noise, reflection, time grid and discarded cells as BoolODE has them. There the increments
            of the noise have the time step as standard deviation in place of its root, so that noise shrinks with
            the step.
        rng
            Seed of the sampled parameters.

        Returns
        -------
        OdeModel
            The equations.

        Raises
        ------
        InputError
            If an option is unknown, a gene of `initial` or `strengths` is not in the network, a strength is not
            positive, or the step is too long for the rates.

        Examples
        --------
        >>> import reguloom as rl
        >>> network = rl.mechanistic.BooleanNetwork.from_rules({"A": "not B", "B": "not A"})
        >>> rl.mechanistic.OdeModel.from_network(network, form="spliced")
        OdeModel(2 genes, 2 regulations, spliced, noise langevin)
        """
        if compat is not None and compat not in COMPATIBLE:
            msg = f"compat is {compat!r}; accepted are {', '.join(COMPATIBLE)} and None."
            raise InputError(msg)
        if compat and form != "mrna":
            msg = f"compat='boolode' goes with form='mrna', not {form!r}; leave one of them out."
            raise InputError(msg)
        genes = tuple(network.genes)
        kinetics = Kinetics.default(form, len(genes), rates)
        step, duration = _times(form, dt, t_max, compat)
        draw = generator(root_seed(rng), "parameters")
        if sample_parameters > 0:
            kinetics = kinetics.sampled(sample_parameters, draw, identical=identical_parameters)
        if step * kinetics.fastest() > 1:
            msg = f"the step dt={step:g} is too long for the fastest decay (rate {kinetics.fastest():g}); shorten it."
            raise InputError(msg)
        regulation = _regulation(network, kinetics, _steepness(form) if hill is None else hill, strengths)
        if sample_parameters > 0:
            shape = (1,) if identical_parameters else regulation.threshold.shape
            factors = truncated(sample_parameters, shape, draw)
            regulation = regulation.with_thresholds(regulation.threshold * factors)
        return cls(
            genes=genes,
            regulation=regulation,
            kinetics=kinetics,
            start=_start(genes, kinetics, initial),
            noise=_noise(noise, compat),
            dt=step,
            t_max=duration,
            makes_protein=np.ones(len(genes), dtype=bool),
            numbers=np.arange(1, len(genes) + 1, dtype=np.uint64),
            dimmest=DIMMEST if compat else 0.0,
            network=network,
        )

    @property
    def n_steps(self) -> int:
        """Steps from 0 to ``t_max``."""
        return round(self.t_max / self.dt)

    @property
    def is_regulator(self) -> NDArray[np.bool_]:
        """Whether a gene regulates any other, ``(n_genes,)``."""
        result = np.zeros(len(self.genes), dtype=bool)
        result[self.regulation.regulator[self.regulation.regulator != self.regulation.target]] = True
        return result

    @property
    def mrna_index(self) -> int:
        """Which compartment is what a cell's expression is read from: spliced mRNA where there is such."""
        return 1 if self.kinetics.form == "spliced" else 0

    def slopes(
        self,
        state: NDArray[np.float64],
        perturbation: Perturbation | None = None,
        *,
        factor: NDArray[np.float64] | float = 1.0,
        constant: NDArray[np.float64] | float = 0.0,
    ) -> NDArray[np.float64]:
        """Return the deterministic time derivative of states ``(n_cells, n_compartments, n_genes)``.

        Parameters
        ----------
        state
            Levels.
        perturbation
            What is done to the cells.
        factor, constant
            What the regulation of each cell is multiplied by, and what is added, ``(n_cells, n_genes)``.
        """
        activity = self.regulation.activity(state[:, -1])
        if perturbation is not None:
            scale, add = conditions([perturbation], self.genes, self.kinetics.highest[self.mrna_index])
            activity = scale * activity + add
        return self.kinetics.slopes(state, activity * factor + constant)

    def jacobian(self, state: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return how transcription of each gene answers to each regulator's level, ``(n_cells, n_genes, n_genes)``.

        Entry ``[c, i, j]`` is the derivative of gene i's production by regulator j's level (its protein, or the
        factor itself) in cell c.

        Parameters
        ----------
        state
            ``(n_cells, n_compartments, n_genes)``.
        """
        slopes = self.regulation.slopes(state[:, -1])
        result = np.zeros((len(state), len(self.genes), len(self.genes)))
        target = self.regulation.target
        for edge, regulator in enumerate(self.regulation.regulator):
            result[:, target[edge], regulator] += slopes[:, edge] * self.kinetics.rates[0, target[edge]]
        return result

    def edges(self) -> Network:
        """Return the regulations as a network: the weight is the inverse half-response level, in maxima.

        The sign is that of the rule: +1 if the regulator can only raise its target, -1 if it can only lower it,
        0 if it does both; regulators that change nothing are left out.
        """
        regulation, names = self.regulation, np.array(self.genes)
        keep = regulation.sign != ABSENT_EDGE
        weight = self.kinetics.highest[-1][regulation.regulator] / regulation.threshold
        return Network.from_edges(
            names[regulation.regulator[keep]],
            names[regulation.target[keep]],
            weight[keep],
            sign=regulation.sign[keep],
            provenance=Provenance("ode", {"form": self.kinetics.form}),
        )

    def restricted(self, keep: NDArray[np.bool_]) -> OdeModel:
        """Return the equations of some genes, which must be regulated by none of the others.

        Parameters
        ----------
        keep
            Which genes, ``(n_genes,)``.
        """
        return replace(
            self,
            genes=tuple(gene for gene, kept in zip(self.genes, keep, strict=True) if kept),
            regulation=self.regulation.restricted(keep),
            kinetics=replace(self.kinetics, rates=self.kinetics.rates[:, keep]),
            start=self.start[:, keep],
            makes_protein=self.makes_protein[keep],
            numbers=self.numbers[keep],
            network=None,
        )

    @accepts_seed
    def predict(
        self,
        perturbations: Perturbation | Sequence[Perturbation],
        adata: AnnData | None = None,
        *,
        n_cells: int = 200,
        duration: float | None = None,
        rng: SeedLike = 0,
        n_jobs: int | None = None,
    ) -> Prediction:
        """Return the change of mRNA under each perturbation, cell by cell on the same noise.

        Parameters
        ----------
        perturbations
            One or several.
        adata
            Cells from :func:`simulate`: each goes on with and without the perturbation (one perturbation at a time).
            If left out, new cells are followed from the beginning, and a row is the mean over them.
        n_cells
            New cells for each perturbation.
        duration
            How long the perturbation acts; the whole simulation, or a quarter of it for given cells, if left out.
        rng
            Seed of new cells.
        n_jobs
            Threads.

        Returns
        -------
        Prediction
            Rows are perturbations, or the given cells; the regime is ``mechanistic``.

        Raises
        ------
        InputError
            If a gene is not in the model, or cells are given with several perturbations.
        """
        from reguloom.mechanistic.simulate import counterfactual

        many = [perturbations] if isinstance(perturbations, Perturbation) else list(perturbations)
        provenance = Provenance("ode", {"n_cells": n_cells}, seed=root_seed(rng) if adata is None else None,
                                citations=CITATIONS)  # fmt: skip
        if adata is not None:
            if len(many) != 1:
                msg = f"{len(many)} perturbations for given cells; give one, or leave the cells out."
                raise InputError(msg)
            forked = counterfactual(self, adata, many[0], duration=duration, n_jobs=n_jobs)
            delta, control = (np.asarray(forked.layers[name]) for name in ("delta", "control"))
            return Prediction(delta, control, forked.obs_names, forked.var_names, many, "mechanistic",
                              provenance=provenance)  # fmt: skip
        control, changed = self._means(many, n_cells, duration or self.t_max, root_seed(rng), n_jobs)
        return Prediction(changed - control, control, pd.Index([one.label for one in many]), pd.Index(self.genes), many,
                          "mechanistic", provenance=provenance)  # fmt: skip

    def _means(
        self, perturbations: Sequence[Perturbation], n_cells: int, duration: float, seed: int, n_jobs: int | None
    ) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Return mean mRNA of new cells at the end: of the control, and of each perturbation."""
        last = np.array([round(duration / self.dt)])
        state = np.repeat(self.start[None], n_cells, axis=0)
        control = integrate(self, state, last, seed=seed, n_jobs=n_jobs)[:, 0, self.mrna_index]
        scale, add = conditions(perturbations, self.genes, self.kinetics.highest[self.mrna_index], control)
        means = []
        for row in range(len(perturbations)):
            done = Conditions(scale, add, np.full(n_cells, row), np.zeros(n_cells, dtype=np.int64))
            cells = integrate(self, state, last, seed=seed, conditions=done, n_jobs=n_jobs)
            means.append(cells[:, 0, self.mrna_index].mean(axis=0))
        return control.mean(axis=0), np.array(means)

    def available(self) -> pd.DataFrame:
        """Return that every gene of the model can be perturbed: columns ``available``, ``reason``."""
        return pd.DataFrame({"available": True, "reason": ""}, index=pd.Index(self.genes, name="gene"))

    def with_start(self, initial: Mapping[str, float] | None) -> OdeModel:
        """Return the same equations with other conditions at the start: `initial`, gene → mRNA."""
        return replace(self, start=_start(self.genes, self.kinetics, initial))


def _steepness(form: str) -> float:
    """Return the usual Hill coefficient of a form."""
    return {"mrna": 10.0, "spliced": 4.0, "factor": 2.0}[form]


def _times(form: str, dt: float | None, t_max: float | None, compat: str | None) -> tuple[float, float]:
    """Return step and duration; BoolODE's grid has ``t_max / 0.01`` points, its ends among them."""
    duration = TIMES[form] if t_max is None else float(t_max)
    step = STEPS[form] if dt is None else float(dt)
    if not 0 < step < duration:
        msg = f"dt is {step:g} and t_max {duration:g}; give 0 < dt < t_max."
        raise InputError(msg)
    return (duration / (int(duration / step) - 1) if compat else step), duration


def _noise(noise: Noise | str | None, compat: str | None) -> Noise:
    """Return the noise that was asked for."""
    if isinstance(noise, Noise):
        return noise
    if compat and noise is None:
        return Noise("boolode", strength=10.0)
    return Noise(noise or "langevin", strength=10.0 if noise == "boolode" else 1.0)


def _start(genes: Sequence[str], kinetics: Kinetics, initial: Mapping[str, float] | None) -> NDArray[np.float64]:
    """Return the state in which every gene's other compartments are in balance with its mRNA."""
    mrna = np.full(len(genes), PRESENT if initial is None else ABSENT)
    places = {gene: i for i, gene in enumerate(genes)}
    for gene, level in (initial or {}).items():
        if gene not in places or not level >= 0:
            msg = f"the initial condition {gene}={level} does not fit; give a gene of the network and a level >= 0."
            raise InputError(msg)
        mrna[places[gene]] = level
    top = kinetics.highest
    reference = top[1 if kinetics.form == "spliced" else 0]
    share: NDArray[np.float64] = mrna / (2.0 if kinetics.form == "factor" else reference)
    return np.asarray(top * share)


def _regulation(network: BooleanNetwork, kinetics: Kinetics, hill: float, strengths: Any) -> Regulation:
    """Compile the rules, with half responses at half of each regulator's maximum, divided by the strength."""
    places = {gene: i for i, gene in enumerate(network.genes)}
    regulators = [[places[name] for name in network.regulators(gene)] for gene in network.genes]
    regulation = compile_rules(regulators, [network.truth_table(gene) for gene in network.genes], hill=hill)
    share = 0.1 if kinetics.form == "factor" else 0.5
    threshold = share * kinetics.highest[-1][regulation.regulator]
    if strengths is None:
        return regulation.with_thresholds(threshold)
    table = strengths if isinstance(strengths, Network) else Network.from_frame(strengths)
    where = {(int(r), int(t)): e for e, (r, t) in enumerate(zip(regulation.regulator, regulation.target, strict=True))}
    for row in table.to_frame().itertuples(index=False):
        edge = where.get((places.get(str(row.source), -1), places.get(str(row.target), -1)))
        if edge is None:
            continue
        if not row.weight > 0:
            msg = f"the strength of {row.source} on {row.target} is {row.weight}; give a number above 0."
            raise InputError(msg)
        threshold[edge] /= row.weight
    return regulation.with_thresholds(threshold)
