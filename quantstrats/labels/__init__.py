"""Labels: what a learner is to learn, with the rows each label rests on; weights of labels that overlap; samples.

Made from a Market by ``direction``, ``drawdown_risk``, ``triple_barrier`` and ``meta``, laid beside features by
``samples``. An unknown future is missing, never a class. Every name loads on first use.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from quantstrats.lazy import lazily

if TYPE_CHECKING:
    from quantstrats.labels.barriers import Barriers, triple_barrier
    from quantstrats.labels.directions import direction
    from quantstrats.labels.drawdowns import drawdown_risk
    from quantstrats.labels.labels import DOWN, NEUTRAL, UP, Labels
    from quantstrats.labels.metalabels import meta
    from quantstrats.labels.overlaps import concurrency, return_attribution, uniqueness
    from quantstrats.labels.regimes import regime_thresholds
    from quantstrats.labels.sampling import Samples, samples
    from quantstrats.labels.sequential import draw_probabilities, sequential_bootstrap
    from quantstrats.labels.volatility import trailing_volatility
    from quantstrats.labels.weights import class_weights, time_decay

_HOMES = {
    "Barriers": "barriers",
    "DOWN": "labels",
    "Labels": "labels",
    "NEUTRAL": "labels",
    "Samples": "sampling",
    "UP": "labels",
    "class_weights": "weights",
    "concurrency": "overlaps",
    "direction": "directions",
    "draw_probabilities": "sequential",
    "drawdown_risk": "drawdowns",
    "meta": "metalabels",
    "regime_thresholds": "regimes",
    "return_attribution": "overlaps",
    "samples": "sampling",
    "sequential_bootstrap": "sequential",
    "time_decay": "weights",
    "trailing_volatility": "volatility",
    "triple_barrier": "barriers",
    "uniqueness": "overlaps",
}

__all__ = [
    "DOWN",
    "NEUTRAL",
    "UP",
    "Barriers",
    "Labels",
    "Samples",
    "class_weights",
    "concurrency",
    "direction",
    "draw_probabilities",
    "drawdown_risk",
    "meta",
    "regime_thresholds",
    "return_attribution",
    "samples",
    "sequential_bootstrap",
    "time_decay",
    "trailing_volatility",
    "triple_barrier",
    "uniqueness",
]

__getattr__, __dir__ = lazily(__name__, _HOMES)
