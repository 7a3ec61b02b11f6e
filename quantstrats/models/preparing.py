"""Preparing: what a model is fitted on and asked, checked, cleaned and scaled."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from quantstrats.errors import DataError

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

    Array = NDArray[np.float64]
    Codes = NDArray[np.intp]

Outcome = Literal["fitted", "one class", "too few rows", "no usable feature"]
FEWEST_ROWS = 10  # from which a model learns
FEWEST_OF_A_CLASS = 2
_MOST_NAMED = 10  # in a note
# Larger than any scaled number that a model learned from; libraries that calculate in single precision still take it.
_LARGEST = 1e30
_SMALLEST_WEIGHT = 1e-30  # beside a weight of 1; in single precision less would be none


class NothingLearnedError(Exception):
    """Nothing can be learned from these rows; it becomes the outcome of the fit and its last note."""

    def __init__(self, outcome: Outcome, note: str) -> None:
        super().__init__(note)
        self.outcome: Outcome = outcome
        self.note = note


@dataclass(frozen=True)
class Training:
    """What a model learns from, checked and cleaned: finite, no constant column, at least two classes.

    Attributes
    ----------
    inputs : array of float64, shape (rows, features) or (rows, steps, features)
        Scaled to mean 0 and standard deviation 1; with steps only where the model reads them in their order.
    codes : array of int, shape (rows,)
        Positions of the labels among ``classes``.
    classes : tuple of float
        The labels that occur, ascending.
    weight : array of float64, shape (rows,)
        Weights above 0, with mean 1.
    start, end : array, shape (rows,), or None
        First and last row (of the market) on which each label's interval lies; without them labels do not overlap.
    notes : list of str
        A model adds what it wants to be told of the fit.
    """

    inputs: Array
    codes: Codes
    classes: tuple[float, ...]
    weight: Array
    start: Codes | None
    end: Codes | None
    notes: list[str] = field(default_factory=list)

    @property
    def intervals(self) -> tuple[Codes, Codes]:
        """First and last row of each label; where none are given, each lies on a row of its own, in order."""
        if self.start is None or self.end is None:
            row = np.arange(len(self.codes))
            return row, row
        return self.start, self.end


@dataclass(frozen=True, eq=False)
class Given:
    """What a fit is given, as arrays of one length.

    Attributes
    ----------
    inputs : array of float64, shape (rows, features) or (rows, steps, features)
        May be missing or infinite.
    labels : array of float64, shape (rows,)
        May be missing.
    weight : array of float64, shape (rows,)
        Finite, not negative.
    start, end : array, shape (rows,), or None
        Both or none.
    """

    inputs: Array
    labels: Array
    weight: Array
    start: Codes | None
    end: Codes | None

    def take(self, rows: NDArray[np.bool_]) -> Given:
        """Return the rows where a mask is True."""
        start, end = (None if each is None else each[rows] for each in (self.start, self.end))
        return Given(self.inputs[rows], self.labels[rows], self.weight[rows], start, end)


@dataclass(frozen=True, eq=False)
class Scaling:
    """Which columns are used, and how they are scaled.

    Attributes
    ----------
    kept : array of int
        Their positions along the last axis.
    center, scale : array of float64
        Mean and standard deviation of each on the rows of the fit.
    """

    kept: Codes
    center: Array
    scale: Array

    def applied(self, inputs: Array) -> Array:
        """Return the columns that are used, scaled; what is missing or infinite is NaN."""
        used = inputs[..., self.kept]
        with np.errstate(over="ignore", invalid="ignore"):
            scaled = np.clip((used - self.center) / self.scale, -_LARGEST, _LARGEST)
        return np.where(np.isfinite(used), scaled, np.nan)


def checked(
    model: str,
    inputs: ArrayLike,
    labels: ArrayLike,
    weight: ArrayLike | None = None,
    start: ArrayLike | None = None,
    end: ArrayLike | None = None,
) -> Given:
    """Return what a fit is given, as arrays.

    Raises
    ------
    DataError
        If these are not numbers, shapes do not agree, a weight is negative or missing, one of ``start`` and ``end`` is
        given without the other, or a label ends before it starts.
    """
    values = features(model, inputs)
    target = _numbers(model, "labels", labels)
    weights = np.ones(len(target)) if weight is None else _numbers(model, "weight", weight)
    if (start is None) != (end is None):
        raise DataError(f"model {model!r}: one of start and end is missing; give both, or none")
    first, last = (None if each is None else np.asarray(each) for each in (start, end))
    for name, each in (("labels", target), ("weight", weights), ("start", first), ("end", last)):
        if each is not None and each.shape != (len(values),):
            raise DataError(f"model {model!r}: {name} is of shape {each.shape}; give {len(values):,}, one per row")
    if not (np.isfinite(weights) & (weights >= 0.0)).all():
        raise DataError(f"model {model!r}: weight has a negative or missing number; give numbers of 0 or more")
    if first is not None and last is not None and len(first):
        _check_intervals(model, first, last)
    return Given(values, target, weights, first, last)


def features(model: str, inputs: ArrayLike) -> Array:
    """Return features as an array.

    Raises
    ------
    DataError
        If they are not numbers of shape (rows, features) or (rows, steps, features).
    """
    values = _numbers(model, "inputs", inputs)
    if values.ndim not in (2, 3):
        raise DataError(f"model {model!r}: inputs are of shape {values.shape}; give (rows, features) or (rows, steps, "
                        "features)")  # fmt: skip
    return values


def flat(inputs: NDArray[Any]) -> NDArray[Any]:
    """Return steps side by side, shape (rows, steps x features)."""
    return inputs.reshape(len(inputs), math.prod(inputs.shape[1:]))


def cleaned(given: Given, notes: list[str]) -> tuple[Given, Scaling]:
    """Leave out what cannot be learned from, and say how the rest is scaled.

    Left out are rows without a label, of weight 0, or with a missing feature; classes of a single row; columns that are
    missing in every row, or constant.

    Parameters
    ----------
    given : Given
        Rows of any kind.
    notes : list of str
        Is added to: what is left out.

    Returns
    -------
    Given
        The rows, with all columns.
    Scaling
        The columns.

    Raises
    ------
    NothingLearnedError
        If too little is left.
    """
    count = len(given.labels)
    given, there = _whole(given, notes)
    given = _without_rare_classes(given, notes)
    classes = np.unique(given.labels)
    if len(classes) == 1 and len(given.labels) >= FEWEST_ROWS:
        raise NothingLearnedError("one class", f"all {len(given.labels):,} rows are of class {classes[0]:g}")
    _check_rows(len(given.labels), count)
    return given, _scaling(given.inputs, there, notes)


def cleaned_targets(given: Given, notes: list[str]) -> tuple[Given, Scaling, tuple[float, float]]:
    """Do the same where labels are no classes but numbers, and return their mean and standard deviation too.

    Raises
    ------
    NothingLearnedError
        If too little is left.
    """
    count = len(given.labels)
    given, there = _whole(given, notes)
    _check_rows(len(given.labels), count)
    center, scale, varies = _moments(given.labels[:, None])
    if not varies.all():
        raise NothingLearnedError("one class", f"all {len(given.labels):,} targets are {given.labels[0]:g}")
    return given, _scaling(given.inputs, there, notes), (float(center[0]), float(scale[0]))


def _whole(given: Given, notes: list[str]) -> tuple[Given, NDArray[np.bool_]]:
    """Return the rows with a label, a weight and all features, and which columns are not missing in every row."""
    given = _without(given, ~np.isfinite(given.labels), "have no label", notes)
    least = _SMALLEST_WEIGHT * given.weight.max(initial=0.0)
    given = _without(given, given.weight <= least, "have the weight 0", notes)
    finite = np.isfinite(given.inputs)
    there = np.asarray(finite.any(axis=tuple(range(finite.ndim - 1))))
    if len(given.labels):
        _note_columns(~there, "missing in every row", notes)
        whole = np.asarray(flat(finite[..., there]).all(axis=1))
        given = _without(given, ~whole, "lack a feature", notes)
    return given, there


def _check_rows(left: int, count: int) -> None:
    if left < FEWEST_ROWS:
        raise NothingLearnedError(
            "too few rows", f"{left:,} of {count:,} rows are left; at least {FEWEST_ROWS} are needed"
        )


def weights_of_mean_1(weight: Array) -> Array:
    """Return weights in the same proportions, with mean 1."""
    relative = weight / weight.max()  # their sum may be too large for a number
    scaled: Array = relative / relative.mean()
    return scaled


def _numbers(model: str, name: str, values: ArrayLike) -> Array:
    try:
        return np.asarray(values, dtype="float64")
    except (TypeError, ValueError):
        raise DataError(f"model {model!r}: {name} are not numbers of one shape; give an array of numbers") from None


def _check_intervals(model: str, start: Codes, end: Codes) -> None:
    from quantstrats.splits.intervals import intervals

    try:
        intervals(start, end)
    except DataError as wrong:
        raise DataError(f"model {model!r}: {wrong}") from None


def _without(given: Given, rows: NDArray[np.bool_], why: str, notes: list[str]) -> Given:
    if not rows.any():
        return given
    notes.append(f"{rows.sum():,} of {len(rows):,} rows {why} and are left out")
    return given.take(~rows)


def _without_rare_classes(given: Given, notes: list[str]) -> Given:
    classes, place, counts = np.unique(given.labels, return_inverse=True, return_counts=True)
    rare = counts < FEWEST_OF_A_CLASS
    if not rare.any():
        return given
    named = _named([f"{each:g}" for each in classes[rare]])
    continuous = rare.sum() > _MOST_NAMED
    why = "; labels are to be classes, not numbers that hardly any two rows share" if continuous else ""
    notes.append(f"classes of a single row are left out: {named}{why}")
    return given.take(~rare[place])


def _named(names: list[str]) -> str:
    """Return the first of some names, and how many more there are."""
    more = f" and {len(names) - _MOST_NAMED:,} more" if len(names) > _MOST_NAMED else ""
    return f"{', '.join(names[:_MOST_NAMED])}{more}"


def _scaling(inputs: Array, there: NDArray[np.bool_], notes: list[str]) -> Scaling:
    rows = inputs.reshape(math.prod(inputs.shape[:-1]), inputs.shape[-1])[:, there]
    center, scale, varies = _moments(rows)
    constant = there.copy()
    constant[there] = ~varies
    _note_columns(constant, "constant", notes)
    kept = np.flatnonzero(there)[varies]
    if len(kept) == 0:
        raise NothingLearnedError("no usable feature", f"of {len(there):,} columns none varies")
    return Scaling(kept, center[varies], scale[varies])


def _moments(rows: Array) -> tuple[Array, Array, NDArray[np.bool_]]:
    """Return mean and standard deviation of each column, and whether it varies."""
    largest = np.abs(rows).max(axis=0, initial=0.0)
    unit = np.where(largest > 0.0, largest, 1.0)  # squares of the largest numbers would be none
    center, scale = (rows / unit).mean(axis=0), (rows / unit).std(axis=0)
    return center * unit, scale * unit, scale > 10 * np.finfo("float64").eps  # else it is rounding


def _note_columns(columns: NDArray[np.bool_], why: str, notes: list[str]) -> None:
    if columns.any():
        named = _named([str(each) for each in np.flatnonzero(columns)])
        notes.append(f"columns that are {why} are left out (the first is 0): {named}")
