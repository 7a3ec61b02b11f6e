"""RiskPolicy: what ends a strategy's trading, judged on the account as it unfolds."""

from __future__ import annotations

from dataclasses import dataclass

from quantstrats.checks import number
from quantstrats.errors import ConfigError


@dataclass(frozen=True)
class RiskPolicy:
    """Limits on the account. None, which is the default, limits nothing.

    Parameters
    ----------
    max_drawdown : float, optional
        Fraction of equity. Once equity at a bar's close lies further than this below its highest close so far, all
        positions are closed at the next opens, and no further decision is traded.
    """

    max_drawdown: float | None = None

    def __post_init__(self) -> None:
        if self.max_drawdown is not None:
            limit = number("max_drawdown", self.max_drawdown)
            if not 0.0 < limit < 1.0:
                raise ConfigError(f"max_drawdown is {limit}; it is a fraction of equity between 0 and 1: 0.2 is 20%")

    def ends_trading(self, equity: float, highest: float) -> bool:
        """Tell whether the account trades no more.

        Parameters
        ----------
        equity, highest : float
            Value of the account at this close, and at its highest close so far, in units of currency.
        """
        return self.max_drawdown is not None and equity < highest * (1.0 - self.max_drawdown)
