"""The stages of a run: what decides each, what it builds on, what it writes."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import cached_property, partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from reguloom._errors import InputError
from reguloom.pipeline import _regulon_work as work
from reguloom.pipeline._cells import find_basis, prepare_cells

if TYPE_CHECKING:
    from anndata import AnnData

    from reguloom.pipeline import config as sections
    from reguloom.pipeline.config import RunConfig

CELLS, RESULT, LOOM, FIGURES, REPORT = "input/cells.h5ad", "result.h5ad", "scope.loom", "figures", "report.html"
APART = ("vectorfield", "response", "temporal")
"""Stages with a file of results of their own."""


@dataclass(frozen=True)
class Stage:
    """One stage.

    Parameters
    ----------
    name
        As in the configuration.
    summary
        What it does, in a line.
    work
        Does it.
    outputs
        What it writes, relative to the run's folder, with a line on each.
    needs
        The stages whose files it reads.
    params
        The options that decide the result.
    files
        Files of the user's that it reads; their content decides the result as well.
    """

    name: str
    summary: str
    work: Callable[[Workplace], None]
    outputs: dict[str, str]
    needs: tuple[str, ...] = ()
    params: dict[str, Any] = field(default_factory=dict)
    files: tuple[Path, ...] = ()


class Workplace:
    """What the stages share: the configuration, the folder, and the cells once they are needed.

    Parameters
    ----------
    config
        What is asked for.
    folder
        The run's folder.
    n_jobs
        Threads.
    """

    def __init__(self, config: RunConfig, folder: Path, *, n_jobs: int | None = None) -> None:
        self.config, self.folder, self.n_jobs = config, folder, n_jobs
        self.files = work.RegulonFiles.staged(folder)

    @cached_property
    def cells(self) -> AnnData:
        """The cells as the first stage wrote them."""
        from reguloom import io

        return io.read(self.folder / CELLS)

    @property
    def given_network(self) -> Path | None:
        """The user's network in the place of an inferred one."""
        return self.config.ctx.network if self.config.ctx is not None else None

    @property
    def given_regulons(self) -> Path | None:
        """The user's regulons in the place of pruned ones."""
        return self.config.aucell.regulons if self.config.aucell is not None else None

    def regulons(self) -> Any:
        """Return the regulons that are scored, and of which a prior is made.

        Raises
        ------
        EmptyResultError
            If there is none.
        """
        from reguloom import io
        from reguloom.pipeline.scenic import require_regulons

        given = self.given_regulons
        regulons = work.read_motif_regulons(self.files.motifs) if given is None else io.read_regulons(given)
        require_regulons(regulons)
        return regulons

    @property
    def groupby(self) -> str | None:
        """Column of ``obs`` of the specificity scores."""
        return rss_groups(self.config) or self.config.input.groupby


def rss_groups(config: RunConfig) -> str | None:
    """Return the column of ``obs`` for which specificity is asked in `config`."""
    return None if config.rss is None else config.rss.groupby or config.input.groupby


def make_stages(config: RunConfig) -> list[Stage]:
    """Return the stages that `config` asks for, in the order in which they run."""
    return list(_stages(config))


def _stages(config: RunConfig) -> Iterator[Stage]:
    """Yield the stages in order."""
    before = ["input"]
    yield _input(config.input)
    for stage in _analyses(config):
        before.append(stage.name)
        yield stage
    outputs = {RESULT: "the cells with everything that was found", FIGURES: "figures of the regulons"}
    if config.aucell is not None:
        outputs |= {LOOM: "the same for SCope"}
    needs = tuple(name for name in before if name not in APART)
    params = {"groupby": rss_groups(config), "title": config.title, "basis": config.input.basis}
    yield Stage("result", "everything in one file, and the figures", _collect, outputs, needs, params)
    if config.report is not None:
        yield _report(config, config.report, (*before, "result"))


