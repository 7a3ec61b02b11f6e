"""Returns, against ta, TA-Lib, pandas and plain arithmetic."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
import talib
from ta.momentum import ROCIndicator
from ta.others import DailyLogReturnIndicator, DailyReturnIndicator

from quantstrats import Market, features
from quantstrats.errors import ConfigError

from .oracle import Oracle, random_market
from .test_momentum import by_talib


def compounded(close, bars):
    """Return what one unit made over the bars before each, return by return."""
    made = (close / close.shift(1)).rolling(bars).apply(np.prod, raw=True)
    return made - 1


ORACLES = [
    # ta's are in per cent.
    Oracle("simple_return", "ta 0.11 / 100", lambda bars: DailyReturnIndicator(bars.close).daily_return() / 100),
    Oracle("log_return", "ta 0.11 / 100", lambda bars: DailyLogReturnIndicator(bars.close).daily_log_return() / 100),
    # ta's cumulative return is since the first bar, and so depends on where the data begin.
    Oracle("cumulative_return", "pandas", lambda bars: compounded(bars.close, 252)),
    Oracle("lagged_return", "pandas", lambda bars: bars.close.pct_change().shift(1)),
    Oracle("lagged_return(lag=5)", "pandas", lambda bars: bars.close.pct_change().shift(5)),
    Oracle("overnight_return", "pandas", lambda bars: np.expm1(np.log(bars.open) - np.log(bars.close).shift(1))),
    # What is made over the night and over the day make what is made from close to close.
    Oracle(
        "intraday_return",
        "pandas",
        lambda bars: (1 + bars.close.pct_change()) / (1 + (bars.open / bars.close.shift(1) - 1)) - 1,
    ),
    Oracle("momentum_skip", "pandas", lambda bars: compounded(bars.close, 231).shift(21)),
    Oracle(
        "acceleration",
        "pandas",
        lambda bars: compounded(bars.close, 126) - compounded(bars.close, 126).shift(126),
    ),
    Oracle("roc", "ta 0.11", lambda bars: ROCIndicator(bars.close).roc()),
    Oracle("roc(window=5)", "TA-Lib", by_talib(talib.ROC, "close", timeperiod=5)),
    Oracle("momentum_change", "TA-Lib", by_talib(talib.MOM, "close", timeperiod=10)),
]


def test_returns_by_hand():
    days = random_market().index[:4]
    close = pd.DataFrame({"AAA": [100.0, 110.0, 99.0, 108.9]}, index=days)
    opening = pd.DataFrame({"AAA": [100.0, 105.0, 110.0, 99.0]}, index=days)
    ends = {"high": np.maximum(close, opening), "low": np.minimum(close, opening)}
    market = Market.from_frames(open=opening, close=close, volume=close * 0 + 1, **ends)
    expected = {
        "simple_return": 0.1,
        "log_return": np.log(1.1),
        "lagged_return": -0.1,
        "lagged_return(lag=2)": 0.1,
        "overnight_return": 0.0,
        "intraday_return": 0.1,
        "cumulative_return(window=3)": 0.089,
        "momentum_skip(window=3, skip=1)": -0.01,
        "acceleration(window=1)": 0.2,
        "roc(window=2)": -1.0,
        "momentum_change(window=3)": 8.9,
    }
    frame = features.compute(market, list(expected))
    for name, value in expected.items():
        assert frame[name]["AAA"].iloc[-1] == pytest.approx(value, abs=1e-12), name


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("momentum_skip(window=21)", "window is 21; it must be at least 22"),
        ("momentum_skip(skip=-1)", "skip is -1; it must be at least 0"),
        ("lagged_return(lag=0)", "lag is 0; it must be at least 1"),
    ],
)
def test_parameters_that_make_no_sense_are_refused(name, message):
    with pytest.raises(ConfigError, match=message):
        features.compute(random_market(), [name])
