"""Tuning: try parameters, keep the best, and enter every trial in the ledger.

Whatever is chosen because it scored best is a trial: a model's parameters, a stop, the confidence from which a signal
is followed. Honest statistics count them all.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, ClassVar

from quantstrats.checks import is_count
from quantstrats.config import describe
from quantstrats.errors import ConfigError, DataError, RunError, in_one_line
from quantstrats.hashing import hash_plain
from quantstrats.progress import stage
from quantstrats.research.samplers import Sampler, sampler_named
from quantstrats.research.space import Choices, Span, read_space
from quantstrats.runs.ledger import ledger_in_use

if TYPE_CHECKING:
    import pandas as pd

Dimensions = Mapping[str, Choices | Span]
COLUMNS = ("score", "status", "error")  # of the trials' frame, beside the parameters


@dataclass(frozen=True, eq=False)
class Tuned:
    """What came of trying.

    Attributes
    ----------
    best : dict or None
        The parameters that scored best, the first of equals; None where no trial has a score.
    score : float
        Theirs; NaN where there is none.
    trials : DataFrame
        A row per trial in their order, numbered from 1: the parameters, ``score``, ``status`` ("finished", "failed",
        or "repeated" where the same parameters were tried before, which is no new trial), and ``error``.
    """

    best: dict[str, Any] | None
    score: float
    trials: pd.DataFrame


@dataclass(frozen=True)
class Score:
    """What a trial scored.

    Attributes
    ----------
    value : float
        NaN where there is none: the trial failed.
    parts : tuple of float
        What it is the mean of; parts without a score are NaN. The best is sought among trials with the most scores.
    error : str
        Why there is none.
    raised : bool
        Whether it is an exception that ended the trial.
    """

    value: float
    parts: tuple[float, ...] = ()
    error: str = ""
    raised: bool = False

    @property
    def scored(self) -> int:
        """How many parts have a score."""
        return sum(not math.isnan(part) for part in self.parts)


def tune(
    objective: Callable[[dict[str, Any]], float],
    space: Mapping[str, Any],
    *,
    searched: str,
    data_hash: str = "",
    trials: int = 20,
    seed: int = 0,
    maximise: bool = True,
    sampler: Sampler = "tpe",
) -> Tuned:
    """Try parameters of any kind, such as a stop or a threshold, and return the best; each trial is in the ledger.

    Parameters
    ----------
    objective : callable
        Gives the score of parameters (a dict). NaN, an infinite score or an exception is a failed trial, but a
        ConfigError ends the search. A backtest enters itself in the ledger: in an objective it would count twice.
    space : mapping
        What may be tried for each parameter, as in :mod:`quantstrats.research.space`.
    searched : str
        What the parameters are of, for the ledger: the same text, data and parameters are one trial.
    data_hash : str, optional
        Hash of the data on which the objective scores, as ``market.content_hash``.
    trials : int, default 20
        How many.
    seed : int, default 0
        Draws them.
    maximise : bool, default True
        Whether more is better.
    sampler : {"tpe", "random"}, default "tpe"
        Optuna's tree-structured Parzen estimator (Bergstra et al. 2011), or values drawn at random, for which no
        package is needed.

    Returns
    -------
    Tuned

    Raises
    ------
    ConfigError
        If the space or another setting makes no sense, or Optuna is missing.
    DataError
        If every trial ended with an exception.
    RunError
        If the ledger cannot be written.
    """
    dimensions = read_space(space)

    def key(parameters: dict[str, Any]) -> str:
        return hash_plain([searched, data_hash, plain(parameters)])

    def score(parameters: dict[str, Any]) -> Score:
        return Score(float(objective(parameters)))

    return run_trials(
        score, dimensions, key, searched=searched, data_hash=data_hash, trials=trials, seed=seed, maximise=maximise,
        sampler=sampler,
    )  # fmt: skip


def run_trials(
    score: Callable[[dict[str, Any]], Score],
    dimensions: Dimensions,
    key: Callable[[dict[str, Any]], str],
    *,
    searched: str,
    data_hash: str,
    trials: int,
    seed: int,
    maximise: bool,
    sampler: Sampler,
) -> Tuned:
    """Try parameters and enter each trial in the ledger of the run within which this is called; see :func:`tune`.

    Parameters
    ----------
    score : callable
        Gives the score of parameters.
    dimensions : mapping
        What :func:`quantstrats.research.space.read_space` returned.
    key : callable
        Gives a hash of all that the score of parameters depends on.
    searched, data_hash, trials, seed, maximise, sampler
        As in :func:`tune`.
    """
    if not is_count(trials) or trials < 1:
        raise ConfigError(f"trials is {trials!r}; give a whole number of at least 1")
    if not is_count(seed) or seed < 0:
        raise ConfigError(f"seed is {seed!r}; give a whole number, not negative")
    for name in dimensions:
        if name in COLUMNS:
            raise ConfigError(f"a parameter cannot be called {name!r}, which the trials' frame has of its own")
    suggested = sampler_named(sampler, dimensions, seed, maximise)
    known: dict[str, Score] = {}
    rows: list[tuple[dict[str, Any], Score, str]] = []
    with stage("searching", trials) as done:
        for _ in range(trials):
            parameters = suggested.next()
            name = key(parameters)
            repeated = name in known
            if not repeated:
                known[name] = _entered(score, parameters, name, searched, data_hash)
            found = known[name]
            suggested.tell(found.value)
            status = "failed" if math.isnan(found.value) else "finished"
            rows.append((parameters, found, "repeated" if repeated else status))
            done()
    if all(found.raised for found in known.values()):
        first = next(iter(known.values())).error
        raise DataError(f"search over {searched!r}: every trial failed, the first with {first}")
    return _tuned(rows, maximise)


def plain(parameters: Mapping[str, Any]) -> dict[str, Any]:
    """Return parameters as plain data; a model among them as its name and fields.

    Raises
    ------
    ConfigError
        If one holds something that plain data cannot carry.
    """
    found: dict[str, Any] = describe(_Trial(dict(parameters)))["parameters"]
    return found


@dataclass(frozen=True)
class _Trial:
    name: ClassVar[str] = "a trial"
    parameters: dict[str, Any]


def _entered(
    score: Callable[[dict[str, Any]], Score], parameters: dict[str, Any], key: str, searched: str, data_hash: str
) -> Score:
    """Return the score of parameters, which the ledger knows of from before it is computed."""
    ledger, trial = ledger_in_use()
    try:
        with ledger.trying(searched, plain(parameters), data_hash=data_hash, key=key, trial=trial) as number:
            found = score(parameters)
            ledger.scored(number, _some(found))
    except _NoScoreError as none:
        return none.score
    except (ConfigError, RunError):  # what every further trial would meet with too
        raise
    except Exception as error:  # whatever a library thinks of these parameters
        return Score(math.nan, error=in_one_line(error), raised=True)
    return found


class _NoScoreError(Exception):
    """A trial has no score; it passes through the ledger, which enters why."""

    def __init__(self, score: Score) -> None:
        super().__init__(score.error)
        self.score = score


def _some(found: Score) -> float:
    if not math.isfinite(found.value):
        what = "not a number" if math.isnan(found.value) else f"{found.value}, which no trial can be compared with"
        raise _NoScoreError(replace(found, value=math.nan, error=found.error or f"the score is {what}"))
    return found.value


def _tuned(rows: list[tuple[dict[str, Any], Score, str]], maximise: bool) -> Tuned:
    import pandas as pd

    table = [
        {
            **parameters,
            "score": found.value,
            **{f"fold_{place}": part for place, part in enumerate(found.parts, start=1)},
            "status": status,
            "error": found.error,
        }
        for parameters, found, status in rows
    ]
    index = pd.RangeIndex(1, len(rows) + 1, name="trial")
    frame = pd.DataFrame(table, index=index)
    scored = [(parameters, found) for parameters, found, _ in rows if not math.isnan(found.value)]
    if not scored:
        return Tuned(None, math.nan, frame)
    sign = 1.0 if maximise else -1.0
    parameters, found = max(scored, key=lambda each: (each[1].scored, sign * each[1].value))
    return Tuned(parameters, found.value, frame)
