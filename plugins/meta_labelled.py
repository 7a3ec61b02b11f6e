"""One signal says which side, a second model whether to believe it, and how much."""

from dataclasses import dataclass
from datetime import date

import numpy as np

from quantstrats import Details, Learner, Signal, features, hookimpl, labels, models

FEATURES = (
    "roc(window=5)",
    "roc(window=20)",
    "roc(window=60)",
    "realised_volatility",
    "volatility_ratio",
    "efficiency_ratio(window=20)",
    "drawdown(window=60)",
)
BASIS_POINTS = 10_000
WON = 1.0  # the class of a bet that paid more than it cost


@dataclass(frozen=True, kw_only=True)
class MetaLabelled(Learner):
    """Follow `primary` where its bet is likely to win, the more the likelier that is.

    Meta-labelling (Lopez de Prado 2018, "Advances in Financial Machine Learning", section 3.6): the primary's side is
    taken as it is; what is learned is whether a bet on it would have reached its profit before its stop, after costs.
    The primary's forecasts are out of sample in training as well, so its luck with rows that it knew is not learned.
    The probability is calibrated on later rows (Platt 1999). Below `confidence` the forecast is 0, else the side times
    the size of the bet (section 10.3): 0 at an even chance, 0.16 at 0.6, 0.34 at 0.7, 1 where it is certain. Whatever
    the primary's own numbers mean, they are one of the inputs, and no more.

    Parameters
    ----------
    primary : Signal
        Whose bets they are: any signal, a learner too, as `ml_ensemble`.
    horizon : int
        Bars after which a bet ends that reached neither barrier.
    profit, stop : float
        Where the barriers stand, in volatilities of a bar from the entry.
    cost_bps : float
        Of entry and exit together, in basis points: to win, a bet must earn more.
    confidence : float
        Least probability that a bet wins.
    sized : bool
        Whether a bet is larger the likelier it wins; else it is all or nothing.
    inputs : tuple of str
        Features from which is learned, beside the primary's forecast.
    model : str
        One of models.NAMES.
    held_back : float
        Share of the latest rows on which the model is calibrated; 0: it is not.
    seed : int
        Of whatever the model draws at random.
    """

    name = "meta_labelled"
    primary: Signal
    horizon: int = 10
    profit: float = 2.0
    stop: float = 2.0
    cost_bps: float = 30.0
    confidence: float = 0.5
    sized: bool = True
    inputs: tuple[str, ...] = FEATURES
    model: str = "random_forest"
    held_back: float = 0.25
    seed: int = 0
    train: int | date = 756

    def __post_init__(self):
        super().__post_init__()
        if self.horizon < 1 or min(self.profit, self.stop) <= 0 or self.cost_bps < 0 or not 0 <= self.confidence <= 1:
            raise ValueError(
                f"horizon ({self.horizon}) must be at least 1, profit ({self.profit}) and stop ({self.stop}) above 0, "
                f"cost_bps ({self.cost_bps}) at least 0, confidence ({self.confidence}) from 0 to 1"
            )
        self.second()

    def warmup(self):
        return features.warmup(self.inputs)

    def second(self):
        made = models.make(self.model, seed=self.seed)
        return models.Calibrated(made, share=self.held_back, embargo=self.horizon) if self.held_back else made

    def fit(self, market):
        learned = labels.samples(self.table(market), self.bets(market))
        fitted = self.second().fit(
            learned.inputs, learned.labels, weight=learned.uniqueness(), start=learned.start, end=learned.end
        )
        return MetaLabelledFitted(fitted, self.inputs, self.confidence, self.sized)

    def table(self, market):
        return with_primary(market, self.inputs)

    def bets(self, market):
        side = market.parts["primary"]
        barriers = labels.triple_barrier(market, self.horizon, self.profit, self.stop, side=side)
        return labels.meta(side, barriers, cost=self.cost_bps / BASIS_POINTS)

    def details(self, market):
        if not market.refits:
            return Details()
        bets = self.bets(market)
        served = [each for each in models.served(market, self.table, bets) if each.answered]
        if not served:
            return Details()
        chance = np.concatenate([each.signal.model.probability(WON, each.inputs) for each in served])
        came = np.concatenate([each.labels == WON for each in served])
        worth = [
            models.permutation_importance(each.signal.model, each.inputs, each.labels, repeats=1) for each in served
        ]
        names = ("primary", *self.inputs)
        return Details(
            tables={"Bets of the primary, out of sample, after costs": judged(bets, market.forecast)},
            pictures={
                "Chance that a bet wins, out of sample": models.calibration_picture(
                    chance, came, "chance to win, as told"
                ),
                "Importance out of sample: log loss that an input saves, mean and spread over refits": (
                    models.importance_picture(names, np.concatenate(worth))
                ),
            },
        )


@dataclass(frozen=True)
class MetaLabelledFitted(Signal):
    """The primary's side, times the size of a bet that wins as often as the model says."""

    name = "meta_labelled_fitted"
    model: models.FittedModel
    inputs: tuple[str, ...]
    confidence: float
    sized: bool

    def warmup(self):
        return features.warmup(self.inputs)

    def forecast(self, market):
        primary = market.parts["primary"]
        asked = labels.samples(with_primary(market, self.inputs))
        chance = self.model.probability(WON, asked.inputs)
        size = models.bet_size(chance) if self.sized else np.where(np.isnan(chance), np.nan, 1.0)
        bet = np.sign(primary) * asked.frame(np.where(chance < self.confidence, 0.0, size))
        return bet.where(primary != 0.0, 0.0)  # no bet needs no chance


def with_primary(market, names):
    """Return the primary's forecast and the features, rows x (feature, symbol)."""
    import pandas as pd

    own = pd.concat({"primary": market.parts["primary"]}, axis=1, names=["feature", "symbol"])
    return pd.concat([own, features.compute(market, list(names))], axis=1)


def judged(bets, forecast):
    """Return how often the primary's bets won and what they earned: all, those that were followed, those left."""
    import pandas as pd

    known = (bets.values.notna() & forecast.notna()).to_numpy()
    told = pd.DataFrame(
        {"won": bets.values.to_numpy()[known], "mean bps": bets.returns.to_numpy()[known] * BASIS_POINTS}
    )
    followed = forecast.to_numpy()[known] != 0.0
    groups = {"all": told, "followed": told[followed], "left": told[~followed]}
    rows = {name: {"bets": len(each), **each.mean()} for name, each in groups.items()}
    return pd.DataFrame.from_dict(rows, orient="index").rename_axis("bets of the primary")


@hookimpl
def register_signals(register):
    register(MetaLabelled)
