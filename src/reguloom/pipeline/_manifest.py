"""The record of a run folder: which stages are done, from which inputs and parameters."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from reguloom._errors import InputError
from reguloom._files import atomic_write
from reguloom._logging import logger
from reguloom._progress import stage
from reguloom.core.provenance import fingerprint, plain, versions
from reguloom.pipeline._measure import measured

MANIFEST = "provenance.json"
COSTS = ("wall_s", "cpu_s", "peak_mb")
"""What a record says of the time and memory of a stage, where it does."""


class Manifest:
    """``provenance.json`` of a run folder.

    A stage is identified by the fingerprint of its parameters and of the stages before it, or of those that it says it
    needs; it is skipped when that fingerprint is on record and its files are there. Unless costs are wanted the file
    holds no clock times, so that equal runs give equal bytes; those go to the log.

    Parameters
    ----------
    folder
        The run folder.
    inputs
        A fingerprint for each input.
    force
        Whether a folder that holds another run may be overwritten.
    name
        Name of the file.
    costs
        Whether to keep what each stage took: wall time, processor time, peak memory.

    Raises
    ------
    InputError
        If the folder holds a run with other inputs, or files that are none of ours, and `force` is off.
    """

    def __init__(
        self,
        folder: Path,
        inputs: Mapping[str, str],
        *,
        force: bool = False,
        name: str = MANIFEST,
        costs: bool = False,
    ) -> None:
        self.folder, self.path, self.costs = folder, folder / name, costs
        self.record: dict[str, Any] = {"inputs": dict(inputs), "stages": {}, "versions": versions()}
        self._root = self._last = fingerprint(dict(inputs))
        self._keys: dict[str, str] = {}
        previous = self._read()
        if previous is None:
            self._refuse_foreign_files(force)
        elif previous.get("inputs") == self.record["inputs"]:
            stages = previous.get("stages")
            kept = stages.items() if isinstance(stages, dict) else ()
            self.record["stages"] = {name: stage for name, stage in kept if isinstance(stage, dict)}
        elif not force:
            msg = f"{folder} holds a run on other inputs; give --force to replace it, or another folder."
            raise InputError(msg)

    def _read(self) -> dict[str, Any] | None:
        """Return the record on disk, or None."""
        if not self.path.exists():
            return None
        try:
            record = json.loads(self.path.read_text("utf-8"))
        except (ValueError, RecursionError):
            logger.warning("warning: %s is damaged and is not used; every stage runs again", self.path)
            return {"inputs": self.record["inputs"]}
        return record if isinstance(record, dict) else None

    def _refuse_foreign_files(self, force: bool) -> None:
        """Refuse a folder with files in it that no run of ours wrote."""
        if self.folder.exists() and not self.folder.is_dir():
            msg = f"{self.folder} is a file; give the name of a folder for the results."
            raise InputError(msg)
        foreign = [path.name for path in self.folder.iterdir()] if self.folder.exists() else []
        foreign = [name for name in foreign if not name.startswith(".") and name != "run.log"]
        if foreign and not force:
            msg = f"{self.folder} is not empty ({', '.join(sorted(foreign)[:3])}); give --force, or another folder."
            raise InputError(msg)

    def key(self, name: str, params: Mapping[str, Any], needs: Sequence[str] | None = None) -> str:
        """Return the fingerprint of a stage.

        Parameters
        ----------
        name
            Name of the stage.
        params
            Everything that decides its result besides the stages before it.
        needs
            The stages that it builds on, whose keys were asked for before; the one before it if left out.
        """
        parents = [self._last] if needs is None else [self._root, *(self._keys[one] for one in needs)]
        self._last = self._keys[name] = fingerprint(*parents, name, dict(params))
        return self._last

    def is_done(self, name: str, key: str, outputs: Sequence[str]) -> bool:
        """Tell whether a stage is on record with this `key` and its `outputs` are there."""
        known = self.record["stages"].get(name, {})
        return known.get("fingerprint") == key and all((self.folder / file).exists() for file in outputs)

    @contextmanager
    def stage(
        self, name: str, params: Mapping[str, Any], outputs: list[str], *, needs: Sequence[str] | None = None
    ) -> Iterator[bool]:
        """Run a stage unless it is done already; yields whether there is work to do.

        Parameters
        ----------
        name
            Name of the stage.
        params
            Everything that decides its result besides the stages before it.
        outputs
            Names of the files that it writes in the folder.
        needs
            The stages that it builds on; every stage before it if left out.
        """
        key = self.key(name, params, needs)
        if self.is_done(name, key, outputs):
            logger.info("%s: done before, kept", name)
            yield False
            return
        self._forget_from(name, alone=needs is not None)
        with stage(name), measured() as cost:
            yield True
        entry: dict[str, Any] = {"fingerprint": key, "params": plain(params), "outputs": outputs}
        if needs is not None:
            entry["needs"] = list(needs)
        self.record["stages"][name] = {**entry, **cost} if self.costs else entry
        order = [*self._keys, *self.record["stages"]]  # as they come in a run, whatever was done again
        self.record["stages"] = {one: self.record["stages"][one] for one in order if one in self.record["stages"]}
        self.write()

    def forget(self, names: Sequence[str]) -> None:
        """Take stages off the record, so that they run again."""
        if set(names) & set(self.record["stages"]):
            self.record["stages"] = {one: kept for one, kept in self.record["stages"].items() if one not in names}
            self.write()

    def _forget_from(self, name: str, *, alone: bool) -> None:
        """Take a stage, and unless it goes alone what follows, off the record before anything is overwritten.

        Otherwise a stage killed between two of its files would pass for the finished one on record. A stage that says
        what it needs has the keys of its needs in its own, so that it goes alone.
        """
        names = list(self.record["stages"])
        if name in names:
            self.forget([name] if alone else names[names.index(name) :])

    def write(self) -> None:
        """Write the record, whole or not at all; its keys are not sorted, since stages stand in their order."""
        with atomic_write(self.path) as path:
            path.write_text(json.dumps(self.record, indent=1) + "\n")
