"""What all response models share: how they are fitted, asked, saved and loaded."""

from __future__ import annotations

import os
from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Self

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from reguloom._errors import InputError, NotFittedError, warn
from reguloom._random import SeedLike, accepts_seed, child_seed, generator, root_seed
from reguloom.core import Perturbation, PerturbationData, Prediction, Provenance
from reguloom.core.provenance import plain
from reguloom.evaluate.splits import Split
from reguloom.evaluate.splits import split as make_split
from reguloom.response._sources import Resolved, Sources
from reguloom.response._starting_cells import starting_cells
from reguloom.response._state import Cells, State, keep_controls, target_of

if TYPE_CHECKING:
    from anndata import AnnData

#: Share of the training cells that are kept for early stopping where the split keeps too few perturbations for it.
VALIDATION_SHARE = 0.1
#: With fewer validation groups than this, the best epoch would be a matter of chance.
ENOUGH_GROUPS = 5


class ResponseModel(ABC):
    """A model of the response to perturbations; subclasses say how it is trained and what it predicts."""

    name: ClassVar[str]
    citations: ClassVar[tuple[str, ...]]

    def __init__(self, **params: Any) -> None:
        self.params = params
        self.members_: list[Any] = []
        self.history_ = pd.DataFrame()
        self.monitor_: str | None = None
        self.split_: Split | None = None
        self._state: State | None = None

    def __repr__(self) -> str:
        """Say what it was fitted on."""
        if self._state is None:
            return f"{type(self).__name__}(not fitted)"
        n = len(self._state.conditions)
        return f"{type(self).__name__}({len(self._state.genes)} genes, {n} training perturbations)"

    @property
    def state(self) -> State:
        """What the fitted model remembers.

        Raises
        ------
        NotFittedError
            Before :meth:`fit`.
        """
        if self._state is None:
            msg = f"{type(self).__name__} is not fitted; call fit(data) first, or load a saved one."
            raise NotFittedError(msg)
        return self._state

    @accepts_seed
    def fit(
        self,
        data: AnnData | PerturbationData,
        split: Split | str | None = None,
        *,
        folder: str | os.PathLike[str] | None = None,
        resume: bool = False,
        device: str = "auto",
        rng: SeedLike = 0,
        n_jobs: int | None = 1,
        **reading: Any,
    ) -> Self:
        """Learn from the training part of a screen.

        Parameters
        ----------
        data
            The screen; an AnnData is read by ``PerturbationData.from_anndata``.
        split
            What to learn from and what to stop by; the name of a kind of split, or None to learn from everything,
            a tenth of the cells kept for early stopping.
        folder
            Where checkpoints go, so that a killed training can be resumed; none if left out.
        resume
            Whether to go on with what is in the folder.
        device
            ``auto``, ``cpu``, ``cuda``, ``mps``.
        rng
            Seed; the same one gives the same weights on a CPU.
        n_jobs
            CPU threads. One by default: more are faster, and change the last digits.
        reading
            For an AnnData: ``perturbation``, ``control``, ``covariates``, ``batch``, ``dose``, ``layer``,
            ``counts_layer`` ... as in ``PerturbationData.from_anndata``. With a PerturbationData they only say how
            cells that are given to :meth:`predict` are read.

        Raises
        ------
        InputError
            If the data cannot be used, or the folder holds another run.
        MissingDependencyError
            If PyTorch is not installed.
        """
        from reguloom.response._torch.fitting import Run

        seed = root_seed(rng)
        told = dict(reading)
        screen = data if isinstance(data, PerturbationData) else PerturbationData.from_anndata(data, **reading)
        parted = make_split(screen, split, rng=seed) if isinstance(split, str) else split
        train, val = self._cells_of(screen, parted)
        self._state = self._remember(screen, train, told, seed, parted)
        train, val = self._held_back(screen, train, val, seed)
        self.split_ = parted
        self.members_, tables = [], []
        for member in range(int(self.params.get("n_members", 1))):
            place = None if folder is None else Path(folder) / (f"member{member}" if member else "")
            own = seed if member == 0 else child_seed(seed, "member", member)
            module, table = self._train(screen, train, val, Run(own, place, resume, device, n_jobs))
            self.members_.append(module)
            tables.append(table.assign(member=member))
        self.history_ = pd.concat(tables, ignore_index=True)
        return self

    def predict(
        self,
        perturbations: Perturbation | str | Sequence[Perturbation | str],
        adata: AnnData | PerturbationData | None = None,
        *,
        context: str | None = None,
    ) -> Prediction:
        """Return the predicted change of control cells under each perturbation.

        Parameters
        ----------
        perturbations
            One gives a row per control cell; a list gives a row per perturbation, the mean over the cells.
            Text such as ``"A+B"`` is read as a screen's label.
        adata
            Control cells to start from; perturbed cells in it are left aside. Control cells that were kept from
            training if left out.
        context
            Only control cells of this context.

        Returns
        -------
        Prediction
            ``obs`` says for each row what it rests on (``source``: trained, graph, annotation, embedding,
            coexpression, mean), the nearest training perturbation and how far it is (``cosine_distance``,
            ``euclidean_distance``); ``layers['sd']`` the spread over the members of an ensemble; ``checks`` every
            stand-in in words.

        Raises
        ------
        NotFittedError
            Before :meth:`fit`.
        InputError
            If there are no control cells.
        """
        several = not isinstance(perturbations, (Perturbation, str))
        asked = [perturbations] if isinstance(perturbations, (Perturbation, str)) else list(perturbations)
        if not asked:
            msg = "the list of perturbations is empty; give at least one."
            raise InputError(msg)
        whole = [Perturbation.parse(one) if isinstance(one, str) else one for one in asked]
        cells = starting_cells(self.state, adata, context, self._needs_counts)
        resolved = self.state.sources.resolve(whole)
        delta, spread = self._deltas(whole, resolved, cells, several)
        rows = pd.Index([one.label for one in whole]) if several else cells.names
        obs = self._obs(resolved, len(rows))
        obs.index = rows.astype(str)
        control = cells.dense().astype(np.float64)
        if several:
            # Of training cells a sample is kept, and the mean of all.
            control = control.mean(axis=0) if adata is not None else (
                self.state.control_mean[cells.context].mean(axis=0))  # fmt: skip
        return Prediction(
            delta=delta,
            control=control,
            rows=rows,
            genes=self.state.genes,
            perturbations=whole,
            regime="learned",
            checks=self._checks(whole, resolved, cells, context),
            provenance=self.provenance(),
            obs=obs,
            layers={} if spread is None else {"sd": spread},
        )

    def available(self) -> pd.DataFrame:
        """Return which genes can be asked for.

        Returns
        -------
        One row per gene: ``available``, ``source`` (trained, graph, annotation, embedding, coexpression, mean) and
        ``reason``. Genes that are not listed, and those of source ``mean``, get the mean change of the training
        perturbations, and the prediction says so.
        """
        return self.state.sources.table(self.state.genes)

    def provenance(self) -> Provenance:
        """Return how the model was made."""
        facts = self.state.facts
        return Provenance(self.name, {**facts["params"], "split": facts["split"]}, facts["seed"],
                          inputs={"data": facts["data"]}, citations=self.citations)  # fmt: skip

    def save(self, folder: str | os.PathLike[str], *, force: bool = False) -> None:
        """Write the model to a folder: ``model.safetensors``, and what it is in words, ``model.json``.

        Parameters
        ----------
        folder
            Made if it is missing.
        force
            Whether existing files may be replaced.
        """
        from reguloom.response._torch.persistence import save_model

        save_model(self, folder, force=force)

    @classmethod
    def load(cls, folder: str | os.PathLike[str], *, device: str = "auto") -> Self:
        """Read a model that :meth:`save` wrote.

        Parameters
        ----------
        folder
            The folder.
        device
            Where it computes.

        Raises
        ------
        InputError
            If there is no model, or one of another kind.
        """
        from reguloom.response._torch.persistence import load_model

        return load_model(cls, folder, device=device)

    # --------------------------------------------------------------------------------------- what subclasses say

    @abstractmethod
    def _sources(self, data: PerturbationData, train: NDArray[np.int64], seed: int) -> tuple[Sources, dict[str, Any]]:
        """Return the vocabulary, and arrays that the network is made of."""

    @abstractmethod
    def _train(
        self, data: PerturbationData, train: NDArray[np.int64], val: NDArray[np.int64], run: Any
    ) -> tuple[Any, pd.DataFrame]:
        """Train one member as `run` says; return its network and its history."""

    @abstractmethod
    def _network(self) -> Any:
        """Return an untrained network for the state, to load weights into."""

    @abstractmethod
    def _effects(self, module: Any, resolved: Resolved, cells: Cells) -> Iterator[NDArray[np.floating]]:
        """Yield the change under each perturbation: ``(n_cells, n_genes)``, or one row if it is that of every cell."""

    @abstractmethod
    def _embedding(self, module: Any, resolved: Resolved) -> NDArray[np.floating]:
        """Return where perturbations lie in the space that the model has for them, ``(n_perturbations, n)``."""

    _needs_counts: bool = False
    _knows_dose: bool = False

    # ------------------------------------------------------------------------------------------------------ inside

    def _plain_params(self) -> dict[str, Any]:
        """Return the parameters as JSON can hold them; tables by their size, files by their names."""
        shown = {}
        for name, value in self.params.items():
            if isinstance(value, pd.DataFrame):
                shown[name] = f"table of {value.shape[0]} x {value.shape[1]}"
            elif isinstance(value, dict):
                shown[name] = f"{len(value)} genes"
            else:
                shown[name] = str(value) if isinstance(value, os.PathLike) else value
        return shown

    def _identity(self, data: PerturbationData) -> dict[str, Any]:
        """Return what a checkpoint is of; the number of epochs may change, so that a run can be made longer."""
        named = {name: one for name, one in self._plain_params().items() if name not in ("max_epochs", "n_members")}
        return {"model": self.name, "params": named, "data": data.fingerprint(), "split": self.state.facts["split"]}

    def _cells_of(self, data: PerturbationData, split: Split | None) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Return training and validation cells."""
        train = np.arange(data.n_cells) if split is None else split.cells(data, "train")
        if data.is_control[train].all():
            msg = "the training part holds no perturbed cells; give another split."
            raise InputError(msg)
        return train, np.zeros(0, dtype=np.int64) if split is None else split.cells(data, "val")

    def _held_back(
        self, data: PerturbationData, train: NDArray[np.int64], val: NDArray[np.int64], seed: int
    ) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Keep validation perturbations that can tell epochs apart; if they are few, keep back training cells as well.

        What the model has no place for is predicted the same in every epoch, so that no epoch would seem better.
        """
        codes = np.unique(data.condition_codes[val])
        known = [code for code in codes if not self.state.sources.resolve([data.conditions[code]]).unknown[0]]
        val = val[np.isin(data.condition_codes[val], known)]
        groups = np.unique(data.condition_codes[val] * len(data.contexts) + data.context_codes[val])
        if len(groups) >= ENOUGH_GROUPS:
            return train, val
        perturbed = train[~data.is_control[train]]
        few = generator(seed, "validation").permutation(perturbed)[: int(VALIDATION_SHARE * len(perturbed))]
        return np.setdiff1d(train, few), np.union1d(val, few)

    def _remember(
        self, data: PerturbationData, train: NDArray[np.int64], told: dict[str, Any], seed: int, split: Split | None
    ) -> State:
        """Return what is kept of the data."""
        sources, extra = self._sources(data, train, seed)
        perturbed = train[~data.is_control[train]]
        bulk = data.pseudobulk(perturbed)
        everywhere = bulk.delta.mean(axis=0)
        change = np.stack([bulk.delta[bulk.context_codes == i].mean(axis=0) if (bulk.context_codes == i).any()
                           else everywhere for i in range(len(data.contexts))])  # fmt: skip
        codes, n_cells = np.unique(data.condition_codes[perturbed], return_counts=True)
        covariates = told.get("covariates") or _covariates(data)
        control = told.get("control") or ()
        reading = {
            "perturbation": told.get("perturbation") or (data.obs.columns[0] if len(data.obs.columns) else None),
            "covariates": [covariates] if isinstance(covariates, str) else list(covariates),
            "control": [control] if isinstance(control, str) else list(control),
            "layer": told.get("layer"),
            "counts_layer": told.get("counts_layer"),
            "kind": data.kind,
            "target_sum": target_of(data),
        }
        facts = {"seed": seed, "split": "none" if split is None else split.hash, "data": data.fingerprint(),
                 "target_mode": data.target_mode, "params": plain(self._plain_params())}  # fmt: skip
        return State(
            genes=data.genes,
            contexts=data.contexts,
            reading=reading,
            sources=sources,
            controls=keep_controls(data, seed, counts=self._needs_counts),
            mean_change=change,
            control_mean=_control_means(data),
            conditions=tuple(data.conditions[code] for code in codes),
            n_cells=n_cells,
            facts=facts,
            extra=extra,
        )

    def _deltas(
        self, asked: list[Perturbation], resolved: Resolved, cells: Cells, several: bool
    ) -> tuple[NDArray[np.float64], NDArray[np.float64] | None]:
        """Return the mean over members of the change, and their spread if there are several members."""
        n_rows = len(asked) if several else len(cells)
        made = np.zeros((len(self.members_), n_rows, len(self.state.genes)))
        # Where nothing is known of a gene, the mean change of the cell's context stands for it.
        typical = self.state.mean_change[cells.context] if (cells.context >= 0).all() else (
            np.broadcast_to(self.state.mean_change.mean(axis=0), (len(cells), len(self.state.genes))))  # fmt: skip
        for table, module in zip(made, self.members_, strict=True):
            for i, effect in enumerate(self._effects(module, resolved, cells)):
                whole = np.asarray(effect, dtype=np.float64)
                if resolved.unknown[i]:
                    # A perturbation of which nothing is known at all is the mean change and no more.
                    whole = whole * bool(resolved.design[i].any()) + resolved.unknown[i] * typical
                if asked[i].is_control:
                    whole = np.zeros((1, len(self.state.genes)))
                if several:
                    table[i] = whole.mean(axis=0)
                else:
                    table[:] = whole
        return made.mean(axis=0), made.std(axis=0, ddof=1) if len(made) > 1 else None

    def _obs(self, resolved: Resolved, n_rows: int) -> pd.DataFrame:
        """Return what each prediction rests on, and how far it is from what was trained on."""
        trained = self.state.sources.resolve(self.state.conditions)
        known = self._embedding(self.members_[0], trained)
        asked = self._embedding(self.members_[0], resolved)
        far = np.linalg.norm(asked[:, None] - known[None], axis=2)
        norms = np.linalg.norm(asked, axis=1)[:, None] * np.linalg.norm(known, axis=1)[None]
        cosine = 1 - np.divide(asked @ known.T, norms, out=np.zeros_like(norms), where=norms > 0)
        nearest = far.argmin(axis=1)
        table = pd.DataFrame(
            {
                "source": resolved.source,
                "nearest": [self.state.conditions[i].label for i in nearest],
                "cosine_distance": cosine.min(axis=1).clip(min=0),
                "euclidean_distance": far.min(axis=1),
                **self._uncertainty(resolved),
            }
        )
        return table if len(table) == n_rows else table.iloc[np.zeros(n_rows, dtype=int)].copy()

    def _uncertainty(self, resolved: Resolved) -> dict[str, NDArray[np.floating]]:
        """Return further columns of what the model itself says of its uncertainty."""
        return {}

    def _checks(
        self, asked: list[Perturbation], resolved: Resolved, cells: Cells, context: str | None
    ) -> dict[str, str]:
        """Return what has to be said of the predictions."""
        checks = {f"{one.label}: source": text for one, text in zip(asked, resolved.checks, strict=True) if text}
        if (cells.context < 0).any():
            checks["context"] = "some control cells are of a context that the model was not fitted on"
        elif context is None and len(np.unique(cells.context)) > 1:
            names = ", ".join(self.state.contexts[i] for i in np.unique(cells.context)[:5])
            checks["context"] = f"means over control cells of several contexts ({names}); name one with context="
        if not self._knows_dose and any(one.dose is not None for one in asked):
            checks["dose"] = f"{self.name} has no notion of dose; it was left out"
        mode = {"knockout": ("level", "fold"), "overexpression": ("max", "fold", "quantile", "level")}.get(
            str(self.state.facts["target_mode"]))  # fmt: skip
        targets = [target for one in asked for target in one.targets.values() if target.mode != "unknown"]
        if mode is not None and any(target.mode not in mode for target in targets):
            checks["mode"] = f"the screen does {self.state.facts['target_mode']}, and something else was asked"
        return checks

    def _settle(self, data: PerturbationData, train: NDArray[np.int64], sources: Sources) -> NDArray[np.int64]:
        """Return the training cells whose perturbations the model has a place for, and say which it has not."""
        codes = np.unique(data.condition_codes[train])
        unknown = sources.resolve([data.conditions[code] for code in codes]).unknown > 0
        if unknown.any():
            names = [data.condition_labels[code] for code in codes[unknown]]
            warn(
                f"{len(names)} training perturbations are not learned from, as nothing is known of a gene: {names[:5]}."
            )
        return train[~np.isin(data.condition_codes[train], codes[unknown])]


def _control_means(data: PerturbationData) -> NDArray[np.float64]:
    """Return the mean of the control cells of each context; of all controls where a context has none."""
    bulk = data.pseudobulk()
    own = np.flatnonzero(bulk.condition_codes == 0)
    made = np.tile(np.average(bulk.means[own], axis=0, weights=bulk.n_cells[own]), (len(data.contexts), 1))
    made[bulk.context_codes[own]] = bulk.means[own]
    return made


def _covariates(data: PerturbationData) -> list[str]:
    """Return the columns whose joined values are the contexts: they stand right after the column of labels."""
    wanted = np.array(data.contexts, dtype=object)[data.context_codes]
    joined = np.full(data.n_cells, "", dtype=object)
    columns = list(data.obs.columns[1:])
    for number, name in enumerate(columns):
        text = data.obs[name].astype(str).to_numpy(dtype=object)
        joined = text if number == 0 else joined + "|" + text
        if (joined == wanted).all():
            return columns[: number + 1]
    return []
