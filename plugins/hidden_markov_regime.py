"""Calm or stressed, by a hidden Markov model of returns."""

from dataclasses import dataclass
from datetime import date

import numpy as np

from quantstrats import Details, Learner, Signal, features, hookimpl, models


@dataclass(frozen=True, kw_only=True)
class HiddenMarkovRegime(Learner):
    """How likely times are calm, less how likely they are not: from -1 to 1.

    Returns are normal in each of a few states, with a mean and a volatility of its own, and states follow a Markov
    chain: Hamilton (1989), "A New Approach to the Economic Analysis of Nonstationary Time Series and the Business
    Cycle", Econometrica 57(2); of volatility as Turner, Startz and Nelson (1989), Journal of Financial Economics
    25(1). The states are found on the training rows, eight years by default as Bulla et al. (2011, see regime_switch):
    what is calm must be told from a whole cycle. Each later row's probability is filtered: of rows up to it, not
    smoothed by those after it, which know how the story ends. The calm state is the least volatile one, so that no
    refit takes one for another. Made to be the `regime` of regime_switch.

    Parameters
    ----------
    observed : tuple of str
        Features that are normal in each state; two or more are so together.
    states : int
        How many there are.
    per_symbol : bool
        Whether each symbol has states of its own; else they are those of the mean over symbols.
    memory : int
        Rows before the first that is asked, on which the filter forgets that it knew nothing.
    seed : int
        Of the places at random from which the search for the states begins.
    """

    name = "hidden_markov_regime"
    observed: tuple[str, ...] = ("log_return",)
    states: int = 2
    per_symbol: bool = False
    memory: int = 63
    seed: int = 0
    train: int | date = 2000

    def __post_init__(self):
        if not self.observed or self.states < 2 or self.memory < 0:
            raise ValueError(
                f"observed ({self.observed}) must name a feature, states ({self.states}) be at least 2, "
                f"and memory ({self.memory}) at least 0"
            )

    def warmup(self):
        return features.warmup(self.observed) + self.memory

    def fit(self, market):
        model = models.HiddenMarkov(states=self.states, seed=self.seed)
        observations = observations_of(market, self.observed, self.per_symbol)
        found = {name: model.fit(rows) for name, rows in observations.items()}
        return HiddenMarkovRegimeFitted(found, self.observed, self.per_symbol, self.warmup())

    def details(self, market):
        import pandas as pd

        fits = [states_of(refit) for refit in market.refits if refit.signal]
        if not fits:
            return Details()
        picture = models.graded_picture(
            market.forecast.mean(axis=1), {"stressed": -1.0, "calm": 0.0}, top=1.0, label="calm less stressed"
        )
        return Details(tables={"States": pd.concat(fits, ignore_index=True)}, pictures={"Regime": picture})


@dataclass(frozen=True)
class HiddenMarkovRegimeFitted(Signal):
    """The probability of the calm state less that of the others."""

    name = "hidden_markov_regime_fitted"
    found: dict[str, models.FittedHiddenMarkov]
    observed: tuple[str, ...]
    per_symbol: bool
    rows: int

    def warmup(self):
        return self.rows

    def forecast(self, market):
        import pandas as pd

        observations = observations_of(market, self.observed, self.per_symbol)
        calm = {
            name: 2.0 * self.found[name].filtered(rows)[:, 0] - 1.0
            for name, rows in observations.items()
            if name in self.found
        }
        if not self.per_symbol:
            calm = dict.fromkeys(market.symbols, calm[MARKET])
        return pd.DataFrame(calm, index=market.index)


MARKET = "market"


def observations_of(market, names, per_symbol):
    """Return rows x features by symbol, or of the mean over symbols."""
    table = features.compute(market, list(names))
    if not per_symbol:
        return {MARKET: np.column_stack([table[name].mean(axis=1) for name in names])}
    return {symbol: table.xs(symbol, axis=1, level="symbol")[list(names)].to_numpy() for symbol in market.symbols}


def states_of(refit):
    """Return a row per state of one fit: how its features are, how often and how long it is there."""
    import pandas as pd

    tables = []
    for of, model in refit.signal.found.items():
        table = pd.DataFrame({"from": str(refit.start.date()), "of": of, "state": range(1, len(model.means) + 1)})
        for place, name in enumerate(refit.signal.observed):
            table[f"mean {name}"] = model.means[:, place]
            table[f"deviation {name}"] = np.sqrt(model.covariances[:, place, place])
        tables.append(table.assign(share=model.long_run, bars=model.expected_rows))
    return pd.concat(tables, ignore_index=True)


@hookimpl
def register_signals(register):
    register(HiddenMarkovRegime)