def _analyses(config: RunConfig) -> Iterator[Stage]:
    """Yield the stages between the cells and the result."""
    if config.grn is not None:
        yield _grn(config, config.grn)
    if config.ctx is not None:
        yield _ctx(config.ctx)
    if config.aucell is not None:
        yield _aucell(config, config.aucell)
    if config.binarize is not None:
        outputs = {"binarize/binary.csv": "on (1) and off (0), cells x regulons"}
        outputs |= {"binarize/thresholds.csv": "where on begins"}
        yield Stage("binarize", "call regulons on and off", _call, outputs, ("aucell",), {"seed": config.seed})
    if config.rss is not None:
        outputs, params = {"rss/rss.csv": "specificity, groups x regulons"}, {"groupby": rss_groups(config)}
        yield Stage("rss", "score how specific regulons are", _specify, outputs, ("input", "aucell"), params)
    if config.oracle is not None:
        yield _oracle(config, config.oracle)
    if config.vectorfield is not None:
        yield _vectorfield(config, config.vectorfield)
    if config.response is not None:
        yield _response(config, config.response)
    if config.temporal is not None:
        yield _temporal(config, config.temporal)


def _input(options: sections.InputSection) -> Stage:
    """Return the first stage."""

    def prepare(place: Workplace) -> None:
        prepare_cells(options, place.folder / CELLS)

    params = options.model_dump(mode="json", exclude={"expression", "groupby"})
    outputs = {CELLS: "the cells that every stage takes"}
    return Stage("input", "read, choose and normalise the cells", prepare, outputs, (), params, (options.expression,))


def _grn(config: RunConfig, options: sections.GrnSection) -> Stage:
    """Return the stage of network inference."""
    params = options.model_dump(exclude={"tfs"})

    def infer(place: Workplace) -> None:
        work.infer_network(
            place.cells, options.tfs, place.files.adjacencies, params=params, inputs=config.input.model_dump_json(),
            seed=config.seed, n_jobs=place.n_jobs,
        )  # fmt: skip

    outputs = {"grn/adjacencies.tsv": "TF, target, importance: every edge found"}
    decides = {**params, "seed": config.seed}
    return Stage("grn", "infer the network", infer, outputs, ("input",), decides, (options.tfs,))


def _ctx(options: sections.CtxSection) -> Stage:
    """Return the stage of motif pruning."""
    params = options.model_dump(exclude={"rankings", "annotations", "network"})

    def prune(place: Workplace) -> None:
        work.prune_network(
            place.cells, options.network or place.files.adjacencies, place.files, rankings=options.rankings,
            annotations=options.annotations, params=params, n_jobs=place.n_jobs,
        )  # fmt: skip

    needs, given = (("input", "grn"), ()) if options.network is None else (("input",), (options.network,))
    outputs = {"ctx/motifs.csv": "enriched motifs with their targets (pySCENIC's table)"}
    outputs |= {"ctx/regulons.gmt": "the regulons"}
    files = (*options.rankings, options.annotations, *given)
    return Stage("ctx", "keep the targets that motifs support", prune, outputs, needs, params, files)


def _aucell(config: RunConfig, options: sections.AucellSection) -> Stage:
    """Return the stage of regulon activity."""
    params = options.model_dump(exclude={"regulons"})

    def score(place: Workplace) -> None:
        work.score_activity(
            place.cells, place.regulons(), place.files.aucell, params=params, seed=config.seed, n_jobs=place.n_jobs
        )

    outputs = {"aucell/aucell.csv": "activity, cells x regulons"}
    needs, files = (("input", "ctx"), ()) if options.regulons is None else (("input",), (options.regulons,))
    decides = {**params, "seed": config.seed}
    return Stage("aucell", "score the activity of regulons in cells", score, outputs, needs, decides, files)


def _call(place: Workplace) -> None:
    work.call_on_and_off(place.files, seed=place.config.seed, n_jobs=place.n_jobs)


def _specify(place: Workplace) -> None:
    groupby = str(place.groupby)
    work.score_specificity(place.files, place.cells.obs[groupby].astype(str), groupby)


