"""Which papers to cite for what was run."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from reguloom._errors import InputError

#: method → the papers it stands on (first author, journal, year, DOI).
PAPERS: dict[str, tuple[str, ...]] = {
    "grnboost2": ("Moerman et al., Bioinformatics 35:2159 (2019), doi:10.1093/bioinformatics/bty916",),
    "genie3": ("Huynh-Thu et al., PLoS ONE 5:e12776 (2010), doi:10.1371/journal.pone.0012776",),
    "extratrees": (
        "Geurts et al., Machine Learning 63:3 (2006), doi:10.1007/s10994-006-6226-1",
        "Huynh-Thu et al., PLoS ONE 5:e12776 (2010), doi:10.1371/journal.pone.0012776",
    ),
    "partial_correlation": (
        "Schäfer & Strimmer, Stat. Appl. Genet. Mol. Biol. 4:32 (2005), doi:10.2202/1544-6115.1175",
    ),
    "cistarget": (
        "Aibar et al., Nature Methods 14:1083 (2017), doi:10.1038/nmeth.4463",
        "Verfaillie et al., F1000Research 4:1113 (2015), i-cisTarget; Herrmann et al., NAR 40:e114 (2012), "
        "doi:10.1093/nar/gks543",
    ),
    "aucell": ("Aibar et al., Nature Methods 14:1083 (2017), doi:10.1038/nmeth.4463",),
    "scenic": (
        "Aibar et al., Nature Methods 14:1083 (2017), doi:10.1038/nmeth.4463",
        "Van de Sande et al., Nature Protocols 15:2247 (2020), doi:10.1038/s41596-020-0336-2",
    ),
    "rss": ("Suo et al., Cell Reports 25:1436 (2018), doi:10.1016/j.celrep.2018.10.045",),
    "oracle": (
        "Kamimoto et al., Nature 614:742 (2023), doi:10.1038/s41586-022-05688-9",
        "La Manno et al., Nature 560:494 (2018), doi:10.1038/s41586-018-0414-6",
    ),
    "gears": ("Roohani, Huang & Leskovec, Nature Biotechnology 42:927 (2024), doi:10.1038/s41587-023-01905-6",),
    "cpa": ("Lotfollahi et al., Molecular Systems Biology 19:e11517 (2023), doi:10.15252/msb.202211517",),
    "scgen": ("Lotfollahi, Wolf & Theis, Nature Methods 16:715 (2019), doi:10.1038/s41592-019-0494-8",),
    "latent-additive": ("Wu et al., PerturBench, arXiv:2408.10609 (2024), doi:10.48550/arXiv.2408.10609",),
    "linear": ("Ahlmann-Eltze, Huber & Anders, Nature Methods (2025), doi:10.1038/s41592-025-02772-6",),
    "dip": ("Hartigan & Hartigan, Annals of Statistics 13:70 (1985), doi:10.1214/aos/1176346577",),
}


def citations(result: Any = None) -> list[str]:
    """Return the papers to cite for a result, or for everything that reguloom can do.

    Parameters
    ----------
    result
        A Network, Regulons or Prediction, the name of a method, or an AnnData that reguloom wrote to. None lists all.

    Returns
    -------
    One line per paper, each once.

    Raises
    ------
    InputError
        If `result` carries no record of how it was made.

    Examples
    --------
    >>> citations("rss")
    ['Suo et al., Cell Reports 25:1436 (2018), doi:10.1016/j.celrep.2018.10.045']
    """
    methods = list(PAPERS) if result is None else _methods(result)
    lines = [line for method in methods for line in PAPERS.get(method, ())]
    return list(dict.fromkeys(lines))


def _methods(result: Any) -> list[str]:
    """Return the names of the methods that made `result`."""
    from reguloom.core import Provenance

    if isinstance(result, str):
        if result not in PAPERS:
            msg = f"there is no method {result!r}; known are {', '.join(PAPERS)}."
            raise InputError(msg)
        return [result]
    if hasattr(result, "uns"):
        return _methods_of_adata(result)
    provenance = getattr(result, "provenance", None)
    if not isinstance(provenance, Provenance):
        msg = f"a {type(result).__name__} carries no record of how it was made; give a result of reguloom's or a name."
        raise InputError(msg)
    return [part.strip() for part in provenance.method.split("+")]


def _methods_of_adata(adata: Any) -> list[str]:
    """Return the methods whose traces are in an AnnData."""
    from reguloom import _keys
    from reguloom.core import Provenance

    methods: list[str] = []
    for key in (_keys.GRN, _keys.REGULONS):
        held = adata.uns.get(key)
        # Another program may keep something of its own under that name.
        text = held.get("provenance") if isinstance(held, Mapping) else None
        if text:
            methods += [part.strip() for part in str(Provenance.from_json(str(text)).method).split("+")]
    found = adata.uns.get(_keys.AUCELL)
    summary = found if isinstance(found, Mapping) else {}
    if _keys.AUCELL in adata.obsm:
        methods.append("aucell")
    if "thresholds" in summary:
        methods.append("dip")
    if any(str(key).startswith("rss_") for key in summary):
        methods.append("rss")
    return methods
