"""The trainer learns, stops, and goes on after a kill as if nothing had happened."""

from __future__ import annotations

import pickle

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="the extra deep is not installed")
pytest.importorskip("safetensors", reason="the extra deep is not installed")

from torch import nn  # noqa: E402

from reguloom import EmptyResultError, InputError, ResourceError  # noqa: E402
from reguloom._torch.batches import shuffled  # noqa: E402
from reguloom._torch.device import seeded  # noqa: E402
from reguloom._torch.trainer import LAST, Task, Trainer  # noqa: E402

N, P = 300, 60


class Fit(Task):
    """A net with dropout and batch normalisation, so that every kind of state and randomness takes part."""

    def __init__(self, *, lr: float = 1e-2, stop_after: int | None = None) -> None:
        rng = np.random.default_rng(0)
        self.x = torch.tensor(rng.normal(size=(N, P)), dtype=torch.float32)
        self.y = self.x[:, :1] * 2 + 0.1 * torch.tensor(rng.normal(size=(N, 1)), dtype=torch.float32)
        with seeded(1):
            layers = (nn.Linear(P, 64), nn.BatchNorm1d(64), nn.ReLU(), nn.Dropout(0.2), nn.Linear(64, 1))
            self.module = nn.Sequential(*layers)
        self.lr, self.stop_after = lr, stop_after

    def optimizers(self):
        return {"main": torch.optim.Adam(self.module.parameters(), lr=self.lr)}

    def schedulers(self, optimizers):
        return {"main": torch.optim.lr_scheduler.StepLR(optimizers["main"], 1, 0.9)}

    def batches(self, epoch, rng):
        if epoch == self.stop_after:
            raise KeyboardInterrupt
        return shuffled(np.arange(200), 32, rng)

    def loss(self, index):
        return ((self.module(self.x[index]) - self.y[index]) ** 2).mean()

    def step(self, batch, at):
        return {"loss": self.loss(batch)}

    def validate(self, epoch):
        return {"val_loss": self.loss(np.arange(200, N))}


def train(task: Task, **settings):
    return Trainer(task, **{"max_epochs": 6, "monitor": "val_loss", "checkpoint_seconds": 0.0, **settings}).run()


def weights(task: Fit) -> dict[str, np.ndarray]:
    return {name: one.numpy().copy() for name, one in task.module.state_dict().items()}


def same(left: Fit, right: Fit) -> bool:
    found = weights(right)
    return all(np.array_equal(one, found[name]) for name, one in weights(left).items())


def test_it_learns() -> None:
    trained = train(Fit(), max_epochs=20)
    assert trained.history["val_loss"].iloc[-1] < 0.4 * trained.history["val_loss"].iloc[0]
    assert list(trained.history["lr"][:2]) == pytest.approx([1e-2, 9e-3])


def test_the_same_seed_gives_the_same_bytes_and_another_does_not() -> None:
    tasks = [Fit(), Fit(), Fit()]
    for task, seed in zip(tasks, (0, 0, 1), strict=True):
        train(task, seed=seed)
    assert same(tasks[0], tasks[1])
    assert not same(tasks[0], tasks[2])


def test_the_number_of_threads_changes_nothing_however_wide_the_net() -> None:
    class Wide(Task):
        def __init__(self):
            self.x = torch.tensor(np.random.default_rng(0).normal(size=(512, 2000)), dtype=torch.float32)
            with seeded(1):
                self.module = nn.Sequential(nn.Linear(2000, 64), nn.BatchNorm1d(64), nn.ReLU(), nn.Linear(64, 2000))

        def optimizers(self):
            return {"main": torch.optim.Adam(self.module.parameters())}

        def batches(self, epoch, rng):
            return [self.x]

        def step(self, batch, at):
            return {"loss": ((self.module(batch) - batch) ** 2).mean()}

    before, made = torch.get_num_threads(), []
    for threads in (1, 2):
        torch.set_num_threads(threads)
        task = Wide()
        Trainer(task, max_epochs=3).run()
        made.append(task.module[-1].weight.detach().numpy())
    torch.set_num_threads(before)
    assert np.array_equal(*made)


def test_the_users_threads_and_random_numbers_are_left_alone() -> None:
    before = torch.get_num_threads()
    tasks, drawn = [Fit(), Fit()], []
    for task, threads in zip(tasks, (1, 2), strict=True):
        torch.set_num_threads(threads)
        torch.manual_seed(7)
        train(task)
        assert torch.get_num_threads() == threads
        drawn.append(torch.rand(1).item())
    torch.set_num_threads(before)
    torch.manual_seed(7)
    assert same(*tasks)
    assert drawn == [torch.rand(1).item()] * 2


