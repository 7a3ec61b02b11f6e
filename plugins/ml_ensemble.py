"""Five models that err in different ways, heard together, and followed only where they are sure and agree."""

import warnings
from dataclasses import dataclass
from datetime import date
from typing import Any, Literal

import numpy as np

from quantstrats import Details, Learner, Signal, features, hookimpl, labels, models

FEATURES = (
    "roc(window=5)",
    "roc(window=20)",
    "roc(window=60)",
    "moving_average_distance",
    "efficiency_ratio(window=20)",
    "bollinger_percent",
    "realised_volatility",
    "volatility_ratio",
    "drawdown(window=60)",
)
FIVE = ("xgboost", "random_forest", "lightgbm", "logistic_regression", "lstm")
INSTALL = "pip install 'quantstrats[ml-cpu,lightgbm,deep]' for all five"
READ_STEPS = ("cnn", "cnn_lstm", "lstm", "tcn")
# Slow and small, since labels of a market are mostly noise, and five models are fitted on each fold.
SMALL: dict[str, Any] = {
    "xgboost": {"learning_rate": 0.05},
    "random_forest": {"n_estimators": 100, "min_samples_leaf": 20},
    "lightgbm": {"n_estimators": 100, "learning_rate": 0.05, "num_leaves": 8, "min_data_in_leaf": 50},
    "lstm": {"hidden": 16, "epochs": 20, "batch": 256, "learning_rate": 0.005, "patience": 4},
}
ASKED = 500  # rows of each refit on which importance is taken


@dataclass(frozen=True, kw_only=True)
class MLEnsemble(Learner):
    """Whether the next `horizon` bars rise or fall, as several models say together.

    Boosted and bagged trees, a line and a network that reads the last `steps` bars in their order. A last model learns
    whom to believe from what they say of rows that they had not learned from (Wolpert 1992, "Stacked Generalization").
    What they say together is calibrated on later rows than all of them learned from (Platt 1999), and followed where
    it is sure and the models agree. The forecast is the chance of a rise less that of a fall, else 0.

    Parameters
    ----------
    horizon : int
        In bars, from the decision to the close that counts.
    threshold : float
        A smaller move up or down, as a fraction, is a class of its own: neither; 0 has two classes.
    inputs : tuple of str
        Features from which is learned.
    models : tuple of str
        By the names in `quantstrats.models`; what is not installed is left out. The same name again is another model,
        with another seed.
    combine : {"learned", "mean", "confidence", "scores"}
        A logistic regression that learns from what they say; or their mean, plain, weighted by how sure each is of the
        row, or by its skill on the folds.
    confidence : float
        Least probability of the side that is taken.
    disagreement : float
        Largest part of the models that may vote otherwise than most do. Of five and two classes at most two can,
        which is 0.4: 0.3 wants four of five, or three of four.
    steps : int
        Bars that a network reads.
    held_back : float
        Share of the latest rows on which the combination is calibrated; 0: it is not.
    folds : int
        Of successive rows, for `learned` and `scores`.
    seed : int
        Of whatever is random in a model.
    """

    name = "ml_ensemble"
    horizon: int = 10
    threshold: float = 0.0
    inputs: tuple[str, ...] = FEATURES
    models: tuple[str, ...] = FIVE
    combine: Literal["learned", "mean", "confidence", "scores"] = "learned"
    confidence: float = 0.55
    disagreement: float = 0.3
    steps: int = 10
    held_back: float = 0.25
    folds: int = 4
    seed: int = 0
    train: int | date = 756

    def __post_init__(self):
        super().__post_init__()
        fractions = all(0 <= each <= 1 for each in (self.confidence, self.disagreement))
        if self.horizon < 1 or self.steps < 1 or self.threshold < 0 or not fractions:
            raise ValueError(
                f"horizon ({self.horizon}) and steps ({self.steps}) must be at least 1, threshold ({self.threshold}) "
                f"at least 0, confidence ({self.confidence}) and disagreement ({self.disagreement}) from 0 to 1"
            )
        self.ensemble()

    def warmup(self):
        return features.warmup(self.inputs) + self.steps - 1

    def ensemble(self):
        if not self.held_back:
            return self.together()
        return models.Calibrated(self.together(), share=self.held_back, embargo=self.horizon)

    def together(self):
        names = models.installed(self.models)
        if len(names) < 2 and (lacking := self.lacking()):
            raise ValueError(f"of models {lacking} cannot be had, and it takes two; {INSTALL}")
        # Two of a name are no twins.
        each = tuple(self.model(name, self.seed + names[:place].count(name)) for place, name in enumerate(names))
        if self.combine == "learned":
            return models.Stacked(each, folds=self.folds, embargo=self.horizon)
        return models.Combined(each, how=self.combine, folds=self.folds, embargo=self.horizon)

    def lacking(self):
        return ", ".join(sorted(set(self.models) - set(models.installed(self.models))))

    def model(self, name, seed):
        made = models.make(name, seed=seed, **SMALL.get(name, {}))
        return made if name in READ_STEPS else models.LastStep(made)

    def fit(self, market):
        if lacking := self.lacking():
            warnings.warn(f"left out, as not installed: {lacking}; {INSTALL}", stacklevel=2)
        table = features.compute(market, list(self.inputs))
        learned = labels.samples(table, self.known(market), steps=self.steps)
        fitted = self.ensemble().fit(
            learned.inputs, learned.labels, weight=learned.uniqueness(), start=learned.start, end=learned.end
        )
        return MLEnsembleFitted(fitted, self.inputs, self.steps, self.confidence, self.disagreement)

    def known(self, market):
        return labels.direction(market, self.horizon, up=self.threshold)

    def details(self, market):
        if not market.refits:
            return Details()
        served = [each for each in models.served(market, self.inputs, self.known(market), self.steps) if each.answered]
        if not served:
            return Details()
        names, some = models.installed(self.models), [each.some(ASKED) for each in served]
        worth = [models.permutation_importance(each.signal.model, each.inputs, each.labels, repeats=1) for each in some]
        moved = models.contribution_sizes(some, self.inputs, names)
        chance = np.concatenate([each.signal.told(each.inputs)[0] for each in served])
        came = np.concatenate([each.labels == labels.UP for each in served])
        return Details(
            tables={
                "Each model and all together, out of sample": titled(models.ensemble_scores(served, names), names),
                "What was followed": followed(served),
                "Importance out of sample: mean Shapley value of each model, in log-odds; log loss by permutation": (
                    titled(moved.assign(permutation=np.mean(worth, axis=(0, 1))), names)
                ),
            },
            pictures={
                "Chance of a rise, out of sample": models.calibration_picture(
                    chance, came, "chance of a rise, as told together"
                ),
                "Importance out of sample: log loss that a feature saves all together, mean and spread over refits": (
                    models.importance_picture(self.inputs, np.concatenate(worth))
                ),
                "Shapley values out of sample: how far a feature moves a model": models.contributions_picture(moved),
            },
        )


