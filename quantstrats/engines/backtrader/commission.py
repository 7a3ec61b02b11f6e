"""Commission and order sizes, as Backtrader asks for them."""

from __future__ import annotations

import backtrader as bt

from quantstrats.portfolio.costs import BASIS_POINTS, Costs

# The smallest part of a share that brokers count. Less than that is a remainder of floating-point arithmetic, and
# an order for it would cost the least commission.
SMALLEST_PART = 1e-9


class StockCommission(bt.CommInfoBase):
    """Commission of stock-like assets by value, by share and at least a minimum."""

    params = (("per_share", 0.0), ("minimum", 0.0), ("fractional", False), ("stocklike", True), ("percabs", True))

    def _getcommission(self, size: float, price: float, pseudoexec: bool) -> float:  # noqa: ARG002
        shares = abs(size)
        commission = shares * self.p.commission * price + shares * self.p.per_share
        return max(commission, self.p.minimum)  # type: ignore[no-any-return]

    def getsize(self, price: float, cash: float) -> float:
        """Return how many shares ``cash`` buys: whole ones, unless fractions can be traded."""
        if not self.p.fractional:
            return int(cash // price)
        shares = cash / price
        return shares if shares >= SMALLEST_PART else 0.0


def commission_of(costs: Costs, fractional: bool) -> StockCommission:
    """Return what the broker charges under these costs."""
    return StockCommission(
        commission=costs.commission_bps / BASIS_POINTS,
        commtype=bt.CommInfoBase.COMM_PERC,
        per_share=costs.commission_per_share,
        minimum=costs.commission_minimum,
        fractional=fractional,
    )


def free_of_charge() -> StockCommission:
    """Return what a settlement costs: nothing."""
    return commission_of(Costs(commission_bps=0.0, slippage_bps=0.0), fractional=True)
