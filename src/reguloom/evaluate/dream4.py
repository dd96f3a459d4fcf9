"""The DREAM4 in-silico challenge: its archive read, any network scored against its gold standards.

Marbach et al. 2010 (PNAS 107:6286), Greenfield et al. 2010 (PLoS ONE 5:e13397): ten networks of 10 and 100 genes,
simulated with noise, whose wild type, knock-outs, knock-downs, multifactorial perturbations and time series are known.
"""

from __future__ import annotations

import io
import os
import re
import tarfile
import zlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from reguloom._errors import InputError, MissingKeyError, ResourceError
from reguloom._random import SeedLike, accepts_seed
from reguloom._reading import content_errors
from reguloom.core import Network
from reguloom.evaluate._candidates import NetworkLike
from reguloom.evaluate.dual_knockouts import dual_knockouts
from reguloom.evaluate.network import Several, network

EXPERIMENTS = ("wild_type", "knockouts", "knockdowns", "multifactorial", "time_series")
_FILES = {name: name.replace("_", "") for name in (*EXPERIMENTS, "dual_knockouts")} | {"truth": "goldStandard"}


@dataclass(frozen=True)
class Dream4:
    """One network of the challenge with all its data. Expression runs from 0 to 1.

    Parameters
    ----------
    name
        Such as ``insilico_size10_1``.
    wild_type
        Steady state of the unperturbed network, shape ``(1, n_genes)``.
    knockouts, knockdowns
        Steady state when each gene is knocked out, or halved; rows named after it, ``(n_genes, n_genes)``.
    multifactorial
        Steady states under small perturbations of all genes at once. Those of size 100 belong to a challenge of their
        own, with networks whose gold standard is not here, so they are no part of :meth:`samples`.
    time_series
        Relaxation after a perturbation and its removal, index ``(series, time)``.
    dual_knockouts
        Pairs whose joint knock-out is to be predicted.
    dual_truth
        Their noise-free steady states, if the archive holds them (rows in the order of the pairs), or None.
    truth
        The gold standard, directed and without signs.
    """

    name: str
    wild_type: pd.DataFrame
    knockouts: pd.DataFrame
    knockdowns: pd.DataFrame
    multifactorial: pd.DataFrame
    time_series: pd.DataFrame
    dual_knockouts: list[tuple[str, str]]
    dual_truth: pd.DataFrame | None
    truth: Network

    def __repr__(self) -> str:
        """Say which network it is and what it holds."""
        return f"Dream4({self.name}: {len(self.genes)} genes, {len(self.truth)} edges, {len(self.time_series)} times)"

    @property
    def genes(self) -> list[str]:
        """Names of the genes."""
        return [str(name) for name in self.wild_type.columns]

    @property
    def experiments(self) -> tuple[str, ...]:
        """The experiments that were made on this network."""
        return tuple(name for name in EXPERIMENTS if name != "multifactorial" or len(self.genes) == 10)

    def samples(self, *, experiments: Sequence[str] | None = None) -> pd.DataFrame:
        """Return all samples × genes, to infer a network from.

        Parameters
        ----------
        experiments
            Some of :attr:`experiments`; all if left out.

        Raises
        ------
        InputError
            If one is not known, or was made on another network.
        """
        chosen = self.experiments if experiments is None else tuple(experiments)
        unknown = [name for name in chosen if name not in self.experiments]
        if unknown or not chosen:
            msg = f"experiments {unknown} are not those of {self.name}; accepted are {', '.join(self.experiments)}."
            raise InputError(msg)
        tables = {name: getattr(self, name) for name in chosen}
        named = [
            table.set_axis([f"{name}:{'@'.join(map(str, np.atleast_1d(row)))}" for row in table.index])
            for name, table in tables.items()
        ]
        return pd.concat(named)

    @accepts_seed
    def score(
        self,
        predicted: NetworkLike | Mapping[str, NetworkLike | Several],
        *,
        experiments: Sequence[str] | None = None,
        n_bootstrap: int = 1000,
        n_permutations: int = 1000,
        rng: SeedLike = 0,
    ) -> pd.DataFrame:
        """Score networks against the gold standard; every pair of genes is a candidate.

        Parameters
        ----------
        predicted
            As for :func:`network`.
        experiments
            Samples from which the baselines are computed, see :meth:`samples`.
        n_bootstrap, n_permutations, rng
            As for :func:`network`.

        Returns
        -------
        The table of :func:`network`.
        """
        cells = self.samples(experiments=experiments)
        return network(
            predicted,
            self.truth,
            cells,
            tfs=self.genes,
            genes=self.genes,
            n_bootstrap=n_bootstrap,
            n_permutations=n_permutations,
            rng=rng,
        )

    @accepts_seed
    def score_dual_knockouts(
        self,
        predicted: pd.DataFrame | Mapping[str, pd.DataFrame] | None = None,
        *,
        truth: pd.DataFrame | None = None,
        rng: SeedLike = 0,
    ) -> pd.DataFrame:
        """Score predicted steady states of the dual knock-outs beside what the single ones give.

        Parameters
        ----------
        predicted
            Pairs × genes in the order of the pairs, or several by name; the baselines alone if left out.
        truth
            Measured or noise-free steady states, pairs × genes; those of the archive if left out.
        rng
            Seed of the intervals.

        Returns
        -------
        The table of :func:`dual_knockouts`.
        """
        observed = self.dual_truth if truth is None else truth
        starts = self.time_series.groupby(level="series").head(1)
        return dual_knockouts(
            self.knockouts,
            self.dual_knockouts,
            observed,
            control=self.wild_type.iloc[0],
            predicted=predicted,
            replicates=pd.concat([self.wild_type, starts]),
            rng=rng,
        )


