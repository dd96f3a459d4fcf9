"""The record of a run folder: which stages are done, from which inputs and parameters."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from reguloom._errors import InputError
from reguloom._files import atomic_write
from reguloom._logging import logger
from reguloom._progress import stage
from reguloom.core.provenance import fingerprint, plain, versions

MANIFEST = "provenance.json"


class Manifest:
    """``provenance.json`` of a run folder.

    A stage is identified by the fingerprint of its parameters and of the stages before it; it is skipped when that
    fingerprint is on record and its files are there. The file holds no clock times, so that equal runs give equal
    bytes; those go to the log.

    Parameters
    ----------
    folder
        The run folder.
    inputs
        A fingerprint for each input.
    force
        Whether a folder that holds another run may be overwritten.

    Raises
    ------
    InputError
        If the folder holds a run with other inputs, or files that are none of ours, and `force` is off.
    """

    def __init__(self, folder: Path, inputs: Mapping[str, str], *, force: bool = False) -> None:
        self.folder = folder
        self.record: dict[str, Any] = {"inputs": dict(inputs), "stages": {}, "versions": versions()}
        self._parent = fingerprint(dict(inputs))
        previous = self._read()
        if previous is None:
            self._refuse_foreign_files(force)
        elif previous.get("inputs") == self.record["inputs"]:
            self.record["stages"] = previous.get("stages", {})
        elif not force:
            msg = f"{folder} holds a run on other inputs; give --force to replace it, or another folder."
            raise InputError(msg)

    def _read(self) -> dict[str, Any] | None:
        """Return the record on disk, or None."""
        path = self.folder / MANIFEST
        if not path.exists():
            return None
        try:
            record = json.loads(path.read_text())
        except json.JSONDecodeError:
            logger.warning("warning: %s is damaged and is not used; every stage runs again", path)
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

    @contextmanager
    def stage(self, name: str, params: Mapping[str, Any], outputs: list[str]) -> Iterator[bool]:
        """Run a stage unless it is done already; yields whether there is work to do.

        Parameters
        ----------
        name
            Name of the stage.
        params
            Everything that decides its result besides the stages before it.
        outputs
            Names of the files that it writes in the folder.
        """
        key = fingerprint(self._parent, name, dict(params))
        self._parent = key
        known = self.record["stages"].get(name, {})
        if known.get("fingerprint") == key and all((self.folder / file).exists() for file in outputs):
            logger.info("%s: done before, kept", name)
            yield False
            return
        self._forget_from(name)
        with stage(name):
            yield True
        self.record["stages"][name] = {"fingerprint": key, "params": plain(params), "outputs": outputs}
        self.write()

    def _forget_from(self, name: str) -> None:
        """Take a stage and what follows from it off the record, before anything of theirs is overwritten.

        Otherwise a stage killed between two of its files would pass for the finished one on record.
        """
        names = list(self.record["stages"])
        if name in names:
            for later in names[names.index(name) :]:
                del self.record["stages"][later]
            self.write()

    def write(self) -> None:
        """Write the record, whole or not at all; its keys are not sorted, since stages stand in their order."""
        with atomic_write(self.folder / MANIFEST) as path:
            path.write_text(json.dumps(self.record, indent=1) + "\n")
