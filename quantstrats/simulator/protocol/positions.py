"""A position as JSON."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, Any

from quantstrats.simulator.decimals import number

if TYPE_CHECKING:
    from quantstrats.simulator.account import Position
    from quantstrats.simulator.settings import AssetSettings

_FRACTION = Decimal("1e-12")


def position_json(position: Position, asset: AssetSettings) -> dict[str, Any]:
    """Return a position as the broker sends it; shares and dollars of a short are negative.

    Parameters
    ----------
    position : Position
        As it is now.
    asset : AssetSettings
        Of its symbol.
    """
    cost, day_ago = position.cost_basis, position.qty * position.lastday_price
    return {
        "asset_id": position.asset_id,
        "symbol": position.symbol,
        "exchange": asset.exchange,
        "asset_class": "us_equity",
        "asset_marginable": asset.marginable,
        "qty": number(position.qty),
        "qty_available": number(position.qty_available),
        "avg_entry_price": number(position.avg_entry_price),
        "side": position.side,
        "market_value": number(position.market_value),
        "cost_basis": number(cost),
        "unrealized_pl": number(position.unrealized_pl),
        "unrealized_plpc": _part(position.unrealized_pl, cost),
        "unrealized_intraday_pl": number(position.unrealized_intraday_pl),
        "unrealized_intraday_plpc": _part(position.unrealized_intraday_pl, day_ago),
        "current_price": number(position.current_price),
        "lastday_price": number(position.lastday_price),
        "change_today": _part(position.current_price - position.lastday_price, position.lastday_price),
    }


def _part(gain: Decimal, base: Decimal) -> str:
    return number((gain / abs(base)).quantize(_FRACTION)) if base else "0"
