"""The regulons: one row each, their targets and the motifs behind them."""

from __future__ import annotations

from typing import Any

import numpy as np

from reguloom import _keys
from reguloom.core import Regulons
from reguloom.report._payload import Payload, quantise
from reguloom.report._source import Source

MOST_TARGETS = 500
MOST_MOTIFS = 12
_MOTIF_COLUMNS = {
    "MotifID": "motif",
    "NES": "nes",
    "AUC": "auc",
    "MotifSimilarityQvalue": "q",
    "Annotation": "annotation",
}


def panel(source: Source, payload: Payload) -> dict[str, Any] | None:
    """Return the table of regulons with their targets and motifs; None without regulons.

    Parameters
    ----------
    source
        The pieces.
    payload
        Where the targets go.
    """
    regulons = source.regulons
    if regulons is None or not len(regulons):
        return None
    activity = source.activity
    rows = []
    motifs = _motifs(source, regulons)
    for one in regulons:
        channel = _keys.safe(one.name)
        known = activity is not None and channel in activity.columns
        rows.append(
            {
                "name": one.name,
                "tf": one.tf,
                "sign": one.sign,
                "n_targets": len(one),
                "nes": one.nes,
                "channel": channel,
                "activity": float(activity[channel].mean()) if activity is not None and known else None,
                "motifs": motifs[one.name],
            }
        )
    return {"rows": rows, "targets": _targets(regulons, payload), "most_targets": MOST_TARGETS}


def _targets(regulons: Regulons, payload: Payload) -> dict[str, Any]:
    """Return the strongest targets of every regulon: where each begins, the genes, and their weights."""
    genes: dict[str, int] = {}
    start, members, weights, tops = [0], [], [], []
    for one in regulons:
        order = np.argsort(-np.asarray(one.weights), kind="stable")[:MOST_TARGETS]
        members += [genes.setdefault(one.targets[i], len(genes)) for i in order]
        values = np.asarray(one.weights)[order]
        top = float(values.max()) if values.size else 0.0
        weights.append(quantise(values, "u1", low=0.0, high=top)[0])
        tops.append(top)
        start.append(len(members))
    return {
        "genes": list(genes),
        "start": start,
        "members": payload.add(members, "u4"),
        "weights": payload.add(np.concatenate(weights), "u1"),
        "tops": tops,
    }


def _motifs(source: Source, regulons: Regulons) -> dict[str, list[dict[str, Any]]]:
    """Return the best motifs of every regulon; their names alone where there is no motif table."""
    table = source.motif_table
    found: dict[str, list[dict[str, Any]]] = {
        one.name: [{"motif": name} for name in one.motifs[:MOST_MOTIFS]] for one in regulons
    }
    if table is None or table.empty:
        return found
    repressing = table["Context"].map(lambda names: "repressing" in names)
    by_factor = dict(iter(table.assign(_sign=np.where(repressing, -1, 1)).groupby(["TF", "_sign"], sort=False)))
    for one in regulons:
        rows = by_factor.get((one.tf, -1 if one.sign < 0 else 1))
        if rows is not None:
            best = rows.sort_values("NES", ascending=False, kind="stable").drop_duplicates("MotifID").head(MOST_MOTIFS)
            found[one.name] = best[list(_MOTIF_COLUMNS)].rename(columns=_MOTIF_COLUMNS).to_dict("records")
    return found
