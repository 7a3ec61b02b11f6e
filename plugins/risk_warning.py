"""How likely a fall is within the next days, and what to hold against it."""

from dataclasses import dataclass
from datetime import date

import numpy as np

from quantstrats import Details, Learner, Signal, features, hookimpl, labels, models

# Volatility of a week, a month and a quarter, as Corsi (2009), Journal of Financial Econometrics 7(2), and the last
# month's return: falls are followed by more volatility than rises (Black 1976).
INPUTS = (
    "realised_volatility(window=5)",
    "realised_volatility(window=22)",
    "realised_volatility(window=66)",
    "roc(window=22)",
)


@dataclass(frozen=True, kw_only=True)
class RiskWarning(Learner):
    """Fully invested while a fall is unlikely, ever less the likelier it becomes.

    For each horizon a model learns how likely a symbol is to fall by `loss` below the next open within so many bars.
    The mean of these probabilities is the risk. It is graded: LOW up to the first of the `steps`, HIGH above the last,
    MEDIUM between; and each step says what part of the position is hedged above it. Volatility tells of falls, since
    it comes in clusters (Mandelbrot 1963, Journal of Business 36(4)); that anything tells of their direction is not
    expected here.

    Forecasts are shares of the equity, so allocate with `direct`: each symbol's equal share, less what is hedged.
    The hedge is cash. With a `hedge_symbol`, a fund that moves against the market, half of it is bought of that fund
    and the same half sold of the rest: what is left moves as much as with cash.

    Parameters
    ----------
    horizons : tuple of int
        In bars.
    loss : float
        The fall, as a fraction. 3% is much for an index and little for a stock, which falls so far every month.
    steps : tuple of (float, float)
        Above which risk how much is hedged, ascending.
    hedge_symbol : str
        An inverse fund among the symbols; cash where it is empty, and where the fund has no bar.
    inputs : tuple of str
        Features from which is learned.
    model : str
        One of models.NAMES.
    held_back : float
        Share of the latest rows on which the model is calibrated. A logistic regression needs none: the likelihood
        that it is fitted by rewards probabilities that come true. Others, as trees, take 0.25 or more.
    seed : int
        Of whatever the model draws at random.
    """

    name = "risk_warning"
    horizons: tuple[int, ...] = (3, 5, 10, 20)
    loss: float = 0.03
    steps: tuple[tuple[float, float], ...] = ((0.3, 0.25), (0.5, 0.5), (0.7, 0.8))
    hedge_symbol: str = ""
    inputs: tuple[str, ...] = INPUTS
    model: str = "logistic_regression"
    held_back: float = 0.0
    seed: int = 0
    train: int | date = 1260

    def __post_init__(self):
        risks, hedges = zip(*self.steps, strict=True) if self.steps else ((), ())
        ascending = all(np.diff(risks) > 0) and all(np.diff(hedges) >= 0)
        if (
            not self.steps
            or not ascending
            or not 0 <= risks[0] <= risks[-1] <= 1
            or not 0 <= hedges[0] <= hedges[-1] <= 1
        ):
            raise ValueError(f"steps ({self.steps}) are pairs of risk and hedge, both fractions, ascending")
        if not self.horizons or min(self.horizons) < 1 or not 0 < self.loss < 1 or not 0 <= self.held_back < 1:
            raise ValueError(
                f"horizons ({self.horizons}) must be at least 1 bar each, loss ({self.loss}) and held_back "
                f"({self.held_back}) fractions below 1"
            )

    def warmup(self):
        return features.warmup(self.inputs)

    def fit(self, market):
        if len(market) <= max(self.horizons):
            return None
        table = features.compute(market, list(self.inputs))
        model = models.make(self.model, seed=self.seed)
        if self.held_back:
            model = models.Calibrated(model, share=self.held_back)
        risks = {}
        for bars, falls in labels.drawdown_risk(market, self.horizons, self.loss).items():
            known = labels.samples(table, falls)
            known = known.take(known.symbols[known.column] != self.hedge_symbol)
            risks[bars] = model.fit(
                known.inputs, known.labels, weight=known.uniqueness(), start=known.start, end=known.end
            )
        return RiskWarningFitted(risks, self.inputs, self.steps, self.hedge_symbol)

    def details(self, market):
        import pandas as pd

        served = [refit for refit in market.refits if refit.signal]
        if not served:
            return Details()
        told = [refit.signal.chances(refit.market).loc[refit.start : refit.stop] for refit in served]
        chances = pd.concat(told).reindex(market.index)
        falls = labels.drawdown_risk(market, self.horizons, self.loss)
        within = {bars: f"{bars} bars" for bars in chances.columns.unique("bars")}
        happened = {name: falls[bars].values for bars, name in within.items()}
        risk = risk_of(chances, market.symbols)
        tables = {
            "Warnings": models.grade_table(risk, happened, self.grades),
            "Probabilities": models.brier_table({name: chances[bars] for bars, name in within.items()}, happened),
        }
        picture = models.graded_picture(risk.mean(axis=1), self.grades, top=1.0, label="risk, mean of symbols")
        return Details(tables=tables, pictures={"Risk": picture})

    @property
    def grades(self):
        """What each grade is called, and above which risk it begins."""
        first, last = self.steps[0][0], self.steps[-1][0]
        middle = {"MEDIUM": first} if first < last else {}
        return {"LOW": 0.0, **middle, "HIGH": last}


@dataclass(frozen=True)
class RiskWarningFitted(Signal):
    """What is held of each symbol, and of the fund that moves against them."""

    name = "risk_warning_fitted"
    risks: dict[int, models.FittedModel]
    inputs: tuple[str, ...]
    steps: tuple[tuple[float, float], ...]
    hedge_symbol: str

    def warmup(self):
        return features.warmup(self.inputs)

    def chances(self, market):
        """Return how likely the fall is within each horizon, rows x (bars, symbol); of one that learned nothing NaN."""
        import pandas as pd

        asked = labels.samples(features.compute(market, list(self.inputs)))
        told = {bars: asked.frame(model.probability(1.0, asked.inputs)) for bars, model in self.risks.items()}
        chances = pd.concat(told, axis=1, names=["bars", "symbol"])
        return chances.drop(columns=self.hedge_symbol, level="symbol", errors="ignore")

    def forecast(self, market):
        import pandas as pd

        risk = risk_of(self.chances(market), market.symbols)
        above, hedges = zip(*self.steps, strict=True)
        hedge = pd.DataFrame(np.array([0.0, *hedges])[np.searchsorted(above, risk)], risk.index, risk.columns)
        share = risk.notna().div(risk.notna().sum(axis=1), axis=0).where(risk.notna())
        if self.hedge_symbol not in market.symbols:
            return share * (1.0 - hedge)
        fund = market.close[self.hedge_symbol].notna()
        held = share * (1.0 - hedge.mul(1.0 - 0.5 * fund, axis=0))
        held[self.hedge_symbol] = (1.0 - held.sum(axis=1, min_count=1)).where(fund)
        return held


def risk_of(chances, symbols):
    """Return the mean over the horizons that were learned, rows x symbols."""
    return chances.T.groupby(level="symbol").mean().T.reindex(columns=symbols)


@hookimpl
def register_signals(register):
    register(RiskWarning)