def read_dream4(path: str | os.PathLike[str], *, size: int = 10, number: int = 1) -> Dream4:
    """Read one network of the challenge from the archive or from the folder it was unpacked to.

    Parameters
    ----------
    path
        ``.tar``, ``.tar.gz`` or a folder with ``insilico_size10_1`` ... in it, at any depth. File names may begin with
        the network's, as in the challenge's own files.
    size
        Genes: 10 or 100.
    number
        Which network, 1 to 5.

    Returns
    -------
    The network's data.

    Raises
    ------
    InputError
        If the path is missing, or a table does not fit the others.
    MissingKeyError
        If the archive has no such network, or lacks one of its files.
    ResourceError
        If the archive is cut short or corrupt.

    Examples
    --------
    >>> data = rl.evaluate.read_dream4("dream4.tar.gz", size=10, number=1)  # doctest: +SKIP
    """
    name = f"insilico_size{size}_{number}"
    files = _contents(Path(path), name)
    missing = [kind for kind in _FILES if kind not in files]
    if missing:
        found = "it has " + ", ".join(sorted(files)) if files else "size is 10 or 100, number 1 to 5"
        msg = f"{path} lacks {missing} of {name}; {found}."
        raise MissingKeyError(msg)
    with content_errors(path, what=f"copy of {name}", kind=ResourceError):
        return _network_of(name, files)


def _network_of(name: str, files: Mapping[str, str]) -> Dream4:
    """Return the network that the texts of its files describe."""
    wild = _matrix(files["wild_type"], "wild_type")
    genes = list(wild.columns)
    tables = {kind: _matrix(files[kind], kind) for kind in EXPERIMENTS[1:4]}
    for kind, table in tables.items():
        if list(table.columns) != genes:
            msg = f"{kind} of {name} has other genes than its wild type; take both from one archive."
            raise InputError(msg)
    for kind in ("knockouts", "knockdowns"):
        tables[kind] = tables[kind].set_axis(genes)
    pairs, states = _duals(files, genes)
    return Dream4(
        name=name,
        wild_type=wild,
        **tables,
        time_series=_series(files["time_series"]),
        dual_knockouts=pairs,
        dual_truth=states,
        truth=_gold(files["truth"]),
    )


@accepts_seed
def dream4(
    predicted: NetworkLike | Mapping[str, NetworkLike | Several],
    path: str | os.PathLike[str],
    *,
    size: int = 10,
    number: int = 1,
    experiments: Sequence[str] | None = None,
    n_bootstrap: int = 1000,
    n_permutations: int = 1000,
    rng: SeedLike = 0,
) -> pd.DataFrame:
    """Score networks against a gold standard of DREAM4 in one call, baselines included.

    Parameters
    ----------
    predicted
        As for :func:`network`.
    path, size, number
        As for :func:`read_dream4`.
    experiments, n_bootstrap, n_permutations, rng
        As for :meth:`Dream4.score`.

    Returns
    -------
    The table of :func:`network`.

    Notes
    -----
    The challenge took edges with equal scores in the order of the list and drew its curve between hits; here ties are
    exact, so numbers can differ from the published ones in the second digit where many edges tie.
    """
    data = read_dream4(path, size=size, number=number)
    return data.score(
        predicted, experiments=experiments, n_bootstrap=n_bootstrap, n_permutations=n_permutations, rng=rng
    )


