"""samples: features and labels side by side, a row per decision, as models take them."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from quantstrats.checks import is_count
from quantstrats.errors import ConfigError, DataError
from quantstrats.labels.given import like, numbers
from quantstrats.labels.labels import Labels
from quantstrats.labels.overlaps import uniqueness

if TYPE_CHECKING:
    import pandas as pd
    from numpy.typing import ArrayLike, NDArray

    Array = NDArray[np.float64]
    Rows = NDArray[np.intp]


@dataclass(frozen=True, eq=False)
class Samples:
    """Features and labels side by side, ordered by row, then by symbol.

    Attributes
    ----------
    inputs : array of float64, shape (samples, features) or (samples, steps, features)
        Features as they were on the sample's row; of steps the last is that row.
    labels : array of float64, shape (samples,)
        Class of each; NaN throughout where there are no labels.
    start, end : array of int, shape (samples,)
        First and last row of the interval on which each label rests; the sample's own row where there are no labels.
    row, column : array of int, shape (samples,)
        Where each sample stands: positions in ``index`` and ``symbols``.
    names : tuple of str
        The features, in the order of the last dimension of ``inputs``.
    index, symbols : Index
        Rows and symbols that the samples were taken from.
    weight : array of float64, shape (samples,), or None
        How much each counts.
    """

    inputs: Array
    labels: Array
    start: Rows
    end: Rows
    row: Rows
    column: Rows
    names: tuple[str, ...]
    index: pd.Index
    symbols: pd.Index
    weight: Array | None = None

    def __len__(self) -> int:
        return len(self.row)

    def take(self, indices: ArrayLike) -> Samples:
        """Return the samples at these positions, in this order; or those where a mask is True.

        Raises
        ------
        DataError
            If there is no such sample, the mask is not one value per sample, or indices are neither.
        """
        chosen = _positions(indices, len(self))
        each = {name: getattr(self, name)[chosen] for name in ("inputs", "labels", "start", "end", "row", "column")}
        return replace(self, **each, weight=None if self.weight is None else self.weight[chosen])

    def frame(self, values: ArrayLike) -> pd.DataFrame:
        """Return numbers of the samples, one each, as rows x symbols; NaN where there is no sample.

        Raises
        ------
        DataError
            If there is not one number per sample.
        """
        import pandas as pd

        given = numbers(values, "values")
        if given.shape != (len(self),):
            raise DataError(f"values are of shape {given.shape}; give one number per sample, {len(self):,}")
        laid = np.full((len(self.index), len(self.symbols)), np.nan)
        laid[self.row, self.column] = given
        return pd.DataFrame(laid, self.index, self.symbols)

    def uniqueness(self) -> Array:
        """Return the average uniqueness of each label among those of its symbol, as :func:`uniqueness` tells it.

        It counts the rows from the one after the decision on, which is where a holder earns: labels of successive rows
        that each last one row do not overlap.
        """
        return uniqueness(np.minimum(self.start + 1, self.end), self.end, self.column)

    def with_weight(self, weight: ArrayLike) -> Samples:
        """Return the same samples with other weights.

        Raises
        ------
        DataError
            If there is not one weight per sample, or one is negative or missing.
        """
        given = numbers(weight, "weight")
        if given.shape != (len(self),):
            raise DataError(f"weight is of shape {given.shape}; give one per sample, {len(self):,}")
        if not (np.isfinite(given) & (given >= 0.0)).all():
            raise DataError("weight holds a number that is negative or missing; give numbers of 0 or more")
        return replace(self, weight=given)

    def __repr__(self) -> str:
        shape = " x ".join(f"{count:,}" for count in self.inputs.shape[1:])
        return f"<Samples: {len(self):,} of {shape}, from {len(self.index):,} rows x {len(self.symbols):,} symbols>"


def samples(features: pd.DataFrame, labels: Labels | None = None, steps: int | None = None) -> Samples:
    """Lay features and labels side by side, a sample per row and symbol.

    With labels, the rows and symbols that have one; a sample may lack features, and models leave it out then. Without,
    for a forecast, those that have any feature.

    Parameters
    ----------
    features : DataFrame
        Rows x (feature, symbol), as :func:`quantstrats.features.compute` returns.
    labels : Labels, optional
        Of the same rows and symbols.
    steps : int, optional
        For models that know of order: each sample has so many successive rows of its symbol, the oldest first and its
        own last; NaN before the first row.

    Raises
    ------
    ConfigError
        If ``steps`` makes no sense.
    DataError
        If features are not such a frame, or labels are of other rows or symbols.
    """
    import pandas as pd

    if steps is not None and (not is_count(steps) or steps < 1):
        raise ConfigError(f"steps is {steps!r}; give a whole number of rows, at least 1")
    names, symbols, values = _cube(features)
    if labels is None:
        present = ~np.isnan(values).all(axis=1)
        row, column = (each.astype(np.intp) for each in np.nonzero(present))
        known, start, end = np.full(len(row), np.nan), row, row
    else:
        _check_labels(labels)
        grid = pd.DataFrame(np.empty((len(features), len(symbols))), features.index, symbols)
        given = like(grid, labels.values, "labels")
        places = symbols.get_indexer(labels.values.columns).argsort()
        target = numbers(given, "labels")
        row, column = (each.astype(np.intp) for each in np.nonzero(~np.isnan(target)))
        known, start, end = target[row, column], *(each[row, places[column]] for each in (labels.start, labels.end))
    inputs = values[row, :, column] if steps is None else _sequences(values, row, column, steps)
    return Samples(inputs, known, start, end, row, column, names, features.index, symbols)


def _positions(indices: ArrayLike, count: int) -> Rows:
    """Return positions among so many samples, of positions or of a mask."""
    given = np.asarray(indices)
    if given.ndim == 1 and given.dtype == bool:
        if len(given) != count:
            raise DataError(f"the mask has {len(given):,} values; give one per sample, {count:,}")
        return np.flatnonzero(given)
    if given.ndim != 1 or (given.size and given.dtype.kind not in "iu"):
        raise DataError(
            f"indices are {given.dtype} of shape {given.shape}; give positions of samples, or a mask with True and "
            "False for each"
        )
    beyond = given[(given < -count) | (given >= count)]
    if len(beyond):
        raise DataError(f"there is no sample {beyond[0]}; there are {count:,}, from 0 on")
    return np.arange(count)[given.astype(np.intp)]


def _check_labels(labels: object) -> None:
    """Check that these are Labels, and say how to come by some."""
    import pandas as pd

    if isinstance(labels, Labels):
        return
    if isinstance(labels, dict) and labels and all(isinstance(each, Labels) for each in labels.values()):
        last = list(labels)[-1]
        raise DataError(f"labels are a dict of several, by {', '.join(map(str, labels))}; give one, as in risk[{last}]")
    if isinstance(labels, pd.DataFrame):
        raise DataError("labels are a DataFrame; labels.Labels.of(frame, horizon) makes Labels of it")
    raise DataError(f"labels are of type {type(labels).__name__}; give Labels, as labels.direction(market) returns")


def _cube(features: pd.DataFrame) -> tuple[tuple[str, ...], pd.Index, Array]:
    """Return feature names, symbols, and values of shape (rows, features, symbols)."""
    import pandas as pd

    columns = getattr(features, "columns", None)
    if not isinstance(columns, pd.MultiIndex) or list(columns.names) != ["feature", "symbol"]:
        raise DataError(
            "features are no frame with columns of two levels, feature and symbol; give what features.compute returned"
        )
    names, symbols = (columns.get_level_values(level).unique() for level in ("feature", "symbol"))
    whole = pd.MultiIndex.from_product([names, symbols], names=columns.names)
    if columns.has_duplicates or len(whole) != len(columns):
        odd = columns[columns.duplicated()] if columns.has_duplicates else whole.difference(columns)
        problem = "more than once" if columns.has_duplicates else "not at all"
        raise DataError(f"features have {odd[0][0]} of {odd[0][1]} {problem}; each is needed once for each symbol")
    ordered = features if columns.equals(whole) else features[whole]
    values = ordered.to_numpy("float64").reshape(len(features), len(names), len(symbols))
    return tuple(map(str, names)), symbols, values


def _sequences(values: Array, row: Rows, column: Rows, steps: int) -> Array:
    """Return the last ``steps`` rows of each sample, shape (samples, steps, features), NaN before the first row."""
    found = np.full((len(row), steps, values.shape[1]), np.nan)
    for step in range(steps):
        before = row - (steps - 1 - step)
        there = before >= 0
        found[there, step] = values[before[there], :, column[there]]
    return found
