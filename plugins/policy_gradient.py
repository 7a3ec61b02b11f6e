"""Reinforcement learning at its smallest: positions are tried, and those that earned more become more likely."""

from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from quantstrats import Details, Learner, Signal, features, hookimpl, models

STATE = ["roc(window=1)", "roc(window=5)", "roc(window=21)", "roc(window=63)", "zscore", "realised_volatility"]
LEAST = 100  # rows and symbols to learn from


@dataclass(frozen=True)
class PolicyGradient(Learner):
    """Learn from rewards alone whether to be short, flat or long: REINFORCE, on the rows of each fit.

    Research, and no promise. Nobody tells the policy which position was right. It draws positions with the chances that
    it gives them, is paid what each earned after costs, and moves along reward x gradient of the log chance: Williams
    (1992), "Simple Statistical Gradient-Following Algorithms for Connectionist Reinforcement Learning", Machine
    Learning 8. The reward counts as far as it is above the mean of all episodes on that row (a baseline).

    The world is tiny: the state is returns and volatility, the position held is no part of it (a forecast would then
    remember all before it), and positions move no prices.

    Parameters
    ----------
    hidden : int
        Size of the hidden layer.
    episodes : int
        How often positions are drawn for all rows before each step.
    passes : int
        Steps. More of them fit the training rows better, and only these.
    learning_rate : float
        Step size of Adam.
    discount : float
        What the next row's reward counts beside the present one's, from 0 to below 1: a position decides on the cost
        of the next one, and on nothing else that comes.
    cost_bps : float
        What changing a position by 1 costs in training, in basis points of its value. What is traded in earnest costs
        what the run says.
    seed : int
        Draws first weights and positions.
    """

    name = "policy_gradient"
    hidden: int = 16
    episodes: int = 16
    passes: int = 100
    learning_rate: float = 0.01
    discount: float = 0.5
    cost_bps: float = 15.0
    seed: int = 0

    def __post_init__(self):
        if min(self.hidden, self.passes) < 1 or self.episodes < 2:
            raise ValueError(f"hidden ({self.hidden}) and passes ({self.passes}) must be at least 1, episodes "
                             f"({self.episodes}) at least 2")  # fmt: skip
        if not 0 <= self.discount < 1 or not self.learning_rate > 0 or not self.cost_bps >= 0:
            raise ValueError(f"discount ({self.discount}) must be at least 0 and below 1, learning_rate "
                             f"({self.learning_rate}) above 0, cost_bps ({self.cost_bps}) at least 0")  # fmt: skip

    def warmup(self):
        return features.warmup(STATE)

    def fit(self, market):
        state, returns = states(market), returns_to_come(market)
        known = np.isfinite(state).all(axis=-1) & np.isfinite(returns)
        if known.sum() < LEAST:
            return None
        center, scale = state[known].mean(axis=0), state[known].std(axis=0)
        scale = np.where(scale > 0, scale, 1.0)
        policy = Policy(center, scale, self.learned((state[known] - center) / scale, returns, known))
        return replace(policy, earned=float(per_bar(policy.forecast(market), returns, self.cost_bps).mean()))

    def learned(self, state, returns, known):
        """Return the policy's weights: from the state to the hidden layer, and from there to three chances."""
        import torch

        with models.reproducible(self.seed):
            policy = torch.nn.Sequential(
                torch.nn.Linear(len(STATE), self.hidden), torch.nn.Tanh(), torch.nn.Linear(self.hidden, 3)
            ).double()
            adam = torch.optim.Adam(policy.parameters(), lr=self.learning_rate)
            seen = torch.as_tensor(state)
            for _ in range(self.passes):
                chances = torch.distributions.Categorical(logits=policy(seen))
                drawn = chances.sample((self.episodes,))
                positions = np.zeros((self.episodes, *known.shape))
                positions[:, known] = drawn.numpy() - 1
                gain = to_come(rewards(positions, returns, self.cost_bps), self.discount)[:, known]
                better = gain - gain.mean(axis=0)
                better /= max(better.std(), 1e-12)
                adam.zero_grad()
                (-torch.as_tensor(better) * chances.log_prob(drawn)).mean().backward()
                adam.step()
        return tuple(each.detach().numpy() for each in policy.parameters())

    def details(self, market):
        import pandas as pd

        served = per_bar(market.forecast, returns_to_come(market), self.cost_bps)
        told = [
            (refit.start, refit.stop, 1e4 * refit.signal.earned, 1e4 * served.loc[refit.start : refit.stop].mean())
            for refit in market.refits
            if refit.signal is not None
        ]
        columns = ["from", "to", "on its training rows", "on the rows it served"]
        return Details(tables={"Reward per bar, net, in basis points": pd.DataFrame(told, columns=columns)})


@dataclass(frozen=True)
class Policy(Signal):
    """The position that is most likely to be drawn, as sure as it is likely."""

    name = "policy"
    center: Any
    scale: Any
    weights: tuple[Any, ...]
    earned: float = 0.0  # on the rows of the fit, per bar and symbol

    def warmup(self):
        return features.warmup(STATE)

    def forecast(self, market):
        import pandas as pd

        state = (states(market) - self.center) / self.scale
        first, shift, last, level = self.weights
        logits = np.tanh(state @ first.T + shift) @ last.T + level
        chances = np.exp(logits - logits.max(axis=-1, keepdims=True))
        likely = (chances.argmax(axis=-1) - 1) * chances.max(axis=-1) / chances.sum(axis=-1)
        return pd.DataFrame(likely, index=market.index, columns=market.symbols)


def states(market):
    """Return what the policy sees: rows x symbols x features."""
    table = features.compute(market, STATE)
    return np.stack([table[name].to_numpy() for name in STATE], axis=-1)


def returns_to_come(market):
    """Return what a position that is decided on each row is paid: from the next open to the one after it."""
    return market.open.pct_change(fill_method=None).shift(-2).to_numpy()


def rewards(positions, returns, cost_bps):
    """Return what positions (..., rows, symbols) earn less what it costs to change them; flat before, and in gaps."""
    held = np.where(np.isfinite(returns), np.nan_to_num(positions), 0.0)
    return held * np.nan_to_num(returns) - cost_bps / 1e4 * np.abs(np.diff(held, axis=-2, prepend=0.0))


def per_bar(forecast, returns, cost_bps):
    """Return what following a forecast earns on each row, the mean of the symbols."""
    known = np.isfinite(returns) & forecast.notna()
    return known.astype(float).mul(rewards(np.sign(forecast), returns, cost_bps)).where(known).mean(axis=1)


def to_come(reward, discount):
    """Return each row's reward and the discounted rewards after it."""
    total = reward.copy()
    for row in range(reward.shape[-2] - 2, -1, -1):
        total[..., row, :] += discount * total[..., row + 1, :]
    return total


@hookimpl
def register_signals(register):
    register(PolicyGradient)
