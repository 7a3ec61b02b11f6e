"""Illiquid stocks earn more, before what it costs to trade them."""

from dataclasses import dataclass

from quantstrats import Details, Signal, factors, features, hookimpl

SILENT = 5  # rows without a bar that an opinion outlives
DECILES = 10
MONTH = 21  # bars; over which the deciles are judged


@dataclass(frozen=True)
class AmihudAlpha(Signal):
    """Rank symbols by how far a unit of currency moved their price: long what is illiquid, short what is liquid.

    Amihud (2002), "Illiquidity and Stock Returns", Journal of Financial Markets 5(1): ILLIQ is the mean of |return| /
    (close x volume) over a year; who holds what is hard to sell wants to be paid for it. Bars without volume are left
    out, and four bars in five must have some (he asks for 200 days of a year). The forecast is the rank by ILLIQ among
    the symbols that may be held, from below 1 for the most illiquid to above -1, with the mean 0: ranks, since a few
    symbols are a thousand times as illiquid as the others. A single symbol has no rank: it is flat.

    Which prices and sizes take part is the universe's business, as for any signal: ``universe.min_price`` (Amihud: 5)
    and ``universe.min_dollar_volume`` or ``universe.top`` leave out what nobody could trade, judged by past bars alone,
    and what they leave out is not ranked. Allocate with top_quantile (quantile 0.1; with short: the decile spread) or
    proportional (a tilt), decide by the month. What it costs grows with the very thing it looks for: set costs.impact.

    Parameters
    ----------
    window : int
        Bars over which ILLIQ is taken; 252 are a year.
    lag : int
        Rows that ILLIQ is old: with a month (21) last month's returns, which tend to reverse, have no part in it.
    """

    name = "amihud_alpha"
    scale_free = False  # ILLIQ is per unit of currency
    window: int = 252
    lag: int = 21

    def __post_init__(self):
        if self.window < 1 or self.lag < 0:
            raise ValueError(f"window ({self.window}) must be at least 1 and lag ({self.lag}) at least 0")

    def warmup(self):
        return features.warmup(self.measure) + SILENT + self.lag

    def forecast(self, market):
        illiquidity = self.illiquidity(market)
        if market.universe is not None:
            illiquidity = illiquidity.where(market.universe)
        number = illiquidity.count(axis=1)
        return illiquidity.rank(axis=1).sub((number + 1) / 2, axis=0).mul(2).div(number, axis=0)

    def details(self, market):
        parts = min(DECILES, int(market.forecast.count(axis=1).max()))
        if parts < 2:
            return Details()
        earned = factors.quantile_returns(market.forecast, market, parts, horizon=MONTH)
        alike = {
            "ILLIQ x 1e6": self.illiquidity(market),
            "traded a day": market.close * market.volume,
            "price": market.close,
        }
        deciles = factors.quantile_means(market.forecast, alike, parts, horizon=MONTH).join(
            earned.table.rename(columns={"mean return": f"return of {MONTH} bars"}), how="outer"
        )
        called = "Deciles" if parts == DECILES else f"{parts} parts"
        return Details(
            tables={f"{called} by illiquidity, and the month after": deciles.loc[earned.table.index]},
            pictures={"Returns by illiquidity": factors.quantile_picture(earned, market.bars_per_year)},
        )

    @property
    def measure(self):
        return f"amihud(window={self.window})"

    def illiquidity(self, market):
        """Each symbol's ILLIQ of `lag` rows ago, per million of currency."""
        known = features.compute(market, self.measure)[self.measure]
        trades = market.close.ffill(limit=SILENT).notna()
        return known.ffill(limit=SILENT).shift(self.lag).where(trades)


@hookimpl
def register_signals(register):
    register(AmihudAlpha)
