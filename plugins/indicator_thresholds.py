"""Four indicators vote by their textbook thresholds, with a stop and a target."""

from dataclasses import dataclass

from quantstrats import Details, Signal, features, hookimpl, positions


@dataclass(frozen=True)
class IndicatorThresholds(Signal):
    """In where `agree` of four indicators point one way, out at a stop, a target, or where they point the other way.

    Each votes long (1), short (-1) or not at all:

    - the relative strength index (Wilder 1978) below `oversold`, above `overbought`;
    - the histogram of the price oscillator, a MACD in per cent (Appel 2005), above or below zero;
    - the close below or above the Bollinger bands (Bollinger 2001);
    - the close above or below its exponential average.

    Two of them buy weakness and two buy strength, so that they often cancel; that is how such rules circulate.
    Stop and target count from the close on which a position is decided, and are looked at on closes alone. After
    either, the same side is taken again only once the votes for it have ceased. Each quarter begins flat, so that a
    session that starts today does what a backtest does; what the votes say on its first bar is taken at once.

    Parameters
    ----------
    agree : int
        How many votes more for one side than for the other, 1 to 4.
    stop_loss, take_profit : float
        Fractions of the price.
    oversold, overbought : float
        Of the relative strength index, 0 to 100.
    rsi, bollinger, ema : int
        Bars of the indicators; the oscillator has Appel's 12, 26 and 9.
    deviations : float
        Of the Bollinger bands.
    """

    name = "indicator_thresholds"
    resets = "quarter"
    agree: int = 2
    stop_loss: float = 0.05
    take_profit: float = 0.10
    oversold: float = 30.0
    overbought: float = 70.0
    rsi: int = 14
    bollinger: int = 20
    ema: int = 50
    deviations: float = 2.0

    def __post_init__(self):
        if not 1 <= self.agree <= 4:
            raise ValueError(f"agree ({self.agree}) must be from 1 to 4, the number of indicators")
        if not (self.stop_loss > 0 and self.take_profit > 0):
            raise ValueError(f"stop_loss ({self.stop_loss}) and take_profit ({self.take_profit}) must be above 0")
        if not 0 <= self.oversold < self.overbought <= 100:
            raise ValueError(
                f"oversold ({self.oversold}) must be below overbought ({self.overbought}), both from 0 to 100"
            )

    def warmup(self):
        return features.warmup(self.indicators())

    def forecast(self, market):
        votes = self.votes(market).iloc[self.warmup() - 1 :]  # a quarter is asked for with so many rows before it
        wanted = votes.where(votes.abs() >= self.agree, votes * 0.0)
        held = positions.until_stopped(
            wanted, market.close.loc[votes.index], stop_loss=self.stop_loss, take_profit=self.take_profit
        )
        return held.reindex(market.index)

    def votes(self, market):
        table = features.compute(market, self.indicators())
        rsi, oscillator, bands, ema = (table[indicator] for indicator in self.indicators())
        return (
            vote(rsi < self.oversold, rsi > self.overbought, rsi)
            + vote(oscillator > 0, oscillator < 0, oscillator)
            + vote(bands < 0, bands > 1, bands)
            + vote(market.close > ema, market.close < ema, ema)
        )

    def indicators(self):
        return [
            f"rsi(window={self.rsi})",
            "ppo_histogram",
            f"bollinger_percent(window={self.bollinger}, deviations={self.deviations})",
            f"ema(window={self.ema})",
        ]

    def details(self, market):
        names = [
            self.indicators()[3],
            *(
                f"bollinger_{side}(window={self.bollinger}, deviations={self.deviations})"
                for side in ("upper", "lower")
            ),
        ]
        table = features.compute(market, names)
        titles = f"EMA {self.ema}", "upper band", "lower band"
        return Details(overlays={title: table[name] for title, name in zip(titles, names, strict=True)})


def vote(long, short, indicator):
    return (long.astype(float) - short.astype(float)).where(indicator.notna())


@hookimpl
def register_signals(register):
    register(IndicatorThresholds)
