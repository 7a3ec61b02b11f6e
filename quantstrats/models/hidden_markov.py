"""HiddenMarkov: normal observations whose mean and covariance depend on a hidden state that comes and goes."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import numpy as np

from quantstrats.errors import ConfigError, DataError
from quantstrats.models.preparing import NothingLearnedError, Outcome

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

    Array = NDArray[np.float64]

_NAME = "hidden_markov"
_FEWEST_ROWS = 10  # to a state
# Of scaled observations: a state that sits on a few rows would be ever more likely the narrower it is.
_LEAST_VARIANCE = 1e-3
_LEAST_CHANCE = 1e-8  # of any switch: what never happened yet may happen
_KEPT = 0.95  # how likely a state stays, where the search begins
_FIRST_ROUNDS = 30  # of every start
_LARGEST = 1e100  # what is beyond has no square, and counts as missing


@dataclass(frozen=True, eq=False)
class FittedHiddenMarkov:
    """The states that were found, from the least to the most volatile; storable without running code.

    Attributes
    ----------
    means : array of float64, shape (states, dimensions)
        Of the observations in each state.
    covariances : array of float64, shape (states, dimensions, dimensions)
        Of the observations in each state.
    transition : array of float64, shape (states, states)
        How likely each state (row) is followed by each (column); rows sum to 1.
    log_likelihood : float
        Of the rows of the fit, as it was when the search ended.
    outcome : {"fitted", "too few rows", "no usable feature"}
        What came of the fit. All but the first learned nothing: every probability is NaN.
    notes : tuple of str
        What was left out and why, a line each.
    """

    means: Array
    covariances: Array
    transition: Array = field(repr=False)
    log_likelihood: float = field(repr=False)
    outcome: Outcome
    notes: tuple[str, ...]

    def filtered(self, observations: ArrayLike) -> Array:
        """Return how likely each state is on each row, from the rows up to it, shape (rows, states).

        Never smoothed: no row knows of later ones. Before the first row the states are as likely as in the long run
        (:attr:`long_run`); a row with a missing or infinite number tells nothing, and the chain goes on by itself.
        The states of a model that learned nothing are NaN.

        Parameters
        ----------
        observations : array, shape (rows, dimensions) or (rows,)
            In the order of time.

        Raises
        ------
        DataError
            If rows are of another width than those of the fit.
        """
        return self._followed(observations)[0]

    def log_likelihood_of(self, observations: ArrayLike) -> float:
        """Return the logarithm of the likelihood of these rows, of which the first follows the long run.

        Raises
        ------
        DataError
            If rows are of another width than those of the fit.
        """
        return self._followed(observations)[1]

    @property
    def long_run(self) -> Array:
        """How likely each state is where nothing is known of the rows before, shape (states,)."""
        states = len(self.transition)
        if self.outcome != "fitted":
            return np.full(states, np.nan)
        # The left eigenvector: probabilities that a step leaves as they are, and that sum to 1.
        equations = np.vstack([self.transition.T - np.eye(states), np.ones(states)])
        found: Array = np.linalg.lstsq(equations, np.append(np.zeros(states), 1.0))[0]
        return found

    @property
    def expected_rows(self) -> Array:
        """How many rows each state lasts on average, shape (states,): 1 / (1 - how likely it stays)."""
        return 1.0 / (1.0 - np.diag(self.transition))

    def _followed(self, observations: ArrayLike) -> tuple[Array, float]:
        from quantstrats.models.hidden_markov_kernels import filtered_states

        given = _rows_of(observations)
        if given.shape[1] != self.means.shape[1]:
            raise DataError(
                f"model {_NAME!r}: rows have {given.shape[1]} numbers, and it was fitted on rows of "
                f"{self.means.shape[1]}; ask with the same"
            )
        if self.outcome != "fitted":
            return np.full((len(given), len(self.means)), np.nan), np.nan
        return filtered_states(_log_densities(given, self.means, self.covariances), self.long_run, self.transition)


@dataclass(frozen=True, kw_only=True)
class HiddenMarkov:
    """A recipe: normal observations in hidden states that follow a Markov chain; ``fit`` finds them.

    Maximum likelihood by the algorithm of Baum, Petrie, Soules and Weiss (1970), Annals of Mathematical Statistics
    41(1), 164-171, with normal densities as Hamilton (1990), J. of Econometrics 45, 39-70. The search climbs to the
    nearest summit, so it begins at several places: once where the rows are told apart by their size alone, then at
    random. After some rounds the highest of these climbs on alone. States are ordered by their volatility, so that
    state 0 is the calm one after each refit.

    A state that was left once and never seen again would be gone for good: no switch to it was seen, so none would
    ever be likely. So each switch counts as seen ``switches`` times more than it was, a Dirichlet prior as of Hamilton
    (1991), J. of Business and Economic Statistics 9(1), 27-39, A Quasi-Bayesian Approach.

    Parameters
    ----------
    states : int, default 2
        How many there are, at least 2.
    switches : float, default 1
        How often each switch between two states counts as seen besides, and each stay; 0 is maximum likelihood.
    starts : int, default 5
        Where the search begins, at least 1.
    rounds : int, default 1000
        Of a search at most; a note says where it was not over by then.
    gain : float, default 1e-6
        In the logarithm of the likelihood: a search is over when a round gains less.
    seed : int, default 0
        Of the starts that are drawn at random.

    Raises
    ------
    ConfigError
        If a parameter is out of its range.
    """

    states: int = 2
    switches: float = 1.0
    starts: int = 5
    rounds: int = 1000
    gain: float = 1e-6
    seed: int = 0

    def __post_init__(self) -> None:
        for name, least in (("states", 2), ("starts", 1), ("rounds", 1)):
            if getattr(self, name) < least:
                raise ConfigError(f"model {_NAME!r}: {name} is {getattr(self, name)}; it is at least {least}")
        if not 0.0 < self.gain < np.inf:
            raise ConfigError(f"model {_NAME!r}: gain is {self.gain}; it is a number above 0")
        if not 0.0 <= self.switches < np.inf:
            raise ConfigError(f"model {_NAME!r}: switches is {self.switches}; it is a number of at least 0")

    def fit(self, observations: ArrayLike) -> FittedHiddenMarkov:
        """Find the states.

        Parameters
        ----------
        observations : array, shape (rows, dimensions) or (rows,)
            In the order of time. A row with a missing or infinite number tells nothing of its state.

        Returns
        -------
        FittedHiddenMarkov
            Also where nothing can be learned: its ``outcome`` and ``notes`` say why.

        Raises
        ------
        DataError
            If the observations are no table of numbers.
        """
        given = _rows_of(observations)
        known = _known(given)
        notes = [f"{(~known).sum()} rows tell nothing: a number is missing"] if not known.all() else []
        try:
            centre, scale = self._scaling(given[known])
        except NothingLearnedError as why:
            return self._nothing(given.shape[1], why.outcome, (*notes, why.note))
        scaled = (given - centre) / scale
        rng = np.random.default_rng(self.seed)
        first = min(_FIRST_ROUNDS, self.rounds)
        found = [self._climbed(scaled, known, start, first) for start in self._starts(scaled, known, rng)]
        best = self._climbed(scaled, known, max(found, key=lambda each: each.height), self.rounds - first)
        if not best.over:
            notes.append(f"the search was not over after {self.rounds} rounds")
        order = np.argsort(np.trace(best.covariances, axis1=1, axis2=2), kind="stable")
        return FittedHiddenMarkov(
            means=best.means[order] * scale + centre,
            covariances=best.covariances[order] * np.outer(scale, scale),
            transition=best.transition[np.ix_(order, order)],
            # A density of scaled numbers is so many times that of the numbers as given.
            log_likelihood=best.log_likelihood - float(known.sum() * np.log(scale).sum()),
            outcome="fitted",
            notes=tuple(notes),
        )

    def _scaling(self, given: Array) -> tuple[Array, Array]:
        if len(given) < _FEWEST_ROWS * self.states:
            needed = _FEWEST_ROWS * self.states
            raise NothingLearnedError("too few rows", f"{len(given)} rows; {self.states} states take at least {needed}")
        centre, scale = given.mean(axis=0), given.std(axis=0)
        still = scale <= 1e-12 * np.abs(given).max(axis=0)
        if still.any():
            raise NothingLearnedError("no usable feature", f"dimension {int(np.argmax(still))} is constant")
        return centre, scale

    def _nothing(self, width: int, outcome: Outcome, notes: tuple[str, ...]) -> FittedHiddenMarkov:
        states = self.states
        return FittedHiddenMarkov(
            means=np.full((states, width), np.nan),
            covariances=np.full((states, width, width), np.nan),
            transition=np.full((states, states), np.nan),
            log_likelihood=np.nan,
            outcome=outcome,
            notes=notes,
        )

    def _starts(self, scaled: Array, known: NDArray[np.bool_], rng: np.random.Generator) -> list[_Place]:
        """Return where the searches begin: rows told apart by their size, then at random."""
        rows = scaled[known]
        width, states = rows.shape[1], self.states
        by_size = np.array_split(np.argsort((rows**2).sum(axis=1), kind="stable"), states)
        sizes = np.array([(rows[each] ** 2).mean() for each in by_size])
        kept = np.full((states, states), (1.0 - _KEPT) / (states - 1))
        np.fill_diagonal(kept, _KEPT)
        found = []
        for start in range(self.starts):
            if start == 0:
                means, spread = np.zeros((states, width)), np.maximum(sizes, _LEAST_VARIANCE)
            else:
                means = rows[rng.integers(len(rows), size=states)]
                spread = np.exp(rng.normal(0.0, 1.0, states))
            found.append(_Place(means, spread[:, None, None] * np.eye(width), kept, np.full(states, 1.0 / states)))
        return found

    def _climbed(self, scaled: Array, known: NDArray[np.bool_], start: _Place, rounds: int) -> _Place:
        """Return the summit above a place, or how far towards it so many rounds lead."""
        from quantstrats.models.hidden_markov_kernels import expected_states

        at, last = start, replace(start, height=-np.inf)
        for _ in range(rounds):
            surprise = _log_densities(scaled, at.means, at.covariances)
            likely, switches, total = expected_states(surprise, at.initial, at.transition)
            height = total + self.switches * float(np.log(at.transition).sum())
            if height - last.height < self.gain:
                return replace(at, height=height, log_likelihood=total, over=True)
            last = replace(at, height=height, log_likelihood=total)
            at = _updated(at, scaled[known], likely[known], likely[0], switches + self.switches)
        return last


@dataclass(frozen=True, eq=False)
class _Place:
    """What a search is at: states of scaled observations, how likely each was on the first row, and how high that is.

    The height is the log likelihood, and that of the switches which count as seen besides.
    """

    means: Array
    covariances: Array
    transition: Array
    initial: Array
    height: float = -np.inf
    log_likelihood: float = -np.inf
    over: bool = False


def _rows_of(observations: ArrayLike) -> Array:
    """Return observations as rows x dimensions."""
    try:
        given = np.asarray(observations, dtype="float64")
    except (TypeError, ValueError):
        raise DataError(f"model {_NAME!r}: observations are no table of numbers") from None
    if given.ndim == 1:
        given = given[:, None]
    if given.ndim != 2 or given.shape[1] == 0:
        raise DataError(f"model {_NAME!r}: observations are of shape {given.shape}; give rows x dimensions")
    return np.where(np.abs(given) < _LARGEST, given, np.nan)


def _known(observations: Array) -> NDArray[np.bool_]:
    """Tell which rows have all their numbers."""
    return np.asarray(np.isfinite(observations).all(axis=1), dtype=bool)


def _log_densities(observations: Array, means: Array, covariances: Array) -> Array:
    """Return the logarithm of each row's normal density in each state; 0 where a number is missing."""
    known = _known(observations)
    found = np.zeros((len(observations), len(means)))
    for state, (mean, covariance) in enumerate(zip(means, covariances, strict=True)):
        root = np.linalg.cholesky(covariance)
        apart = np.linalg.solve(root, (observations[known] - mean).T)
        constant = len(mean) * np.log(2.0 * np.pi) + 2.0 * np.log(np.diag(root)).sum()
        found[known, state] = -0.5 * (constant + (apart**2).sum(axis=0))
    return found


def _updated(at: _Place, rows: Array, likely: Array, first: Array, switches: Array) -> _Place:
    """Return the states under which the expected rows and switches are most likely."""
    means, covariances = at.means.copy(), at.covariances.copy()
    for state, weight in enumerate(likely.T):
        if weight.sum() < 1e-9:  # no row is in this state: nothing moves it
            continue
        means[state] = weight @ rows / weight.sum()
        off = rows - means[state]
        covariances[state] = _not_too_narrow((weight[:, None] * off).T @ off / weight.sum())
    return _Place(means, covariances, _chances(switches), _chances(first))


def _not_too_narrow(covariance: Array) -> Array:
    """Return a covariance whose variances along its own axes are not below the least one."""
    variances, axes = np.linalg.eigh(covariance)
    raised: Array = (axes * np.maximum(variances, _LEAST_VARIANCE)) @ axes.T
    return raised


def _chances(expected: Array) -> Array:
    """Return numbers as probabilities along the last axis, none of them 0."""
    raised = expected + _LEAST_CHANCE * (1.0 + expected.sum(axis=-1, keepdims=True))
    chances: Array = raised / raised.sum(axis=-1, keepdims=True)
    return chances
