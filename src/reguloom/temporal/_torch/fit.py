"""Training the network on one half of the data while the other half decides when to stop, and what it then tells."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import pandas as pd
import torch
from numpy.typing import NDArray

from reguloom._random import child_seed
from reguloom._torch.batches import shuffled
from reguloom._torch.device import repeatable, resolve_device, seeded
from reguloom._torch.optim import Adam
from reguloom._torch.trainer import Step, Task, Trainer
from reguloom.core.provenance import fingerprint
from reguloom.temporal._torch.course import Observed, gaps, inputs
from reguloom.temporal._torch.vrnn import VRNN, Sizes, divergences, mixture_divergence
from reguloom.temporal.noise import Noise
from reguloom.temporal.options import VrnnOptions, passes
from reguloom.temporal.profile import Profile
from reguloom.temporal.timecourse import TimeCourse

_CHUNK = 4096
#: Genes that are trained on; of more, a sample is, and the rest is only encoded.
MOST_TRAINED = 500
#: Below this total divergence (nats), or share of the variance of the data, the network says nothing about a gene.
COLLAPSED_KL, COLLAPSED_VARIANCE = 0.05, 0.05

#: One kernel for all parameters: six times quicker for a network as small as this. PyTorch 2.3 has it on GPUs alone.
_FUSED = tuple(int(part) for part in torch.__version__.split(".")[:2]) >= (2, 4)

Half = tuple[TimeCourse, Noise]


class _Fit(Task):
    """What the trainer needs to know.

    Parameters
    ----------
    module
        The network.
    x, gaps
        Its input.
    train, test
        Values of the two halves.
    trained
        Genes that are trained on.
    options, epochs
        Of the fit, and the most passes.
    """

    def __init__(
        self, module: VRNN, x: torch.Tensor, gaps: torch.Tensor, *, train: Observed, test: Observed,
        trained: NDArray[np.int64], options: VrnnOptions, epochs: int,
    ) -> None:  # fmt: skip
        self.epochs = epochs
        self.module, self.x, self.gaps, self.train, self.test = module, x, gaps, train, test
        self.trained, self.options = trained, options
        self.n_values = float(len(x) * module.sizes.n_tracks)

    def optimizers(self) -> dict[str, torch.optim.Optimizer]:
        """Return Adam."""
        return {"main": Adam(self.module.parameters(), lr=self.options.lr, fused=_FUSED)}

    def batches(self, epoch: int, rng: np.random.Generator) -> Iterable[torch.Tensor]:
        """Return batches of genes."""
        size = self.options.batch_size or int(np.clip(-(-len(self.trained) // 4), 16, 512))
        for batch in shuffled(self.trained, size, rng):
            yield torch.from_numpy(batch)

    def step(self, batch: torch.Tensor, at: Step) -> Mapping[str, torch.Tensor]:
        """Return the evidence bound of a batch: likelihood, and divergences that are annealed and partly free."""
        made = self.module(self.x.index_select(1, batch), self.gaps, sample=True)
        nll = self.train.rows(batch).nll(made.course, self.module.misfit).mean()
        of_w, of_z = divergences(made)
        free = self.options.free_bits
        # Free bits for each dimension: below them a dimension is not pushed to say even less (Kingma et al. 2016).
        if self.options.n_components and self.options.n_static:
            total_w = mixture_divergence(self.module, made).mean()
            kl_w = total_w.clamp(min=free * self.options.n_static)
        else:
            total_w = of_w.sum(dim=1).mean()
            kl_w = of_w.mean(dim=0).clamp(min=free).sum()
        kl_z = of_z.mean(dim=1).sum(dim=0).clamp(min=free).sum()
        beta = self.options.beta * min(1.0, (at.epoch + 1) / max(1.0, self.options.warmup * self.epochs))
        loss = (nll + beta * kl_w + self.options.beta * kl_z) / self.n_values
        return {
            "loss": loss, "nll": nll.detach() / self.n_values, "kl_w": total_w.detach(),
            "kl_z": of_z.sum(dim=(0, 2)).mean().detach(),
        }  # fmt: skip

    def validate(self, epoch: int) -> Mapping[str, float]:
        """Return the likelihood of the other half under the decoded means."""
        total, n = 0.0, 0.0
        for start in range(0, len(self.trained), _CHUNK):
            rows = torch.from_numpy(self.trained[start : start + _CHUNK])
            made = self.module(self.x.index_select(1, rows), self.gaps)
            half = self.test.rows(rows)
            total += float(half.nll(made.course, self.module.misfit).sum())
            n += float(half.mask.sum())
        return {"val_loss": total / max(n, 1.0)}


@dataclass(frozen=True, eq=False)
class Fitted:
    """A trained network.

    Parameters
    ----------
    module
        The network.
    history
        One row per epoch: ``loss``, ``nll``, ``kl_w``, ``kl_z``, ``val_loss`` (held-out values).
    best_epoch
        Epoch whose weights it has.
    device
        Where it is.
    collapsed
        Why the network says nothing; empty if it does.
    """

    module: VRNN
    history: pd.DataFrame
    best_epoch: int
    device: torch.device
    collapsed: str

    @property
    def misfit(self) -> float:
        """How far a true shape lies from its decoding, as a deviation of the shape."""
        return 0.05 + float(torch.nn.functional.softplus(self.module.misfit.detach()))

    def latent(self, profile: Profile) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Return mean and deviation of the readout of each gene, ``(n_genes, n_dimensions)`` each.

        It is w; without w, the mean of z over time.
        """
        means, deviations = [], []
        for mean, logvar in self._readouts(profile):
            means.append(mean.cpu().numpy())
            deviations.append(torch.exp(0.5 * logvar).cpu().numpy())
        return np.concatenate(means).astype(np.float64), np.concatenate(deviations).astype(np.float64)

    def decoded(self, profile: Profile, *, latent: str = "posterior", seed: int | None = None) -> NDArray[np.float64]:
        """Return decoded values less the level, ``(n_genes, n_tracks, n_times)``, as the profile has them.

        With a `seed`, w and z are drawn from their posterior; their means are taken otherwise.
        """
        with seeded(0 if seed is None else seed):
            rounds = self._passes(profile, latent=latent, sample=seed is not None)
            parts = [made.course.cpu().numpy() for made in rounds]
        return np.moveaxis(np.concatenate(parts, axis=1), 0, 2).astype(np.float64) * profile.scale[:, None, None]

    def _readouts(self, profile: Profile) -> Iterable[tuple[torch.Tensor, torch.Tensor]]:
        """Yield mean and log variance of the readout, a chunk at a time; w needs no pass through the decoder."""
        if not self.module.sizes.n_static:
            for made in self._passes(profile):
                yield made.z_mean.mean(dim=0), torch.log(made.z_logvar.exp().mean(dim=0) / len(made.z_logvar))
            return
        step = gaps(profile.times, self.device)
        with repeatable(1), torch.no_grad():
            for start in range(0, len(profile.genes), _CHUNK):
                part = profile.select(slice(start, start + _CHUNK))
                yield self.module.encode(inputs(part, self.device), step)

    def _passes(self, profile: Profile, *, latent: str = "posterior", sample: bool = False) -> Iterable[Any]:
        """Yield passes over genes, a chunk at a time."""
        step = gaps(profile.times, self.device)
        with repeatable(1), torch.no_grad():
            for start in range(0, len(profile.genes), _CHUNK):
                part = profile.select(slice(start, start + _CHUNK))
                yield self.module(inputs(part, self.device), step, sample=sample, latent=latent)


