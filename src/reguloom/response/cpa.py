"""CPA: basal state, perturbation and context add up in a latent space from which the perturbation was driven out."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from reguloom._errors import InputError
from reguloom.core import PerturbationData
from reguloom.response._base import ResponseModel
from reguloom.response._sources import Resolved, Sources
from reguloom.response._state import Cells
from reguloom.response._vocabulary import trained_vocabulary
from reguloom.response.gene_graphs import Annotation
from reguloom.response.latent_additive import features_of

LIKELIHOODS = ("auto", "nb", "zinb", "gauss")
DOSE_CURVES = ("logsigm", "sigm", "linear")
STOP_BY = ("error", "cpa_metric")


class CPA(ResponseModel):
    """Compositional perturbation autoencoder.

    The latent state of a cell is the sum of a basal state, the perturbation scaled by its dose, and the context.
    Classifiers are trained to tell perturbation and context from the basal state, and the encoder to deceive them, so
    that the basal state of a control cell can be given any perturbation. Predictions start from control cells alone.
    Lotfollahi et al., Molecular Systems Biology 2023.

    Parameters
    ----------
    likelihood
        ``nb`` for counts, ``zinb`` for counts with more zeros than that, ``gauss`` for log-normalised values,
        ``auto``: ``nb`` if there are counts.
    n_latent, hidden, n_layers, dropout
        Of encoder and decoder.
    variational, kl_weight, kl_warmup
        Whether basal states are drawn from distributions held near N(0, 1), how strongly, and the epochs over which
        that strength grows.
    dose
        How strength grows with dose: ``logsigm``, ``sigm``, ``linear``.
    control_embedding
        Whether the control has a learned embedding, as in the original. By default it lies at the origin, so that a
        perturbation of dose 0 is no perturbation.
    embeddings
        One row for each gene or drug, used in place of learned embeddings: all of them can be asked for.
    annotation
        Terms of genes (GMT, GAF, JSON or a mapping), by which unseen genes are likened to seen ones.
    lr, dose_lr, adversary_lr, weight_decay, lr_step
        Learning rates of autoencoder, dose curves and adversaries. They fall tenfold every `lr_step` epochs, and never
        by default: on a small screen the published 45 hold too few updates (and come to 2,025 there by mistake).
    adversary_hidden, adversary_layers, adversary_focus
        Of the classifiers; with a focus above 0 (2 is usual), cells that they tell with ease count less.
    mixup, mixup_warmup
        Above 0, cells are mixed in pairs while training, by a share from Beta(mixup, mixup), with all that was done to
        them; from which epoch on.
    adversary_weight, penalty
        Weight of the deception, and of the classifiers' squared gradient.
    adversary_steps
        The autoencoder learns in one batch of so many, the classifiers in the others.
    adversary_warmup
        Epochs over which the deception grows to its weight.
    pretrain_epochs
        Epochs at the beginning without deception.
    batch_size, max_epochs, patience, validate_every
        Of training; `max_epochs` None takes as many as make 8,000,000 cells, 400 at most. The best epoch is the one
        with the lowest squared error of mean changes in validation, predicted from control cells.
    stop_by
        ``error`` of those; or ``cpa_metric``, the original's sum of the agreement of means and of variances with how
        far perturbations are told apart by the latent states with them, and not without. It looks at reconstructions.
    n_members
        Members of an ensemble.
    """

    name = "cpa"
    citations = ("doi:10.15252/msb.202211517",)
    _knows_dose = True

    def __init__(
        self,
        *,
        likelihood: str = "auto",
        n_latent: int = 128,
        hidden: int = 256,
        n_layers: int = 3,
        dropout: float = 0.0,
        variational: bool = False,
        kl_weight: float = 1.0,
        kl_warmup: int = 0,
        dose: str = "logsigm",
        control_embedding: bool = False,
        embeddings: pd.DataFrame | None = None,
        annotation: Annotation | None = None,
        lr: float = 5e-4,
        dose_lr: float = 3e-4,
        adversary_lr: float = 3e-4,
        weight_decay: float = 1e-6,
        lr_step: int | None = None,
        adversary_hidden: int = 64,
        adversary_layers: int = 3,
        adversary_focus: float = 0.0,
        mixup: float = 0.0,
        mixup_warmup: int = 0,
        adversary_weight: float = 1.0,
        penalty: float = 1.0,
        adversary_steps: int = 3,
        adversary_warmup: int = 5,
        pretrain_epochs: int = 0,
        batch_size: int = 128,
        max_epochs: int | None = None,
        patience: int | None = 50,
        validate_every: int = 1,
        stop_by: str = "error",
        n_members: int = 1,
    ) -> None:
        params = {name: value for name, value in locals().items() if name not in ("self", "__class__")}
        for name, value, accepted in (("likelihood", likelihood, LIKELIHOODS), ("dose", dose, DOSE_CURVES),
                                      ("stop_by", stop_by, STOP_BY)):  # fmt: skip
            if value not in accepted:
                msg = f"{name} is {value!r}; accepted are {', '.join(accepted)}."
                raise InputError(msg)
        super().__init__(**params)
        self._needs_counts = likelihood in ("nb", "zinb")

    def latent(self) -> pd.DataFrame:
        """Return the basal states of the control cells that were kept, one row for each."""
        from reguloom.response._torch.cpa_task import basal_states

        found = basal_states(self.members_[0], self.state.controls)
        columns = [f"latent{i}" for i in range(found.shape[1])]
        return pd.DataFrame(found, index=self.state.controls.names, columns=columns)

    def embeddings(self) -> pd.DataFrame:
        """Return the latent embedding of every training perturbation, at its dose."""
        resolved = self.state.sources.resolve(self.state.conditions)
        found = self._embedding(self.members_[0], resolved)
        columns = [f"latent{i}" for i in range(found.shape[1])]
        return pd.DataFrame(found, index=[one.label for one in self.state.conditions], columns=columns)

    def _sources(self, data: PerturbationData, train: NDArray[np.int64], seed: int) -> tuple[Sources, dict[str, Any]]:
        """Return the genes that have a place; look whether there are counts."""
        p = self.params
        counts = p["likelihood"] in ("nb", "zinb")
        if counts and not data.has_counts:
            msg = (
                f"likelihood={p['likelihood']!r} needs counts, and the screen is log-normalised; give counts_layer=, "
                "or take 'gauss'."
            )
            raise InputError(msg)
        counts = counts or (p["likelihood"] == "auto" and data.has_counts)
        self._needs_counts = counts
        table = p["embeddings"]
        sources = trained_vocabulary(data, train, seed, annotation=p["annotation"], embeddings=table,
                                     embedded=table is not None)  # fmt: skip
        sizes = [int(counts), len(data.batches), len(np.unique(data.condition_codes[train]))]
        extra: dict[str, Any] = {"sizes": np.array(sizes, dtype=np.int64)}
        if table is not None:
            extra["features"] = features_of(sources.vocabulary, table)
        return sources, extra

    def _network(self) -> Any:
        """Return an untrained network."""
        from reguloom.response._torch.cpa import CpaNet

        p, state = self.params, self.state
        counts, n_batches, n_conditions = state.extra["sizes"].tolist()
        self._needs_counts = bool(counts)
        chosen = "nb" if p["likelihood"] == "auto" else p["likelihood"]
        names = ("n_latent", "hidden", "n_layers", "dropout", "variational", "dose", "control_embedding",
                 "adversary_hidden", "adversary_layers")  # fmt: skip
        return CpaNet(
            len(state.genes),
            n_vocabulary=len(state.sources.vocabulary),
            n_contexts=len(state.contexts),
            n_batches=n_batches,
            n_conditions=n_conditions,
            features=state.extra.get("features"),
            likelihood=chosen if counts else "gauss",
            **{name: p[name] for name in names},
        )

    def _train(
        self, data: PerturbationData, train: NDArray[np.int64], val: NDArray[np.int64], run: Any
    ) -> tuple[Any, pd.DataFrame]:
        """Train one member."""
        from reguloom.response._torch.cpa_task import CpaTask
        from reguloom.response._torch.fitting import fitted

        monitor, mode = ("val_cpa_metric", "max") if self.params["stop_by"] == "cpa_metric" else ("val_mse", "min")
        epochs = self.params["max_epochs"] or max(1, min(round(20000 / len(train) * 400), 400))
        return fitted(self, data, run, lambda net: CpaTask(self, data, train, val, module=net, seed=run.seed),
                      monitor=monitor if len(val) else None, mode=mode, max_epochs=epochs,
                      validate_every=self.params["validate_every"])  # fmt: skip

    def _effects(self, module: Any, resolved: Resolved, cells: Cells) -> Iterator[NDArray[np.floating]]:
        """Yield the difference between a control cell decoded with the perturbation and without."""
        from reguloom.response._torch.cpa_task import counterfactuals

        yield from counterfactuals(module, resolved.design, resolved.dose, cells)

    def _embedding(self, module: Any, resolved: Resolved) -> NDArray[np.floating]:
        """Return the latent embeddings."""
        from reguloom.response._torch.cpa_task import cpa_embeddings

        return cpa_embeddings(module, resolved.design, resolved.dose)
