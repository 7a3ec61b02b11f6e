"""Features: numbers per row and symbol, each a published formula over bars, for signals and learners.

``compute(market, ["rsi", "atr(window=20)"])`` gives a frame of rows x (feature, symbol), ``warmup(names)`` the rows
that it takes. Every name loads on first use.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from quantstrats.lazy import lazily

if TYPE_CHECKING:
    from quantstrats.features.bars import Bars, lag, ratio
    from quantstrats.features.catalogue import find, shipped
    from quantstrats.features.computing import compute, possible, warmup
    from quantstrats.features.decay import bars_until_faded, ema_bars, wilder_bars
    from quantstrats.features.definition import Feature, feature
    from quantstrats.features.rescaled_range import hurst_of_noise

_HOMES = {
    "Bars": "bars",
    "Feature": "definition",
    "bars_until_faded": "decay",
    "compute": "computing",
    "ema_bars": "decay",
    "feature": "definition",
    "find": "catalogue",
    "hurst_of_noise": "rescaled_range",
    "lag": "bars",
    "possible": "computing",
    "ratio": "bars",
    "shipped": "catalogue",
    "warmup": "computing",
    "wilder_bars": "decay",
}

__all__ = [
    "Bars",
    "Feature",
    "bars_until_faded",
    "compute",
    "ema_bars",
    "feature",
    "find",
    "hurst_of_noise",
    "lag",
    "possible",
    "ratio",
    "shipped",
    "warmup",
    "wilder_bars",
]

__getattr__, __dir__ = lazily(__name__, _HOMES)
