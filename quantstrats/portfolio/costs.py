"""Costs: what a broker and the market take."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from quantstrats.checks import is_count, number
from quantstrats.errors import ConfigError, DataError

if TYPE_CHECKING:
    from quantstrats.market.market import Market

BASIS_POINTS = 10_000.0  # in one
_LONGEST_WINDOW = 100_000


@dataclass(frozen=True)
class Costs:
    """Commission, slippage and the move that an order itself makes.

    The commission of an order is ``max(commission_minimum, commission_bps of its value + commission_per_share x
    shares)``. An order that turns a position to the other side pays it for the part that closes and for the
    part that opens, as brokers that want two orders for this do.

    Parameters
    ----------
    commission_bps : float, default 10
        Basis points of the traded value: 10 is 0.1%.
    commission_per_share : float, default 0
        Units of currency per share.
    commission_minimum : float, default 0
        Least commission of an order, in units of currency.
    slippage_bps : float, default 5
        Basis points by which a market order fills worse than the open, but never outside the bar's range (unless
        the bars are closes alone and have no range).
    impact : float, default 0
        How far an order moves the price it fills at, as a multiple of Amihud's illiquidity: 1 takes the mean of
        absolute return / (close x volume) for the move that one unit of currency makes, as Amihud (2002) reads it. An
        order worth V at the open moves the price by the fraction f = impact x illiquidity x V: after slippage, a
        purchase fills 1 + f times higher, a sale 1 + f times lower. This is not bounded by the bar's range: the bar
        is what others traded, without the order. It is linear in V, and meant for orders that are small beside a
        bar's volume.
    impact_window : int, default 21
        Rows over which that mean is taken, up to the decision's; bars without volume are left out.
    """

    commission_bps: float = 10.0
    commission_per_share: float = 0.0
    commission_minimum: float = 0.0
    slippage_bps: float = 5.0
    impact: float = 0.0
    impact_window: int = 21

    def __post_init__(self) -> None:
        for name in ("commission_bps", "commission_per_share", "commission_minimum", "slippage_bps", "impact"):
            if not 0.0 <= number(name, getattr(self, name)) < float("inf"):
                raise ConfigError(f"{name} is {getattr(self, name)}; it cannot be negative or infinite")
        if self.slippage_bps >= BASIS_POINTS:
            raise ConfigError(f"slippage_bps is {self.slippage_bps}; 10000 or more would sell for nothing")
        if not is_count(self.impact_window) or not 1 <= self.impact_window <= _LONGEST_WINDOW:
            raise ConfigError(f"impact_window is {self.impact_window!r}; it counts rows, from 1 to {_LONGEST_WINDOW}")

    def check(self, market: Market) -> None:
        """Check that the costs can be worked out on a market at all.

        Raises
        ------
        DataError
            If ``impact`` is asked for and the bars have no volumes.
        """
        if self.impact and not (market.array("volume") > 0.0).any():
            raise DataError("costs.impact needs volumes, which these bars lack; leave it out")
