"""Training CPA against its adversaries, and asking it what control cells would have become."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch.nn import functional

from reguloom._random import child_seed
from reguloom._torch.batches import shuffled
from reguloom._torch.optim import Adam
from reguloom._torch.trainer import Step, Task
from reguloom.core import PerturbationData
from reguloom.response._state import Cells, cells_of
from reguloom.response._torch.cpa import CpaNet, Inputs
from reguloom.response._torch.cpa_metric import cpa_metric
from reguloom.response._torch.fitting import device_of
from reguloom.response._validation import held

if TYPE_CHECKING:
    from reguloom.response.cpa import CPA

#: Control cells of a context by which a group is predicted in validation.
FEW = 64
#: Validation cells that the original's metric is computed of at once.
MOST_AT_ONCE = 512


class CpaTask(Task):
    """Autoencoder and adversaries by turns.

    Parameters
    ----------
    model, data, train, val
        Parameters, screen, positions of cells.
    module
        The network, on its device.
    seed
        Of the control cells used in validation.
    """

    manual = True

    def __init__(
        self, model: CPA, data: PerturbationData, train: NDArray[np.int64], val: NDArray[np.int64],
        *, module: CpaNet, seed: int,
    ) -> None:  # fmt: skip
        self.p, self.data, self.train, self.module = model.params, data, train, module
        self.val, self.seed = val, seed
        self.device = device_of(module)
        self.counts = module.likelihood != "gauss"
        self.resolved = model.state.sources.resolve(data.conditions)
        self.held = held(data, val)
        codes = {
            "condition": data.condition_codes.astype(np.int64),
            "context": data.context_codes.astype(np.int64),
            "batch": data.batch_codes.astype(np.int64),
        }
        self.classes = {name: np.unique(codes[name][train]) for name in codes}
        self.numbers = {name: np.searchsorted(self.classes[name], codes[name]) for name in codes}
        self.weights = {name: _class_weights(self.numbers[name][train]).to(self.device) for name in codes}
        rng = np.random.default_rng(child_seed(seed, "validation"))
        self.starts = [cells_of(data, np.sort(rng.permutation(data.control_pool(int(one)).cells)[:FEW]),
                                counts=self.counts) for one in range(len(data.contexts))]  # fmt: skip

    def optimizers(self) -> dict[str, torch.optim.Optimizer]:
        """Return one for the autoencoder (dose curves with a rate of their own), one for the adversaries."""
        p, module = self.p, self.module
        doses = list(module.doses.parameters())
        apart = {id(one) for one in [*doses, *module.adversaries.parameters()]}
        rest = [one for one in module.parameters() if id(one) not in apart]
        made: dict[str, torch.optim.Optimizer] = {
            "main": Adam(
                [{"params": rest}, {"params": doses, "lr": p["dose_lr"]}], p["lr"], weight_decay=p["weight_decay"]
            )
        }
        if len(module.adversaries):
            made["adversary"] = Adam(module.adversaries.parameters(), p["adversary_lr"], weight_decay=4e-7)
        return made

    def schedulers(self, optimizers: Mapping[str, torch.optim.Optimizer]) -> dict[str, Any]:
        """Return the decay of both learning rates after so many epochs, if there is one."""
        if self.p["lr_step"] is None:
            return {}
        step = torch.optim.lr_scheduler.StepLR
        return {name: step(one, self.p["lr_step"]) for name, one in optimizers.items()}

    def batches(self, epoch: int, rng: np.random.Generator) -> Iterable[Any]:
        """Yield positions of cells."""
        yield from shuffled(self.train, self.p["batch_size"], rng)

    def step(self, batch: Any, at: Step) -> dict[str, Any]:
        """Go one step with the adversaries, the autoencoder, or both."""
        p, pretraining = self.p, at.epoch < self.p["pretrain_epochs"]
        told: dict[str, Any] = {}
        mix = self._mix(len(batch), at.epoch)
        cells = self._inputs(batch, mix)
        alone = not pretraining and len(self.module.adversaries) and at.batch % p["adversary_steps"] != 0
        if not alone:
            strength = 0.0 if pretraining else p["adversary_weight"] * _ramp(at.epoch - p["pretrain_epochs"],
                                                                            p["adversary_warmup"])  # fmt: skip
            basal, divergence = self.module.encode(cells)
            told["reconstruction"] = self.module.reconstruction_loss(self._latent(basal, batch, cells, mix), cells)
            deceived = self._adversary_loss(basal, batch, mix) if strength else torch.zeros((), device=self.device)
            loss = told["reconstruction"] - strength * deceived
            if p["variational"]:
                told["divergence"] = divergence
                loss = loss + p["kl_weight"] * _ramp(at.epoch + 1, p["kl_warmup"]) * divergence
            at.update(loss, "main")
        if len(self.module.adversaries) and (alone or pretraining):
            basal = self.module.basal(cells).detach().requires_grad_(True)
            loss = self._adversary_loss(basal, batch, mix)
            told["adversary"] = loss
            at.update(loss + p["penalty"] * self._penalty(basal), "adversary")
        return told

    def validate(self, epoch: int) -> dict[str, float]:
        """Return the errors of mean changes, predicted from control cells alone."""
        if not len(self.held):
            return {}
        made = np.empty(self.held.change.shape)
        for context in np.unique(self.held.context):
            here = np.flatnonzero(self.held.context == context)
            codes = self.held.condition[here]
            found = counterfactuals(self.module, self.resolved.design[codes], self.resolved.dose[codes],
                                    self.starts[context])  # fmt: skip
            made[here] = np.stack([one.mean(axis=0) for one in found])
        scores = self.held.scores(made)
        if self.p["stop_by"] == "cpa_metric":
            scores["val_cpa_metric"] = self._cpa_metric(epoch)
        return scores

    def _cpa_metric(self, epoch: int) -> float:
        """Return what the original stops by, of the validation cells as they are reconstructed."""
        some = shuffled(self.val, MOST_AT_ONCE, np.random.default_rng(child_seed(self.seed, "metric", epoch)))
        return float(np.mean([self._cpa_metric_of(batch) for batch in some]))

    def _cpa_metric_of(self, batch: NDArray[np.int64]) -> float:
        """Return the metric of one batch."""
        cells = self._inputs(batch)
        basal = self.module.basal(cells)
        codes = self.data.condition_codes[batch]
        design, dose = self._design(codes)
        after = basal + self.module.perturbations(design, dose)
        found = self.module.decode(after + self.module.surroundings(cells.context, cells.batch), cells)
        return cpa_metric(
            cells.values.cpu().numpy(), found.expected().cpu().numpy(), found.variance().cpu().numpy(),
            basal=basal.cpu().numpy(), after=after.cpu().numpy(), labels=codes,
        )  # fmt: skip

    def _mix(self, n: int, epoch: int) -> Mix | None:
        """Draw which cells of a batch are mixed, and how strongly; none before the end of the warm-up."""
        if not self.p["mixup"] or epoch < self.p["mixup_warmup"]:
            return None
        share = torch.distributions.Beta(self.p["mixup"], self.p["mixup"]).sample()
        return Mix(float(share), torch.randperm(n).to(self.device))

    def _inputs(self, batch: NDArray[np.int64], mix: Mix | None = None) -> Inputs:
        """Return the cells of a batch."""
        values = torch.from_numpy(self.data.counts(batch) if self.counts else self.data.values(batch)).to(self.device)
        tensors = (torch.from_numpy(self.numbers[name][batch]).to(self.device) for name in ("context", "batch"))
        context, lane = tensors
        return Inputs(_mixed(values, mix), torch.ones(len(batch), device=self.device), context, lane)

    def _design(self, codes: NDArray[Any]) -> tuple[torch.Tensor, torch.Tensor]:
        """Return weights and doses of the genes of some conditions."""
        design, dose = self.resolved.design[codes], self.resolved.dose[codes]
        return torch.from_numpy(design).to(self.device), torch.from_numpy(dose).to(self.device)

    def _latent(
        self, basal: torch.Tensor, batch: NDArray[np.int64], cells: Inputs, mix: Mix | None = None
    ) -> torch.Tensor:
        """Return basal states with all that was done to the cells."""
        done = self.module.perturbations(*self._design(self.data.condition_codes[batch]))
        return basal + _mixed(done + self.module.surroundings(cells.context, cells.batch), mix)

    def _adversary_loss(self, basal: torch.Tensor, batch: NDArray[np.int64], mix: Mix | None = None) -> torch.Tensor:
        """Return the weighted cross-entropy of all classifiers; of mixed cells for both of their classes."""
        total = torch.zeros((), device=self.device)
        for name, classifier in self.module.adversaries.items():
            wanted = torch.from_numpy(self.numbers[name][batch]).to(self.device)
            logits, weights, focus = classifier(basal), self.weights[name], self.p["adversary_focus"]
            if mix is None:
                total = total + focal_loss(logits, wanted, weights, focus)
            else:
                total = total + mix.share * focal_loss(logits, wanted, weights, focus)
                total = total + (1 - mix.share) * focal_loss(logits, wanted[mix.partner], weights, focus)
        return total

    def _penalty(self, basal: torch.Tensor) -> torch.Tensor:
        """Return the mean squared gradient of the summed logits, which keeps the classifiers smooth."""
        total = torch.zeros((), device=self.device)
        for classifier in self.module.adversaries.values():
            (slope,) = torch.autograd.grad(classifier(basal).sum(), basal, create_graph=True)
            total = total + (slope**2).mean()
        return total


@dataclass(frozen=True)
class Mix:
    """How the cells of a batch are mixed.

    Parameters
    ----------
    share
        Of the cell itself; the rest is its partner's.
    partner
        Position of each cell's partner, ``(n_cells,)``.
    """

    share: float
    partner: torch.Tensor


def _mixed(values: torch.Tensor, mix: Mix | None) -> torch.Tensor:
    """Return rows mixed with those of their partners."""
    return values if mix is None else mix.share * values + (1 - mix.share) * values[mix.partner]


def _ramp(epochs: int, warmup: int) -> float:
    """Return how far a weight has grown after so many epochs, from 0 to 1."""
    return min(max(epochs / max(warmup, 1), 0.0), 1.0)


def focal_loss(logits: torch.Tensor, wanted: torch.Tensor, weights: torch.Tensor, focus: float) -> torch.Tensor:
    """Return the cross-entropy in which cells that are told with ease count less, by ``(1 - p)^focus``.

    Parameters
    ----------
    logits
        ``(n_cells, n_classes)``.
    wanted
        Classes, ``(n_cells,)``.
    weights
        Of the classes.
    focus
        0 is the cross-entropy.
    """
    if not focus:
        return functional.cross_entropy(logits, wanted, weight=weights)
    log_p = functional.log_softmax(logits, dim=1).gather(1, wanted[:, None])[:, 0]
    own = weights[wanted]
    return -(own * (1 - log_p.exp()) ** focus * log_p).sum() / own.sum()


def _class_weights(numbers: NDArray[np.int64]) -> torch.Tensor:
    """Return ``n / n_class - 1`` for each class, scaled to mean 1; a lone class has weight 1."""
    counts = np.bincount(numbers)
    raw = np.maximum(len(numbers) / np.maximum(counts, 1) - 1, 1e-3)
    return torch.from_numpy((raw / raw.mean()).astype(np.float32))


@torch.no_grad()
def counterfactuals(
    module: CpaNet, design: NDArray[np.float32], dose: NDArray[np.float32], cells: Cells
) -> Iterator[NDArray[np.float32]]:
    """Yield for each perturbation the change of expected log-expression in each control cell, ``(n_cells, n_genes)``.

    Parameters
    ----------
    module
        The network.
    design, dose
        Weight and dose of each gene, ``(n, n_vocabulary)``.
    cells
        Control cells.
    """
    module.eval()
    device = device_of(module)
    raw = cells.values if module.likelihood == "gauss" else cells.counts
    values = torch.from_numpy(np.asarray(raw.toarray() if raw is not None else 0, dtype=np.float32)).to(device)
    scale = np.ones(len(cells), dtype=np.float32) if cells.scale is None else cells.scale
    context = torch.from_numpy(cells.context).to(device)
    # The batch of new cells is not known, and must not matter: its mean stands for it.
    inputs = Inputs(values, torch.from_numpy(scale).to(device), context, torch.full_like(context, -1))
    basal = module.basal(inputs) + module.surroundings(inputs.context, inputs.batch)
    shifts = module.perturbations(torch.from_numpy(design).to(device), torch.from_numpy(dose).to(device))
    nothing = torch.zeros((1, design.shape[1]), device=device)
    untouched = module.log_expression(basal + module.perturbations(nothing, nothing), inputs)
    for shift in shifts:
        yield (module.log_expression(basal + shift, inputs) - untouched).cpu().numpy()


@torch.no_grad()
def cpa_embeddings(module: CpaNet, design: NDArray[np.float32], dose: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return the latent embeddings of perturbations, ``(n, n_latent)``.

    Parameters
    ----------
    module, design, dose
        As for :func:`counterfactuals`.
    """
    module.eval()
    device = device_of(module)
    return module.perturbations(*(torch.from_numpy(one).to(device) for one in (design, dose))).cpu().numpy()


@torch.no_grad()
def basal_states(module: CpaNet, cells: Cells) -> NDArray[np.float32]:
    """Return the basal states of cells, ``(n_cells, n_latent)``.

    Parameters
    ----------
    module
        The network.
    cells
        Any cells.
    """
    module.eval()
    raw = cells.values if module.likelihood == "gauss" else cells.counts
    values = torch.from_numpy(np.asarray(raw.toarray() if raw is not None else 0, dtype=np.float32))
    empty = torch.zeros(len(cells))
    return module.basal(Inputs(values.to(device_of(module)), empty, empty, empty)).cpu().numpy()
