"""Trading tells how many bars are done."""

from __future__ import annotations

from quantstrats import Plugins, hookimpl
from quantstrats.progress import running


def test_trading_counts_its_bars_and_is_over_at_the_end(trade, market_of):
    seen = []

    class Onlooker:
        @hookimpl
        def decided(self, decision):
            seen.extend((stage.label, stage.done, stage.total) for stage in running())

    plugins = Plugins()
    plugins.register(Onlooker(), "onlooker")
    trade(market_of({"A": [10, 10, 10, 10]}), {0: {"A": 0.5}, 2: {}}, plugins=plugins)
    assert seen == [("trading", 1, 4), ("trading", 3, 4)]
    assert running() == ()
