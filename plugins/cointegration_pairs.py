"""Two prices that are tied together come back together."""

from dataclasses import dataclass
from datetime import date
from typing import Any, Literal

from quantstrats import Details, Learner, Signal, hookimpl, pairs

SILENT = 5  # rows without a bar on which a position stands
PICTURES = 6
Hedge = Literal["least_squares", "total_least_squares", "rolling", "kalman"]
Neutral = Literal["dollar", "beta"]


@dataclass(frozen=True, kw_only=True)
class CointegrationPairs(Learner):
    """Find cointegrated pairs on a formation window, and trade their spreads back to the mean on the rows after it.

    Engle and Granger (1987), "Co-integration and Error Correction", Econometrica 55(2), say which pairs; Gatev,
    Goetzmann and Rouwenhorst (2006), "Pairs Trading", Review of Financial Studies 19(3), how they are traded: sold at
    2 standard deviations above the mean, bought at 2 below, closed at the mean, flat at the start of each window.
    Every pair is tested in both orders, and the p-values are adjusted for how many pairs there are. Where nothing
    passes there is nothing to trade: flat. The forecast is the signed weight of each symbol, pairs that share one
    netted: allocate with direct.

    Parameters
    ----------
    level : float
        The largest adjusted p-value that passes.
    control : str
        How p-values are adjusted: the share of false discoveries by Benjamini and Hochberg (1995), by Benjamini and
        Yekutieli (2001), who need no assumption of how tests depend on each other, or none.
    both : bool
        Whether a pair has to pass in both orders; else the better one counts, at twice its p-value.
    correlation : float
        The least correlation of daily returns.
    fastest, slowest : float
        The half-life of a deviation, in bars, must lie between.
    most : int
        How many pairs are traded: those of the lowest p-values.
    size : int
        2 are pairs; 3 to 6 are baskets by Johansen's test at 99% (of every choice: for few symbols), to which level,
        control, both, correlation and hedge do not apply.
    hedge : str
        How much of one symbol hedges the other: a line of least squares or total least squares through the formation,
        rolling least squares, or a Kalman filter.
    window : int
        Bars of rolling least squares, and those from which the Kalman filter starts.
    drift : float
        How fast the Kalman filter's coefficients wander; it remembers about 1 / sqrt(drift) bars.
    entry, exit, stop : float
        In standard deviations of the spread. After a stop a spread is left alone until it has come back.
    neutral : str
        As much long as short ("dollar"), or in the proportion of the hedge ratio ("beta").
    share : float
        The most of equity that one pair gets, both sides together; less where more than 1 / share pairs pass.
    """

    name = "cointegration_pairs"
    refit: Literal["week", "month", "quarter", "year"] = "quarter"
    train: int | date = 252
    level: float = 0.05
    control: Literal["benjamini_hochberg", "benjamini_yekutieli", "none"] = "benjamini_hochberg"
    both: bool = True
    correlation: float = 0.0
    fastest: float = 1.0
    slowest: float = 63.0
    most: int = 20
    size: int = 2
    hedge: Hedge = "least_squares"
    window: int = 60
    drift: float = 1e-4
    entry: float = 2.0
    exit: float = 0.0
    stop: float | None = None
    neutral: Neutral = "dollar"
    share: float = 0.2

    def __post_init__(self):
        if not 0.0 <= self.exit < self.entry < (float("inf") if self.stop is None else self.stop):
            raise ValueError(f"exit ({self.exit}), entry ({self.entry}) and stop ({self.stop}) must rise, from 0 on")
        if not 0.0 <= self.fastest < self.slowest or not 0.0 < self.level <= 1.0:
            raise ValueError(
                f"fastest ({self.fastest}) must be below slowest ({self.slowest}) and level ({self.level}) in 0 to 1"
            )
        if not 2 <= self.size <= 6 or self.most < 1 or not 0.0 < self.share <= 1.0:
            raise ValueError(
                f"size ({self.size}) must be 2 to 6, most ({self.most}) at least 1 and share ({self.share}) in 0 to 1"
            )
        if self.window < 3 or not 0.0 <= self.drift < 1.0 or not -1.0 <= self.correlation < 1.0:
            raise ValueError(
                f"window ({self.window}) must be at least 3, drift ({self.drift}) from 0 to below 1 and correlation "
                f"({self.correlation}) from -1 to below 1"
            )
        if self.hedge == "kalman" and isinstance(self.train, int) and self.train < self.window:
            raise ValueError(f"the Kalman filter starts from window ({self.window}) of train ({self.train}) rows")

    def warmup(self):
        return self.window if self.hedge == "rolling" else SILENT + 1

    def fit(self, market):
        closes = market.close if market.universe is None else market.close.loc[:, market.universe.iloc[-1]]
        half_life = (self.fastest, self.slowest)
        hedge, lowest = self.hedge, float("nan")
        if self.size == 2:
            found = pairs.screen(
                closes, self.level, self.control, both=self.both, half_life=half_life, correlation=self.correlation
            )
            lowest = float(found["q_value"].min())
            passing = found[found["verdict"] == "passes"].head(self.most)
            formation = pairs.form(closes, passing, hedge, self.window, self.drift)
        else:
            hedge = "least_squares"  # fixed coefficients, as those
            formation = pairs.baskets(closes, self.size, half_life=half_life, most=self.most)
        share = min(self.share, 1.0 / max(1, len(formation.spreads)))
        bounds = (self.entry, self.exit, self.stop)
        return CointegrationPairsFitted(
            formation.spreads, formation.legs, market.index[-1], lowest, hedge, self.window, bounds, self.neutral, share
        )

    def details(self, market):
        import pandas as pd

        windows, spreads, pictures = [], [], dict[str, object]()
        for refit in reversed(market.refits):  # the latest first
            if refit.signal is None:
                continue
            z, held, weights = refit.signal.traded(refit.market)
            trades = pairs.trades(held, weights, market.open)
            span = {"from": str(refit.start.date()), "to": str(refit.stop.date())}
            windows.append(span | refit.signal.row(trades))
            spreads.append(pairs.with_trades(refit.signal.spreads, trades).assign(**span))
            for name in trades["spread"].unique()[: PICTURES - len(pictures)]:
                picture = pairs.spread_picture(z[name], held[name], *refit.signal.bounds)
                pictures[f"{name} from {span['from']} on"] = picture
        if not windows:
            return Details()
        each = pd.concat(spreads).set_index("spread").rename(columns=lambda name: name.replace("_", " "))
        tables = {"Windows": pd.DataFrame(windows).set_index("from"), "Pairs and their trades": each}
        return Details(tables=tables, pictures=pictures)


