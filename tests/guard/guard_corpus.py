"""Signals on which the look-ahead guard is proved: planted bugs as strangers write them, and unusual but clean ones.

No test by itself: tests/guard/test_check.py and backtests/benchmarks/guard_detection.py load it.
"""

from __future__ import annotations

import functools
import itertools
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd

from quantstrats import Learner, Market, SideSeries, Signal, load_market
from quantstrats.errors import LookAheadError
from quantstrats.evaluation import evaluate
from quantstrats.guard.check import check_lookahead
from quantstrats.learning.fits import Fits

NAN = float("nan")

# ---------------------------------------------------------------------------------------------------------- markets


def ragged(seed: int = 0, rows: int = 330, *, universe: bool = True) -> Market:
    """Daily bars of seven symbols in cents: late listings, gaps, one that ends, a universe that changes, a "vix"."""
    index = pd.bdate_range("2014-01-02", periods=rows + 30)
    index = load_market("sample").index.intersection(index)[:rows]
    frames = _bars(seed, index, 7)
    _cut(frames["close"], seed, ended="S2")
    rng = np.random.default_rng([seed, 2])
    side = _published(index, index.tz_localize("UTC") + pd.Timedelta("30h"), rng)
    facts: dict[str, Any] = {"side": side, "ended": {"S2": index[int(0.8 * rows)]}, "delisting_return": -0.3}
    if universe:
        members = pd.DataFrame(rng.random((rows // 21 + 1, 7)) < 0.8, columns=frames["close"].columns)
        facts["universe"] = members.reindex(np.arange(rows) // 21).set_axis(index)
    return _market(frames, **facts)


def hourly(seed: int = 0, rows: int = 330) -> Market:
    """Hourly bars of three symbols that trade around the clock, with gaps, a late listing, and a "vix"."""
    index = pd.date_range("2024-02-26 05:00", periods=rows, freq="h", tz="UTC")
    frames = _bars(seed, index, 3)
    _cut(frames["close"], seed)
    side = _published(index, index + pd.Timedelta("2h"), np.random.default_rng([seed, 2]))
    return _market(frames, side=side, calendar="24/7")


def half_hours(seed: int = 0, rows: int = 330) -> Market:
    """Half-hour bars of three symbols in New York, with gaps, a late listing, and a "vix" that comes after the bar."""
    days = pd.bdate_range("2015-04-06", periods=rows // 13 + 1)
    opens = pd.DatetimeIndex([day + pd.Timedelta(hours=9.5) for day in days]).tz_localize("America/New_York")
    index = pd.DatetimeIndex([start + pd.Timedelta(minutes=30 * i) for start in opens for i in range(13)])[:rows]
    frames = _bars(seed, index, 3)
    _cut(frames["close"], seed)
    side = _published(index, index + pd.Timedelta("40min"), np.random.default_rng([seed, 2]))
    return _market(frames, side=side)


def nasdaq(seed: int = 0, rows: int = 330) -> Market:
    """The NASDAQ composite with the VIX, real bars without a gap."""
    market = load_market("sample").between("2014-01-06", None)
    first = int(np.random.default_rng(seed).integers(0, len(market) - rows))
    return market.rows(first, first + rows)


MARKETS: dict[str, Callable[[int], Market]] = {
    "ragged": ragged,
    "hourly": hourly,
    "half_hours": half_hours,
    "nasdaq": nasdaq,
}


def _bars(seed: int, index: pd.DatetimeIndex, count: int) -> dict[str, pd.DataFrame]:
    rng = np.random.default_rng([seed, 1])
    shape, columns = (len(index), count), [f"S{i}" for i in range(count)]
    close = np.maximum(np.round(20.0 * np.exp(np.cumsum(rng.normal(0.0, 0.02, shape), axis=0)), 2), 0.05)
    open_ = np.maximum(np.round(close * np.exp(rng.normal(0.0, 0.005, shape)), 2), 0.05)
    high = np.maximum(open_, close) + np.round(np.abs(rng.normal(0.0, 0.1, shape)), 2)
    low = np.maximum(np.minimum(open_, close) - np.round(np.abs(rng.normal(0.0, 0.1, shape)), 2), 0.01)
    volume = np.round(1e6 * np.exp(rng.normal(0.0, 0.5, shape)))
    arrays = {"open": open_, "high": high, "low": low, "close": close, "volume": volume}
    return {name: pd.DataFrame(values, index=index, columns=columns) for name, values in arrays.items()}


def _cut(close: pd.DataFrame, seed: int, ended: str | None = None) -> None:
    """Take bars away: before two listings, in gaps of one bar to thirty, and after an end."""
    rng = np.random.default_rng([seed, 3])
    rows = len(close)
    close.iloc[: int(0.45 * rows), -1] = NAN
    if close.shape[1] > 3:
        close.iloc[: int(0.7 * rows), -2] = NAN
    for start in rng.integers(10, rows - 40, 10):
        close.iloc[start : start + int(rng.choice([1, 1, 2, 5, 30])), rng.integers(0, close.shape[1] - 1)] = NAN
    if ended is not None:
        close.loc[close.index[int(0.8 * rows) + 1 :], ended] = NAN


def _published(index: pd.DatetimeIndex, known_at: pd.DatetimeIndex, rng: np.random.Generator) -> dict[str, SideSeries]:
    values = pd.Series(20.0 * np.exp(np.cumsum(rng.normal(0.0, 0.05, len(index)))), index=index)
    return {"vix": SideSeries(values, known_at)}


def _market(frames: dict[str, pd.DataFrame], **facts: Any) -> Market:
    there = frames["close"].notna()
    return Market.from_frames(**{name: frame.where(there) for name, frame in frames.items()}, **facts)


# ------------------------------------------------------------------------------------------------------ planted bugs

CLOSES: Any = None  # what a stranger's module loads on import: every close, the last one too
TABLE: Any = None  # the same in long format
CACHE: dict[str, Any] = {}


def prepare(market: Market) -> None:
    """Fill what the modules and classes of the planted bugs had loaded, and forget what they cached."""
    global CLOSES, TABLE
    CLOSES = market.close
    TABLE = market.close.rename_axis(index="date", columns="symbol").stack().rename("close").reset_index()  # noqa: PD013
    ClassFrame.closes = market.close
    CACHE.clear()
    MEMO.clear()
    load_closes.cache_clear()


@functools.cache
def load_closes() -> Any:
    """Stand for a function that reads a file once."""
    return CLOSES.copy()


def returns(close: pd.DataFrame, bars: int) -> pd.DataFrame:
    return close.pct_change(bars, fill_method=None)


@dataclass(frozen=True)
class NextReturn(Signal):
    """Shift by minus one."""

    name = "next_return"

    def warmup(self):
        return 2

    def forecast(self, market):
        return returns(market.close, 1).shift(-1)


@dataclass(frozen=True)
class TradingDays(Signal):
    """A crossing that looks one bar ahead only on the bars on which it trades."""

    name = "trading_days"
    fast: int = 5
    slow: int = 20

    def warmup(self):
        return self.slow + 1

    def forecast(self, market):
        close = market.close
        score = close.rolling(self.fast).mean() / close.rolling(self.slow).mean() - 1
        trades = np.sign(score) != np.sign(score.shift(1))
        return score.where(~trades, returns(close, 1).shift(-1))


@dataclass(frozen=True)
class RarePeek(Signal):
    """One bar ahead on the few bars of a fall by three deviations, of which the direction is kept."""

    name = "rare_peek"

    def warmup(self):
        return 22

    def forecast(self, market):
        change = returns(market.close, 1)
        falls = change < -3 * change.rolling(20, min_periods=10).std().shift(1)
        return change.where(~falls, change * (1 + change.shift(-1).abs()))


@dataclass(frozen=True)
class Centred(Signal):
    """A centred window."""

    name = "centred"
    bars: int = 11

    def warmup(self):
        return self.bars

    def forecast(self, market):
        return market.close / market.close.rolling(self.bars, center=True).mean() - 1


@dataclass(frozen=True)
class ScaledOverAll(Signal):
    """Standardised with the mean and the deviation of all rows."""

    name = "scaled_over_all"

    def warmup(self):
        return 22

    def forecast(self, market):
        momentum = returns(market.close, 21)
        return (momentum - momentum.mean()) / momentum.std()


@dataclass(frozen=True)
class Quintiles(Signal):
    """Cut into five classes whose bounds come from all rows."""

    name = "quintiles"

    def warmup(self):
        return 6

    def forecast(self, market):
        return returns(market.close, 5).apply(lambda column: pd.cut(column, 5, labels=False)) - 2.0


@dataclass(frozen=True)
class FilledBackwards(Signal):
    """Gaps filled with the bar after them."""

    name = "filled_backwards"

    def warmup(self):
        return 6

    def forecast(self, market):
        return returns(market.close.bfill(), 5)


@dataclass(frozen=True)
class LastPrice(Signal):
    """Compared with the last price there is."""

    name = "last_price"

    def warmup(self):
        return 1

    def forecast(self, market):
        return market.close / market.close.iloc[-1] - 1


@dataclass(frozen=True)
class GlobalFrame(Signal):
    """Reads a frame of its module, by label."""

    name = "global_frame"

    def warmup(self):
        return 2

    def forecast(self, market):
        return returns(CLOSES, 1).shift(-1).reindex(index=market.index, columns=market.symbols)


@dataclass(frozen=True)
class LongTable(Signal):
    """Reads a long table of its module."""

    name = "long_table"

    def warmup(self):
        return 2

    def forecast(self, market):
        wide = TABLE.pivot(index="date", columns="symbol", values="close")  # noqa: PD010
        return returns(wide, 1).shift(-1).reindex(index=market.index, columns=market.symbols)


@dataclass(frozen=True)
class Cached(Signal):
    """Keeps the closes of its first call in a dictionary of its module."""

    name = "cached"

    def warmup(self):
        return 2

    def forecast(self, market):
        closes = CACHE.setdefault("closes", market.close)
        return returns(closes, 1).shift(-1).reindex(index=market.index, columns=market.symbols)


@dataclass(frozen=True)
class CachedFunction(Signal):
    """Asks a cached function of its module."""

    name = "cached_function"

    def warmup(self):
        return 2

    def forecast(self, market):
        return returns(load_closes(), 1).shift(-1).reindex(index=market.index, columns=market.symbols)


@dataclass(frozen=True)
class ClassFrame(Signal):
    """Reads a frame of its class."""

    name = "class_frame"
    closes = None

    def warmup(self):
        return 2

    def forecast(self, market):
        return returns(self.closes, 1).shift(-1).reindex(index=market.index, columns=market.symbols)


@dataclass(frozen=True)
class FittedOnce(Signal):
    """Keeps on itself a scale that it takes from its first call."""

    name = "fitted_once"

    def warmup(self):
        return 2

    def forecast(self, market):
        change = returns(market.close, 1)
        if not hasattr(self, "scale"):
            object.__setattr__(self, "scale", float(np.nanstd(change)))
        return change / self.scale


@dataclass(frozen=True)
class Crowd(Signal):
    """Shares by the number of columns, which tells today what is listed later."""

    name = "crowd"

    def warmup(self):
        return 6

    def forecast(self, market):
        return np.sign(returns(market.close, 5)) / len(market.symbols)


@dataclass(frozen=True)
class Hysteresis(Signal):
    """Long from a high score until a low one, from whenever that was."""

    name = "hysteresis"
    bars: int = 10

    def warmup(self):
        return self.bars

    def forecast(self, market):
        close = market.close
        score = (close - close.rolling(self.bars).mean()) / close.rolling(self.bars).std()
        state = pd.DataFrame(NAN, index=close.index, columns=close.columns)
        return state.mask(score > 1.5, 1.0).mask(score < -1.5, -1.0).ffill()


@dataclass(frozen=True)
class SideByLabel(Signal):
    """Joins a side series by label, although each value is published later."""

    name = "side_by_label"
    needs = ("vix",)

    def warmup(self):
        return 2

    def forecast(self, market):
        change = market.side.series["vix"].values.reindex(market.index).pct_change(fill_method=None)
        return market.close.mul(0.0).sub(change, axis=0)


@dataclass(frozen=True)
class Unpurged(Signal):
    """Fits every month on labels that reach over the month's first bar."""

    name = "unpurged"
    train: int = 60
    horizon: int = 5

    def warmup(self):
        return self.train + 60

    def forecast(self, market):
        past, ahead = returns(market.close, 5), returns(market.close, self.horizon).shift(-self.horizon)
        forecast = pd.DataFrame(NAN, index=market.index, columns=market.symbols)
        starts = np.flatnonzero(market.starts_period("month"))
        for start, stop in itertools.pairwise([*starts, len(market)]):
            window = slice(max(0, start - self.train), start)
            x, y = past.iloc[window].to_numpy().ravel(), ahead.iloc[window].to_numpy().ravel()
            known = np.isfinite(x) & np.isfinite(y)
            if start >= self.train and known.any():
                beta = (x[known] @ y[known]) / (x[known] @ x[known])
                forecast.iloc[start:stop] = beta * past.iloc[start:stop]
        return forecast


@dataclass(frozen=True)
class Momentum(Signal):
    """No bug: a part for the compositions."""

    name = "momentum_part"
    bars: int = 5

    def warmup(self):
        return self.bars + 1

    def forecast(self, market):
        return returns(market.close, self.bars)


@dataclass(frozen=True)
class PartsFuture(Signal):
    """Reads what its part will say next."""

    name = "parts_future"
    primary: Signal = field(default_factory=Momentum)

    def warmup(self):
        return 2

    def forecast(self, market):
        return market.parts["primary"].shift(-1)


@dataclass(frozen=True)
class LeakingPart(Signal):
    """Adds two parts, of which one reads the future where the other is positive alone."""

    name = "leaking_part"
    sound: Signal = field(default_factory=Momentum)
    leaking: Signal = field(default_factory=Centred)

    def warmup(self):
        return 1

    def forecast(self, market):
        return market.parts["sound"].where(market.parts["sound"] < 0, market.parts["leaking"])


@dataclass(frozen=True)
class ShortAverage(Signal):
    """An exponential average that remembers far more than its warm-up says."""

    name = "short_average"
    span: int = 20

    def warmup(self):
        return self.span

    def forecast(self, market):
        return market.close / market.close.ewm(span=self.span).mean() - 1


@dataclass(frozen=True)
class Expanding(Signal):
    """Compared with the mean of all bars so far."""

    name = "expanding"

    def warmup(self):
        return 20

    def forecast(self, market):
        return market.close / market.close.expanding().mean() - 1


@dataclass(frozen=True)
class PriceLevel(Signal):
    """The change in units of currency: another number after a split."""

    name = "price_level"

    def warmup(self):
        return 2

    def forecast(self, market):
        return market.close.diff()


@dataclass(frozen=True)
class PennyStocks(Signal):
    """A threshold in units of currency: another number after a split, on few bars only."""

    name = "penny_stocks"

    def warmup(self):
        return 2

    def forecast(self, market):
        return returns(market.close, 1).where(market.close > 20.0, 0.0)


@dataclass(frozen=True)
class LowPass(Signal):
    """A Fourier filter over all rows."""

    name = "low_pass"

    def warmup(self):
        return 64

    def forecast(self, market):
        close = market.close.ffill().bfill()
        spectrum = np.fft.rfft(close.to_numpy(), axis=0)
        spectrum[8:] = 0.0
        smooth = np.fft.irfft(spectrum, n=len(close), axis=0)
        return pd.DataFrame(smooth, index=close.index, columns=close.columns) / close - 1


@dataclass(frozen=True)
class FitPredict(Signal):
    """A classifier fitted on all rows, then asked on the same rows."""

    name = "fit_predict"

    def warmup(self):
        return 6

    def forecast(self, market):
        from sklearn.linear_model import LogisticRegression

        x = np.column_stack([returns(market.close, bars).to_numpy().ravel() for bars in (1, 5)])
        known = np.isfinite(x).all(axis=1)
        forecast = np.full(len(x), NAN)
        rises = (returns(market.close, 1).shift(-1) > 0).to_numpy().ravel()
        if len(set(rises[known])) == 2:
            model = LogisticRegression().fit(100.0 * x[known], rises[known])
            forecast[known] = model.predict_proba(100.0 * x[known])[:, 1] - 0.5
        return pd.DataFrame(forecast.reshape(market.close.shape), index=market.index, columns=market.symbols)


@dataclass(frozen=True)
class EarlyWeeks(Signal):
    """The close of the week, known from its first bar on."""

    name = "early_weeks"

    def warmup(self):
        return 30

    def forecast(self, market):
        weeks = market.close.resample("W-MON", label="left", closed="left").last()
        return market.close / weeks.reindex(market.index, method="ffill") - 1


@dataclass(frozen=True)
class Unseeded(Signal):
    """Random numbers without a seed."""

    name = "unseeded"

    def warmup(self):
        return 1

    def forecast(self, market):
        return market.close * 0.0 + np.random.default_rng().normal(size=market.close.shape)


@dataclass(frozen=True)
class Line(Signal):
    """A fitted line on the last return."""

    name = "line"
    slope: float = 0.0

    def warmup(self):
        return 2

    def forecast(self, market):
        return self.slope * returns(market.close, 1)


@dataclass(frozen=True)
class UnseededLearner(Learner):
    """A fit that draws random numbers without a seed."""

    name = "unseeded_learner"
    refit: str = "month"
    train: int = 60

    def warmup(self):
        return 2

    def fit(self, market):
        x = returns(market.close, 1).to_numpy().ravel()
        return Line(float(np.nanmean(np.random.default_rng().choice(x, len(x)))) * 100)


@dataclass(frozen=True)
class GlobalLabels(Learner):
    """A fit on labels that come from a frame of its module, so that they reach over the refit."""

    name = "global_labels"
    refit: str = "month"
    train: int = 60

    def warmup(self):
        return 2

    def fit(self, market):
        x = returns(market.close, 1).to_numpy().ravel()
        ahead = returns(CLOSES, 5).shift(-5).reindex(index=market.index, columns=market.symbols)
        y = ahead.to_numpy().ravel()
        known = np.isfinite(x) & np.isfinite(y)
        return Line(float(x[known] @ y[known] / (x[known] @ x[known])))


@dataclass(frozen=True)
class Bug:
    """A planted bug, what the guard says of it, and the markets on which it is one."""

    signal: Callable[[], Signal]
    says: str
    markets: tuple[str, ...] = tuple(MARKETS)

    @property
    def is_rare(self) -> bool:
        """Whether it is on so few rows that a sample may miss all of them."""
        return self.signal is RarePeek


FUTURE, MEMORY, SCALE = "reads the future", "remembers more than warmup() says", "depends on the scale of prices"
LISTINGS, RANDOM = "knows of symbols before they are listed", "gives other numbers each time"
WITH_GAPS = ("ragged", "hourly", "half_hours")
DAILY = ("ragged", "nasdaq")

BUGS: dict[str, Bug] = {
    "shift(-1)": Bug(NextReturn, FUTURE),
    "shift(-1) on trades": Bug(TradingDays, FUTURE),
    "shift(-1) on rare rows": Bug(RarePeek, FUTURE),
    "centred window": Bug(Centred, FUTURE),
    "full-sample scaler": Bug(ScaledOverAll, FUTURE),
    "pd.cut over all rows": Bug(Quintiles, FUTURE),
    "bfill": Bug(FilledBackwards, FUTURE, WITH_GAPS),
    ".iloc[-1]": Bug(LastPrice, FUTURE),
    "global frame": Bug(GlobalFrame, FUTURE),
    "global long table": Bug(LongTable, FUTURE),
    "cache of first call": Bug(Cached, FUTURE),
    "cached function": Bug(CachedFunction, FUTURE),
    "class attribute": Bug(ClassFrame, FUTURE),
    "fitted on first call": Bug(FittedOnce, FUTURE),
    "len(symbols)": Bug(Crowd, LISTINGS, WITH_GAPS),
    "unanchored hysteresis": Bug(Hysteresis, MEMORY),
    "side series by label": Bug(SideByLabel, FUTURE),
    "unpurged overlap": Bug(Unpurged, FUTURE, DAILY),
    "part's future": Bug(PartsFuture, FUTURE),
    "leaking part": Bug(LeakingPart, FUTURE),
    "short warm-up": Bug(ShortAverage, MEMORY),
    "expanding mean": Bug(Expanding, MEMORY),
    "price scale": Bug(PriceLevel, SCALE),
    "price threshold": Bug(PennyStocks, SCALE, WITH_GAPS),
    "Fourier filter": Bug(LowPass, FUTURE),
    "fit_predict": Bug(FitPredict, FUTURE),
    "weeks known early": Bug(EarlyWeeks, FUTURE),
    "unseeded forecast": Bug(Unseeded, RANDOM),
    "unseeded fit": Bug(UnseededLearner, RANDOM, DAILY),
    "learner's global labels": Bug(GlobalLabels, FUTURE, DAILY),
}

# ------------------------------------------------------------------------------------------------- unusual but clean

MEETINGS = [pd.Timestamp(day) for day in ("2014-03-19", "2014-06-18", "2014-09-17", "2015-03-18", "2017-06-14")]
MEMO: dict[str, pd.DataFrame] = {}


@dataclass(frozen=True)
class LongAverage(Signal):
    """An exponential average whose warm-up is so long that what came before weighs nothing."""

    name = "long_average"
    span: int = 10

    def warmup(self):
        return 12 * self.span

    def forecast(self, market):
        return market.close / market.close.ewm(span=self.span).mean() - 1


@dataclass(frozen=True)
class AnchoredHysteresis(Hysteresis):
    """Hysteresis that starts afresh each month."""

    name = "anchored_hysteresis"
    resets = "week"


@dataclass(frozen=True)
class MonthToDate(Signal):
    """Compared with the mean of the month so far."""

    name = "month_to_date"
    resets = "month"

    def warmup(self):
        return 1

    def forecast(self, market):
        month = market.session.year * 12 + market.session.month
        count = market.close.notna().groupby(month).cumsum()
        return market.close * count / market.close.groupby(month).cumsum() - 1


@dataclass(frozen=True)
class Meetings(Signal):
    """Long on the last days before a meeting: dates that everybody knows long before."""

    name = "meetings"

    def warmup(self):
        return 1

    def forecast(self, market):
        days = pd.Series([min(abs((meeting - day).days) for meeting in MEETINGS) for day in market.session])
        return market.close.mul(0.0).add((days < 3).to_numpy().astype(float), axis=0)


@dataclass(frozen=True)
class Rank(Signal):
    """Rank among the symbols of the row."""

    name = "rank"

    def warmup(self):
        return 22

    def forecast(self, market):
        return returns(market.close, 21).rank(axis=1, pct=True) - 0.5


@dataclass(frozen=True)
class Fear(Signal):
    """Long while a side series is below its mean, joined as it was known."""

    name = "fear"
    needs = ("vix",)

    def warmup(self):
        return 30

    def forecast(self, market):
        vix = market.side["vix"]
        return market.close.mul(0.0).add(1 - vix / vix.rolling(20, min_periods=5).mean(), axis=0)


@dataclass(frozen=True)
class Slope(Signal):
    """Slope of a rolling regression of log closes, by numpy."""

    name = "slope"
    bars: int = 15

    def warmup(self):
        return self.bars

    def forecast(self, market):
        windows = np.lib.stride_tricks.sliding_window_view(np.log(market.close.to_numpy()), self.bars, axis=0)
        weight = np.arange(self.bars) - (self.bars - 1) / 2
        slope = np.full(market.close.shape, NAN)
        slope[self.bars - 1 :] = windows @ weight / (weight @ weight)
        return pd.DataFrame(slope, index=market.index, columns=market.symbols)


@dataclass(frozen=True)
class AmongMembers(Signal):
    """Rank among the symbols that may be held today."""

    name = "among_members"

    def warmup(self):
        return 6

    def forecast(self, market):
        change = returns(market.close, 5)
        return (change if market.universe is None else change.where(market.universe)).rank(axis=1, pct=True)


@dataclass(frozen=True)
class Turnover(Signal):
    """Volume and traded value against their own past."""

    name = "turnover"

    def warmup(self):
        return 20

    def forecast(self, market):
        value = market.close * market.volume
        busy = market.volume / market.volume.rolling(20, min_periods=10).median()
        return busy * np.sign(value - value.rolling(20, min_periods=10).max() / 2)


@dataclass(frozen=True)
class RoundPrice(Signal):
    """Distance from a round price, which is meant to depend on the scale of prices."""

    name = "round_price"
    scale_free = False

    def warmup(self):
        return 1

    def forecast(self, market):
        return market.close.round(0) - market.close


@dataclass(frozen=True)
class SinglePrecision(Signal):
    """Calculates in float32, and says so."""

    name = "single_precision"
    dtype = "float32"

    def warmup(self):
        return 25

    def forecast(self, market):
        close = market.close.astype("float32")
        return (close / close.rolling(20).mean() - np.float32(1)).rolling(5).sum()


@dataclass(frozen=True)
class FilledForwards(Signal):
    """Short gaps filled with the bar before them, the fill counted in the warm-up."""

    name = "filled_forwards"

    def warmup(self):
        return 6 + 3

    def forecast(self, market):
        return returns(market.close.ffill(limit=3), 5)


@dataclass(frozen=True)
class Strict(Signal):
    """Refuses rows with a missing bar."""

    name = "strict"

    def warmup(self):
        return 6

    def forecast(self, market):
        if market.close.isna().any(axis=None):
            raise ValueError("a bar is missing")
        return returns(market.close, 5)


@dataclass(frozen=True)
class Constant(Signal):
    """Always long."""

    name = "constant"

    def warmup(self):
        return 1

    def forecast(self, market):
        return pd.DataFrame(1.0, index=market.index, columns=market.symbols)


@dataclass(frozen=True)
class Dice(Signal):
    """Random numbers drawn from a seed, the date and the symbol."""

    name = "dice"
    seed: int = 7

    def warmup(self):
        return 1

    def forecast(self, market):
        def throw(label, symbol):
            return np.random.default_rng([self.seed, label.value // 10**9, *symbol.encode()]).normal()

        values = [[throw(label, symbol) for symbol in market.symbols] for label in market.index]
        return pd.DataFrame(values, index=market.index, columns=market.symbols).where(market.close.notna())


@dataclass(frozen=True)
class WeeksLate(Signal):
    """Weekly closes, each known only after its week."""

    name = "weeks_late"

    def warmup(self):
        return 30

    def forecast(self, market):
        weeks = market.close.resample("W-SUN").last().shift(1)
        return market.close / weeks.reindex(market.index, method="bfill") - 1


@dataclass(frozen=True)
class Remembering(Signal):
    """Keeps what it computed for rows that it has seen, known by their content."""

    name = "remembering"

    def warmup(self):
        return 6

    def forecast(self, market):
        if market.content_hash not in MEMO:
            MEMO[market.content_hash] = returns(market.close, 5)
        return MEMO[market.content_hash]


@dataclass(frozen=True)
class SignOfCross(Signal):
    """The sign of the difference of two rolling means of prices in cents, which now and then is zero."""

    name = "sign_of_cross"

    def warmup(self):
        return 4

    def forecast(self, market):
        return np.sign(market.close.rolling(2).mean() - market.close.rolling(4).mean())


@dataclass(frozen=True)
class Logistic(Signal):
    """A fitted logistic regression."""

    name = "logistic"
    weights: tuple[float, ...] = ()
    intercept: float = 0.0

    def warmup(self):
        return 6

    def forecast(self, market):
        x = features(market)
        values = sum((weight * column for weight, column in zip(self.weights, x, strict=True)), x[0] * 0.0)
        return np.tanh((values + self.intercept) / 2) / 2


@dataclass(frozen=True)
class LogisticLearner(Learner):
    """Logistic regression of the direction of the next bar, with scikit-learn."""

    name = "logistic_learner"
    refit: str = "month"
    train: int = 80

    def warmup(self):
        return 6

    def fit(self, market):
        from sklearn.linear_model import LogisticRegression

        x = np.column_stack([frame.to_numpy().ravel() for frame in features(market)])
        label = returns(market.close, 1).shift(-1).to_numpy().ravel()
        known = np.isfinite(x).all(axis=1) & np.isfinite(label)
        if len(set(label[known] > 0)) < 2:
            return None
        model = LogisticRegression().fit(x[known], label[known] > 0)
        return Logistic(tuple(model.coef_[0].tolist()), float(model.intercept_[0]))


def features(market: Market) -> list[pd.DataFrame]:
    return [100.0 * returns(market.close, bars) for bars in (1, 5)]


@dataclass(frozen=True)
class Meta(Learner):
    """How much to believe the first of two parts, learned from how it did where the second agreed."""

    name = "meta"
    refit: str = "month"
    train: int = 40
    primary: Signal = field(default_factory=LogisticLearner)
    second: Signal = field(default_factory=lambda: Momentum(10))

    def warmup(self):
        return 2

    def fit(self, market):
        agreed = (np.sign(market.parts["primary"]) == np.sign(market.parts["second"])).to_numpy()
        result = (np.sign(market.parts["primary"]) * returns(market.close, 1).shift(-1)).to_numpy()
        return Trust(float(np.nanmean(result[agreed]))) if np.isfinite(result[agreed]).any() else None


@dataclass(frozen=True)
class Trust(Signal):
    """A part's forecast times how far it is believed."""

    name = "trust"
    much: float = 0.0

    def warmup(self):
        return 1

    def forecast(self, market):
        return self.much * market.parts["primary"]


@dataclass(frozen=True)
class Clean:
    """A signal on which the guard must say nothing, and the markets that it can take."""

    signal: Callable[[], Signal]
    markets: tuple[str, ...] = tuple(MARKETS)


CLEAN: dict[str, Clean] = {
    "long exponential average": Clean(LongAverage),
    "anchored hysteresis": Clean(AnchoredHysteresis),
    "month to date": Clean(MonthToDate, DAILY),
    "meeting dates": Clean(Meetings),
    "cross-sectional rank": Clean(Rank),
    "side series": Clean(Fear),
    "rolling regression": Clean(Slope),
    "rank in the universe": Clean(AmongMembers),
    "volume": Clean(Turnover),
    "price level": Clean(RoundPrice),
    "float32": Clean(SinglePrecision),
    "ffill with a limit": Clean(FilledForwards),
    "strict": Clean(Strict, ("nasdaq",)),
    "constant": Clean(Constant),
    "seeded random": Clean(Dice),
    "weeks known late": Clean(WeeksLate, DAILY),
    "memory by content": Clean(Remembering),
    "sign at a tie": Clean(SignOfCross),
    "logistic learner": Clean(LogisticLearner, DAILY),
    "meta-labels": Clean(Meta, DAILY),
}


def finding(case: Bug | Clean, market: Market, *, mode: str = "sampled", seed: int = 0) -> str | None:
    """Forecast on a market, ask the guard, and return what it found; None for nothing."""
    prepare(market)
    signal, fits = case.signal(), Fits()
    forecast = evaluate(signal, market, fits=fits)
    try:
        check_lookahead(signal, market, forecast, mode=mode, seed=seed, fits=fits)
    except LookAheadError as found:
        return str(found)
    return None