@dataclass(frozen=True)
class MLEnsembleFitted(Signal):
    """The chance of a rise less that of a fall, where the models are sure and agree."""

    name = "ml_ensemble_fitted"
    model: models.FittedModel
    inputs: tuple[str, ...]
    steps: int
    confidence: float
    disagreement: float

    def warmup(self):
        return features.warmup(self.inputs) + self.steps - 1

    def forecast(self, market):
        asked = labels.samples(features.compute(market, list(self.inputs)), steps=self.steps)
        up, down, apart = self.told(asked.inputs)
        trade = models.should_trade(np.maximum(up, down), apart, self.confidence, self.disagreement)
        return asked.frame(np.where(trade | np.isnan(up), up - down, 0.0))

    def told(self, inputs):
        """Return the chances of a rise and of a fall, and how far the models disagree, for each row."""
        up, down = (self.model.probability(label, inputs) for label in (labels.UP, labels.DOWN))
        return up, down, models.disagreement(models.opinions(self.model, inputs))


def titled(table, names):
    """Return a table with headings as they are spoken."""
    headings = {"auc": "AUC", "brier": "Brier", "weight": "weight (learned: slope in log-odds)"}
    words = {name: name.replace("_", " ") for name in (*names, *table.columns)}
    return table.rename(columns=words | headings, index=words)


def followed(served):
    """Return for each refit which part of its rows was unsure, disputed and followed, and how often that was right."""
    import pandas as pd

    rows = []
    for each in served:
        up, down, apart = each.signal.told(each.inputs)
        sure, agreed = np.maximum(up, down) >= each.signal.confidence, apart <= each.signal.disagreement
        right = (np.where(up > down, labels.UP, labels.DOWN) == each.labels)[sure & agreed]
        shares = {"unsure": 1 - sure.mean(), "disputed": 1 - agreed.mean(), "followed": (sure & agreed).mean()}
        share_right = right.mean() if len(right) else np.nan
        rows.append({"from": each.refit.start.date(), "rows": len(up), **shares, "right": share_right})
    return pd.DataFrame(rows).set_index("from")


@hookimpl
def register_signals(register):
    register(MLEnsemble)