def _oracle(config: RunConfig, options: sections.OracleSection) -> Stage:
    """Return the stage of the knock-out screen."""
    params = options.model_dump(exclude={"gradient", "network"}, mode="json")
    params |= {"seed": config.seed, "groupby": options.groupby or config.input.groupby}
    params |= {"basis": options.basis or config.input.basis}
    files = [one for one in (options.network, options.gradient) if isinstance(one, Path)]
    needs = ["input"]
    if options.network == "grn":
        needs.append("grn")
    elif options.network == "regulons" and config.ctx is not None:
        needs.append("ctx")
    elif options.network == "regulons" and config.aucell is not None and config.aucell.regulons is not None:
        files.append(config.aucell.regulons)
    outputs = {
        "oracle/screen.csv": "every factor knocked out, by lineage, with intervals, nulls and baselines",
        "oracle/network.parquet": "the fitted network of each group",
        "oracle/result.h5ad": "the model, for reguloom oracle simulate",
        "oracle/figures": "ranking, and flow and scores of the strongest factors",
    }
    work_of = partial(_knock_out, options=options)
    return Stage("oracle", "knock factors out", work_of, outputs, tuple(needs), params, tuple(files))


def _knock_out(place: Workplace, *, options: sections.OracleSection) -> None:
    from reguloom import oracle
    from reguloom.pipeline._oracle_work import read_development, screen_into

    config, cells = place.config, place.cells
    own = {"regulons": place.regulons, "grn": lambda: place.files.adjacencies}
    prior = options.network if isinstance(options.network, Path) else own[options.network]()
    basis = find_basis(cells, options.basis or config.input.basis) or ""
    development = read_development(
        cells, gradient=options.gradient, basis=basis.removeprefix("X_"), n_jobs=place.n_jobs,
        **options.model_dump(include={"pseudotime", "time", "velocity", "transition"}),
    )  # fmt: skip
    model = oracle.fit(
        cells, prior, groupby=options.groupby or config.input.groupby, normalize="auto", rng=config.seed,
        n_jobs=place.n_jobs,
        **options.model_dump(include={"impute", "method", "alpha", "n_bags", "n_edges", "compat"}),
    )  # fmt: skip
    checkpoint = place.folder / "oracle" / partial_name(model.provenance.to_json(), options.model_dump_json())
    screen_into(
        place.folder / "oracle", model, development, cells=cells, checkpoint=checkpoint, resume=checkpoint.exists(),
        rng=config.seed, n_jobs=place.n_jobs,
        lineages=None if options.lineages is None else cells.obs[options.lineages].astype(str),
        **options.model_dump(include={"genes", "pairs", "nulls", "n_null", "n_bootstrap"}),
    )  # fmt: skip


def partial_name(*what: Any) -> str:
    """Return a name for unfinished work that tells `what` decides it, so that no other run's is taken up."""
    from reguloom.core.provenance import fingerprint

    return f"{work.PARTIAL}{fingerprint(*what)[:12]}.jsonl"


def _vectorfield(config: RunConfig, options: sections.VectorfieldSection) -> Stage:
    """Return the stage of the velocity field."""
    tfs = options.tfs or (config.grn.tfs if config.grn is not None else None)
    params = options.model_dump(exclude={"tfs"}) | {"seed": config.seed}
    params |= {"groupby": options.groupby or config.input.groupby, "embedding": options.embedding or config.input.basis}
    outputs = {
        "vectorfield/result.h5ad": "the field and its geometry, for reguloom vectorfield",
        "vectorfield/figures": "streamlines",
    }
    work_of = partial(_follow, options=options, tfs=tfs, params=params)
    files = () if tfs is None else (tfs,)
    return Stage("vectorfield", "fit a field to velocities", work_of, outputs, ("input",), params, files)


def _follow(
    place: Workplace, *, options: sections.VectorfieldSection, tfs: Path | None, params: dict[str, Any]
) -> None:
    from reguloom import io
    from reguloom.pipeline._flow_work import add_velocities, field_into

    data, seed = place.cells.copy(), place.config.seed
    add_velocities(
        data, basis=options.basis, slot=options.velocity, method=options.method, projection=options.projection,
        seed=seed, n_jobs=place.n_jobs,
    )  # fmt: skip
    field_into(
        place.folder / "vectorfield", data, basis=options.basis,
        embedding=find_basis(data, params["embedding"]) or f"X_{options.basis}",
        tfs=None if tfs is None else io.read_genes(tfs), seed=seed, n_jobs=place.n_jobs, groupby=params["groupby"],
        velocity=options.velocity, **options.model_dump(include={"n_control", "n_bootstrap", "compat"}),
    )  # fmt: skip