@dataclass(frozen=True, eq=False)
class CointegrationPairsFitted(Signal):
    """The spreads that a formation found, traded on the rows after it."""

    name = "cointegration_pairs_fitted"
    spreads: Any  # DataFrames of pairs.form
    legs: Any
    formed: Any  # Timestamp
    lowest: float
    hedge: Hedge
    window: int
    bounds: tuple[float, float, float | None]
    neutral: Neutral
    share: float

    def warmup(self):
        return self.window if self.hedge == "rolling" else SILENT + 1

    def forecast(self, market):
        _, _, weights = self.traded(market)
        return pairs.netted(weights, market.symbols, self.share).reindex(market.index, fill_value=0.0)

    def traded(self, market):
        formation = pairs.Formation(self.spreads, self.legs)
        z, legs = pairs.follow(market.close, formation, self.hedge, self.window, after=self.formed)
        held = pairs.positions(z, *self.bounds, allowed=pairs.all_within(market.universe, legs), patience=SILENT)
        return z, held, pairs.leg_weights(held, legs, self.neutral)

    def row(self, trades):
        """Return what the table of windows says of this one."""
        passed = len(self.spreads)
        return {
            "passed": passed,
            "lowest adjusted p": self.lowest,
            "trades": len(trades),
            "return before costs": float(trades["return"].sum()) * self.share,
            "note": "" if passed else "nothing passed: flat" if self.lowest == self.lowest else "nothing to test: flat",
        }


@hookimpl
def register_signals(register):
    register(CointegrationPairs)
