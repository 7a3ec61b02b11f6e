"""Returns: what a price made over some bars, and over the parts of one."""

from __future__ import annotations

from typing import TYPE_CHECKING

from quantstrats.features.bars import lag as before
from quantstrats.features.decay import whole
from quantstrats.features.definition import feature

if TYPE_CHECKING:
    from quantstrats.features.bars import Array, Bars

_MARKETS = "Campbell, Lo and MacKinlay (1997), The Econometrics of Financial Markets, sec. 1.4"
_MURPHY = "Murphy (1999), Technical Analysis of the Financial Markets, ch. 10"


@feature(source=_MARKETS, bars=2)
def simple_return(bars: Bars) -> Array:
    """Simple return: close / close of the bar before - 1."""
    return bars.simple_return


@feature(source=_MARKETS, bars=2)
def log_return(bars: Bars) -> Array:
    """Log return: ln(close / close of the bar before)."""
    return bars.log_return


@feature(source=_MARKETS, bars=lambda window: whole(window) + 1)
def cumulative_return(bars: Bars, window: int = 252) -> Array:
    """Cumulative return: close / close of ``window`` bars ago - 1.

    Over a window, not since the first bar, which would depend on where the data begin. A part, where ``roc`` is in per
    cent.
    """
    return bars.close / before(bars.close, window) - 1.0


@feature(source="lagged return, as of autoregressions; " + _MARKETS, bars=lambda lag: whole(lag, name="lag") + 2)
def lagged_return(bars: Bars, lag: int = 1) -> Array:
    """Lagged return: the simple return of the bar that was ``lag`` bars ago."""
    return before(bars.simple_return, lag)


@feature(source="Lou, Polk and Skouras (2019), A Tug of War, J. of Financial Economics 134", bars=2, needs=("ranges",))
def overnight_return(bars: Bars) -> Array:
    """Overnight return: open / close of the bar before - 1."""
    return bars.open / before(bars.close) - 1.0


@feature(source="Lou, Polk and Skouras (2019), A Tug of War, J. of Financial Economics 134", bars=1, needs=("ranges",))
def intraday_return(bars: Bars) -> Array:
    """Intraday return: close / open - 1."""
    return bars.close / bars.open - 1.0


def _skip_bars(window: int, skip: int) -> int:
    whole(skip, 0, "skip")
    return whole(window, skip + 1) + 1


@feature(source="Jegadeesh and Titman (1993), J. of Finance 48(1), sec. I", bars=_skip_bars)
def momentum_skip(bars: Bars, window: int = 252, skip: int = 21) -> Array:
    """Momentum without the last month: close of ``skip`` bars ago / close of ``window`` bars ago - 1."""
    return before(bars.close, skip) / before(bars.close, window) - 1.0


@feature(
    source="Gettleman and Marks (2006), Acceleration Strategies, working paper; over six months",
    bars=lambda window: 2 * whole(window) + 1,
)
def acceleration(bars: Bars, window: int = 126) -> Array:
    """Acceleration: the return over the last ``window`` bars, less that over the ``window`` bars before them."""
    latest = bars.close / before(bars.close, window) - 1.0
    return latest - before(latest, window)


@feature(source=_MURPHY, bars=lambda window: whole(window) + 1)
def roc(bars: Bars, window: int = 12) -> Array:
    """Rate of change: 100 (close / close of ``window`` bars ago - 1), in per cent."""
    return 100.0 * (bars.close / before(bars.close, window) - 1.0)


@feature(source=_MURPHY, bars=lambda window: whole(window) + 1, scale="price")
def momentum_change(bars: Bars, window: int = 10) -> Array:
    """Momentum as a difference of prices: close - close of ``window`` bars ago."""
    return bars.close - before(bars.close, window)
