"""Calibration: probabilities that are as frequent as they say, learned from later rows than the model."""

from __future__ import annotations

from dataclasses import KW_ONLY, dataclass, replace
from typing import TYPE_CHECKING, Any, ClassVar, Literal, get_args

import numpy as np

from quantstrats.errors import ConfigError
from quantstrats.models.base import FittedModel, Model
from quantstrats.models.fields import check_choice, check_number, library
from quantstrats.models.preparing import FEWEST_ROWS, NothingLearnedError, weights_of_mean_1
from quantstrats.models.sigmoid import fit_sigmoid, held_back_for_curve, sigmoid

if TYPE_CHECKING:
    from quantstrats.models.preparing import Array, Codes, Training

Method = Literal["sigmoid", "isotonic"]
Curve = tuple[Any, Any]  # slope and intercept, or scores and the probabilities at them


@dataclass(frozen=True)
class Calibrated(Model):
    """A model whose probabilities are corrected by a curve that is fitted on later rows than the model.

    The latest rows are held back; the model learns from those before them whose labels do not overlap theirs, and the
    curve from what it says of them. Of more than two classes each has a curve against the others, and their sum is
    brought to 1 (Zadrozny and Elkan 2002). Rows are told apart wherever the model tells them apart, however near to 0
    or 1 (but for steps, which are level).

    What is random is drawn from the seed of ``model``, not from this one's.

    Parameters
    ----------
    model : Model
        What is calibrated.
    method : {"sigmoid", "isotonic"}, default "sigmoid"
        A sigmoid of the log-odds (after Platt 1999), for which a hundred rows do; or steps that never fall (Zadrozny
        and Elkan 2002), which take any shape and many more rows.
    share : float, default 0.25
        Share of the rows that is held back, by time the latest.
    embargo : int or float, default 0
        Least distance between the labels that are learned from and the rows held back: in rows of the market, or as a
        share of all.
    """

    name: ClassVar[str] = "calibrated"
    model: Model
    _: KW_ONLY
    method: Method = "sigmoid"
    share: float = 0.25
    embargo: float = 0

    def __post_init__(self) -> None:
        if not isinstance(self.model, Model):
            raise ConfigError(f"{self.name}: model is {self.model!r}; give one of quantstrats.models")
        check_choice(self, "method", get_args(Method))
        check_number(self, "share", above=0, most=0.9)
        check_number(self, "embargo", above=0, least=0)

    def _reads_steps(self) -> bool:
        return self.model._reads_steps()

    def _counts_weight(self) -> bool:
        return self.model._counts_weight()

    def _learn(self, training: Training) -> dict[str, Any]:
        head, tail = held_back_for_curve(training, self.share, self.embargo, "calibrate")
        fitted = fit_part(self.model, training, head)
        training.notes.extend(f"{self.model.name}: {note}" for note in fitted.notes)
        if fitted.outcome != "fitted":
            said = f"the {len(head):,} rows before those held back to calibrate: {fitted.notes[-1]}"
            raise NothingLearnedError(fitted.outcome, said)
        places = places_of(fitted)
        if len(places) < len(training.classes):
            training.notes.append("some classes are known from the rows held back alone; their probability is 0")
        chances = fitted.predict_proba(training.inputs[tail])
        rows = min(len(head), rows_behind(chances))
        scores = self._scores(chances, rows)
        curves = fit_curves(self.method, scores, places, training.codes[tail], training.weight[tail])
        return {
            "fitted": fitted,
            "rows": rows,
            "places": places,
            "classes": len(training.classes),
            "curves": curves,
        }

    def _chances(self, opened: dict[str, Any], inputs: Array) -> Array:
        fitted: FittedModel = opened["fitted"]
        said = fitted.predict_proba(inputs)
        chances = np.zeros((len(inputs), opened["classes"]))
        scores = self._scores(said, opened["rows"])
        chances[:, opened["places"]] = corrected(self.method, opened["curves"], scores, said)
        return chances

    def _scores(self, chances: Array, rows: float) -> Array:
        return log_odds(chances, rows) if self.method == "sigmoid" else chances


