"""Finished targets on disk, so that a killed run goes on where it stopped.

A checkpoint is a folder with ``run.json`` (what is computed, from what) and one log of records per shard. A record is
appended when a block of targets is done; a record cut short by a kill fails its checksum, is dropped, and its block is
computed again. Blocks do not depend on each other, so the result has the same bytes as an uninterrupted one.
"""

from __future__ import annotations

import json
import os
import struct
import zlib
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, BinaryIO

import numpy as np

from reguloom._errors import InputError
from reguloom._files import atomic_write
from reguloom._logging import logger
from reguloom._reading import content_errors
from reguloom.grn._problem import TargetEdges

_HEADER = struct.Struct("<4sIII")  # magic, block, bytes of the payload, its CRC-32
_TARGET = struct.Struct("<IIII")  # target, edges, trees, state
_MAGIC = b"rlG1"


class Checkpoint:
    """One shard's log inside a checkpoint folder.

    Parameters
    ----------
    folder
        Where it lies; made if it is missing.
    run
        What identifies the run: method, parameters, seed, fingerprint of the input.
    shard
        Number of this shard, from 1, and how many there are.
    resume
        Whether to go on with what is there.

    Raises
    ------
    InputError
        If the folder holds another run, or this one and `resume` is off, or it cannot be written to.
    """

    def __init__(
        self, folder: str | os.PathLike[str], run: Mapping[str, Any], *, shard: tuple[int, int], resume: bool
    ) -> None:
        self.folder = Path(folder)
        self.log = self.folder / f"part-{shard[0]}-of-{shard[1]}.bin"
        self._handle: BinaryIO | None = None
        self._open_run(dict(run), resume=resume)

    def _open_run(self, run: dict[str, Any], *, resume: bool) -> None:
        """Write ``run.json``, or compare with the one that is there."""
        path = self.folder / "run.json"
        if path.exists():
            with content_errors(path, what="record of a run", mend=f"remove the folder {self.folder} and start again"):
                found = dict(json.loads(path.read_text("utf-8")))
            differing = sorted(key for key in {*found, *run} if found.get(key) != run.get(key))
            if differing:
                msg = (
                    f"the checkpoint {self.folder} belongs to another run (different: {', '.join(differing)}); "
                    "give another folder, or remove this one."
                )
                raise InputError(msg)
        if self.log.exists() and not resume:
            msg = f"{self.log} holds a run already; give --resume (resume=True) to go on with it, or another folder."
            raise InputError(msg)
        if not path.exists():
            with atomic_write(path) as temporary:
                temporary.write_text(json.dumps(run, sort_keys=True, indent=1) + "\n")

    def finished(self) -> dict[int, list[TargetEdges]]:
        """Return the blocks that are done, and cut off what follows the last whole record."""
        if not self.log.exists():
            return {}
        blocks, good = {}, 0
        with self.log.open("rb") as handle:
            for number, edges in _records(handle):
                blocks[number], good = edges, handle.tell()
            size = handle.seek(0, os.SEEK_END)
        if good < size:
            logger.info("%s: %d bytes of an unfinished record are dropped", self.log, size - good)
            os.truncate(self.log, good)
        return blocks

    def __enter__(self) -> Checkpoint:
        """Open the log for appending."""
        self._handle = self.log.open("ab")
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close the log."""
        if self._handle is not None:
            self._handle.close()
            self._handle = None

    def append(self, block: int, edges: Sequence[TargetEdges]) -> None:
        """Write one finished block and hand it to the system, so that a kill of this process cannot lose it."""
        payload = b"".join(_encode(found) for found in edges)
        header = _HEADER.pack(_MAGIC, block, len(payload), zlib.crc32(payload))
        if self._handle is None:
            msg = "the checkpoint is closed; use it in a with statement."
            raise InputError(msg)
        try:
            self._handle.write(header + payload)
            self._handle.flush()
        except OSError as error:
            msg = f"{self.log} could not be written ({error.strerror}); free some space, then resume."
            raise InputError(msg) from error


def _encode(found: TargetEdges) -> bytes:
    """Return one target as bytes."""
    head = _TARGET.pack(found.target, found.regulators.size, found.n_trees, found.state)
    return (
        head
        + found.regulators.astype("<i4").tobytes()
        + found.importance.astype("<f8").tobytes()
        + found.sign.tobytes()
    )


def _decode(payload: bytes) -> list[TargetEdges]:
    """Return the targets of one record."""
    edges, at = [], 0
    while at < len(payload):
        target, n_edges, n_trees, state = _TARGET.unpack_from(payload, at)
        at += _TARGET.size
        columns = []
        for kind, width in (("<i4", 4), ("<f8", 8), ("i1", 1)):
            columns.append(np.frombuffer(payload, kind, n_edges, at).copy())
            at += width * n_edges
        edges.append(TargetEdges(target, columns[0], columns[1], columns[2], n_trees, state))
    return edges


def _records(handle: BinaryIO) -> Iterator[tuple[int, list[TargetEdges]]]:
    """Yield whole records until the end or the first broken one."""
    end = os.fstat(handle.fileno()).st_size
    while len(head := handle.read(_HEADER.size)) == _HEADER.size:
        magic, block, size, checksum = _HEADER.unpack(head)
        # A damaged header may ask for more than there is memory.
        payload = handle.read(min(size, end - handle.tell()))
        if magic != _MAGIC or len(payload) < size or zlib.crc32(payload) != checksum:
            return
        yield block, _decode(payload)
