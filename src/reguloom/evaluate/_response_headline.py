"""The result in words: which models beat which baselines, by how much, how surely, and where nothing can be told."""

from __future__ import annotations

import numpy as np
import pandas as pd

from reguloom.evaluate._response_table import SCORE

SURE = 0.975


def headline(table: pd.DataFrame, suspects: list[str], n_splits: int) -> str:
    """Return the headline.

    Parameters
    ----------
    table
        The leaderboard.
    suspects
        Models that seem to have seen the answers.
    n_splits
        How many splits were scored.
    """
    everything = table[table["stratum"] == "all"]
    score = everything[everything["metric"] == SCORE].set_index("model")
    if score.empty:
        return "Nothing can be told here: on no headline metric do halves of the cells agree better than the mean does."
    told = everything[everything["headline"] & (everything["metric"] != SCORE)]
    n_test = int(told["n"].max())
    sentences = [_about(name, row, score, name in suspects) for name, row in score[score["kind"] == "model"].iterrows()]
    best = score[score["kind"] == "baseline"]["value"].idxmax()
    if not sentences:
        sentences = [f"Only baselines were compared; the best is {best!r} ({_signed(score.loc[best, 'value'])})."]
    sentences += _ceiling(score, best)
    blind = sorted(set(told.loc[~told["informative"].astype(bool), "metric"]))
    if blind:
        sentences.append(f"Uninformative here, so left out of the score: {', '.join(blind)}.")
    basis = f"(Score: share of the way from the mean baseline to perfection; {n_test} test units in {n_splits} split"
    return " ".join(sentences) + f" {basis}{'s' if n_splits > 1 else ''}.)"


def _signed(value: float) -> str:
    """Return a score with its sign."""
    return f"{value:+.2f}"


def _about(name: object, row: pd.Series, score: pd.DataFrame, suspect: bool) -> str:
    """Return one sentence about a model."""
    interval = f"[{row['difference_low']:+.2f}, {row['difference_high']:+.2f}]"
    best, own = row["best_baseline"], _signed(row["value"])
    if suspect:
        return (
            f"{name} ({own}) is closer to the test cells than a perfect prediction could be, so it has seen them: "
            "it is not ranked."
        )
    if row["certainty"] >= SURE:
        return f"{name} ({own}) beats every baseline, the best being {best!r}, by {row['difference']:.2f} {interval}."
    baselines = score[score["kind"] == "baseline"]["value"]
    beaten = baselines[baselines < row["value"]]
    above = ", ".join(repr(one) for one in baselines[baselines >= row["value"]].index)
    if row["difference"] > 0:
        ahead = f"is ahead of the best baseline {best!r} by {row['difference']:.2f}"
        return f"{name} ({own}) {ahead}, but not surely {interval}."
    if row["difference_high"] >= 0:
        behind = f"does not beat {best!r}: it is behind by {-row['difference']:.2f}"
        return f"{name} ({own}) {behind}, not surely {interval}."
    than = f"{above}: behind the best" if len(beaten) else f"every baseline: behind the best, {best!r},"
    rest = f" It is above {len(beaten)} of {len(baselines)} baselines." if len(beaten) else ""
    return f"{name} ({own}) is worse than {than} by {-row['difference']:.2f} {interval}.{rest}"


def _ceiling(score: pd.DataFrame, best: object) -> list[str]:
    """Say where the noise ceiling is, and if the best baseline stands at it."""
    controls = score[score["kind"] == "control"]["value"]
    if controls.empty or not np.isfinite(controls.iloc[0]):
        return []
    ceiling = float(controls.iloc[0])
    words = f"A technical duplicate of the experiment scores {_signed(ceiling)}"
    if float(score.loc[best, "value"]) >= ceiling:
        return [f"{words}, and the baseline {best!r} reaches that: there is nothing left to win."]
    return [f"{words}."]
