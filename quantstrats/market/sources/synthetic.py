"""The source ``synthetic``: seeded bars whose truth is known, the null market and planted effects."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING, ClassVar

from quantstrats.errors import ConfigError, DataError
from quantstrats.hookspecs import Register, hookimpl
from quantstrats.market.sources.base import Source

if TYPE_CHECKING:
    import pandas as pd

    from quantstrats.market.market import Market
    from quantstrats.market.sources.draws import Floats

YEAR = 252  # sessions; what "a year" means below
_PAIR = (1, 2)  # the numbers of the symbols that `cointegration` ties together
_MEDIAN_PRICE = 50.0
_PRICE_DISPERSION = 0.5  # standard deviation of the log of the first price among symbols
_VOLUME_NOISE = 0.4  # standard deviation of the log of a session's traded value around the symbol's own


@dataclass(frozen=True)
class Synthetic(Source):
    """Daily bars drawn at random, on the sessions of New York, with effects of stated size planted in them.

    Without an effect this is the null market: each open and each close is expected to be the price before it
    (``E[P_next | the past] = P``), so that no strategy gains anything in expectation before costs. Symbols are
    independent; prices stay positive; high and low are those of a continuous path between open and close, so a stop or
    limit order within the bar gains nothing either. Values depend on the parameters but for ``count`` and ``bars``:
    a symbol's bars are the same whichever others are loaded, and a longer span begins with the same values.

    Parameters
    ----------
    seed : int, default 0
        Of all that is random; another one gives another market.
    count : int, default 10
        How many symbols there are: S001, S002 ... More exist if they are asked for by name.
    bars : int, default 2520
        How many sessions there are from ``first`` on, where the end is not asked for.
    first : date, default 2000-01-03
        The session on which all prices begin, whatever span is asked for.
    volatility : float, default 0.25
        Annual standard deviation of the unpredictable part of log returns, as a fraction, equal for all symbols.
    overnight : float, default 0.3
        Part of a day's variance that falls between a close and the next open, 0 to below 1; 0 opens at the last close.
    traded_value : float, default 2e7
        What is traded of the median symbol in a session, in units of currency.
    dispersion : float, default 1.5
        Standard deviation among symbols of the log of the traded value.
    momentum : float, default 0
        Correlation between a symbol's log returns of consecutive months (21 sessions). Each symbol's expected return
        is a hidden AR(1) of mean zero, independent of all else. From 0 to 0.5.
    momentum_half_life : float, default 63
        Sessions in which half of that expected return is gone.
    cointegration : float, default 0
        Standard deviation of log(S001 / S002) around its mean. The two share one random trend; their spread is an
        AR(1) (an Ornstein-Uhlenbeck process seen at closes). They share traded value and drift too.
    cointegration_half_life : float, default 10
        Sessions in which half of that spread is gone, in expectation.
    illiquidity : float, default 0
        Annual expected return, as a fraction, per unit of log Amihud illiquidity (mean of absolute return over traded
        value) above that of the median symbol. A symbol that trades e = 2.718 times less earns so much more.
    regimes : float, default 0
        By how much volatility is higher in turbulent than in calm times, as a fraction of the calm one: 1 is twice.
        Two states, for all symbols alike, that switch by a Markov chain; the root mean square over both is
        ``volatility``.
    regime_length : float, default 63
        Mean length of a calm and of a turbulent spell, in sessions.

    Raises
    ------
    ConfigError
        If a parameter is out of its range, or an effect is larger than the volatility can carry.
    """

    name: ClassVar[str] = "synthetic"

    seed: int = 0
    count: int = 10
    bars: int = 2520
    first: date = date(2000, 1, 3)
    volatility: float = 0.25
    overnight: float = 0.3
    traded_value: float = 2e7
    dispersion: float = 1.5
    momentum: float = 0.0
    momentum_half_life: float = 63.0
    cointegration: float = 0.0
    cointegration_half_life: float = 10.0
    illiquidity: float = 0.0
    regimes: float = 0.0
    regime_length: float = 63.0

    def __post_init__(self) -> None:
        for name in ("count", "bars"):
            self._check(name, getattr(self, name) >= 1, "at least 1")
        for name in ("seed", "dispersion", "cointegration", "regimes"):
            self._check(name, getattr(self, name) >= 0, "0 or more")
        for name in ("volatility", "traded_value", "momentum_half_life", "cointegration_half_life"):
            self._check(name, getattr(self, name) > 0, "above 0")
        self._check("illiquidity", True, "a finite number")
        self._check("overnight", 0 <= self.overnight < 1, "0 or more and below 1")
        self._check("momentum", 0 <= self.momentum <= 0.5, "from 0 to 0.5")
        self._check("regime_length", self.regime_length >= 2, "at least 2 sessions")
        if self.momentum and not self._momentum_can_be():
            raise ConfigError(
                f"a momentum of {self.momentum:g} cannot come of a drift that halves in "
                f"{self.momentum_half_life:g} sessions; raise momentum_half_life"
            )
        if self._spread_share >= 1:
            raise ConfigError(
                f"a cointegration of {self.cointegration:g} moves prices more than their "
                f"volatility {self.volatility:g}; lower it, or raise volatility or cointegration_half_life"
            )

    def load(self, symbols: Sequence[str] | None = None, start: date | None = None, end: date | None = None) -> Market:
        """Return the bars from ``first``, or ``start``, to ``end``; by default of S001 to S<count>, ``bars`` sessions.

        Raises
        ------
        DataError
            If a symbol is not called like S001 or is named twice, or the span begins before ``first``.
        """
        import pandas as pd

        from quantstrats.market.market import Market

        chosen = list(symbols) if symbols else [f"S{number:03d}" for number in range(1, self.count + 1)]
        numbers = [self._number(symbol) for symbol in chosen]
        if len(set(chosen)) < len(chosen):
            raise DataError(f"source 'synthetic': a symbol is named twice in {', '.join(chosen)}")
        index = self._sessions(start, end)
        arrays = self._arrays(numbers, len(index))
        frames = {field: pd.DataFrame(array, index=index, columns=chosen) for field, array in arrays.items()}
        return Market.from_frames(
            open=frames["open"],
            high=frames["high"],
            low=frames["low"],
            close=frames["close"],
            volume=frames["volume"],
            stamps=[self.truth],
        ).between(start, end)

    @property
    def truth(self) -> str:
        """What is planted, in one line."""
        effects = {
            "momentum": f"momentum {self.momentum:g} (correlation of consecutive months)",
            "cointegration": f"cointegration of S001 and S002 (log spread {self.cointegration:g}, half-life "
            f"{self.cointegration_half_life:g} sessions)",
            "illiquidity": f"illiquidity premium {self.illiquidity:g} a year per unit of log Amihud",
            "regimes": f"volatility regimes (x{1 + self.regimes:g}, {self.regime_length:g} sessions each)",
        }
        on = [text for name, text in effects.items() if getattr(self, name)]
        planted = f"planted: {', '.join(on)}" if on else "the null market, in which nothing can be gained"
        return f"synthetic bars, not real ones (seed {self.seed}); {planted}"

    def _check(self, name: str, fits: bool, wanted: str) -> None:
        value = getattr(self, name)
        if not (fits and math.isfinite(value)):
            raise ConfigError(f"{name} is {value!r}; it is {wanted}")

    def _number(self, symbol: str) -> int:
        matched = re.fullmatch(r"S(\d{3,6})", symbol)
        number = int(matched[1]) if matched else 0
        # One name for one symbol: S0001 would be S001 again.
        if number < 1 or symbol != f"S{number:03d}":
            raise DataError(f"source 'synthetic' has no symbol {symbol!r}; its symbols are S001, S002 and so on")
        return number

    def _sessions(self, start: date | None, end: date | None) -> pd.DatetimeIndex:
        import pandas as pd

        from quantstrats.market.calendar import Calendar

        exchange, first = Calendar("XNYS"), pd.Timestamp(self.first)
        if start is not None and pd.Timestamp(start) < first:
            raise DataError(f"source 'synthetic' begins on {self.first}, after the start {start}; set data.first")
        if end is None:
            # A year has 250 sessions or more; so this many days hold enough of them.
            last = first + pd.Timedelta(days=math.ceil(self.bars / 250 * 366) + 15)
            return exchange.sessions(first, last)[: self.bars]
        sessions = exchange.sessions(first, max(pd.Timestamp(end), first))
        if pd.Timestamp(end) < first or sessions.empty:
            raise DataError(f"source 'synthetic' begins on {self.first}, after the end {end}; set data.first")
        return sessions

    def _momentum_can_be(self) -> bool:
        from quantstrats.market.sources import draws

        between, within = draws.month_moments(self.momentum_half_life)
        return between > self.momentum * within

    @property
    def _variance(self) -> float:
        """Of a session's log return around its drift."""
        return self.volatility**2 / YEAR

    @property
    def _spread_share(self) -> float:
        """Part of the variance of S001 and S002 that moves them apart, each by half of what the spread does."""
        keep = math.pow(0.5, 2 / self.cointegration_half_life)
        return self.cointegration**2 * (1 - keep) / 4 / self._variance

    def _arrays(self, numbers: list[int], rows: int) -> dict[str, Floats]:
        """Return the five fields, rows x symbols."""
        import numpy as np

        from quantstrats.market.sources import draws

        # Two symbols that stay together are alike in what would part them: drift and traded value.
        alike = [_PAIR[0] if self.cointegration and number == _PAIR[1] else number for number in numbers]
        traits = draws.normal(self.seed, "trait", alike, 2)
        first = np.log(_MEDIAN_PRICE) + _PRICE_DISPERSION * traits[0]
        value = np.log(self.traded_value) + self.dispersion * traits[1]

        rough = draws.turbulence(self.seed, rows, self.regimes, self.regime_length)[:, None]
        variance = self._variance * rough**2
        night = draws.normal(self.seed, "night", numbers, rows)
        day = draws.normal(self.seed, "day", numbers, rows)
        drift = self._drifts(alike, rows) + self.illiquidity * (np.log(self.traded_value) - value) / YEAR
        if self.cointegration and set(numbers) & set(_PAIR):
            self._tie(numbers, np.sqrt(variance), night, day, drift, first)

        # Each step multiplies the price by what has the mean exp(drift): exp(sd * normal - sd ** 2 / 2) has the mean 1.
        gap = self.overnight * (drift - variance / 2) + np.sqrt(self.overnight * variance) * night
        move = (1 - self.overnight) * (drift - variance / 2) + np.sqrt((1 - self.overnight) * variance) * day
        close = first + np.cumsum(gap + move, axis=0)
        open_ = np.vstack([first, close[:-1]]) + gap
        up, down = draws.extremes(
            close - open_,
            (1 - self.overnight) * variance,
            draws.uniform(self.seed, "high", numbers, rows),
            draws.uniform(self.seed, "low", numbers, rows),
        )
        prices = {"open": np.exp(open_), "close": np.exp(close)}
        # The last digit of an exponential may break an order that holds for the logs.
        prices["high"] = np.maximum(np.exp(open_ + up), np.maximum(prices["open"], prices["close"]))
        prices["low"] = np.minimum(np.exp(open_ + down), np.minimum(prices["open"], prices["close"]))
        traded = np.exp(value + _VOLUME_NOISE * draws.normal(self.seed, "volume", numbers, rows))
        return {**prices, "volume": np.maximum(np.rint(traded / prices["close"]), 1.0)}

    def _drifts(self, numbers: list[int], rows: int) -> Floats:
        """Return each session's expected log return, known at the close before, shape (rows, symbols)."""
        import numpy as np

        from quantstrats.market.sources import draws

        if not self.momentum:
            return np.zeros((rows, len(numbers)))
        deviation = draws.drift_deviation(self.momentum, self.momentum_half_life, self._variance)
        keep = draws.kept(self.momentum_half_life)
        noise = draws.normal(self.seed, "drift", numbers, rows - 1)
        first = draws.normal(self.seed, "first drift", numbers, 1)[0]
        return deviation * draws.autoregression(first, keep, np.sqrt(1 - keep**2) * noise)

    def _tie(self, numbers: list[int], sd: Floats, night: Floats, day: Floats, drift: Floats, first: Floats) -> None:
        """Tie S001 and S002 together, in place: a trend that they share, and a spread that pulls them back.

        Of the variance of each, ``_spread_share`` is the spread's, with opposite signs; the rest is the trend's. The
        trend is made of what is drawn for S001, the spread of what is drawn for S002.
        """
        import numpy as np

        from quantstrats.market.sources import draws

        apart, together = np.sqrt(self._spread_share), np.sqrt(1 - self._spread_share)
        rows = len(night)
        nights = draws.normal(self.seed, "night", _PAIR, rows)
        days = draws.normal(self.seed, "day", _PAIR, rows)
        keep = draws.kept(self.cointegration_half_life)
        whole = np.sqrt(self.overnight) * nights[:, 1] + np.sqrt(1 - self.overnight) * days[:, 1]
        start = self.cointegration * draws.normal(self.seed, "first spread", [draws.MARKET], 1)[0, 0]
        spread = draws.autoregression(np.array(start), keep, 2 * apart * sd[:, 0] * whole)
        for sign, number in zip((0.5, -0.5), _PAIR, strict=True):
            if number in numbers:
                column = numbers.index(number)
                night[:, column] = together * nights[:, 0] + 2 * sign * apart * nights[:, 1]
                day[:, column] = together * days[:, 0] + 2 * sign * apart * days[:, 1]
                drift[:, column] += sign * (keep - 1) * spread[:-1]
                first[column] += sign * spread[0]


@hookimpl
def register_sources(register: Register) -> None:
    """Offer synthetic bars."""
    register(Synthetic)
