"""Features in which a model is fitted again on the way; they are computed only where they are named.

A model is fitted at the first bar of each stretch of time, 96 bars' lengths (about a quarter of daily bars), on the
``window`` bars before it, none of the stretch itself, and serves until the next. Stretches begin on the same bars
wherever the data do.
"""

from __future__ import annotations

import math
import warnings
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

import numpy as np

from quantstrats.errors import ConfigError
from quantstrats.features.bars import BLOCK, lag
from quantstrats.features.decay import whole
from quantstrats.features.definition import feature
from quantstrats.features.fitted_kernels import filtered_regimes, fit_regimes, garch_variances

if TYPE_CHECKING:
    from quantstrats.features.bars import Array, Bars

_BLOCKS = 3  # to a stretch
_PER_CENT = 100.0  # returns are in per cent: sizes near 1 suit the search for the largest likelihood
_STILL = 1e-6  # per cent: returns that vary by less do not vary
_ROUNDS, _GAIN = 5_000, 1e-6  # of the regimes' likelihood: at most so many, until its logarithm gains less


def _stretched(window: int, least: int) -> int:
    """Return the bars that a value of the last bar of a stretch rests on: its own, the window's, one more close."""
    return whole(window, least) + _BLOCKS * BLOCK + 1


def _stretches(bars: Bars, row: int, needed: int) -> Iterator[tuple[int, int]]:
    """Yield the first bar of each stretch of a symbol, and the first after it, where ``needed`` bars are before it."""
    known = int((~np.isnan(bars.close[row])).sum())
    stretch = bars.block[row, :known] // _BLOCKS
    begins = np.flatnonzero(np.diff(stretch) != 0) + 1
    for begin, end in zip(begins, np.append(begins, known)[1:], strict=True):
        if begin >= needed:
            yield int(begin), int(end)


def _on_stretches(bars: Bars, needed: int, serve: Callable[[int, int, int], Array | None]) -> Array:
    """Return what ``serve(symbol, begin, end)`` gives for the bars of each stretch; NaN where it gives nothing."""
    out = np.full(bars.shape, np.nan)
    for row in range(len(out)):
        for begin, end in _stretches(bars, row, needed):
            values = serve(row, begin, end)
            if values is not None:
                out[row, begin:end] = values
    return out


@feature(
    source="Bollerslev (1986), Generalized Autoregressive Conditional Heteroskedasticity, J. of Econometrics 31(3), "
    "307-327",
    bars=lambda window: _stretched(window, 100),
    fitted=True,
)
def garch_volatility(bars: Bars, window: int = 504) -> Array:
    """GARCH(1,1) forecast: volatility of the next bar, per year, of a model fitted every 96 bars' lengths.

    variance' = omega + alpha (return - mean)^2 + beta variance, by maximum likelihood of normal log returns, on the
    ``window`` returns before the stretch; the recursion goes on from there to the present bar. Missing on stretches
    whose fit fails or does not converge. A fit takes some 15 milliseconds.
    """
    returns = _PER_CENT * bars.log_return
    scale = math.sqrt(bars.bars_per_year) / _PER_CENT

    def serve(row: int, begin: int, end: int) -> Array | None:
        found = _garch(returns[row, begin - window : begin])
        if found is None:
            return None
        mean, residual, variance, *weights = found
        residuals = np.concatenate([[residual], returns[row, begin:end] - mean])
        return scale * np.sqrt(garch_variances(residuals, variance, *weights)[1:])

    return _on_stretches(bars, window + 1, serve)


def _garch(returns: Array) -> tuple[float, ...] | None:
    """Return a fit's mean, the last residual and its variance, and omega, alpha, beta; None where it fails."""
    from arch import arch_model

    if returns.std() < _STILL:
        return None
    model = arch_model(returns, mean="Constant", vol="GARCH", p=1, q=1, dist="normal", rescale=False)
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")
        try:
            fit = model.fit(disp="off", show_warning=False)
        except (ValueError, ArithmeticError, np.linalg.LinAlgError):
            return None
    mean, omega, alpha, beta = (float(each) for each in fit.params)
    found = mean, float(fit.resid[-1]), float(fit.conditional_volatility[-1]) ** 2, omega, alpha, beta
    return found if fit.convergence_flag == 0 and np.isfinite(found).all() else None


@feature(
    source="Hamilton (1989), Econometrica 57(2), 357-384, and (1990), J. of Econometrics 45, 39-70; of variances as by "
    "Turner, Startz and Nelson (1989), J. of Financial Economics 25(1), 3-22",
    bars=lambda window: _stretched(window, 100),
    fitted=True,
)
def regime_probability(bars: Bars, window: int = 504) -> Array:
    """Probability that volatility is in the higher of two regimes, 0 to 1, of a model fitted every 96 bars' lengths.

    Log returns off their mean are normal, with one variance or another, and regimes follow a Markov chain. Fitted
    by maximum likelihood on the ``window`` returns before the stretch, and filtered from there to the present bar:
    of returns up to it, not smoothed by later ones. Missing on stretches whose fit does not converge. A fit takes
    some 15 milliseconds.
    """
    returns = _PER_CENT * bars.log_return

    def serve(row: int, begin: int, end: int) -> Array | None:
        past = returns[row, begin - window : begin]
        if past.std() < _STILL:
            return None
        regimes = fit_regimes(past - past.mean(), _ROUNDS, _GAIN)
        return filtered_regimes(returns[row, begin - window : end] - past.mean(), regimes)[window:]

    return _on_stretches(bars, window + 1, serve)


_LONGER = 5  # bars of the longer return that a forest looks at


def _forest_bars(window: int, trees: int, seed: int) -> int:
    whole(trees, 1, "trees")
    whole(seed, 0, "seed")
    return _stretched(window, 32) + _LONGER - 1


@feature(
    source="Liu, Ting and Zhou (2008), Isolation Forest, Proc. of the 8th IEEE International Conference on Data "
    "Mining, 413-422",
    bars=_forest_bars,
    fitted=True,
)
def isolation_forest(bars: Bars, window: int = 252, trees: int = 100, seed: int = 1) -> Array:
    """Isolation forest: how usual a bar is, from -0.4 or so towards -1 for outliers; fitted every 96 bars' lengths.

    Of the log return, that of 5 bars, ln(open / close before) and ln(high / low). The forest of ``trees`` trees is
    grown from ``seed`` on the ``window`` bars before the stretch. Needs scikit-learn. A fit takes some 100
    milliseconds.
    """
    last = lag(bars.close)
    seen = np.stack(
        [
            bars.log_return,
            np.log(bars.close / lag(bars.close, _LONGER)),
            np.log(bars.open / last),
            np.log(bars.high / bars.low),
        ],
        axis=-1,
    )
    forest = _forest()

    def serve(row: int, begin: int, end: int) -> Array:
        fitted = forest(n_estimators=trees, random_state=seed).fit(seen[row, begin - window : begin])
        scores: Array = fitted.score_samples(seen[row, begin:end])
        return scores

    return _on_stretches(bars, window + _LONGER, serve)


def _forest() -> Any:
    from quantstrats.importing import how_to_install

    try:
        from sklearn.ensemble import IsolationForest
    except ImportError as missing:
        raise ConfigError(
            f"feature 'isolation_forest' needs scikit-learn, which is not installed{how_to_install(missing)}"
        ) from None
    return IsolationForest