@pytest.mark.parametrize("killed_in", [1, 3, 5])
def test_a_killed_run_ends_with_the_same_bytes(tmp_path, killed_in: int) -> None:
    whole, killed, resumed = Fit(), Fit(stop_after=killed_in), Fit()
    expected = train(whole, folder=tmp_path / "whole")
    with pytest.raises(KeyboardInterrupt):
        train(killed, folder=tmp_path / "cut")
    found = train(resumed, folder=tmp_path / "cut", resume=True)
    assert same(whole, resumed)
    assert found.history.equals(expected.history)
    assert (found.best_epoch, found.best_value) == (expected.best_epoch, expected.best_value)
    for name in ("best.safetensors", "last.safetensors", "history.csv"):
        assert (tmp_path / "cut" / name).read_bytes() == (tmp_path / "whole" / name).read_bytes()


def test_resuming_a_finished_run_changes_nothing_and_more_epochs_go_on(tmp_path) -> None:
    short, again, longer, whole = Fit(), Fit(), Fit(), Fit()
    train(short, folder=tmp_path, max_epochs=3)
    train(again, folder=tmp_path, max_epochs=3, resume=True)
    assert same(short, again)
    train(longer, folder=tmp_path, max_epochs=6, resume=True)
    train(whole, max_epochs=6)
    assert same(longer, whole)


def test_another_run_in_the_folder_is_refused(tmp_path) -> None:
    train(Fit(), folder=tmp_path, max_epochs=1, identity={"hidden": 64})
    with pytest.raises(InputError, match="resume"):
        train(Fit(), folder=tmp_path)
    with pytest.raises(InputError, match="different: hidden"):
        train(Fit(), folder=tmp_path, resume=True, identity={"hidden": 32})


def test_a_damaged_checkpoint_is_refused(tmp_path) -> None:
    train(Fit(), folder=tmp_path, max_epochs=1)
    path = tmp_path / LAST
    path.write_bytes(path.read_bytes()[:200])
    with pytest.raises(ResourceError, match="no whole checkpoint"):
        train(Fit(), folder=tmp_path, resume=True)


def test_early_stopping_keeps_the_best_epoch() -> None:
    task = Fit(lr=0.3)
    trained = train(task, max_epochs=60, patience=4)
    values = trained.history["val_loss"]
    assert trained.stopped == "patience"
    assert len(values) == trained.best_epoch + 5
    assert trained.best_value == values.min()
    with torch.no_grad():
        assert float(task.validate(0)["val_loss"]) == pytest.approx(trained.best_value, rel=1e-6)


def test_gradients_are_clipped_before_the_step() -> None:
    class Jump(Fit):
        def optimizers(self):
            return {"main": torch.optim.SGD(self.module.parameters(), lr=1.0)}

        def schedulers(self, optimizers):
            return {}

        def step(self, batch, at):
            return {"loss": 1e6 * self.loss(batch)}

        def batches(self, epoch, rng):
            return [np.arange(32)]

    task, start = Jump(), Jump()
    train(task, max_epochs=1, clip_value=0.01)
    moved = [torch.max(torch.abs(a - b)).item() for a, b in zip(task.module.parameters(), start.module.parameters())]  # noqa: B905
    assert max(moved) == pytest.approx(0.01, rel=1e-3)


def test_manual_optimisation_moves_only_the_parameters_of_the_named_optimizer() -> None:
    class Two(Fit):
        manual = True

        def optimizers(self):
            first, last = self.module[0].parameters(), self.module[-1].parameters()
            return {"first": torch.optim.Adam(first), "last": torch.optim.Adam(last)}

        def schedulers(self, optimizers):
            return {}

        def step(self, batch, at):
            loss = self.loss(batch)
            at.update(loss, "last")
            return {"loss": loss}

    task, start = Two(), Two()
    trained = train(task, max_epochs=1)
    assert torch.equal(task.module[0].weight, start.module[0].weight)
    assert not torch.equal(task.module[-1].weight, start.module[-1].weight)
    assert {"lr_first", "lr_last"} <= set(trained.history)


def test_a_loss_that_explodes_is_an_error() -> None:
    class Broken(Fit):
        def step(self, batch, at):
            return {"loss": self.loss(batch) * float("nan")}

    with pytest.raises(EmptyResultError, match="learning rate"):
        train(Broken())


def test_an_unknown_metric_is_named() -> None:
    with pytest.raises(InputError, match="val_los'"):
        train(Fit(), monitor="val_los")


def test_nothing_is_pickled(tmp_path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_args, **_more):
        raise AssertionError("a pickle was made or read")

    for module, name in ((pickle, "dump"), (pickle, "dumps"), (pickle, "load"), (pickle, "loads"), (torch, "load"),
                         (torch, "save")):  # fmt: skip
        monkeypatch.setattr(module, name, refuse)
    train(Fit(), folder=tmp_path, max_epochs=1)
    train(Fit(), folder=tmp_path, max_epochs=2, resume=True)
