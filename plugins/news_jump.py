"""A price that jumps on news goes on; one that jumps without does not."""

from dataclasses import dataclass

import numpy as np

from quantstrats import Signal, features, hookimpl, positions

RETURN, VOLATILITY = "log_return", "realised_volatility(window=20)"
NAMES = [RETURN, VOLATILITY]


@dataclass(frozen=True)
class NewsJump(Signal):
    """Follow a jump for `hold` bars where news of the same sign came with it.

    After Chan (2003), "Stock Price Reaction to News and No-News": returns drifted on after news, and reversed after
    moves without. A jump is a return beyond `deviations` of the volatility of the 20 bars before it. News is the side
    series `news`: a score of sentiment per symbol, or one for all, above 0 for good and below 0 for bad, known when it
    was published. News is what differs from the score before and is at most `fresh` bars old, so a vendor's scores
    should go back to 0 where nothing was written. Who makes the scores is not this signal's business, and
    whether their maker knew the future cannot be seen from here: `known_at` must be the instant of publication.

    Parameters
    ----------
    deviations : float
        In standard deviations of a bar's return.
    least : float
        Of the score's size, from which on it counts.
    fresh, hold : int
        In bars.
    """

    name = "news_jump"
    needs = ("news",)
    deviations: float = 2.0
    least: float = 0.0
    fresh: int = 1
    hold: int = 20

    def __post_init__(self):
        if not (self.deviations > 0 and self.least >= 0 and self.fresh >= 1 and self.hold >= 1):
            raise ValueError(
                f"deviations ({self.deviations}) must be above 0, least ({self.least}) not below, "
                f"fresh ({self.fresh}) and hold ({self.hold}) at least 1"
            )

    def warmup(self):
        return max(features.warmup(NAMES), self.fresh) + self.hold

    def forecast(self, market):
        table = features.compute(market, NAMES)
        usual = (table[VOLATILITY] / market.bars_per_year**0.5).shift(1)
        size = table[RETURN] / usual.where(usual > 0)
        jump = np.sign(size).where((size.abs() > self.deviations) | size.isna(), 0.0)
        return positions.after(jump.where((jump == self.news(market)) | jump.isna(), 0.0), self.hold)

    def news(self, market):
        """Return the sign of news that is fresh enough: 1, -1 or 0."""
        import pandas as pd

        score = market.side["news"]
        if score.ndim == 1:
            score = pd.DataFrame(dict.fromkeys(market.symbols, score))
        new = np.sign(score).where((score != score.shift(1)) & (score.abs() > self.least), 0.0)
        return positions.after(new, self.fresh)


@hookimpl
def register_signals(register):
    register(NewsJump)
