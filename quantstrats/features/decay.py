"""How many bars a recursive formula needs until what came before weighs nothing."""

from __future__ import annotations

import math
from functools import lru_cache

WEIGHT = 1e-9  # what may be left of all that came before
LONGEST = 1 << 20  # bars that a formula may take


@lru_cache(maxsize=1024)
def bars_until_faded(alpha: float, stages: int = 1) -> int:
    """Return after how many bars of ``y += alpha (x - y)``, ``stages`` times in a row, the start weighs below 1e-9.

    What is left after n bars of a start at 1 in all s stages, followed by zeros, is (1 - alpha)^n times the sum over
    k < s of C(n + k - 1, k) alpha^k: each stage takes the one before it as it stands on the same bar.

    Raises
    ------
    ValueError
        If alpha is not above 0 and at most 1.
    """
    if not 0.0 < alpha <= 1.0:
        raise ValueError(f"a smoothing factor of {alpha:g} is not above 0 and at most 1")
    if alpha == 1.0:
        return stages

    def left(bars: int) -> float:
        return (1.0 - alpha) ** bars * sum(math.comb(bars + k - 1, k) * alpha**k for k in range(stages))

    high = 2 * stages
    while left(high) > WEIGHT:
        high *= 2
        if high > LONGEST:
            raise ValueError(f"a smoothing factor of {alpha:g} never forgets within a million bars")
    low = high // 2
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if left(middle) > WEIGHT else (low, middle)
    return high


def ema_bars(window: int, stages: int = 1, name: str = "window") -> int:
    """Return the bars of an exponential average of ``window`` bars, alpha = 2 / (window + 1), ``stages`` in a row.

    Raises
    ------
    ValueError
        That names the parameter, if the window is shorter than a bar, or so long that its average never forgets.
    """
    return _of_window(window, 2.0 / (whole(window, name=name) + 1.0), stages, name)


def wilder_bars(window: int, stages: int = 1, name: str = "window") -> int:
    """Return the bars of Wilder's average of ``window`` bars, alpha = 1 / window, ``stages`` in a row; as ema_bars."""
    return _of_window(window, 1.0 / whole(window, name=name), stages, name)


def _of_window(window: int, alpha: float, stages: int, name: str) -> int:
    try:
        return bars_until_faded(alpha, stages)
    except ValueError:
        raise ValueError(
            f"{name} is {window:,}; its average never forgets within a million bars, choose a shorter one"
        ) from None


def whole(window: int, least: int = 1, name: str = "window") -> int:
    """Return a window that is at least ``least`` bars.

    Raises
    ------
    ValueError
        If it is shorter.
    """
    if window < least:
        raise ValueError(f"{name} is {window}; it must be at least {least}")
    return window
