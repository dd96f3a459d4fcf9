"""What a run is asked to do: the sections of ``run.toml``, checked before anything runs.

Each section stands for a stage and switches it on by being there. The texts below are those of the JSON Schema
(``reguloom run --print-schema``) and of the file that ``reguloom run --init`` writes.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, PositiveInt, model_validator

Share = Annotated[float, Field(gt=0, le=1)]
Count = Annotated[int, Field(ge=0)]


def _several(value: object) -> object:
    """Take one value for a list of one."""
    return [value] if isinstance(value, (str, Path)) else value


Paths = Annotated[list[Path], BeforeValidator(_several), Field(min_length=1)]
Names = Annotated[list[str], BeforeValidator(_several)]


class Section(BaseModel):
    """A table of the file; a key that it does not have is an error."""

    model_config = ConfigDict(extra="forbid", frozen=True, protected_namespaces=())


class InputSection(Section):
    """The cells that every stage takes, and how they are prepared."""

    expression: Path = Field(description="Cells x genes: h5ad, zarr, loom, 10x, csv or tsv.")
    layer: str | None = Field(None, description="Layer to take in place of X.")
    groupby: str | None = Field(None, description="Column of obs with the groups of cells, such as cell_type.")
    basis: str | None = Field(None, description="Embedding in obsm to draw on; pca is computed if it is missing.")
    min_genes: Count = Field(0, description="Leave out cells in which fewer genes are detected.")
    min_cells: Count = Field(0, description="Leave out genes that are detected in fewer cells.")
    normalize: bool = Field(
        False, description="Scale counts to the median library size and take log1p; counts stay as a layer."
    )
    transpose: bool | None = Field(
        None, description="Whether a csv or tsv file has genes in rows; by default detected."
    )
    cell_id_attribute: str = Field("CellID", description="Attribute of a loom file that names the cells.")
    gene_attribute: str = Field("Gene", description="Attribute of a loom file that names the genes.")


class GrnSection(Section):
    """Network inference: which factors explain each gene."""

    tfs: Path = Field(description="Transcription factors, one a line.")
    method: Literal["grnboost2", "genie3", "extratrees", "pearson", "spearman", "partial_correlation", "reference"] = (
        Field("grnboost2", description="How regulators are weighed.")
    )
    min_cells: Count = Field(0, description="Leave out genes that are detected in fewer cells, in this stage alone.")
    min_fraction: Annotated[float, Field(ge=0, le=1)] = Field(
        0.0, description="Leave out genes that are detected in a smaller share of the cells."
    )
    subsample: PositiveInt | None = Field(None, description="Infer from this many random cells.")
    stratify: str | None = Field(None, description="Column of obs: draw cells from each group in proportion.")
    limit: PositiveInt | None = Field(None, description="Keep this many edges, the strongest.")


class CtxSection(Section):
    """Motif pruning (cisTarget): the targets that a motif of the factor supports."""

    rankings: Paths = Field(description="cisTarget ranking databases.")
    annotations: Path = Field(description="Motif annotation table (.tbl).")
    network: Path | None = Field(None, description="Network to prune; by default that of [grn].")
    rank_threshold: PositiveInt = Field(5000, description="Length of the recovery curves.")
    auc_threshold: Share = Field(0.05, description="Share of the ranking in the enrichment.")
    nes_threshold: float = Field(3.0, description="Smallest enrichment score.")
    min_genes: Count = Field(20, description="Smallest co-expression module.")
    thresholds: list[float] = Field([0.75, 0.90], description="Weight quantiles above which a target joins a module.")
    top_n_targets: list[PositiveInt] = Field([50], description="Strongest targets per factor.")
    top_n_regulators: list[PositiveInt] = Field([5, 10, 50], description="Strongest factors per target.")
    keep_only_activating: bool = Field(True, description="Leave repressed targets out.")
    weighted_recovery: bool = Field(False, description="Whether genes count by their weights.")
    compat: Literal["pyscenic-0.12"] | None = Field(None, description="Reproduce a published release.")


class AucellSection(Section):
    """Activity of each regulon in each cell."""

    regulons: Path | None = Field(None, description="Regulons to score; by default those of [ctx].")
    method: Literal["pyscenic", "r"] = Field("pyscenic", description="Whose definition.")
    auc_threshold: Share = Field(0.05, description="Share of a cell's ranking that scores.")
    weights: bool = Field(False, description="Weigh targets by their importance.")


class BinarizeSection(Section):
    """Activity to on and off."""


class RssSection(Section):
    """How specific each regulon is for each group of cells."""

    groupby: str | None = Field(None, description="Column of obs; by default that of [input].")


class OracleSection(Section):
    """Every factor knocked out in silico, scored against development."""

    network: Path | Literal["regulons", "grn"] = Field(
        "regulons", description="Prior: a base network or any edge list, or 'regulons' or 'grn' of this run."
    )
    pseudotime: str | None = Field(None, description="Column of obs that grows along development.")
    time: str | None = Field(None, description="Column of obs with numeric time labels.")
    velocity: str | None = Field(None, description="Slot of obsm with velocity on the embedding.")
    transition: str | None = Field(None, description="Slot of obsp with transition probabilities.")
    gradient: Path | None = Field(None, description="CellOracle gradient file of the same cells.")
    groupby: str | None = Field(
        None, description="Column of obs: a network for each group; by default that of [input]."
    )
    lineages: str | None = Field(None, description="Column of obs whose groups are scored apart; by default groupby.")
    basis: str | None = Field(None, description="Embedding in obsm; by default that of [input].")
    genes: Names | None = Field(None, description="Knock these out alone; by default every one that can be.")
    pairs: Names = Field([], description="Pairs to knock out besides, such as ['Gata1+Klf1'].")
    impute: bool = Field(True, description="Smooth expression over neighbouring cells.")
    method: Literal["bagging_ridge", "ridge", "bayesian_ridge"] = Field(
        "bagging_ridge", description="How edges are weighed."
    )
    alpha: Annotated[float, Field(ge=0)] = Field(10.0, description="Ridge penalty.")
    n_bags: Annotated[int, Field(ge=2)] = Field(20, description="Bags.")
    n_edges: PositiveInt = Field(10_000, description="Edges that each group keeps.")
    nulls: list[Literal["rewired", "matched", "block"]] = Field(
        ["rewired", "matched", "block"], description="Null distributions."
    )
    n_null: Annotated[int, Field(ge=5)] = Field(100, description="Draws of each null.")
    n_bootstrap: Count = Field(100, description="Draws behind the intervals.")
    compat: Literal["celloracle"] | None = Field(None, description="Follow the original's rules.")

    @model_validator(mode="after")
    def _has_a_direction(self) -> OracleSection:
        """Refuse a screen that has nothing to be scored against."""
        if not any((self.pseudotime, self.time, self.velocity, self.transition, self.gradient)):
            msg = "scoring needs a direction of development; give pseudotime, time, velocity, transition or gradient"
            raise ValueError(msg)
        return self


class VectorfieldSection(Section):
    """The flow of cells as a field, with what perturbing each factor would do to it."""

    basis: str = Field("pca", description="Basis of the field.")
    velocity: str | None = Field(None, description="Slot of obsm with velocities; by default velocity_<basis>.")
    method: Literal["stochastic", "steady_state"] = Field(
        "stochastic", description="How velocities are estimated from spliced and unspliced counts."
    )
    projection: Literal["tangent", "linear", "pearson", "cosine", "softmax"] | None = Field(
        None, description="How velocities of genes come into the basis."
    )
    groupby: str | None = Field(None, description="Column of obs; by default that of [input].")
    embedding: str | None = Field(None, description="Embedding of the figures; by default the basis of [input].")
    tfs: Path | None = Field(None, description="Factors to screen; by default those of [grn], or all genes.")
    n_control: Annotated[int, Field(ge=2)] | None = Field(None, description="Control points; by default 5 % of cells.")
    n_bootstrap: Count = Field(0, description="Fits to resampled cells.")
    compat: Literal["dynamo"] | None = Field(None, description="The constants of Dynamo 1.5.3.")


class ResponseSection(Section):
    """Models of perturbation responses, scored on held-out perturbations beside the baselines."""

    data: Path | None = Field(None, description="Perturbation screen (h5ad); by default the cells of [input].")
    models: Names = Field([], description="Models to train, such as gears or cpa; the baselines are there anyway.")
    split: Literal[
        "simulation", "simulation_single", "combo_seen0", "combo_seen1", "combo_seen2", "single",
        "unseen-combination", "unseen-context", "k-fold",
    ] = Field("simulation", description="How perturbations are held out.")  # fmt: skip
    n_splits: PositiveInt = Field(3, description="Seeds, or folds.")
    perturbation: str | None = Field(None, description="Column of obs with the perturbation; by default found.")
    control: Names = Field([], description="Names of controls, beside the usual ones.")
    covariates: Names = Field([], description="Columns whose values make a cell's context.")
    batch: str | None = Field(None, description="Column with the batch.")
    dose: str | None = Field(None, description="Column with the dose.")
    layer: str | None = Field(None, description="Layer to take in place of X.")
    gene_sets: Path | None = Field(None, description="GMT file (GO): for the graph of gears, and for baselines.")
    max_epochs: PositiveInt | None = Field(None, description="Passes over the data; by default the model's.")
    n_bootstrap: Annotated[int, Field(ge=10)] = Field(1000, description="Samples for the intervals.")
    device: str | None = Field(None, description="cpu, cuda or mps; by default chosen.")


class TemporalSection(Section):
    """Genes grouped by their course in time, and when each answers."""

    data: Paths | None = Field(
        None, description="Time course, one file or several replicates; by default the run's cells."
    )
    time: str | None = Field(None, description="Column of obs with the time; by default found by its name.")
    unit: str | None = Field(None, description="Unit of bare numbers: s, min, h, d, w.")
    groupby: str | None = Field(None, description="Column with the cell type: a track for each.")
    condition: str | None = Field(None, description="Column with the condition: a track for each.")
    batch: str | None = Field(None, description="Column with replicate, batch or donor.")
    likelihood: Literal["auto", "nb", "poisson", "gaussian", "tweedie"] = Field("auto", description="Of the data.")
    n_bins: Annotated[int, Field(ge=2)] | None = Field(None, description="Take time as pseudotime, in so many bins.")
    pool: bool = Field(False, description="Pool cell types or conditions all the same.")
    method: Literal["vrnn", "kmeans", "pca-gmm", "gp-mixture", "dtw", "fuzzy", "half-time", "weighted"] = Field(
        "vrnn", description="How genes are grouped; vrnn needs the extra deep."
    )
    n_modules: PositiveInt | None = Field(None, description="Number of modules; by default chosen.")
    max_modules: PositiveInt = Field(12, description="Largest number that is tried.")
    fdr: Share = Field(0.05, description="False discovery rate of the test for a course.")
    n_top: PositiveInt = Field(2000, description="Most genes that are grouped.")
    n_seeds: Annotated[int, Field(ge=2)] = Field(3, description="Splits of the data, and networks.")
    n_draws: PositiveInt = Field(50, description="Draws of each network behind the consensus.")
    max_epochs: PositiveInt | None = Field(None, description="Most passes over the genes.")
    device: str = Field("cpu", description="cpu, cuda ...")


class ReportSection(Section):
    """One self-contained HTML file of everything that was found."""

    title: str | None = Field(None, description="Its title; by default that of the run.")


class RunConfig(Section):
    """A run: the cells, and the stages that are wanted.

    Parameters
    ----------
    data
        The keys and sections of ``run.toml``, by name; ``reguloom run --print-schema`` describes each.
    """

    title: str | None = Field(None, description="What the run is called.")
    output: Path = Field(Path("run"), description="Folder of the results.")
    seed: Count = Field(0, description="Root seed of every stage.")
    input: InputSection
    grn: GrnSection | None = None
    ctx: CtxSection | None = None
    aucell: AucellSection | None = None
    binarize: BinarizeSection | None = None
    rss: RssSection | None = None
    oracle: OracleSection | None = None
    vectorfield: VectorfieldSection | None = None
    response: ResponseSection | None = None
    temporal: TemporalSection | None = None
    report: ReportSection | None = None

    @model_validator(mode="after")
    def _stages_have_what_they_need(self) -> RunConfig:
        """Refuse a stage whose input no other stage makes."""
        wrong = None
        if self.ctx is not None and self.grn is None and self.ctx.network is None:
            wrong = "[ctx] needs a network; add [grn], or give ctx.network"
        elif self.aucell is not None and self.ctx is None and self.aucell.regulons is None:
            wrong = "[aucell] needs regulons; add [ctx], or give aucell.regulons"
        elif (self.binarize or self.rss) is not None and self.aucell is None:
            wrong = f"[{'binarize' if self.binarize else 'rss'}] needs activities; add [aucell]"
        elif self.rss is not None and (self.rss.groupby or self.input.groupby) is None:
            wrong = "[rss] needs groups of cells; give rss.groupby or input.groupby"
        elif self.oracle is not None:
            wrong = self._oracle_lacks()
        if wrong is not None:
            raise ValueError(wrong)
        return self

    def _oracle_lacks(self) -> str | None:
        """Return what the knock-out screen lacks, or None."""
        oracle = self.oracle
        if oracle is None:
            return None
        if oracle.network == "regulons" and self.ctx is None and (self.aucell is None or self.aucell.regulons is None):
            return "[oracle] takes this run's regulons as its prior; add [ctx], or give oracle.network"
        if oracle.network == "grn" and self.grn is None:
            return "[oracle] takes this run's network as its prior; add [grn], or give oracle.network"
        if (oracle.basis or self.input.basis) is None:
            return "[oracle] needs an embedding; give oracle.basis or input.basis"
        return None