def _contents(path: Path, name: str) -> dict[str, str]:
    """Return the text of each of the network's files; an archive is read once from end to end."""
    if not path.exists():
        msg = f"{path} does not exist; give the archive of DREAM4, or the folder it was unpacked to."
        raise InputError(msg)
    wanted = {}
    if path.is_dir():
        with content_errors(path, what=f"copy of {name}", kind=ResourceError):
            files = sorted(path.rglob("*.tsv"))
            return {kind: file.read_text("utf-8") for file in files if (kind := _kind(str(file), name))}
    try:
        with tarfile.open(path) as archive:
            for member in archive:
                kind = _kind(member.name, name)
                content = archive.extractfile(member) if kind else None
                if content is not None:
                    wanted[kind] = content.read().decode("utf-8")
    except (tarfile.TarError, EOFError, OSError, ValueError, LookupError, zlib.error) as error:
        why = str(error).partition("\n")[0].rstrip(":")  # tarfile lists what each decompressor says
        msg = f"{path} cannot be read as an archive ({why}); it may be cut short, so download it again."
        raise ResourceError(msg) from error
    return wanted


def _kind(file: str, name: str) -> str:
    """Return what a file of the network holds, or an empty text: ``._`` files of macOS are none."""
    parts = Path(file).parts
    stem = Path(file).name.removesuffix(".tsv")
    if not file.endswith(".tsv") or stem.startswith(".") or name not in parts[:-1] and not stem.startswith(f"{name}_"):
        return ""
    stem = re.sub(rf"^({name}_|DREAM4_GoldStandard_InSilico_.*)", "", stem) or "goldStandard"
    known = {text: kind for kind, text in _FILES.items()}
    known |= {"dualknockouts_indexes": "dual_knockouts", "nonoise_dualknockouts": "dual_truth"}
    return known.get(stem, "")


def _matrix(text: str, kind: str) -> pd.DataFrame:
    """Return experiments × genes."""
    table = pd.read_csv(io.StringIO(text), sep="\t", float_precision="round_trip")
    if table.empty or table.isna().to_numpy().any():
        msg = f"{kind} of the archive is empty or has gaps; download it again."
        raise InputError(msg)
    return table.set_axis([f"{i + 1}" for i in range(len(table))])


def _series(text: str) -> pd.DataFrame:
    """Return times × genes; a new series begins wherever time starts again."""
    table = _matrix(text, "time_series")
    series = (table["Time"].diff() < 0).cumsum() + 1
    index = pd.MultiIndex.from_arrays([series, table["Time"]], names=["series", "time"])
    return table.drop(columns="Time").set_axis(index)


def _duals(files: Mapping[str, str], genes: list[str]) -> tuple[list[tuple[str, str]], pd.DataFrame | None]:
    """Return the pairs, and their true steady states where the archive holds them."""
    table = pd.read_csv(io.StringIO(files["dual_knockouts"]), sep="\t")
    if table.shape[1] != 2:
        msg = f"the dual knock-outs have the columns {list(table.columns)[:4]}; two numbers of genes are expected."
        raise InputError(msg)
    pairs = [(genes[int(i) - 1], genes[int(j) - 1]) for i, j in table.to_numpy()]
    if "dual_truth" not in files:
        return pairs, None
    states = pd.read_csv(io.StringIO(files["dual_truth"]), sep="\t", header=None, float_precision="round_trip")
    if states.iloc[0].astype(str).str.fullmatch(r"G\d+").all():
        states = states.iloc[1:].astype(np.float64)
    return pairs, states.set_axis(genes, axis=1).set_axis(names_of(pairs))


def names_of(pairs: Iterable[tuple[str, str]]) -> list[str]:
    """Return the names of double perturbations, ``G1+G2``."""
    return ["+".join(pair) for pair in pairs]


def _gold(text: str) -> Network:
    """Return the edges of the gold standard that are there."""
    table = pd.read_csv(io.StringIO(text), sep="\t", header=None, names=["source", "target", "there"])
    table = table[table["there"] == 1]
    return Network.from_edges(table["source"].to_list(), table["target"].to_list())
