"""States of the market come in clusters; far from all of them, trade towards the nearest."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from quantstrats import Details, Learner, Signal, features, hookimpl, labels

STRETCH = "moving_average_distance(window=20)"  # the direction in which a trade goes
NAMES = [STRETCH, "roc(window=5)", "volatility_ratio(fast=6, slow=100)"]
STARTS = 10  # of the search for centres; the nearest of the results to the points counts


@dataclass(frozen=True)
class ClusterDistance(Learner):
    """Trade towards the nearest cluster's centre where the distance to it is as large as it seldom was in training.

    A row and symbol is a point of three features: the distance of the close to its mean of 20 bars, the return over 5
    bars, and recent over usual volatility, each in standard deviations of the training rows. K-means (Lloyd 1982)
    finds the centres. Beyond the `quantile` of the training points' distances the forecast is the way from the point to
    the centre in the first feature: up where prices lie lower than they do there. Centres, scales and the quantile are
    those of the training rows.

    Parameters
    ----------
    clusters : int
        How many centres.
    quantile : float
        Which part of the training points lies nearer to its centre, between 0 and 1.
    seed : int
        Draws where the search for centres begins.
    """

    name = "cluster_distance"
    clusters: int = 4
    quantile: float = 0.95
    seed: int = 1

    def __post_init__(self):
        if self.clusters < 1 or not 0 < self.quantile < 1:
            raise ValueError(
                f"clusters ({self.clusters}) must be at least 1, quantile ({self.quantile}) between 0 and 1"
            )

    def warmup(self):
        return features.warmup(NAMES)

    def fit(self, market):
        from scipy.cluster.vq import kmeans

        points = labels.samples(features.compute(market, NAMES)).inputs
        points = points[np.isfinite(points).all(axis=1)]
        if len(points) < 20 * self.clusters:
            return None
        mean, deviation = points.mean(axis=0), points.std(axis=0)
        if not (deviation > 0).all():
            return None
        points = (points - mean) / deviation
        centres, _ = kmeans(points, self.clusters, iter=STARTS, thresh=1e-9, seed=self.seed)
        return ClusterDistanceFitted(
            mean, deviation, centres, float(np.quantile(nearest(points, centres)[1], self.quantile))
        )

    def details(self, market):
        import pandas as pd

        learned = {refit.start.date(): refit.signal for refit in market.refits if refit.signal}
        if not learned:
            return Details()
        titles = ["Stretch", "Return, %", "Volatility ratio"]
        centres = {day: pd.DataFrame(fit.centres * fit.deviation + fit.mean) for day, fit in learned.items()}
        table = pd.concat(centres, names=["From", "Centre"]).set_axis(titles, axis=1)
        return Details(tables={"Centres of clusters": table.reset_index()})


@dataclass(frozen=True)
class ClusterDistanceFitted(Signal):
    """The way to the nearest centre, where it is far."""

    name = "cluster_distance_fitted"
    mean: Any
    deviation: Any
    centres: Any
    far: float

    def warmup(self):
        return features.warmup(NAMES)

    def forecast(self, market):
        samples = labels.samples(features.compute(market, NAMES))
        points = (samples.inputs - self.mean) / self.deviation
        centre, distance = nearest(points, self.centres)
        way = np.where(distance > self.far, self.centres[centre, 0] - points[:, 0], 0.0)
        return samples.frame(np.where(np.isfinite(points).all(axis=1), way, np.nan))


def nearest(points, centres):
    """Return which centre is nearest to each point, and how far it is."""
    apart = np.sqrt(((points[:, None] - centres) ** 2).sum(axis=2))
    return apart.argmin(axis=1), apart.min(axis=1)


@hookimpl
def register_signals(register):
    register(ClusterDistance)
