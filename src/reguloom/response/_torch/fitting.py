"""One way from a model's parameters to a trained network."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd
import torch
from torch import nn

from reguloom._random import child_seed
from reguloom._torch.device import resolve_device, seeded
from reguloom._torch.trainer import Task, Trainer
from reguloom.core import PerturbationData

if TYPE_CHECKING:
    from reguloom.response._base import ResponseModel


@dataclass(frozen=True)
class Run:
    """Where and how one member is trained; see ``ResponseModel.fit``.

    Parameters
    ----------
    seed, folder, resume, device, n_jobs
        As there.
    """

    seed: int
    folder: Path | None = None
    resume: bool = False
    device: str = "auto"
    n_jobs: int | None = 1


def fitted(
    model: ResponseModel,
    data: PerturbationData,
    run: Run,
    make_task: Callable[[Any], Task],
    *,
    monitor: str | None,
    **settings: Any,
) -> tuple[Any, pd.DataFrame]:
    """Return a trained network and its history.

    Parameters
    ----------
    model
        Gives the untrained network and its parameters ``max_epochs`` and ``patience``.
    data
        The screen, for the identity of checkpoints.
    run
        How it is trained.
    make_task
        Makes the task of a network on its device.
    monitor
        The metric that decides.
    settings
        Further ones of the trainer.
    """
    device = resolve_device(run.device)
    with seeded(child_seed(run.seed, "weights")):
        module = model._network()
    task = make_task(module.to(device))
    model.monitor_ = monitor
    trained = Trainer(
        task,
        max_epochs=settings.pop("max_epochs", None) or model.params["max_epochs"],
        patience=model.params["patience"],
        monitor=monitor,
        seed=run.seed,
        folder=run.folder,
        resume=run.resume,
        identity=model._identity(data),
        n_jobs=run.n_jobs,
        description=f"training {model.name}",
        **settings,
    ).run()
    return module, trained.history


def device_of(module: nn.Module) -> torch.device:
    """Return where the parameters of `module` are."""
    return next(module.parameters()).device
