"""Served: what a learner's models said of the rows that they served, beside what came true."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from quantstrats.errors import DataError
from quantstrats.models.preparing import flat

if TYPE_CHECKING:
    import pandas as pd
    from numpy.typing import NDArray

    from quantstrats.labels.labels import Labels
    from quantstrats.learning.refits import Refit
    from quantstrats.market.market import Market

    Array = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Served:
    """What a learner's fitted model said of the rows that it served, which lie after those that it learned from.

    Attributes
    ----------
    refit : Refit
        The rows and bars that the fit served.
    signal : Signal
        The fitted signal.
    inputs : array of float64, shape (samples, features) or (samples, steps, features)
        Of the served rows and symbols whose label is known by now.
    labels : array of float64, shape (samples,)
        What came true.
    forecast : DataFrame
        What the signal forecast on the served rows, rows x symbols.
    """

    refit: Refit
    signal: Any
    inputs: Array
    labels: Array
    forecast: pd.DataFrame

    @property
    def answered(self) -> bool:
        """Whether the signal's field ``model``, a FittedModel, has an answer for any of these rows."""
        learned = self.signal.model.outcome == "fitted"
        return learned and bool(np.isfinite(flat(self.inputs)).all(axis=1).any())

    def some(self, most: int) -> Served:
        """Return at most so many of the samples, evenly spaced, for what takes its time."""
        kept = np.unique(np.linspace(0, len(self.labels) - 1, min(most, len(self.labels))).astype(np.intp))
        return replace(self, inputs=self.inputs[kept], labels=self.labels[kept])


def served(
    market: Market, names: Sequence[str] | Callable[[Market], pd.DataFrame], labels: Labels, steps: int | None = None
) -> list[Served]:
    """Return what each refit of a learner served, in their order, without those that learned nothing.

    Parameters
    ----------
    market : Market
        What a learner's ``details`` gets, with ``refits`` and ``forecast``.
    names : sequence of str, or callable
        The features that the learner looks at; or what makes them of a market, rows x (feature, symbol).
    labels : Labels
        What came true, of the whole market.
    steps : int, optional
        As in :func:`quantstrats.labels.samples`.

    Raises
    ------
    DataError
        If the market has no forecast.
    """
    forecast = market.forecast
    if forecast is None:
        raise DataError("served: the market has no forecast; give it what details() gets")
    return [_served(refit, forecast, names, labels, steps) for refit in market.refits if refit.signal is not None]


def _served(
    refit: Refit,
    forecast: pd.DataFrame,
    names: Sequence[str] | Callable[[Market], pd.DataFrame],
    labels: Labels,
    steps: int | None,
) -> Served:
    from quantstrats import features
    from quantstrats.labels.sampling import samples

    slice_ = refit.market
    table = names(slice_) if callable(names) else features.compute(slice_, names)
    asked = samples(table, steps=steps)
    came = labels.values.reindex(index=slice_.index, columns=slice_.symbols).to_numpy()[asked.row, asked.column]
    kept = (slice_.index >= refit.start)[asked.row] & ~np.isnan(came)
    rows = forecast.loc[refit.start : refit.stop]
    return Served(refit, refit.signal, asked.inputs[kept], came[kept], rows)
