"""What moves together drifts apart and comes back: buy each cluster's laggards, sell its leaders."""

from dataclasses import dataclass

import numpy as np

from quantstrats import Details, Learner, Signal, hookimpl

PRESENT = 0.9  # part of the training rows on which a symbol must have a return


@dataclass(frozen=True)
class ClusterBasket(Learner):
    """Weights against each symbol's return less that of its cluster, which sum to zero.

    Clusters are the branches of a tree that average linkage builds on the distance sqrt((1 - correlation) / 2) of the
    training rows' returns (Mantegna 1999, "Hierarchical Structure in Financial Markets"). Within each, weights are
    those of Lehmann (1990), "Fads, Martingales, and Market Efficiency": the mean return of the cluster over `lookback`
    bars less the symbol's own. Absolute weights sum to 1; allocate with `direct`, or with `proportional`.
    A dispersion trade buys options on the members and sells those on the index; this is its relative in shares alone:
    it earns where members that drifted apart come back, and has no options' premium.

    Parameters
    ----------
    clusters : int
        How many; a symbol that is alone in its cluster is not traded.
    lookback : int
        In bars; 21 are a month.
    """

    name = "cluster_basket"
    clusters: int = 4
    lookback: int = 21

    def __post_init__(self):
        if self.clusters < 1 or self.lookback < 1:
            raise ValueError(f"clusters ({self.clusters}) and lookback ({self.lookback}) must be at least 1")

    def warmup(self):
        return self.lookback + 1

    def fit(self, market):
        from scipy.cluster.hierarchy import fcluster, linkage
        from scipy.spatial.distance import squareform

        returns = market.close.pct_change(fill_method=None).iloc[self.lookback :]
        returns = returns.loc[:, (returns.notna().mean() >= PRESENT) & (returns.std() > 0)]
        if returns.shape[1] < 2:
            return None
        apart = np.sqrt((1 - returns.corr().clip(-1, 1)) / 2).to_numpy(copy=True)
        np.fill_diagonal(apart, 0)
        tree = linkage(squareform(apart, checks=False), method="average")
        cluster = fcluster(tree, self.clusters, criterion="maxclust")
        members = {str(symbol): int(number) for symbol, number in zip(returns.columns, cluster, strict=True)}
        return ClusterBasketFitted(members, self.lookback)

    def details(self, market):
        import pandas as pd

        learned = {str(refit.start.date()): refit.signal.members for refit in market.refits if refit.signal}
        if not learned:
            return Details()
        table = pd.DataFrame(learned).rename_axis("Symbol").astype("Int64")
        return Details(tables={"Clusters, from each refit on": table.reset_index()})


@dataclass(frozen=True)
class ClusterBasketFitted(Signal):
    """Less the return beyond the cluster's mean, of the clusters that were found."""

    name = "cluster_basket_fitted"
    members: dict
    lookback: int

    def warmup(self):
        return self.lookback + 1

    def forecast(self, market):
        past = market.close.pct_change(self.lookback, fill_method=None)
        past = past[[symbol for symbol in past.columns if symbol in self.members]]
        if market.universe is not None:  # what may not be held is no part of a basket
            past = past.where(market.universe[past.columns])
        mean = past.T.groupby(self.members).transform("mean").T
        total = (mean - past).abs().sum(axis=1)
        return (mean - past).div(total.where(total > 0, 1), axis=0)


@hookimpl
def register_signals(register):
    register(ClusterBasket)
