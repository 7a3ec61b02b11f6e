"""Costs: what a broker and the market take."""

from __future__ import annotations

from dataclasses import dataclass

from quantstrats.checks import number
from quantstrats.errors import ConfigError

BASIS_POINTS = 10_000.0  # in one


@dataclass(frozen=True)
class Costs:
    """Commission and slippage.

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
    """

    commission_bps: float = 10.0
    commission_per_share: float = 0.0
    commission_minimum: float = 0.0
    slippage_bps: float = 5.0

    def __post_init__(self) -> None:
        for name in ("commission_bps", "commission_per_share", "commission_minimum", "slippage_bps"):
            if not 0.0 <= number(name, getattr(self, name)) < float("inf"):
                raise ConfigError(f"{name} is {getattr(self, name)}; it cannot be negative or infinite")
        if self.slippage_bps >= BASIS_POINTS:
            raise ConfigError(f"slippage_bps is {self.slippage_bps}; 10000 or more would sell for nothing")