def fit_vrnn(
    train: Half, test: Half, *, options: VrnnOptions, seed: int, device: str | None = "cpu", n_jobs: int | None = 1,
    folder: str | os.PathLike[str] | None = None, resume: bool = False,
) -> Fitted:  # fmt: skip
    """Train a network on one half of a time course.

    Parameters
    ----------
    train, test
        Two halves from :func:`reguloom.temporal.thinning.thin`; the second decides when to stop.
    options
        Of the network and its training.
    seed
        Of weights, batches and draws.
    device
        Where to compute.
    n_jobs
        CPU threads; one gives the same bytes everywhere.
    folder, resume
        Where checkpoints go, and whether to go on with what is there.
    """
    place = resolve_device(device)
    profile = Profile.of(*train)
    sizes = Sizes(
        n_tracks=len(profile.tracks), n_static=options.n_static, n_latent=options.n_latent,
        n_hidden=options.n_hidden, autoregressive=options.autoregressive, decay=options.decay,
        n_components=options.n_components,
    )  # fmt: skip
    with seeded(child_seed(seed, "weights")):
        module = VRNN(sizes).to(place)
    n = len(profile.genes)
    sample = np.random.default_rng(child_seed(seed, "genes")).permutation(n)[:MOST_TRAINED]
    epochs = passes(options, len(sample))
    task = _Fit(
        module, inputs(profile, place), gaps(profile.times, place),
        train=Observed.of(*train, profile, place), test=Observed.of(*test, profile, place),
        trained=np.sort(sample).astype(np.int64), options=options, epochs=epochs,
    )  # fmt: skip
    trainer = Trainer(
        task, max_epochs=epochs, seed=seed, monitor="val_loss",
        patience=max(1, options.patience // options.validate_every), validate_every=options.validate_every,
        clip_norm=5.0, n_jobs=n_jobs, folder=folder, resume=resume, description="VRNN",
        identity={"model": asdict(options), "data": fingerprint(profile.values, profile.error)},
    )  # fmt: skip
    trained = trainer.run()
    made = Fitted(module, trained.history, trained.best_epoch, place, "")
    return Fitted(module, trained.history, trained.best_epoch, place, _collapse(made, trained.history, profile))


def _collapse(fitted: Fitted, history: pd.DataFrame, profile: Profile) -> str:
    """Return why a network has collapsed; empty if it has not."""
    row = history.iloc[min(fitted.best_epoch, len(history) - 1)]
    kl = float(row["kl_w"] + row["kl_z"])
    if kl < COLLAPSED_KL:
        return f"its latents hold {kl:.3f} nats about a gene (below {COLLAPSED_KL})"
    decoded = fitted.decoded(profile) / profile.scale[:, None, None]
    share = float(decoded[profile.mask].var() / max(profile.shape[profile.mask].var(), 1e-12))
    if share < COLLAPSED_VARIANCE:
        return f"its curves have {100 * share:.1f} % of the variance of the data (below {100 * COLLAPSED_VARIANCE:g} %)"
    return ""
