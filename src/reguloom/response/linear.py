"""The bilinear linear model as a model of its own: what costs seconds and is hard to beat."""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Self

import numpy as np
import pandas as pd

from reguloom._errors import InputError, NotFittedError, ResourceError
from reguloom._files import atomic_write, check_output, existing
from reguloom._random import SeedLike, accepts_seed, root_seed
from reguloom._reading import content_errors
from reguloom.core import Perturbation, PerturbationData, Prediction, Provenance
from reguloom.core.perturbation import Target
from reguloom.core.provenance import plain
from reguloom.evaluate.response_baselines import Linear as Bilinear
from reguloom.evaluate.response_baselines import Training
from reguloom.evaluate.response_baselines.embeddings import Source
from reguloom.evaluate.splits import Split
from reguloom.evaluate.splits import split as make_split

if TYPE_CHECKING:
    from anndata import AnnData

WEIGHTS, WORDS = "model.npz", "model.json"


class Linear:
    """Control plus ``G W p + b``: genes and perturbations both embedded, W by ridge regression on both sides.

    The baseline of the same name in ``reguloom.evaluate``, to be trained, saved and asked as the other models are; it
    needs no PyTorch. Ahlmann-Eltze, Huber & Anders, Nature Methods 2025.

    Parameters
    ----------
    embedding
        What perturbed genes are known by: ``pca`` (the screen's own expression), a table genes × dims, gene sets or
        a GMT file, another screen.
    n_dims
        Dimensions.
    """

    name: ClassVar[str] = "linear"
    citations: ClassVar[tuple[str, ...]] = ("doi:10.1038/s41592-025-02772-6",)

    def __init__(self, *, embedding: Source = "pca", n_dims: int = 10) -> None:
        self.params: dict[str, Any] = {"embedding": embedding, "n_dims": n_dims}
        self.history_ = pd.DataFrame()
        self.split_: Split | None = None
        self.baseline_: Bilinear | None = None
        self._facts: dict[str, Any] = {}

    def __repr__(self) -> str:
        """Say what it was fitted on."""
        if self.baseline_ is None:
            return "Linear(not fitted)"
        training = self.baseline_.training_
        return f"Linear({len(training.genes)} genes, {len(training.perturbations)} training profiles)"

    @accepts_seed
    def fit(
        self, data: AnnData | PerturbationData, split: Split | str | None = None, *, rng: SeedLike = 0, **reading: Any
    ) -> Self:
        """Learn from the training part of a screen.

        Parameters
        ----------
        data
            The screen; an AnnData is read by ``PerturbationData.from_anndata``.
        split
            What to learn from; the name of a kind of split, or None to learn from everything.
        rng
            Seed of the split; nothing else is random.
        reading
            For an AnnData, as in ``PerturbationData.from_anndata``.
        """
        screen = data if isinstance(data, PerturbationData) else PerturbationData.from_anndata(data, **reading)
        parted = make_split(screen, split, rng=rng) if isinstance(split, str) else split
        if parted is None:
            parted = Split("everything", tuple(sorted(screen.pseudobulk().units)), (), ())
        self.baseline_ = Bilinear(self.params["embedding"], n_dims=self.params["n_dims"]).fit(screen, parted)
        self.split_ = parted
        self._facts = {"seed": root_seed(rng), "split": parted.hash, "data": screen.fingerprint()}
        return self

    def predict(
        self,
        perturbations: Perturbation | str | Sequence[Perturbation | str],
        adata: AnnData | None = None,
        *,
        context: str | None = None,
    ) -> Prediction:
        """Return the predicted change, a row for each perturbation (and context, where there are several).

        Parameters
        ----------
        perturbations
            One or several; text such as ``"A+B"`` is read as a screen's label.
        adata
            Control cells to measure from, log-normalised; those of the screen if left out.
        context
            Only this context.
        """
        asked = [perturbations] if isinstance(perturbations, (Perturbation, str)) else list(perturbations)
        whole = [Perturbation.parse(one) if isinstance(one, str) else one for one in asked]
        fitted = self._fitted()
        if context is not None and context not in fitted.training_.control:
            msg = f"there is no context {context!r}; the model was fitted on {list(fitted.training_.control)[:10]}."
            raise InputError(msg)
        fitted.unknown_ = set()
        found = fitted.predict(whole, adata, contexts=None if context is None else [context])
        unknown = sorted(fitted.unknown_)
        obs = pd.DataFrame() if found.obs is None else found.obs.copy()
        obs["source"] = ["mean" if one.label in unknown else "embedding" for one in found.perturbations]
        checks = {f"{label}: source": "a gene has no embedding: the mean change of all training perturbations"
                  for label in unknown}  # fmt: skip
        return Prediction(found.delta, found.control, found.rows, found.genes, found.perturbations, "learned", checks,
                          self.provenance(), obs)  # fmt: skip

    def available(self) -> pd.DataFrame:
        """Return which genes have an embedding: ``available``, ``source``, ``reason``; others get the mean change."""
        fitted = self._fitted()
        genes = pd.Index(sorted(set(map(str, fitted.table_.index))), name="gene")
        trained = {gene for one in fitted.training_.perturbations for gene in one.genes}
        source = ["trained" if gene in trained else "embedding" for gene in genes]
        reasons = {"trained": "cells with it were learned from", "embedding": "known by its embedding"}
        columns = {"available": True, "source": source, "reason": [reasons[one] for one in source]}
        return pd.DataFrame(columns, index=genes)

    def provenance(self) -> Provenance:
        """Return how the model was made."""
        embedding = self.params["embedding"]
        shown = str(embedding) if isinstance(embedding, (str, os.PathLike)) else type(embedding).__name__
        return Provenance("linear", {"embedding": shown, "n_dims": self.params["n_dims"],
                          "split": self._facts.get("split")}, self._facts.get("seed"),
                          inputs={"data": str(self._facts.get("data"))}, citations=self.citations)  # fmt: skip

    def save(self, folder: str | os.PathLike[str], *, force: bool = False) -> None:
        """Write the model to a folder: ``model.npz`` and ``model.json``.

        Parameters
        ----------
        folder
            Made if it is missing.
        force
            Whether existing files may be replaced.
        """
        fitted, place = self._fitted(), Path(folder)
        for name in (WEIGHTS, WORDS):
            check_output(place / name, force=force)
        training = fitted.training_
        arrays = {"means": training.means, "delta": training.delta, "n_cells": training.n_cells,
                  "control": np.stack(list(training.control.values()))}  # fmt: skip
        own = isinstance(self.params["embedding"], str) and self.params["embedding"] == "pca"
        if not own:
            arrays["table"] = fitted.table_.to_numpy()
        words = {"model": self.name, "n_dims": self.params["n_dims"], "facts": self._facts,
                 "genes": list(training.genes), "contexts": list(training.contexts),
                 "controls": list(training.control), "perturbations": [one.to_dict() for one in training.perturbations],
                 "table": None if own else [str(one) for one in fitted.table_.index],
                 "split": None if self.split_ is None else self.split_.to_dict(),
                 "provenance": self.provenance().to_dict()}  # fmt: skip
        with atomic_write(place / WEIGHTS, force=force) as temporary:
            np.savez(temporary, allow_pickle=False, **arrays)
        with atomic_write(place / WORDS, force=force) as temporary:
            temporary.write_text(json.dumps(plain(words)) + "\n", encoding="utf-8")

    @classmethod
    def load(cls, folder: str | os.PathLike[str], *, device: str = "auto") -> Self:
        """Read a model that :meth:`save` wrote.

        Parameters
        ----------
        folder
            The folder.
        device
            Not used.
        """
        place = Path(folder)
        with content_errors(place, what="model", kind=ResourceError, mend="train it again"):
            words = json.loads(existing(place / WORDS, what="model").read_text("utf-8"))
            with np.load(existing(place / WEIGHTS, what="model"), allow_pickle=False) as stored:
                arrays = dict(stored)
            if words["model"] != cls.name:
                msg = f"{folder} holds a model of kind {words['model']!r}, not 'linear'; load it as that kind."
                raise InputError(msg)
            return cls._made(words, arrays)

    @classmethod
    def _made(cls, words: dict[str, Any], arrays: dict[str, Any]) -> Self:
        """Return the model of stored arrays and words; its weights are computed again from the mean profiles."""
        table = None if words["table"] is None else pd.DataFrame(arrays["table"], index=words["table"])
        model = cls(embedding="pca" if table is None else table, n_dims=words["n_dims"])
        fitted = Bilinear(model.params["embedding"], n_dims=words["n_dims"])
        perturbations = tuple(
            Perturbation({gene: Target(one["mode"], one["value"]) for gene, one in fields["targets"].items()},
                         fields["dose"], fields["mask"]) for fields in words["perturbations"]
        )  # fmt: skip
        fitted.training_ = Training(perturbations, tuple(words["contexts"]), arrays["means"], arrays["delta"],
                                    arrays["n_cells"], dict(zip(words["controls"], arrays["control"], strict=True)),
                                    pd.Index(words["genes"]))  # fmt: skip
        fitted.unknown_ = set()
        fitted._prepare(fitted.training_)
        model.baseline_, model._facts = fitted, words["facts"]
        model.split_ = None if words["split"] is None else Split.from_json(json.dumps(words["split"]))
        return model

    def _fitted(self) -> Bilinear:
        """Return the fitted baseline."""
        if self.baseline_ is None:
            msg = "Linear is not fitted; call fit(data) first, or load a saved one."
            raise NotFittedError(msg)
        return self.baseline_