def fit_part(model: Model, training: Training, rows: Codes) -> FittedModel:
    """Fit a model on some of the rows; its classes are the positions among those of all, its notes tell of labels."""
    start, end = (None if each is None else each[rows] for each in (training.start, training.end))
    labels = np.asarray(training.classes)[training.codes[rows]]
    fitted = model.fit(training.inputs[rows], labels, weight=training.weight[rows], start=start, end=end)
    return replace(fitted, classes=tuple(float(training.classes.index(each)) for each in fitted.classes))


def places_of(fitted: FittedModel) -> list[int]:
    """Return where the classes of a model that :func:`fit_part` fitted stand among all."""
    return [int(each) for each in fitted.classes]


def rows_behind(chances: Array) -> float:
    """Return of how many rows a model's chances are shares if some are 0: 5, if the smallest of the others is 0.2."""
    smallest = np.minimum(chances, 1 - chances)
    counted = (smallest == 0).any()
    return float(1 / smallest[smallest > 0].min(initial=1.0)) if counted else np.inf


def log_odds(chances: Array, rows: float) -> Array:
    """Return log(p / (1 - p)) of chances that are shares of so many rows; finite where they are 0 or 1.

    It is taken of (rows p + 1/2) / (rows + 1), as if half a row more had been of the class and half a row not
    (Krichevsky and Trofimov 1981): so many rows make nothing certain, and no two chances become one, as they would
    beyond a bound.
    """
    odds: Array = np.log(rows * chances + 0.5) - np.log(rows * (1 - chances) + 0.5)
    return odds


def fit_curves(method: Method, scores: Array, places: list[int], codes: Codes, weight: Array) -> list[Curve]:
    """Return a curve for each class; of two classes for the second alone, whose complement is the first's.

    Parameters
    ----------
    method : {"sigmoid", "isotonic"}
        The kind of curve.
    scores : array, shape (rows, classes)
        The higher, the likelier the class.
    places : list of int
        The code of each class.
    codes : array of int, shape (rows,)
        What came true.
    weight : array, shape (rows,)
        How much each row counts.

    Raises
    ------
    NothingLearnedError
        If too few of the rows are of these classes. Those of others say nothing of them, and are not looked at.
    """
    known = np.isin(codes, places)
    scores, codes, weight = scores[known], codes[known], weight[known]
    if len(codes) < FEWEST_ROWS or len(np.unique(codes)) < 2:
        raise NothingLearnedError(
            "too few rows",
            f"of the {len(known):,} rows held back, {len(codes):,} are of classes that those before them have; at "
            f"least {FEWEST_ROWS} of two classes are needed",
        )
    fit = fit_sigmoid if method == "sigmoid" else fit_steps
    first = 1 if len(places) == 2 else 0
    mean_1 = weights_of_mean_1(weight)
    return [fit(scores[:, each], codes == places[each], mean_1) for each in range(first, len(places))]


def fit_steps(scores: Array, hits: Any, weight: Array) -> tuple[Array, Array]:
    """Return scores and the probabilities at them, never falling, by least squares (Ayer et al. 1955).

    No probability is closer to 0 or 1 than 1 / (rows + 2): so many rows do not make anything certain.
    """
    isotonic = library("sklearn.isotonic", "calibrated")
    least = 1 / (len(scores) + 2)
    curve = isotonic.IsotonicRegression(y_min=least, y_max=1 - least).fit(scores, hits.astype("float64"), weight)
    return curve.X_thresholds_, curve.y_thresholds_


def corrected(method: Method, curves: list[Curve], scores: Array, said: Array) -> Array:
    """Return probabilities, shape (rows, classes), of scores; where all would be 0, what was said."""
    of_class = sigmoid if method == "sigmoid" else np.interp
    if len(curves) == 1:
        second: Array = of_class(scores[:, 1], *curves[0])
        return np.column_stack([1.0 - second, second])
    raw = np.column_stack([of_class(scores[:, each], *curve) for each, curve in enumerate(curves)])
    total = raw.sum(axis=1, keepdims=True)
    chances: Array = np.where(total > 0, raw / np.where(total > 0, total, 1.0), said)
    return chances
