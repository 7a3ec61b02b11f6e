"""Search: a model's parameters, chosen by purged cross-validation within the rows that it may learn from."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Generic, Literal, TypeVar, get_args, get_type_hints

from quantstrats.checks import is_count
from quantstrats.config import describe, validated
from quantstrats.errors import ConfigError, DataError, did_you_mean
from quantstrats.hashing import hash_array, hash_parts, hash_plain
from quantstrats.models.base import Model
from quantstrats.models.preparing import checked
from quantstrats.models.scores import MEASURES, Measure
from quantstrats.research.space import Choices, Span, read_space
from quantstrats.research.tuning import Score, plain, run_trials

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd
    from numpy.typing import ArrayLike, NDArray

    from quantstrats.research.samplers import Sampler

M = TypeVar("M", bound=Model)
Outcome = Literal["searched", "too few rows", "nothing learned"]


@dataclass(frozen=True, eq=False)
class Search(Generic[M]):
    """What came of a search.

    Attributes
    ----------
    best : Model
        The model with the parameters that scored best, not fitted; with its own where nothing could be scored.
    score : float
        The mean score of its folds; NaN where nothing could be scored. It was chosen for being the best, so it is
        better than what is to be expected of it.
    trials : DataFrame
        A row per trial in their order: the parameters, ``score``, ``fold_1`` and so on (NaN where nothing was
        learned), ``status`` ("finished"; "failed"; "repeated" where the same was tried before), ``error``.
    outcome : {"searched", "too few rows", "nothing learned"}
        What came of it: too few rows for the folds, or no trial in which any fold learned something.
    """

    best: M
    score: float
    trials: pd.DataFrame
    outcome: Outcome


def search(
    model: M,
    space: Mapping[str, Any],
    samples: Any = None,
    *,
    inputs: ArrayLike | None = None,
    labels: ArrayLike | None = None,
    start: ArrayLike | None = None,
    end: ArrayLike | None = None,
    weight: ArrayLike | None = None,
    trials: int = 20,
    folds: int = 5,
    embargo: float = 0,
    seed: int = 0,
    score: str = "log_loss",
    sampler: Sampler = "tpe",
) -> Search[M]:
    """Try parameters of a model and return the best, scored on folds of these rows that purging keeps apart.

    Each trial is a row of the ledger, also a failed one; within a run it is counted with the run.

    Parameters
    ----------
    model : Model
        Its fields are the defaults of what is not searched for.
    space : mapping
        What may be tried for each field: a list of choices, ``(low, high)`` of whole numbers or of fractions,
        ``("log", low, high)``. A field of a model within the model is written with a dot: ``"model.max_depth"``.
    samples : Samples, optional
        What :func:`quantstrats.labels.samples` returned, or anything with ``inputs``, ``labels``, ``start``, ``end``
        and perhaps ``weight``; or give these by name.
    inputs : array, shape (rows, features) or (rows, steps, features)
        As a model takes them.
    labels : array, shape (rows,)
        Classes as numbers; rows of a missing one are left out.
    start, end : array of int, shape (rows,), optional
        The label's interval, in rows of the market, both or none; by default each label lies on a row of its own.
    weight : array, shape (rows,), optional
        How much each row counts, in fits and in scores.
    trials : int, default 20
        How many are tried.
    folds : int, default 5
        How many folds of successive rows, each scored by a fit on the others.
    embargo : int or float, default 0
        Rows after a fold that are not fitted on, or a share below 1 of all: at least as many as features look back.
    seed : int, default 0
        Draws what is tried; the model has a seed of its own.
    score : {"log_loss", "brier", "accuracy"}, default "log_loss"
        What is best: the lowest mean of -log of the true class's probability, the lowest Brier score (Brier 1950), or
        the largest share of rows whose most probable class is the true one.
    sampler : {"tpe", "random"}, default "tpe"
        Optuna's, which learns from the scores so far (Bergstra et al. 2011), or random values, which need no Optuna.

    Returns
    -------
    Search

    Raises
    ------
    ConfigError
        If a field or setting makes no sense, or a package is missing.
    DataError
        If what is given is no numbers or shapes do not agree, or every trial ended with an exception.
    RunError
        If the ledger cannot be written.
    """
    if not isinstance(model, Model):
        raise ConfigError(f"model is of type {type(model).__name__}; give one of quantstrats.models")
    if score not in MEASURES:
        raise ConfigError(f"score is {score!r}{did_you_mean(score, MEASURES)} (it can be {', '.join(MEASURES)})")
    if not is_count(folds) or folds < 2:
        raise ConfigError(f"folds is {folds!r}; give a whole number of at least 2")
    dimensions = read_space(space)
    for name, each in dimensions.items():
        _check_field(model, name, each)
    rows = _rows(model.name, samples, inputs=inputs, labels=labels, start=start, end=end, weight=weight)
    parts = rows.folds(folds, embargo)
    if parts is None:
        return _nothing(model, dimensions, "too few rows")
    data = rows.hash()
    scoring = [data, folds, embargo, score]

    def key(parameters: dict[str, Any]) -> str:
        return hash_plain([type(model).__qualname__, describe(model), plain(parameters), *scoring])

    def scored(parameters: dict[str, Any]) -> Score:
        candidate = _replaced(model, parameters)
        scores = tuple(_fold_score(candidate, rows, train, test, MEASURES[score]) for train, test in parts)
        return _mean(scores)

    tuned = run_trials(
        scored, dimensions, key, searched=model.name, data_hash=data, trials=trials, seed=seed,
        maximise=MEASURES[score].more_is_better,
        sampler=sampler,
    )  # fmt: skip
    if tuned.best is None:
        return Search(model, math.nan, tuned.trials, "nothing learned")
    return Search(_replaced(model, tuned.best), tuned.score, tuned.trials, "searched")


@dataclass(frozen=True)
class _Rows:
    """The rows with a label."""

    inputs: NDArray[np.float64]
    labels: NDArray[np.float64]
    start: NDArray[np.intp]
    end: NDArray[np.intp]
    weight: NDArray[np.float64]

    def folds(self, count: int, embargo: float) -> list[tuple[NDArray[np.intp], NDArray[np.intp]]] | None:
        """Return the rows to fit on and to score, by fold; None where there are too few for so many folds."""
        import numpy as np

        from quantstrats.splits import PurgedKFold

        if len(np.unique(self.start)) < count:
            return None
        splitter = PurgedKFold(self.start, self.end, count, embargo)
        try:
            return list(splitter.split(self.inputs))
        except DataError:  # beside some fold no row is left to fit on
            return None

    def hash(self) -> str:
        return hash_parts({each.name: hash_array(getattr(self, each.name)) for each in dataclasses.fields(self)})


def _rows(model: str, samples: Any, **given: ArrayLike | None) -> _Rows:
    import numpy as np

    found: dict[str, Any] = {
        name: getattr(samples, name, None) if value is None else value for name, value in given.items()
    }
    for name in ("inputs", "labels"):
        if found[name] is None:
            raise DataError(f"model {model!r}: there are no {name}; give samples, or inputs= and labels=")
    rows = checked(model, **found)
    own = np.arange(len(rows.labels))
    start, end = (own if each is None else each for each in (rows.start, rows.end))
    for name, each in (("start", start), ("end", end)):
        if each.dtype.kind not in "iu":
            raise DataError(f"model {model!r}: {name} holds {each.dtype}; give rows of the market as whole numbers")
    known = np.isfinite(rows.labels)
    return _Rows(rows.inputs[known], rows.labels[known], start[known], end[known], rows.weight[known])


def _fold_score(model: Model, rows: _Rows, train: NDArray[np.intp], test: NDArray[np.intp], measure: Measure) -> float:
    """Return the score of one fold; NaN where nothing was learned."""
    import numpy as np

    fitted = model.fit(
        rows.inputs[train],
        rows.labels[train],
        weight=rows.weight[train],
        start=rows.start[train],
        end=rows.end[train],
    )
    if fitted.outcome != "fitted":
        return math.nan
    chances = np.asarray(fitted.predict_proba(rows.inputs[test]))
    # A row with a missing feature has no forecast, and one without weight does not count.
    asked = np.isfinite(chances).all(axis=1) & (rows.weight[test] > 0)
    if not asked.any():
        return math.nan
    each = measure.of_rows(chances[asked], rows.labels[test][asked], np.asarray(fitted.classes))
    return float(np.average(each, weights=rows.weight[test][asked]))


def _mean(scores: tuple[float, ...]) -> Score:
    known = [each for each in scores if not math.isnan(each)]
    if not known:
        return Score(math.nan, scores, "nothing was learned in any fold")
    lacking = len(scores) - len(known)
    return Score(sum(known) / len(known), scores, f"nothing was learned in {lacking} of its folds" if lacking else "")


def _nothing(model: M, dimensions: Mapping[str, Choices | Span], outcome: Outcome) -> Search[M]:
    import pandas as pd

    columns = [*dimensions, "score", "status", "error"]
    return Search(model, math.nan, pd.DataFrame(columns=columns, index=pd.RangeIndex(0, name="trial")), outcome)


def _check_field(model: Any, name: str, tried: Choices | Span) -> None:
    """Check that a field is there, and that what is tried for it is of its type."""
    first, _, rest = name.partition(".")
    known = [field.name for field in dataclasses.fields(model) if field.init]
    who = f"space: model {model.name!r}"
    if first not in known:
        raise ConfigError(f"{who} has no field {first!r}{did_you_mean(first, known)} (it has {', '.join(known)})")
    if rest:
        inner = getattr(model, first)
        if not isinstance(inner, Model):
            raise ConfigError(f"{who} has no model in its field {first!r}, as {name!r} would need")
        _check_field(inner, rest, tried)
        return
    try:
        hint = get_type_hints(type(model))[first]
    except NameError:  # a type that is imported for type checking alone
        return
    where = f"space, parameter {name!r}"
    if hint is bool and not all(isinstance(value, bool) for value in tried.ends()):
        raise ConfigError(f"{where}: it is True or False; give a list of these, as in [False, True]")
    kinds = get_args(hint) or (hint,)
    if int in kinds and float not in kinds and isinstance(tried, Span) and not tried.whole:
        raise ConfigError(f"{where}: it takes whole numbers; give whole numbers as bounds")
    for value in tried.ends():
        validated(hint, value, where)


def _replaced(model: M, parameters: Mapping[str, Any]) -> M:
    """Return the model with these parameters."""
    own = {name: value for name, value in parameters.items() if "." not in name}
    for first in _inner(parameters):
        of_it = {name.partition(".")[2]: value for name, value in parameters.items() if name.startswith(f"{first}.")}
        own[first] = _replaced(own.get(first, getattr(model, first)), of_it)
    try:
        return dataclasses.replace(model, **own)
    except ConfigError as refused:  # one set of parameters is refused, not all
        raise ValueError(str(refused)) from refused


def _inner(parameters: Mapping[str, Any]) -> Iterator[str]:
    yield from dict.fromkeys(name.partition(".")[0] for name in parameters if "." in name)
