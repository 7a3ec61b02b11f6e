"""Moving averages."""

from __future__ import annotations

from ta.trend import EMAIndicator

from .oracle import Oracle

ORACLES = [
    Oracle("sma", "pandas", lambda bars: bars.close.rolling(20).mean()),
    Oracle("ema", "ta 0.11", lambda bars: EMAIndicator(bars.close, 20).ema_indicator()),
]
