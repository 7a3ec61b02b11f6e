"""Six classifiers compete for the trend, on the past alone."""

from dataclasses import dataclass
from datetime import date
from typing import Literal

import numpy as np

from quantstrats import Details, Learner, Signal, factors, features, hookimpl, labels, models

FEATURES = [
    "roc(window=5)",
    "roc(window=20)",
    "roc(window=60)",
    "moving_average_distance",
    "slope_t",
    "efficiency_ratio(window=20)",
    "rsi",
    "bollinger_percent",
    "realised_volatility",
    "volatility_ratio",
]
SIX = (
    "logistic_regression",
    "nearest_neighbours",
    "random_forest",
    "xgboost",
    "support_vector_machine",
    "perceptron",
)
TITLES = {"auc": "AUC", "brier": "Brier", "log_loss": "log loss", "net_sharpe": "net Sharpe"}


@dataclass(frozen=True, kw_only=True)
class TrendClassifier(Learner):
    """Whether the next `horizon` bars rise or fall, as the best of six classifiers sees it.

    At each refit all models are fitted on the same purged folds of the training rows; the one with the best score on
    rows that it had not learned from is fitted on all of them and asked until the next refit. The forecast is the
    chance of a rise less that of a fall. The best of six scores is partly luck: what the tear sheet shows of the folds
    is how the choice was made, what it shows out of sample is what came of it.

    Parameters
    ----------
    horizon : int
        In bars, from the decision to the close that counts.
    threshold : float
        A smaller move up or down, as a fraction, is a class of its own: neither; 0 has two classes.
    models : tuple of str
        Those that compete, by the names in `quantstrats.models`.
    by : str
        The score that decides: log_loss, brier, accuracy, precision, recall or auc.
    folds : int
        Of successive rows.
    cost_bps : float
        For the net Sharpe ratios of the tables: basis points of what is traded.
    seed : int
        Of whatever is random in a model.
    """

    name = "trend_classifier"
    horizon: int = 10
    threshold: float = 0.0
    models: tuple[str, ...] = SIX
    by: Literal["accuracy", "precision", "recall", "auc", "brier", "log_loss"] = "log_loss"
    folds: int = 4
    cost_bps: float = 15.0
    seed: int = 0
    train: int | date = 756

    def __post_init__(self):
        super().__post_init__()
        if self.horizon < 1 or not self.threshold >= 0 or not self.models:
            raise ValueError(
                f"horizon ({self.horizon}) must be at least 1, threshold ({self.threshold}) at least 0, and at least "
                "one model named"
            )
        if self.folds < 2 or not self.cost_bps >= 0:
            raise ValueError(f"folds ({self.folds}) must be at least 2, cost_bps ({self.cost_bps}) at least 0")
        self.candidates()

    def warmup(self):
        return features.warmup(FEATURES)

    def candidates(self):
        return {name: models.make(name, seed=self.seed) for name in self.models}

    def fit(self, market):
        samples = labels.samples(features.compute(market, FEATURES), self.known(market))
        if len(samples) < 2 * self.folds:
            return None
        rows = {"weight": samples.uniqueness(), "start": samples.start, "end": samples.end}
        candidates = self.candidates()
        compared = models.compare(
            candidates, samples.inputs, samples.labels, **rows, folds=self.folds, embargo=self.horizon
        )
        best = compared.best(self.by)
        if best is None:
            return None
        scores = compared.scores.assign(net_sharpe=[self.net(compared, each, samples, market) for each in candidates])
        return TrendClassified(best, candidates[best].fit(samples.inputs, samples.labels, **rows), scores)

    def known(self, market):
        return labels.direction(market, self.horizon, up=self.threshold)

    def net(self, compared, name, samples, market):
        up, down = (compared.probability(name, label) for label in (labels.UP, labels.DOWN))
        forecast = samples.frame(up - down)
        told = forecast.dropna(how="all").index
        # Of the rows that the models were asked for; the features' warm-up before them is no time out of the market.
        return self.sharpe(forecast, market, told[0], told[-1]) if len(told) else np.nan

    def sharpe(self, forecast, market, first, last):
        rows = market.index.searchsorted([first, last])
        asked = market.rows(rows[0], rows[1] + 1)
        earned = factors.following_returns(forecast, asked, cost_bps=self.cost_bps, short=False)
        return factors.annual_sharpe(earned, market.bars_per_year)

    def details(self, market):
        if not market.refits:
            return Details()
        served = models.served(market, FEATURES, self.known(market))
        if not served:
            return Details()
        chance, came = zip(*(self.rises(each) for each in served), strict=True)
        worth = [models.permutation_importance(each.signal.model, each.inputs, each.labels) for each in served]
        chosen = [each.signal.chosen for each in served]
        starts = [each.refit.start for each in served]
        net = f"net Sharpe: long or flat, {self.cost_bps:g} bps a trade"
        return Details(
            tables={
                f"The models on rows of the folds, within the training rows ({net})": in_folds(served, self.models),
                f"The chosen model out of sample ({net})": self.out_of_sample(served, market),
            },
            pictures={
                "Chance of a rise, out of sample": models.calibration_picture(
                    np.concatenate(chance), np.concatenate(came), "chance of a rise, as told"
                ),
                "Importance out of sample: log loss that a feature saves, mean and spread over refits": (
                    models.importance_picture(FEATURES, [each.mean(axis=0) for each in worth])
                ),
                "Which model was chosen": models.choice_picture(self.models, starts, chosen),
            },
        )

    def rises(self, served):
        return served.signal.model.probability(labels.UP, served.inputs), served.labels == labels.UP

    def out_of_sample(self, served, market):
        """Return what each refit's chosen model scored, beside the share of rises, which needs no model."""
        import pandas as pd

        rows = []
        for each in served:
            model = each.signal.model
            scores = models.scores_of(model.predict_proba(each.inputs), each.labels, np.asarray(model.classes))
            net = self.sharpe(each.forecast, market, each.refit.start, each.refit.stop)
            told = {"from": each.refit.start.date(), "chosen": each.signal.chosen.replace("_", " ")}
            rows.append({**told, "rises": (each.labels == labels.UP).mean(), **scores, "net Sharpe": net})
        return pd.DataFrame(rows).rename(columns=TITLES).set_index("from")


def in_folds(served, names):
    """Return the mean over the refits of what each model scored in the folds, and how often it was chosen."""
    import pandas as pd

    scores = pd.concat([each.signal.scores for each in served])
    chosen = [each.signal.chosen for each in served]
    table = scores.groupby(level=0).mean().reindex(names).assign(chosen=[chosen.count(name) for name in names])
    return table.rename(columns=TITLES, index=lambda name: name.replace("_", " "))


@dataclass(frozen=True)
class TrendClassified(Signal):
    """The chance of a rise less that of a fall, as the chosen model says."""

    name = "trend_classified"
    chosen: str
    model: models.FittedModel
    scores: object  # a DataFrame: what each model scored in the folds

    def warmup(self):
        return features.warmup(FEATURES)

    def forecast(self, market):
        samples = labels.samples(features.compute(market, FEATURES))
        up, down = (self.model.probability(label, samples.inputs) for label in (labels.UP, labels.DOWN))
        return samples.frame(up - down)


@hookimpl
def register_signals(register):
    register(TrendClassifier)
