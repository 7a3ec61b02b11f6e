"""Pairs: which symbols belong together, how much of one hedges another, and what is held of their spread.

``screen`` tests all pairs, ``form`` measures the spreads of those that pass, ``follow`` gives their z-scores on later
rows, ``positions`` what is held, ``leg_weights`` and ``netted`` the weights of symbols. Every name loads on first use.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from quantstrats.lazy import lazily

if TYPE_CHECKING:
    from quantstrats.pairs.cointegration import critical_values, engle_granger
    from quantstrats.pairs.discoveries import false_discovery
    from quantstrats.pairs.hedging import hedge_ratio
    from quantstrats.pairs.johansen_baskets import Johansen, baskets, johansen
    from quantstrats.pairs.netting import all_within, leg_weights, netted
    from quantstrats.pairs.pictures import spread_picture
    from quantstrats.pairs.records import trades, with_trades
    from quantstrats.pairs.reversion import half_life
    from quantstrats.pairs.screening import screen
    from quantstrats.pairs.spreads import Followed, Formation, follow, form
    from quantstrats.pairs.trading import positions

_HOMES = {
    "Followed": "spreads",
    "Formation": "spreads",
    "Johansen": "johansen_baskets",
    "all_within": "netting",
    "baskets": "johansen_baskets",
    "critical_values": "cointegration",
    "engle_granger": "cointegration",
    "false_discovery": "discoveries",
    "follow": "spreads",
    "form": "spreads",
    "half_life": "reversion",
    "hedge_ratio": "hedging",
    "johansen": "johansen_baskets",
    "leg_weights": "netting",
    "netted": "netting",
    "positions": "trading",
    "screen": "screening",
    "spread_picture": "pictures",
    "trades": "records",
    "with_trades": "records",
}

__all__ = [
    "Followed",
    "Formation",
    "Johansen",
    "all_within",
    "baskets",
    "critical_values",
    "engle_granger",
    "false_discovery",
    "follow",
    "form",
    "half_life",
    "hedge_ratio",
    "johansen",
    "leg_weights",
    "netted",
    "positions",
    "screen",
    "spread_picture",
    "trades",
    "with_trades",
]

__getattr__, __dir__ = lazily(__name__, _HOMES)
