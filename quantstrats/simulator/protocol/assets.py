"""An asset as JSON."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from quantstrats.simulator.account import LONG_MAINTENANCE, SHORT_MAINTENANCE
from quantstrats.simulator.decimals import number
from quantstrats.simulator.ids import asset_id

if TYPE_CHECKING:
    from quantstrats.simulator.protocol.profiles import Profile
    from quantstrats.simulator.settings import AssetSettings


def asset_json(symbol: str, asset: AssetSettings, profile: Profile) -> dict[str, Any]:
    """Return an asset as the broker sends it.

    Parameters
    ----------
    symbol : str
        Its name on the tape.
    asset : AssetSettings
        What may be done with it.
    profile : Profile
        Which fields there are.
    """
    content: dict[str, Any] = {
        "id": asset_id(symbol),
        "class": "us_equity",
        "exchange": asset.exchange,
        "symbol": symbol,
        "name": symbol,
        "status": "active",
        "tradable": asset.tradable,
        "marginable": asset.marginable,
        "maintenance_margin_requirement": int(LONG_MAINTENANCE * 100),
        "margin_requirement_long": number(LONG_MAINTENANCE * 100),
        "margin_requirement_short": number(SHORT_MAINTENANCE * 100),
        "shortable": asset.shortable,
        "fractionable": asset.fractionable,
        "attributes": [],
    }
    if profile.easy_to_borrow:
        content["easy_to_borrow"] = asset.easy_to_borrow
    if profile.borrow_status:
        content["borrow_status"] = _borrow_status(asset)
    return content


def _borrow_status(asset: AssetSettings) -> str:
    if not asset.shortable:
        return "not_shortable"
    return "easy_to_borrow" if asset.easy_to_borrow else "hard_to_borrow"