def _response(config: RunConfig, options: sections.ResponseSection) -> Stage:
    """Return the stage of learned responses."""

    def score(place: Workplace) -> None:
        from reguloom.pipeline._response_work import score_responses

        screen = options.data or place.folder / CELLS
        score_responses(options, screen, place.folder / "response", seed=config.seed)

    outputs = {
        "response/leaderboard.csv": "every model and baseline, metric and stratum, with intervals and the ceiling",
        "response/headline.txt": "the result in words",
        "response/figures": "leaderboard, and predicted against observed changes",
    }
    params = options.model_dump(exclude={"data", "gene_sets", "device"}) | {"seed": config.seed}
    files = tuple(path for path in (options.data, options.gene_sets) if path is not None)
    needs = ("input",) if options.data is None else ()
    return Stage("response", "score models of perturbation responses", score, outputs, needs, params, files)


def _temporal(config: RunConfig, options: sections.TemporalSection) -> Stage:
    """Return the stage of temporal modules."""
    params = options.model_dump(exclude={"data", "device"}) | {"seed": config.seed}

    def group(place: Workplace) -> None:
        from reguloom.pipeline._temporal_work import group_by_course

        data, folder = options.data or [place.folder / CELLS], place.folder / "temporal"
        checkpoint = folder / partial_name(params).removesuffix(".jsonl")
        group_by_course(options, data, folder, checkpoint=checkpoint, seed=config.seed, n_jobs=place.n_jobs)

    outputs = {
        "temporal/modules.csv": "the module of each gene",
        "temporal/timing.csv": "when each gene answers",
        "temporal/benchmark.csv": "the method beside every baseline",
        "temporal/result.h5ad": "the result, for reguloom temporal plot",
        "temporal/figures": "modules, timing, stability",
    }
    needs, files = (("input",), ()) if options.data is None else ((), tuple(options.data))
    return Stage("temporal", "group genes by their course in time", group, outputs, needs, params, files)


def _report(config: RunConfig, options: sections.ReportSection, needs: tuple[str, ...]) -> Stage:
    """Return the last stage, the report."""
    title = options.title or config.title

    def write(place: Workplace) -> None:
        from reguloom import report

        slot = find_basis(place.cells, config.input.basis)
        report.build(
            place.folder, place.folder / REPORT, title=title, basis=slot, groupby=config.input.groupby, force=True
        )

    params = {"title": title, "groupby": config.input.groupby, "basis": config.input.basis}
    return Stage("report", "everything on one page", write, {REPORT: "open it in a browser"}, needs, params)


def _collect(place: Workplace) -> None:
    """Write everything into one file, and draw."""
    from reguloom.pipeline._assemble import assemble
    from reguloom.pipeline._figures import draw_all

    config, ctx = place.config, place.config.ctx
    found = work.Found.read(place.files, network=place.given_network, regulons=place.given_regulons)
    result = assemble(place.cells, found, place.groupby)
    if config.oracle is not None:
        _add_screen(result, place.folder / "oracle" / "screen.csv")
    work.write_results(
        place.cells, result, found, place.folder / RESULT, place.folder / LOOM,
        title=config.title or "", groupby=place.groupby,
    )  # fmt: skip
    deciding = {"min_genes", "keep_only_activating", "rank_threshold", "auc_threshold"}
    draw_all(
        result, found, groupby=place.groupby, rankings=() if ctx is None else ctx.rankings,
        enrichment={} if ctx is None else ctx.model_dump(include=deciding), folder=place.folder / FIGURES,
        basis=find_basis(result, config.input.basis),
    )  # fmt: skip


def _add_screen(result: AnnData, path: Path) -> None:
    """Put the ranking of the knock-outs into the result."""
    import pandas as pd

    table = pd.read_csv(path, float_precision="round_trip", keep_default_na=True)
    texts = [name for name in ("gene", "lineage", "checks", "perturbation") if name in table]
    table[texts] = table[texts].fillna("").astype(str)
    table.index = table.index.astype(str)
    result.uns["oracle_screen"] = table


def find_stage(stages: list[Stage], name: str, *, option: str) -> int:
    """Return the place of a stage among the `stages` of the run, for the `option` of the command line.

    Raises
    ------
    InputError
        If the run has no such stage.
    """
    names = [stage.name for stage in stages]
    if name not in names:
        msg = f"{option} {name}: this run has no such stage; it has {', '.join(names)}."
        raise InputError(msg)
    return names.index(name)
