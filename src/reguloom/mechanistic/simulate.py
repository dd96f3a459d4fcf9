"""Cells from a wiring: populations under interventions, and the same cell with and without one."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from reguloom import _keys
from reguloom._errors import InputError, MissingKeyError
from reguloom._logging import logger
from reguloom._random import SeedLike, accepts_seed, generator, root_seed
from reguloom.core import Perturbation, Provenance
from reguloom.mechanistic.ode import CITATIONS, OdeModel
from reguloom.mechanistic.ode_conditions import conditions as to_conditions
from reguloom.mechanistic.ode_fates import Fates, endings, name_fates
from reguloom.mechanistic.sde import Conditions, capacities, integrate, keys

if TYPE_CHECKING:
    from anndata import AnnData

    from reguloom.mechanistic.boolean_network import BooleanNetwork

MAX_ATTEMPTS = 20
CHUNK = 1024
"""Trajectories whose states are in memory at once."""
SIMULATION = "simulation"
"""``uns``: seed, step and form of a simulation, which a fork of its cells needs."""


@accepts_seed
def simulate(
    model: OdeModel | BooleanNetwork,
    n_cells: int = 2000,
    *,
    perturbations: Perturbation | Sequence[Perturbation] = (),
    onset: float = 0.0,
    escape: float = 0.0,
    cells_per_trajectory: int = 1,
    sampling: str = "uniform",
    rng: SeedLike = 0,
    n_jobs: int | None = None,
    **options: Any,
) -> AnnData:
    """Simulate cells from a network, and more cells under each perturbation.

    Parameters
    ----------
    model
        Equations, or a Boolean network to make them from with the `options` of :meth:`OdeModel.from_network`.
    n_cells
        Cells without perturbation, and as many for each perturbation; each on a trajectory of its own.
    perturbations
        One or several; their ``dose`` is the share of the full effect (0 to 1).
    onset
        Time at which a perturbation begins.
    escape
        Share of cells in which it does not work, as guides do; ``obs['perturbed']`` tells which.
    cells_per_trajectory
        Take several cells from each trajectory, which then are not independent; ``obs['trajectory']`` tells.
    sampling
        ``uniform``: cells are taken at times drawn from the whole duration; ``end``: at its end.
    rng
        Seed; the same seed gives the same bytes on any number of threads.
    n_jobs
        Threads.
    options
        For :meth:`OdeModel.from_network`.

    Returns
    -------
    AnnData
        ``X`` mRNA ``(n_cells, n_genes)``, float32; layers ``protein``, ``velocity`` (the deterministic time
        derivative of X), and for the form ``spliced`` also ``unspliced`` and ``velocity_unspliced``;
        ``obs['trajectory']``, ``obs['step']``, ``obs['time']``, ``obs['pseudotime']`` (0 to 1), ``obs['fate']`` (the
        attractor that the cell's trajectory ends in), ``obs['perturbation']``, ``obs['perturbed']``; ``uns['fates']``,
        a table; ``uns['grn']``, the true network; ``uns['simulation']``, what a fork needs.

    Raises
    ------
    InputError
        If a number is out of range, a gene is unknown, or options are given with a ready model.

    Examples
    --------
    >>> import reguloom as rl
    >>> toggle = rl.mechanistic.BooleanNetwork.from_rules({"A": "not B", "B": "not A"})
    >>> cells = rl.mechanistic.simulate(toggle, 100, perturbations=rl.Perturbation.knockout("A"), t_max=4)
    >>> cells.shape
    (200, 2)
    """
    equations = _model(model, options)
    _check(n_cells, onset, escape, cells_per_trajectory, sampling)
    seed = root_seed(rng)
    many = [perturbations] if isinstance(perturbations, Perturbation) else list(perturbations)
    per = cells_per_trajectory
    n_each = -(-n_cells // per)
    n = n_each * (1 + len(many))
    draw = generator(seed, "sampling")
    last = equations.n_steps
    when = draw.integers(0, last + 1, (n, per)) if sampling == "uniform" else np.full((n, per), last)
    when = np.sort(when, axis=1)
    works = draw.random(n) >= escape
    which = np.where(works, np.repeat(np.arange(-1, len(many)), n_each), -1)
    scale, add = _conditions(equations, many, n_each, seed, n_jobs)
    done = Conditions(scale, add, which, np.full(n, round(onset / equations.dt)))
    numbers = bright_trajectories(equations, done, seed=seed, n_jobs=n_jobs)
    states, patterns = follow(equations, when, done, numbers=numbers, seed=seed, n_jobs=n_jobs)
    fates = _name_fates(equations, patterns)
    rows = np.repeat(np.arange(n), per)
    keep = np.concatenate([np.arange(start, start + n_cells) for start in range(0, n * per, n_each * per)])
    rows, when = rows[keep], when.ravel()[keep]
    cells = states.reshape(-1, *states.shape[2:])[keep]
    factor, constant = effect_now(equations, done, rows, numbers, when, seed)
    adata = assemble(equations, cells, numbers[rows], when, fates=fates.take(rows), factor=factor, constant=constant)
    label_cells(adata, ["control", *(one.label for one in many)], n_cells, which[rows] >= 0)
    adata.obs["onset"] = np.where(adata.obs[_keys.PERTURBATION] == "control", np.nan, onset)
    _store(adata, equations, seed, fates)
    return adata


def follow(
    model: OdeModel,
    when: NDArray[np.int64],
    conditions: Conditions,
    *,
    numbers: NDArray[np.int64],
    seed: int,
    n_jobs: int | None = None,
) -> tuple[NDArray[np.float32], NDArray[np.int8]]:
    """Follow trajectories from the model's start, and to where they end.

    Parameters
    ----------
    model
        The equations.
    when
        Steps at which cells are taken, ``(n_trajectories, n_cells_each)``.
    conditions
        Interventions.
    numbers
        Numbers of the trajectories in the noise, ``(n_trajectories,)``.
    seed
        Seed of the noise.
    n_jobs
        Threads.

    Returns
    -------
    States ``(n_trajectories, n_cells_each, n_compartments, n_genes)`` and endings ``(n_trajectories, n_genes)``.
    """
    n, per = when.shape
    states = np.empty((n, per, *model.start.shape), dtype=np.float32)
    patterns = np.empty((n, len(model.genes)), dtype=np.int8)
    core = model.is_regulator
    core[model.regulation.regulator] = True
    core |= not core.any()
    # Genes that regulate nothing have no say in the fate: the rest of the way is gone without them.
    small = model.restricted(core)
    for first in range(0, n, CHUNK):
        rows = np.arange(first, min(first + CHUNK, n))
        done = Conditions(conditions.scale, conditions.add, conditions.which[rows], conditions.onset[rows])
        inside = Conditions(done.scale[:, core], done.add[:, core], done.which, done.onset)
        start = np.repeat(model.start[None], len(rows), axis=0)
        settings: dict[str, Any] = {"seed": seed, "trajectories": numbers[rows], "n_jobs": n_jobs}
        taken = integrate(model, start, when[rows], conditions=done, **settings)
        states[rows] = taken
        end = np.zeros(start.shape)
        end[:, :, core] = integrate(
            small, taken[:, -1][:, :, core], np.array([model.n_steps]), first_step=when[rows, -1], conditions=inside,
            **settings,
        )[:, 0]  # fmt: skip
        patterns[rows] = endings(model, end, conditions=done, n_jobs=n_jobs)
    return states, patterns


def bright_trajectories(
    model: OdeModel, conditions: Conditions, *, seed: int, n_jobs: int | None = None
) -> NDArray[np.int64]:
    """Return the numbers of trajectories in which some gene is expressed at every moment, drawn again as needed.

    BoolODE discards a cell if at any time its strongest gene is below a tenth of the maximum; the number of the
    ``k``-th attempt for trajectory ``j`` of ``n`` is ``j + k n``.

    Parameters
    ----------
    model
        The equations; ``model.dimmest`` is the share of the maximum that some gene must have.
    conditions
        Interventions; their length is the number of trajectories.
    seed
        Seed of the noise.
    n_jobs
        Threads.
    """
    n = len(conditions.which)
    numbers = np.arange(n)
    if model.dimmest <= 0:
        return numbers
    limit = model.dimmest * model.kinetics.highest[model.mrna_index].max()
    open_, every = np.arange(n), np.arange(model.n_steps + 1)
    for attempt in range(MAX_ATTEMPTS):
        dark = []
        for first in range(0, len(open_), CHUNK // 8):
            rows = open_[first : first + CHUNK // 8]
            done = Conditions(conditions.scale, conditions.add, conditions.which[rows], conditions.onset[rows])
            start = np.repeat(model.start[None], len(rows), axis=0)
            cells = integrate(
                model, start, every, seed=seed, trajectories=rows + attempt * n, conditions=done, n_jobs=n_jobs
            )
            dark.append(cells[:, :, model.mrna_index].max(axis=2).min(axis=1) < limit)
        numbers[open_] = open_ + attempt * n
        open_ = open_[np.concatenate(dark)]
        if not len(open_):
            return numbers
    logger.info("%d trajectories stayed dark in %d attempts and were kept", len(open_), MAX_ATTEMPTS)
    return numbers


@accepts_seed
def counterfactual(
    model: OdeModel,
    adata: AnnData,
    perturbation: Perturbation,
    *,
    duration: float | None = None,
    n_jobs: int | None = None,
) -> AnnData:
    """Let each cell go on with and without a perturbation, on the same noise.

    The difference of the two is the effect of the perturbation on that very cell, which no experiment can show.

    Parameters
    ----------
    model
        The equations that the cells were made from.
    adata
        Cells from :func:`simulate`, any selection of them.
    perturbation
        What is done; its `mask` names a boolean column of ``adata.obs``.
    duration
        How long; a quarter of the simulation if left out.
    n_jobs
        Threads.

    Returns
    -------
    AnnData
        ``X`` mRNA with the perturbation; layers ``control`` (without), ``delta`` (with minus without), ``before``;
        ``obs`` that of the cells, with ``fate_control`` and ``fate_perturbed``.

    Raises
    ------
    MissingKeyError
        If the cells do not carry their whole state.
    InputError
        If the genes are not the model's, or the duration is not positive.

    Examples
    --------
    >>> import reguloom as rl
    >>> toggle = rl.mechanistic.BooleanNetwork.from_rules({"A": "not B", "B": "not A"})
    >>> model = rl.mechanistic.OdeModel.from_network(toggle, t_max=4)
    >>> cells = rl.mechanistic.simulate(model, 50)
    >>> forked = rl.mechanistic.counterfactual(model, cells, rl.Perturbation.knockout("A"))
    >>> bool((forked[:, "A"].layers["delta"] <= 0).all())
    True
    """
    from anndata import AnnData

    state, seed = state_of(model, adata)
    if "perturbed" in adata.obs and adata.obs["perturbed"].any():
        msg = "some of the cells are perturbed already; take those of which adata.obs['perturbed'] is False."
        raise InputError(msg)
    n_more = round((model.t_max / 4 if duration is None else duration) / model.dt)
    if n_more < 1:
        msg = f"the duration {duration} is shorter than a step of {model.dt:g}; give a longer one."
        raise InputError(msg)
    mrna = state[:, model.mrna_index]
    scale, add = to_conditions([perturbation], model.genes, model.kinetics.highest[model.mrna_index], mrna)
    which = np.zeros(len(state), dtype=np.int64)
    if perturbation.mask is not None:
        which = np.where(_mask(adata, perturbation.mask), 0, -1)
    first = adata.obs["step"].to_numpy(dtype=np.int64)
    done = Conditions(scale, add, which, first)
    branches = {}
    for name, change in (("control", None), ("perturbed", done)):
        end = integrate(
            model, state, (first + n_more)[:, None], seed=seed, first_step=first, conditions=change,
            trajectories=adata.obs["trajectory"].to_numpy(dtype=np.int64), n_jobs=n_jobs,
        )[:, 0]  # fmt: skip
        branches[name] = (end[:, model.mrna_index], endings(model, end, conditions=change, n_jobs=n_jobs))
    fates = _name_fates(model, np.concatenate([branches["control"][1], branches["perturbed"][1]]))
    names = fates.table.index.to_numpy()[fates.which]
    obs = adata.obs.copy()
    obs[_keys.PERTURBATION] = pd.Categorical([perturbation.label] * len(obs))
    obs["fate_control"] = pd.Categorical(names[: len(state)], fates.table.index)
    obs["fate_perturbed"] = pd.Categorical(names[len(state) :], fates.table.index)
    layers = {
        "control": branches["control"][0],
        "delta": branches["perturbed"][0] - branches["control"][0],
        "before": mrna,
    }
    forked = AnnData(branches["perturbed"][0], obs=obs, var=pd.DataFrame(index=pd.Index(model.genes)), layers=layers)
    forked.uns["fates"] = fates.table
    forked.uns[SIMULATION] = {**adata.uns[SIMULATION], "duration": n_more * model.dt}
    return forked


def state_of(model: OdeModel, adata: AnnData) -> tuple[NDArray[np.float64], int]:
    """Return the whole state of simulated cells, ``(n_cells, n_compartments, n_genes)``, and the noise's seed.

    Parameters
    ----------
    model
        The equations.
    adata
        Cells from :func:`simulate`.
    """
    layers = {"factor": (None,), "mrna": (None, "protein"), "spliced": ("unspliced", None, "protein")}
    wanted = layers[model.kinetics.form]
    missing = [name for name in wanted if name is not None and name not in adata.layers]
    missing += [name for name in ("step", "trajectory") if name not in adata.obs]
    if missing or SIMULATION not in adata.uns:
        msg = f"the cells lack {', '.join(missing) or SIMULATION}; take them from mechanistic.simulate with this model."
        raise MissingKeyError(msg)
    if list(adata.var_names) != list(model.genes):
        msg = (
            f"the cells have {adata.n_vars} genes and the model {len(model.genes)}, or in another order; keep them all."
        )
        raise InputError(msg)
    parts = [np.asarray(adata.X if name is None else adata.layers[name], dtype=np.float64) for name in wanted]
    return np.stack(parts, axis=1), int(adata.uns[SIMULATION]["seed"])


def effect_now(
    model: OdeModel,
    done: Conditions,
    rows: NDArray[np.int64],
    numbers: NDArray[np.int64],
    step: NDArray[np.int64],
    seed: int,
) -> tuple[NDArray[np.float64] | float, NDArray[np.float64] | float]:
    """Return what each cell's regulation is multiplied by and what is added, at the moment it is taken.

    Parameters
    ----------
    model
        The equations.
    done
        Interventions on the trajectories.
    rows
        Trajectory of each cell.
    numbers
        Number of each trajectory in the noise.
    step
        Step of each cell.
    seed
        Seed of the noise.
    """
    if model.noise.heterogeneity == 0 and (done.which < 0).all():
        return 1.0, 0.0
    capacity = capacities(keys(seed, numbers[rows]), model, model.noise)
    active = (done.which[rows] >= 0) & (step >= done.onset[rows])
    factor, constant = capacity.copy(), np.zeros_like(capacity)
    which = done.which[rows][active]
    factor[active] *= done.scale[which]
    constant[active] = done.add[which] * capacity[active]
    return factor, constant


def assemble(
    model: OdeModel,
    states: NDArray[np.float32],
    trajectory: NDArray[np.int64],
    step: NDArray[np.int64],
    *,
    fates: Fates,
    factor: NDArray[np.float64] | float = 1.0,
    constant: NDArray[np.float64] | float = 0.0,
) -> AnnData:
    """Return states as AnnData.

    Parameters
    ----------
    model
        The equations.
    states
        ``(n_cells, n_compartments, n_genes)``.
    trajectory, step
        Of each cell.
    fates
        Of each cell.
    factor, constant
        What the regulation is multiplied by, and what is added, for the velocity.
    """
    from anndata import AnnData

    time = step * model.dt
    span = float(time.max() - time.min()) or 1.0
    obs = pd.DataFrame(
        {
            "trajectory": trajectory,
            "step": step,
            "time": time,
            "pseudotime": (time - time.min()) / span,
            "fate": pd.Categorical.from_codes(fates.which, fates.table.index),
        },
        index=pd.Index([f"E{t}_{s}" for t, s in zip(trajectory, step, strict=True)]),
    )
    if obs.index.has_duplicates:
        obs.index = pd.Index([f"{name}_{i}" for i, name in enumerate(obs.index)])
    mrna = model.mrna_index
    adata = AnnData(states[:, mrna].copy(), obs=obs, var=pd.DataFrame(index=pd.Index(model.genes)))
    if states.shape[1] > 1:
        adata.layers["protein"] = states[:, -1].copy()
    slopes = model.slopes(states.astype(np.float64), factor=factor, constant=constant).astype(np.float32)
    adata.layers["velocity"] = slopes[:, mrna]
    if mrna == 1:
        adata.layers["unspliced"] = states[:, 0].copy()
        adata.layers["velocity_unspliced"] = slopes[:, 0]
    return adata


def label_cells(adata: AnnData, labels: Sequence[str], n_each: int, works: NDArray[np.bool_]) -> None:
    """Write which perturbation each cell received, and whether it works in it.

    Parameters
    ----------
    adata
        Cells, `n_each` for each label.
    labels
        The control first.
    n_each
        Cells for each.
    works
        Of each cell.
    """
    adata.obs[_keys.PERTURBATION] = pd.Categorical.from_codes(np.repeat(np.arange(len(labels)), n_each), list(labels))
    adata.obs["perturbed"] = works


def _conditions(
    model: OdeModel, perturbations: Sequence[Perturbation], n_control: int, seed: int, n_jobs: int | None
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return what the perturbations do; levels given as quantiles are those of control cells at the end."""
    highest = model.kinetics.highest[model.mrna_index]
    observed = None
    if any(target.mode == "quantile" for one in perturbations for target in one.targets.values()):
        n = min(n_control, 500)
        start = np.repeat(model.start[None], n, axis=0)
        observed = integrate(model, start, np.array([model.n_steps]), seed=seed, n_jobs=n_jobs)[:, 0, model.mrna_index]
    if not perturbations:
        return np.ones((1, len(model.genes))), np.zeros((1, len(model.genes)))
    return to_conditions(perturbations, model.genes, highest, observed)


def _model(model: OdeModel | BooleanNetwork, options: dict[str, Any]) -> OdeModel:
    """Return the equations."""
    if not isinstance(model, OdeModel):
        return OdeModel.from_network(model, **options)
    if options:
        msg = f"{', '.join(options)} was given with a ready model; give it to OdeModel.from_network."
        raise InputError(msg)
    return model


def _check(n_cells: int, onset: float, escape: float, per: int, sampling: str) -> None:
    """Refuse numbers that cannot be."""
    if n_cells < 1 or per < 1:
        msg = f"{n_cells} cells, {per} from each trajectory, were asked for; give at least one of each."
        raise InputError(msg)
    if onset < 0 or not 0 <= escape < 1:
        msg = f"onset is {onset:g} and escape {escape:g}; a time is not negative, and a share lies in [0, 1)."
        raise InputError(msg)
    if sampling not in ("uniform", "end"):
        msg = f"sampling is {sampling!r}; accepted are uniform and end."
        raise InputError(msg)


def _name_fates(model: OdeModel, patterns: NDArray[np.int8]) -> Fates:
    """Name endings by the genes whose protein is followed; in a model of thousands, by the regulators alone."""
    shown = model.makes_protein
    return name_fates(patterns[:, shown], [gene for gene, one in zip(model.genes, shown, strict=True) if one])


def _mask(adata: AnnData, name: str) -> NDArray[np.bool_]:
    """Return the cells that a perturbation's mask names."""
    if name not in adata.obs:
        msg = f"adata.obs has no {name!r}, which the perturbation's mask names (it has {list(adata.obs)})."
        raise MissingKeyError(msg)
    return adata.obs[name].to_numpy(dtype=bool)


def _store(adata: AnnData, model: OdeModel, seed: int, fates: Fates) -> None:
    """Write the truth and what a fork needs."""
    model.edges().to_adata(adata)
    adata.uns["fates"] = fates.table
    adata.uns[SIMULATION] = {
        "seed": str(seed),
        "dt": model.dt,
        "t_max": model.t_max,
        "form": model.kinetics.form,
        "noise": model.noise.kind,
        "provenance": Provenance("ode", {"form": model.kinetics.form}, seed=seed, citations=CITATIONS).to_json(),
    }
