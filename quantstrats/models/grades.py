"""What probabilities were worth: against what came true, by the grade that they were given, and drawn over time."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np

from quantstrats import drawing

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure


def brier_table(chances: Mapping[str, pd.DataFrame], happened: Mapping[str, pd.DataFrame]) -> pd.DataFrame:
    """Return how good probabilities of several events were, a row for each.

    Parameters
    ----------
    chances : mapping of str to DataFrame
        By event: how likely it was, rows x symbols; NaN where nothing was told.
    happened : mapping of str to DataFrame
        By event: 1.0 where it came, 0.0 where it did not, NaN where nobody knows.

    Returns
    -------
    DataFrame
        ``told`` (how often both are known), ``came true`` (the share of them), ``mean told``, ``Brier`` (the mean
        squared difference, Brier 1950), ``of the share`` (the same of always telling the share that came true, which
        nobody knew beforehand), and ``skill``, 1 - Brier / of the share: below 0 is worse than that share.
    """
    import pandas as pd

    rows = {}
    for event, chance in chances.items():
        told, came = _both(chance, happened[event])
        share = came.mean() if len(came) else np.nan
        brier, of_share = (np.mean((guess - came) ** 2) if len(came) else np.nan for guess in (told, share))
        rows[event] = {
            "told": len(came),
            "came true": share,
            "mean told": told.mean() if len(came) else np.nan,
            "Brier": brier,
            "of the share": of_share,
            "skill": 1.0 - brier / of_share if of_share > 0 else np.nan,
        }
    return pd.DataFrame.from_dict(rows, orient="index").rename_axis("event")


def grade_table(
    values: pd.DataFrame, happened: Mapping[str, pd.DataFrame], grades: Mapping[str, float]
) -> pd.DataFrame:
    """Return what came true of each grade of a number.

    Parameters
    ----------
    values : DataFrame
        The number, rows x symbols; NaN where there is none.
    happened : mapping of str to DataFrame
        By event: 1.0 where it came, 0.0 where it did not, NaN where nobody knows.
    grades : mapping of str to float
        From the lowest: what each is called, and the number above which it begins. A number at a border belongs below.

    Returns
    -------
    DataFrame
        By ``grade``: ``share`` of the numbers, their ``mean``, and per event the share of times that it came.
    """
    import pandas as pd

    numbers = values.to_numpy()
    all_known, places = ~np.isnan(numbers), _places(numbers, grades)
    rows = {}
    for place, grade in enumerate(grades):
        graded = all_known & (places == place)
        row = {
            "share": graded.sum() / max(int(all_known.sum()), 1),
            "mean": numbers[graded].mean() if graded.any() else np.nan,
        }
        for event, came in happened.items():
            known = came.reindex_like(values).to_numpy()[graded]
            known = known[~np.isnan(known)]
            row[event] = known.mean() if len(known) else np.nan
        rows[grade] = row
    return pd.DataFrame.from_dict(rows, orient="index").rename_axis("grade")


@drawing.house_style()
def graded_picture(values: pd.Series, grades: Mapping[str, float], *, top: float, label: str = "") -> Figure:
    """Return a figure of a number over time before a band for each grade, with the share of rows in it on its right.

    Parameters
    ----------
    values : Series
        By time; NaN where there is none.
    grades : mapping of str to float
        From the lowest: what each is called, and the number above which it begins. A number at a border belongs below.
    top : float
        Where the highest grade ends.
    label : str, optional
        Of the numbers' axis.
    """
    figure, (axes,) = drawing.new_figure()
    borders = [*grades.values(), top]
    numbers = values.to_numpy("float64")
    places = _places(numbers[~np.isnan(numbers)], grades)
    for place, grade in enumerate(grades):
        low, high = borders[place], borders[place + 1]
        share = (places == place).sum() / max(len(places), 1)
        axes.axhspan(low, high, color=drawing.COLOURS[place % len(drawing.COLOURS)], alpha=0.13, linewidth=0.0)
        axes.text(1.01, (low + high) / 2, f"{grade}\n{share:.0%}", transform=axes.get_yaxis_transform(), va="center")
    axes.plot(values.index, numbers, color=drawing.INK, linewidth=0.9)
    axes.set_ylim(borders[0], top)
    axes.set_ylabel(label)
    return figure


def _places(numbers: np.ndarray, grades: Mapping[str, float]) -> np.ndarray:
    """Return the position of each number's grade; the first one's border bounds nothing."""
    return np.searchsorted(list(grades.values())[1:], numbers, side="left")


def _both(chance: pd.DataFrame, came: pd.DataFrame) -> tuple[np.ndarray, np.ndarray]:
    """Return what was told and what came, where both are known."""
    told, true = chance.to_numpy().ravel(), came.reindex_like(chance).to_numpy().ravel()
    known = ~np.isnan(told) & ~np.isnan(true)
    return told[known], true[known]
