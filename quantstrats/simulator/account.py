"""What an account is worth, what it holds and what it may still buy, at one instant."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

INITIAL_MARGIN = Decimal("0.5")
LONG_MAINTENANCE = Decimal("0.25")
SHORT_MAINTENANCE = Decimal("0.3")


@dataclass(frozen=True, kw_only=True)
class Account:
    """An account at one instant. Amounts in dollars; times in nanoseconds since 1970 (UTC).

    Attributes
    ----------
    id, key : str
        Its id, and what its clients sign in with.
    created_at : int
        When the simulation began.
    cash : Decimal
        Negative where it is borrowed.
    long_market_value, short_market_value : Decimal
        Of what is held at the last prices; the second is negative or 0.
    equity : Decimal
        ``cash + long_market_value + short_market_value``.
    last_equity : Decimal
        At the previous close.
    initial_margin, maintenance_margin, last_maintenance_margin : Decimal
        50% of both sides; 25% of longs and 30% of shorts; the same at the previous close.
    reserved : Decimal
        What open orders keep of the buying power.
    buying_power : Decimal
        What may still be bought or sold short: see :func:`buying_power`.
    regt_buying_power : Decimal
        The same with a multiplier of two at most.
    non_marginable_buying_power : Decimal
        The same with a multiplier of one.
    multiplier : int
        1, 2 or 4.
    shorting_enabled : bool
        Whether it may sell short now.
    trading_blocked : bool
        Whether the broker takes no orders.
    trade_suspended_by_user, no_shorting : bool
        What the user has configured.
    """

    id: str
    key: str
    created_at: int
    cash: Decimal
    long_market_value: Decimal
    short_market_value: Decimal
    equity: Decimal
    last_equity: Decimal
    initial_margin: Decimal
    maintenance_margin: Decimal
    last_maintenance_margin: Decimal
    reserved: Decimal
    buying_power: Decimal
    regt_buying_power: Decimal
    non_marginable_buying_power: Decimal
    multiplier: int
    shorting_enabled: bool
    trading_blocked: bool
    trade_suspended_by_user: bool
    no_shorting: bool


@dataclass(frozen=True, kw_only=True)
class Position:
    """What an account holds of a symbol. Dollars and shares; negative quantities and values for a short.

    Attributes
    ----------
    qty, qty_available : Decimal
        Shares held, and those that no open closing order holds (same sign).
    avg_entry_price : Decimal
        Average cost of what is held.
    cost_basis, market_value : Decimal
        ``qty`` times the average cost, and times ``current_price``.
    current_price, lastday_price : Decimal
        The last price, and the previous close (the average cost where there is none).
    unrealized_pl, unrealized_intraday_pl : Decimal
        Gain since entry, and since the later of entry and the previous close.
    """

    symbol: str
    asset_id: str
    side: str
    qty: Decimal
    qty_available: Decimal
    avg_entry_price: Decimal
    cost_basis: Decimal
    market_value: Decimal
    current_price: Decimal
    lastday_price: Decimal
    unrealized_pl: Decimal
    unrealized_intraday_pl: Decimal


def buying_power(equity: Decimal, gross: Decimal, cash: Decimal, multiplier: int, reserved: Decimal) -> Decimal:
    """Return what may still be bought, in dollars; never below 0.

    Parameters
    ----------
    equity, gross, cash, reserved : Decimal
        Dollars: worth of the account, of its longs plus its shorts, its cash, and what open orders keep.
    multiplier : int
        1 for a cash account: what it has in cash. Otherwise a multiple of the equity beyond the initial margin.
    """
    free = cash if multiplier == 1 else multiplier * equity - gross
    return max(Decimal(0), max(Decimal(0), free) - reserved)
