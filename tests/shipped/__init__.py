"""The signals that ship, each small enough to be asked often, and a market with everything that bars can lack."""

from __future__ import annotations

import hashlib

import numpy as np
import pandas as pd

from quantstrats import Market, Plugins, SideSeries, load_market
from quantstrats.evaluation import evaluate
from quantstrats.history import history
from quantstrats.making import made
from quantstrats.portfolio.allocators import Proportional
from quantstrats.strategy import Strategy

NAN = float("nan")
NAMES = sorted(o.name for o in Plugins.installed().offers if o.kind == "signal" and o.provider == "quantstrats")
ROWS = 620
ASKED = 45  # rows on which each signal is looked at, all but the first after a refit or a reset

QUICK = {"train": 120, "refit": "quarter"}
TREND = {"name": "momentum", "lookback": 5}
# Short windows, few and small models: what is looked at here is who knows what when, not how good it is.
SETTINGS = {
    "amihud_alpha": {"window": 20, "lag": 5},
    "anomaly_filter": {"signal": TREND, "window": 5},
    "anomaly_spike": {"unusual": 0.55, "hold": 3, "trees": 10, **QUICK},
    "best_scored": {"signal": {"name": "momentum", "lookback": 20}, "top": 2, "window": 20},
    "bollinger_reversion": {"window": 10, "entry": 1.5, "hold": 6},
    "cluster_basket": {"clusters": 2, "lookback": 10, **QUICK},
    "cluster_distance": {"clusters": 2, "quantile": 0.8, **QUICK},
    "cointegration_pairs": {"control": "none", "level": 0.5, "entry": 1.0, **QUICK},
    "committee": {"agents": [TREND, "bollinger_reversion"]},
    "hidden_markov_regime": {"memory": 10, **QUICK},
    "indicator_thresholds": {"rsi": 3, "ema": 8, "bollinger": 10, "stop_loss": 0.03, "take_profit": 0.04},
    "laguerre_channel": {"gamma": 0.4, "window": 10, "hold": 6},
    "laguerre_cross": {"fast": 0.1, "slow": 0.5},
    "laguerre_line": {"gamma": 0.4},
    "meta_labelled": {"primary": TREND, "confidence": 0.3, "sized": False, "cost_bps": 0, **QUICK},
    "ml_ensemble": {
        "models": ["logistic_regression", "lstm"],
        "folds": 2,
        "steps": 3,
        "horizon": 3,
        "confidence": 0.0,
        "train": 180,
        "refit": "quarter",
    },
    "momentum": {"lookback": 20, "skip": 2},
    "news_jump": {"deviations": 1.0, "fresh": 2, "hold": 4},
    "policy_gradient": {"train": 120, "passes": 5, "refit": "quarter"},
    "regime_switch": {"regime": {"name": "hidden_markov_regime", "memory": 10, **QUICK}, "calm": TREND},
    "risk_warning": {"horizons": [3, 5], **QUICK},
    "trend_classifier": {"models": ["logistic_regression", "random_forest"], "folds": 2, "horizon": 5, **QUICK},
    "volatility_regime": {"window": 10, "history": 40},
}


def signal_named(name):
    return made("signal", {"name": name, **SETTINGS.get(name, {})}, Plugins.installed())


def ragged(rows=ROWS):
    """Make bars of five symbols of which two are cointegrated; each lacks something, most of it on the last rows.

    S001 has a gap of days and single bars missing, S002 single bars, S003 is listed late, S004 ends, and S005 has days
    without volume. Beside them stand an index of fear and scores of news, for all that ask.
    """
    whole = load_market("synthetic", count=5, bars=rows, seed=1, cointegration=0.03, cointegration_half_life=3)
    rng = np.random.default_rng(2)
    gone = rng.random((rows, 5)) < [0.02, 0.04, 0.0, 0.0, 0.0]
    gone[-30:-22, 0] = gone[: rows - 25, 2] = gone[rows - 15 :, 3] = True
    frames = {name: getattr(whole, name).mask(gone) for name in ("open", "high", "low", "close", "volume")}
    frames["volume"].iloc[::9, 4] = 0.0
    market = Market.from_frames(**frames, ended={"S004": whole.session[rows - 16]})
    known = market.decided_at
    fear = pd.Series(20 + 8 * np.sin(np.arange(rows) / 7) + rng.normal(0, 2, rows), index=market.index)
    scores = pd.DataFrame(rng.normal(size=gone.shape) * (rng.random(gone.shape) < 0.4), market.index, market.symbols)
    return market.with_side({"vix": SideSeries(fear, known), "news": SideSeries(scores, known - pd.Timedelta("1h"))})


def looked_at(signal, market, rows=ASKED):
    """Return as much of a market as the signal takes to have opinions on its last rows."""
    strategy = Strategy(signal, Proportional())
    label = history(strategy, market.calendar, market.index[len(market) - rows], market.bar)
    assert label >= market.index[0], f"{signal.name}: give it shorter windows, or fewer training rows"
    return market.rows(int(market.index.searchsorted(label)), len(market))


def digest(name):
    """Return a hash of all that the signal says, made afresh."""
    signal = signal_named(name)
    forecast = evaluate(signal, looked_at(signal, ragged()))
    return hashlib.sha256(np.ascontiguousarray(forecast.to_numpy("float64")).tobytes()).hexdigest()
